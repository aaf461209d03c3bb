#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qwatch on a terminal: which queues the board shows, in which order, and what is selected.

load lib
load screen

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
