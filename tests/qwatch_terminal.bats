#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qwatch and its terminal: sizes, colours and fonts, and its state after every end.

# shellcheck disable=SC2016 # the shell of the pane expands
load lib
load screen

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

@test "an empty NO_COLOR is none" {
	qpush -m 1 a x
	qpush -m 1 b x
	run -4 qpop b -- false
	pane 100 24 'NO_COLOR= qwatch; echo $? >status'
	sees '^b '
	eventually in_colour b 31 1
	quits
}
