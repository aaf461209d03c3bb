#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qwatch on a terminal: the board as a person sees it, in a real pseudo-terminal.

# shellcheck disable=SC2016 # the shell of the pane expands
load lib

setup() {
	command -v tmux >/dev/null || skip "no tmux"
	setup_root
	socket=qwatch-$$-$BATS_TEST_NUMBER
	unset TMUX TERM_PROGRAM
}

teardown() {
	tm kill-server 2>/dev/null || :
	end_started
	if [ -n "${public:-}" ]; then
		rm -rf "$public"
	fi
}

tm() {
	SHELL=/bin/bash tmux -L "$socket" -f /dev/null "$@"
}

# Another terminal, of a server of its own: the old one may take its time to end.
another() {
	tm kill-server
	socket+=-next
	rm -f status
}

# pane WIDTH HEIGHT SHELL-COMMANDS: a terminal of that size in which they run.
pane() {
	tm new-session -d -x "$1" -y "$2" "$3; exec cat"
}

# watch [WIDTH HEIGHT [OPERAND...]]: the board in a terminal; its status goes to the file
# status.
watch() {
	local width=${1:-100} height=${2:-24}

	shift $(($# < 2 ? $# : 2))
	pane "$width" "$height" "qwatch $*; echo \$? >status"
}

picture() {
	tm capture-pane -p
}

has_line() {
	picture | grep -Eq -- "$1"
}

lacks_line() {
	! picture | grep -Eq -- "$1"
}

# sees REGEX: a line of the screen, soon.
sees() {
	eventually has_line "$1" || {
		picture >&2
		return 1
	}
}

sees_no() {
	eventually lacks_line "$1" || {
		picture >&2
		return 1
	}
}

types() {
	tm send-keys "$@"
}

# The names of the queues, from the top.
rows() {
	picture | awk '/^QUEUE/ { inside = 1; next } /^$/ { inside = 0 }
		inside { printf "%s ", $1 }'
}

rows_are() {
	[ "$(rows)" = "$1" ]
}

# The process of the board.
watcher() {
	pgrep -P "$(tm display-message -p '#{pane_pid}')" qwatch
}

quits() {
	types q
	eventually test -s status
	is "$(cat status)" "${1:-0}"
}

kill_dead() {
	qpop -n all "$1" -- sh -c 'exit 65' 2>/dev/null || :
}

@test "all queues are shown with their numbers" {
	seq 12 | qpush -l jobs
	qpush --delay 1h mail later
	qpush dead a b c
	kill_dead dead
	watch
	sees '^qwatch: 3 queues, by name, every 1 s .*20..-..-..T..:..:..Z$'
	sees '^QUEUE +READY +DELAYED +BLOCKED +LEASED +DEAD +OLDEST +IN/S +OUT/S +TREND +DRAIN$'
	sees '^dead +0 +0 +0 +0 +3 +- '
	sees '^jobs +12 +0 +0 +0 +0 +[0-9]+ m?s '
	sees '^mail +0 +1 +0 +0 +0 +- '
	sees '^Enter open .*q quit *$'
	quits
}

@test "numbers change when a message is pushed, and a trend is drawn" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	qpush jobs b
	sees '^jobs +2 .* [▁▂▃▄▅▆▇█]+ '
	qpop -n all jobs
	sees '^jobs +0 '
	quits
}

@test "queues come and go, with a word" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	qpush mail b
	sees '^mail +1 '
	sees '^mail is new$'
	qctl rm --yes jobs
	sees '^jobs is removed$'
	sees_no '^jobs +[0-9]'
	qctl rm --yes mail
	sees "^no queues in $Q_ROOT$"
	quits
}

@test "a root without queues, or that is not there yet, is no error" {
	watch
	sees "^no queues in $Q_ROOT$"
	qpush jobs a
	sees '^jobs +1 '
	quits
}

@test "a root that cannot be read is not an empty one" {
	echo x >file
	Q_ROOT=$PWD/file watch
	sees "^qwatch: $PWD/file: Not a directory$"
	lacks_line 'no queues'
	quits
}

@test "only the queues that are named are shown, and one is opened at once" {
	qpush jobs a
	qpush mail b
	qpush ./here c
	watch 100 24 jobs ./here
	sees '^jobs +1 '
	sees '^\./here +1 '
	lacks_line '^mail'
	quits
	another
	watch 100 24 jobs
	sees '^qwatch: jobs, every 1 s'
	types Escape
	sees '^qwatch: 1 queue,'
	quits
}

@test "a queue that is named must be there" {
	qpush jobs a
	pane 100 24 'qwatch jbos jobs 2>error; echo $? >status'
	eventually test -s status
	is "$(cat status)" 3
	has "$(cat error)" 'qwatch: jbos: '
	has "$(cat error)" 'no such queue'
}

@test "a queue is opened: charts, the longest waiting, who has a message, failures" {
	seq 5 | qpush -l jobs
	qpop -n 1 jobs -- sh -c 'echo trying >&2; echo no such file >&2; exit 65' 2>/dev/null || :
	mkfifo go
	start qpop -n 1 jobs -- sh -c 'read -r x <go'
	eventually has_count jobs leased=1
	qpop -L 1h jobs >/dev/null
	watch 110 40
	sees '^jobs +2 '
	types Enter
	sees '^qwatch: jobs, every 1 s'
	sees '^ready 2 +delayed 0 +blocked 0 +leased 2 +dead 1'
	sees '^ +waiting 2$'
	sees 'in/s 0.00 +out/s 0.00$'
	sees '[⣀⣤⣶⣿⢀⢠⢰⢸]$'
	sees '^longest waiting +4 +[0-9]+ m?s  4$'
	sees "^ +2 +[0-9]+ m?s  pid $pid +held  qpop -n 1 jobs -- sh .* 2\$"
	sees '^ +3 +[0-9]+ m?s  pid [0-9]+ +(59|60) min  (.* )?3$'
	sees '^ +1 +[0-9]+ m?s  ..:..:..Z  1/20 dead +exited 65: no such file$'
	echo >go
	sees '^ready 2 .* leased 1 '
	types Escape
	sees '^QUEUE'
	quits
}

@test "a queue that is opened shows what is unusual, and what there is room for" {
	qctl create jobs backoff=1h
	head -c 2M /dev/zero | qpush -p -5 jobs
	seq 9 | qpush -l jobs
	run -4 qpop jobs -- sh -c 'echo "no luck  " >&2; exit 65'
	run -4 qpop jobs -- sh -c 'exit 3'
	qpop -L 1h -n 6 -0 jobs >/dev/null
	qctl pause jobs
	watch 110 13 jobs
	sees 'leased 6 .*paused: '
	sees '^longest waiting +1 .* \(a file\)$'
	sees '^leased \([1-5] of 6\)$'
	sees '^newest failures'
	quits
	# no room for more than the numbers
	another
	watch 110 7 jobs
	sees 'leased 6 .*paused: '
	sees_no '^newest failures'
	quits
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record body 0000000000000004
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record meta 7261746573 # rates
	another
	watch 110 60 jobs
	sees '^ +4 .* \(damaged\)$'
	sees '^times and rates are damaged'
	sees '^ +3 .* 1/20 delayed +exited 3$'
	sees '^ +2 .* 1/20 dead +exited 65: no luck$'
	quits
}

@test "what others wrote cannot act on the terminal" {
	printf 'a\033[2J\033]0;title\007b' | qpush jobs
	qpop jobs -L 1h -r receipt >/dev/null
	qack --dead --reason $'red \033[31m\nline' jobs "$(cat receipt)"
	printf 'a\033[2J\033]0;title\007b' | qpush jobs
	watch 110 30 jobs
	sees 'longest waiting .* a\\x1b\[2J\\x1b\]0;title\\x07b$'
	sees 'red \\x1b\[31m\\x0aline$'
	quits
}

@test "a new size is used at once" {
	qpush jobs a
	watch 100 24
	sees '^QUEUE .* DRAIN$'
	tm resize-window -x 60 -y 12
	sees_no 'BLOCKED'
	sees '^jobs +1 '
	sees '^QUEUE +READY '
	tm resize-window -x 140 -y 40
	sees 'BLOCKED'
	is "$(picture | grep -n '^Enter open' | cut -d: -f1)" 40
	tm resize-window -x 12 -y 2
	tm resize-window -x 100 -y 24
	sees '^jobs +1 '
	quits
}

@test "more queues than rows: the selection stays in sight" {
	for i in {10..39}; do qpush "q$i" a; done
	watch 80 12
	sees '^q10 '
	lacks_line '^q39'
	types End
	sees '^q39 '
	lacks_line '^q10 '
	types g
	sees '^q10 '
	for _ in {1..9}; do types j; done
	types Enter
	sees '^qwatch: q19,'
	types Down
	sees '^qwatch: q20,'
	types BSpace
	sees '^q20 '
	quits
}

@test "s sorts by the next number, S turns the order round" {
	seq 5 | qpush -l aa
	seq 9 | qpush -l bb
	seq 7 | qpush -l cc
	kill_dead aa
	watch
	sees '^cc +7 '
	rows_are 'aa bb cc '
	types s
	sees ', by ready,'
	eventually rows_are 'bb cc aa '
	types S
	sees ', by ready, reversed,'
	eventually rows_are 'aa cc bb '
	types S s s
	sees ', by dead,'
	eventually rows_are 'aa bb cc '
	types s s s s
	sees ', by name,'
	quits
}

@test "dead messages are redriven after a yes, and only then" {
	qpush jobs a b c
	kill_dead jobs
	watch
	sees '^jobs +0 +0 +0 +0 +3 '
	types r
	sees '^redrive 3 dead messages of jobs\? y/N$'
	types n
	sees '^nothing done$'
	counts jobs dead=3 ready=0
	types r
	sees 'y/N$'
	types Enter
	sees '^nothing done$'
	counts jobs dead=3 ready=0
	types r
	sees 'y/N$'
	types y
	sees '^jobs: made 3 messages ready again$'
	sees '^jobs +3 +0 +0 +0 +0 '
	counts jobs dead=0 ready=3
	types r
	sees '^jobs: has no dead messages$'
	quits
}

@test "a queue is paused and resumed after a yes" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	lacks_line PAUSED
	types p
	sees '^pause jobs, .*\? y/N$'
	types x
	sees '^nothing done$'
	types p
	sees 'y/N$'
	types y
	sees '^jobs is paused$'
	sees '^QUEUE .* PAUSED$'
	sees '^jobs .* both$'
	fails 75 paused qpush jobs b
	types p
	sees '^jobs: is paused already$'
	types P
	sees '^resume jobs\? y/N$'
	types y
	sees '^jobs is resumed$'
	sees_no PAUSED
	qpush jobs b
	quits
}

@test "a queue that is removed while it is open is left, with a word" {
	qpush jobs a
	qpush mail b
	watch
	sees '^jobs +1 '
	types Enter
	sees '^qwatch: jobs,'
	qctl rm --yes jobs
	sees '^jobs is removed$'
	sees '^mail +1 '
	quits
}

@test "a queue that was removed and made anew is another one" {
	seq 30 | qpush -l jobs
	watch 100 30 jobs
	sees '^ready 30 '
	rm -r "$Q_ROOT/jobs"
	qpush jobs a
	sees '^(qwatch: jobs|jobs +1 )'
	sees '^(ready 1 |jobs +1 )'
	quits
}

@test "a damaged queue is shown as damaged, and does not disturb the others" {
	qpush jobs a
	qpush mail b
	watch
	sees '^mail +1 '
	truncate -s 4096 "$Q_ROOT/jobs/data.mdb"
	sees '^jobs +damaged: '
	lacks_line '^jobs +[0-9]'
	qpush mail c
	sees '^mail +2 '
	types r
	sees '^jobs: .*(damaged|short|cut)'
	types Enter
	sees '^qwatch: jobs,'
	lacks_line '^ready '
	quits
}

@test "a queue that others keep locked is busy, with the numbers it had" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	mkfifo hold
	start flock "$Q_ROOT/jobs/data.mdb" sh -c 'read -r x <hold'
	eventually is_locked jobs
	sees '^jobs: another process \(pid [0-9]+.*\) has held the queue for '
	sees '^jobs +1 '
	echo >hold
	sees_no 'has held the queue'
	quits
}

@test "who may only read sees everything, and is told so when he wants more" {
	qpush jobs a b
	qpop jobs -L 1h -r receipt >/dev/null
	qack --dead --reason nope jobs "$(cat receipt)"
	public=$(mktemp -d)
	cp "$BIN/qwatch" "$public"
	user=
	if [ "$(id -u)" = 0 ]; then
		user='setpriv --reuid 65534 --regid 65534 --clear-groups --'
	fi
	cp -r "$Q_ROOT" "$public/root"
	chmod 755 "$public" "$public/root" "$public/root/jobs"
	chmod 444 "$public/root/jobs/"{data.mdb,hold}
	rm -f "$public/root/jobs/ctl"
	pane 110 30 "Q_ROOT=$public/root $user $public/qwatch jobs; echo \$? >status"
	sees '^ready 1 .* dead 1'
	sees '^longest waiting +2 .* b$'
	sees 'nope$'
	types r
	sees '^jobs: .*ermission'
	lacks_line 'y/N'
	types p
	sees '^jobs: .*ermission'
	lacks_line 'y/N'
	quits
}

@test "space freezes the numbers, + and - change how often they are read" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	types Space
	sees '^qwatch: 1 queue, by name, frozen'
	qpush jobs b
	types +
	types ?
	sees '^ Space +keep the numbers as they are, or go on$'
	types ?
	sees '^jobs +1 '
	types Space
	sees '^jobs +2 '
	sees 'every 2 s'
	types - -
	sees 'every 500 ms'
	types - -
	sees 'every 500 ms'
	quits
}

@test "--interval says how often numbers are read, and + and - go on from there" {
	qpush jobs a
	watch 100 24 --interval 250ms
	sees '^qwatch: 1 queue, by name, every 250 ms'
	qpush jobs b
	sees '^jobs +2 '
	types -
	sees 'every 250 ms'
	types +
	sees 'every 500 ms'
	quits
	another
	watch 100 24 --interval=1h
	sees 'every 60 min'
	types +
	sees 'every 60 min'
	types -
	sees 'every 60 s'
	quits
}

@test "--interval is for the board, and has bounds" {
	qctl create jobs
	fails 2 "--interval: not between 100ms and 1h" qwatch --interval 99ms jobs
	fails 2 "--interval: not between 100ms and 1h" qwatch --interval 3601 jobs
	fails 2 "--interval: '1 day' is not a duration" qwatch --interval '1 day' jobs
	fails 2 '--interval is for the board' qwatch --interval 1s jobs
	fails 2 '--interval is for the board' qwatch --interval 1s --until empty jobs
}

@test "? shows the keys" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	types ?
	sees '^ Up, k +go to the queue above$'
	sees '^ q +quit$'
	types Escape
	sees '^jobs +1 '
	quits
}

@test "the terminal is as before after q, and after signals" {
	local sig

	qpush jobs a
	pane 100 24 'stty -a >before; echo first line
		for i in 1 2 3 4; do qwatch; echo $? >>status; stty -a >>after; done; echo last line'
	sees '^jobs +1 '
	types q
	for sig in TERM INT HUP; do
		eventually test -s status
		sees '^jobs +1 '
		kill -s "$sig" "$(watcher)"
		eventually grep -qx "$((128 + $(kill -l "$sig")))" status
	done
	sees '^last line'
	sees '^first line'
	lacks_line '^jobs'
	is "$(xargs <status)" '0 143 130 129'
	for _ in 1 2 3 4; do cat before; done | cmp - after
	is "$(tm display-message -p '#{cursor_flag} #{alternate_on} #{keypad_cursor_flag}')" '1 0 0'
}

@test "a board that crashes gives the terminal back" {
	qpush jobs a
	pane 100 24 'stty -a >before; qwatch; echo $? >status; stty -a >after'
	sees '^jobs +1 '
	kill -s ABRT "$(watcher)"
	eventually test -s after
	is "$(cat status)" 134
	cmp before after
	is "$(tm display-message -p '#{cursor_flag} #{alternate_on} #{keypad_cursor_flag}')" '1 0 0'
}

@test "a terminal that takes nothing does not keep it" {
	qpush jobs a
	# The shell has something to say of it, too.
	pane 100 24 'exec 2>errors; stty -a >before; qwatch; echo $? >status; stty -a >after'
	sees '^jobs +1 '
	pid=$(watcher)
	types C-s
	qpush jobs b
	in_write() {
		grep -q '^1 ' "/proc/$pid/syscall"
	}
	eventually in_write
	kill -s TERM "$pid"
	eventually test -s after
	is "$(cat status)" 143
	cmp before after
}

@test "^Z stops it and fg goes on, at another size too" {
	qpush jobs a
	mkfifo go
	pane 100 24 'set -m; stty -a >before; qwatch; stty -a >stopped; read -r x <go; fg; stty -a >after; echo 0 >status'
	sees '^jobs +1 '
	types C-z
	eventually test -s stopped
	cmp before stopped
	sees_no '^QUEUE'
	qpush jobs b
	tm resize-window -x 60 -y 20
	echo >go
	sees '^jobs +2 '
	sees_no BLOCKED
	quits
	eventually test -s after
	diff <(grep -v columns before) <(grep -v columns after)
}

@test "somebody stops it from outside, and it comes back" {
	qpush jobs a
	watch
	sees '^jobs +1 '
	pid=$(watcher)
	kill -STOP "$pid"
	tm send-keys -R
	printf 'scribble\n' >"$(tm display-message -p '#{pane_tty}')"
	sees scribble
	kill -CONT "$pid"
	sees '^jobs +1 '
	lacks_line scribble
	quits
}

@test "without UTF-8 all is ASCII" {
	qpush jobs 'größe'
	pane 100 30 'LC_ALL=C qwatch jobs; echo $? >status'
	sees '^longest waiting .* gr(\?|\?\?)(\?|\?\?)e$'
	sees '#$'
	types Escape
	sees '^jobs +1 .* [_.:#]+ '
	! picture | LC_ALL=C grep -q $'[\x80-\xff]'
	quits
}

@test "colour is used, but not with NO_COLOR" {
	qpush jobs a
	kill_dead jobs
	qpush other b
	watch
	sees '^other +1 '
	types Down
	in_red() {
		tm capture-pane -pe | grep -Eq $'jobs .*\033\[([0-9;]*;)?31m *1'
	}
	eventually in_red
	quits
	another
	pane 100 24 'NO_COLOR=1 qwatch; echo $? >status'
	sees '^other +1 '
	types Down
	sees '^other +1 '
	! tm capture-pane -pe | grep -Eq $'\033\[([0-9;]*;)?[34][0-8](;|m)'
	quits
}

@test "a terminal that cannot show it is refused, and --events is named" {
	qpush jobs a
	pane 100 24 'for t in dumb no-such-terminal ""; do TERM=$t qwatch 2>>error; echo $? >>status; done
		echo end >>status'
	eventually grep -qx end status
	is "$(xargs <status)" '3 3 3 end'
	is "$(grep -c -- --events error)" 3
	has "$(cat error)" "qwatch: terminal 'dumb' cannot move its cursor"
}

@test "little is done each second, and only what differs is drawn" {
	command -v strace >/dev/null || skip "no strace"
	if [ -n "${SAN:-}" ]; then skip "the sanitizers have calls of their own"; fi
	for i in 1 2 3 4 5; do qpush "q$i" a; done
	pane 100 24 'strace -o trace qwatch; echo 0 >status'
	sees '^q5 +1 '
	types -
	sees 'every 500 ms'
	# Ten rounds from here on, of which nine are whole.
	mark=$(wc -l <trace)
	ten_rounds() {
		[ "$(tail -n "+$mark" trace | grep -c '^ppoll')" -ge 10 ]
	}
	eventually ten_rounds
	types q
	eventually test -s status
	tail -n "+$mark" trace | awk '/^ppoll/ { n++ } n > 0 && n <= 9' >rounds
	calls=$(wc -l <rounds)
	echo "# $((calls / 9)) calls a round" >&3
	[ "$calls" -lt $((9 * 200)) ]
	# A look takes the lock once, and no round opens what is open.
	[ "$(grep -c '^flock(.*LOCK_SH' rounds)" -le $((9 * 5)) ]
	! grep -q 'data.mdb' rounds
	# The clock alone has changed.
	awk -F '= ' '/^write\(1,/ && $NF > 120 { exit 1 }' rounds
	! grep -q '^write(1,.*\\33\[[23]J' rounds
}

@test "each key moves the selection as its name says, and not beyond the ends" {
	for i in {1..9}; do qpush "q$i" a; done
	# room for five
	watch 100 9
	sees '^q1 +1 '
	selects() {
		types Enter
		sees "^qwatch: $1,"
		types Escape
		sees '^QUEUE'
	}
	selects q1
	types Down Down j
	selects q4
	types Up k
	selects q2
	types Up Up Up
	selects q1
	types NPage
	selects q6
	sees '^q6 +1 '
	types NPage NPage
	selects q9
	types PPage
	selects q4
	types Home
	selects q1
	types End
	selects q9
	# those at the end are gone: the others move up
	for i in 6 7 8 9; do qctl rm --yes "q$i" >/dev/null; done
	sees_no '^q9'
	sees '^q1 +1 '
	selects q5
	quits
}

@test "what there is nothing to do about is said, and one message is one" {
	qpush -m 1 jobs a
	run -4 qpop jobs -- false
	watch
	sees '^jobs +0 .* 1 '
	types P
	sees '^jobs: is not paused$'
	types r
	sees '^redrive 1 dead message of jobs\? y/N$'
	types Y
	sees '^jobs: made 1 message ready again$'
	# half a pause is one to go on with, and one to end
	qctl pause jobs in
	sees '^jobs .* in$'
	types P
	sees '^resume jobs\? y/N$'
	types n
	qctl pause jobs out
	sees '^jobs .* both$'
	qctl resume jobs in
	sees '^jobs .* out$'
	types p
	sees '^pause jobs, .* y/N$'
	types n
	types P
	sees '^resume jobs\? y/N$'
	types y
	sees '^jobs is resumed$'
	quits
}

# in_colour QUEUE COLOUR CELL
in_colour() {
	tm capture-pane -pe | grep -Eq "$1 .*"$'\033\\[([0-9;]*;)?'"$2m *$3"
}

@test "what is wrong with a queue is in the colour of its number" {
	qpush -m 1 a x y
	qpush -m 1 b x
	qpush c x
	run -4 qpop b -- false
	qctl pause c
	pane 100 24 'qwatch; echo $? >status'
	sees '^c .* both$'
	eventually in_colour b 31 1
	eventually in_colour c 33 both
	quits
}

@test "a terminal without a font has a board of ASCII, and one without a size too" {
	seq 20 | qpush -l jobs
	pane 100 24 'TERM=linux qwatch; echo $? >status'
	sees '^jobs +20 '
	qpush jobs more
	sees '^jobs +21 '
	lacks_line '[▁▂▃▄▅▆▇█]'
	quits
	another
	pane 100 24 'unset TERM; qwatch 2>error; echo $? >status'
	eventually test -s status
	has "$(cat error)" "qwatch: terminal '' is not known"
	another
	# one with no colours, and some that have room for next to nothing
	pane 100 24 'TERM=vt100 qwatch; echo $? >status'
	sees '^jobs +21 '
	quits
	for size in '8 6' '30 2' '110 2 jobs' '20 3 jobs'; do
		another
		# shellcheck disable=SC2086 # words of their own
		watch $size
		sees '[a-z]'
		types ?
		types ?
		quits
	done
	# what says that it has no size keeps the one it had
	another
	watch
	sees '^jobs +21 '
	stty -F "$(tm display-message -p '#{pane_tty}')" rows 0 columns 0
	qpush jobs more
	sees '^jobs +22 '
	stty -F "$(tm display-message -p '#{pane_tty}')" rows 20 columns 0
	qpush jobs more
	sees '^jobs +23 '
	quits
}

@test "a queue that was never read has no numbers yet, and says why" {
	qpush jobs a
	qpush mail b
	mkfifo hold
	start flock "$Q_ROOT/jobs/data.mdb" sh -c 'read -r x <hold'
	eventually is_locked jobs
	watch 110 24
	sees '^mail +1 '
	sees '^jobs: another process .* has held the queue for '
	types r
	sees '^jobs: has not been read yet$'
	types Enter
	sees '^qwatch: jobs,'
	lacks_line '^ready '
	echo >hold
	sees '^ready 1 '
	quits
}

@test "more queues than may stay open are shown, and are damaged each for itself" {
	local i

	qpush q1 a
	for i in {2..36}; do cp -r "$Q_ROOT/q1" "$Q_ROOT/q$i"; done
	"$BIN/tool/damage" "$Q_ROOT/q20/data.mdb" record meta 7261746573 # rates
	: >"$Q_ROOT/q30/data.mdb"
	: >"$Q_ROOT/q31/data.mdb"
	watch 110 44 --force
	sees '^q1 +1 '
	sees '^q36 +1 '
	sees '^q20 +1 .* \? +\? '
	sees '^q30 +damaged: '
	sees '^q31 +damaged: '
	qpush q35 b
	sees '^q35 +2 '
	quits
	another
	pane 100 24 'trap "" INT; qwatch 42 2>error; echo $? >status'
	eventually test -s status
	is "$(cat status)" 2
	has "$(cat error)" 'qwatch: '
}

@test "an empty NO_COLOR is none" {
	qpush -m 1 a x
	qpush -m 1 b x
	run -4 qpop b -- false
	pane 100 24 'NO_COLOR= qwatch; echo $? >status'
	sees '^b '
	eventually in_colour b 31 1
	quits
}
