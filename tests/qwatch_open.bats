#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qwatch on a terminal: one queue in full, and what can be done about it.

# shellcheck disable=SC2016,SC2154 # the shell of the pane expands; lib.bash sets pid
load lib
load screen

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
	damage record body 0000000000000004
	damage record meta 7261746573 # rates
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
