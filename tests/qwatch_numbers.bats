#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qwatch on a terminal: when its numbers are read, how often, and queues that cannot be read.

# shellcheck disable=SC2016 # the shell of the pane expands
load lib
load screen

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
