#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Commands that take too long: how they are ended, and what becomes of their messages.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

@test "-T ends a command that takes too long, and that is a failed attempt" {
	local before

	qpush jobs x
	before=$(milliseconds)
	run -4 --separate-stderr qpop -T 200ms jobs -- sleep 1000
	(($(milliseconds) - before >= 200 && $(milliseconds) - before < 5000))
	has "$stderr" "qpop: jobs: 1: 'sleep' timed out after 200 ms (attempt 1 of 20); next try in "
	is "$(reason jobs 1)" "timed out after 200 ms"
	counts jobs delayed=1
}

@test "a message whose state is damaged while its command runs was not done" {
	qpush jobs x
	run --separate-stderr -65 qpop jobs -- "$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" \
		record msg 0000000000000001
	is "$stderr" "qpop: jobs: 1: its state is damaged, so how it ended is not stored; run 'qctl check jobs'"
	counts jobs done=0
}

@test "a command in time is not ended" {
	qpush jobs x
	is_silent 0 qpop -T 1h jobs -- sleep 0.05
}

@test "a command may tidy up on TERM; the attempt has failed all the same" {
	qpush jobs x
	fails 4 "timed out after 200 ms" qpop -T 200ms jobs -- \
		sh -c 'trap "touch tidy; exit 0" TERM; sleep 1000 & wait'
	[ -e tidy ]
	counts jobs done=0 delayed=1
}

@test "a command that ignores TERM is killed after --kill-after" {
	local before

	qpush jobs x
	before=$(milliseconds)
	fails 4 "timed out after 200 ms" qpop -T 200ms --kill-after 300ms jobs -- \
		sh -c 'trap "" TERM; while [ -e root ]; do sleep 0.05; done'
	(($(milliseconds) - before >= 450))
}

@test "the whole process group of a command is ended" {
	qpush jobs term kill
	run -4 qpop -n 1 -T 200ms jobs -- sh -c 'sleep 1000 & echo $! >child; wait'
	eventually gone "$(cat child)"
	run -4 qpop -n 1 -T 200ms --kill-after 200ms jobs -- \
		sh -c 'trap "" TERM; sleep 1000 & echo $! >child; while [ -e root ]; do sleep 0.05; done'
	eventually gone "$(cat child)"
}

@test "a command that has left its process group is ended, too" {
	qpush jobs term kill
	run -4 timeout 10 qpop -n 2 -P 2 -T 1s --kill-after 200ms jobs -- python3 -c '
import os, signal, sys, time
os.setpgid(0, os.getpgid(os.getppid()))
if sys.stdin.read() == "kill":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(15)'
	counts jobs delayed=2
}

@test "after a time limit a message is tried again only when all of its group is gone" {
	qctl create jobs backoff=0
	qpush jobs x
	# Children that have the lock die by KILL alone, and not at once.
	run -4 --separate-stderr timeout 20 qpop -n 3 -w20 -T 200ms jobs -- sh -c '
		exec 8>>lock
		flock -n 8 || echo clash >>clashes
		sh -c "trap \"\" TERM; while :; do :; done" &
		sh -c "trap \"\" TERM; while :; do :; done" &
		wait'
	is "$(grep -c 'timed out' <<<"$stderr")" 3
	[ ! -e clashes ]
}

@test "what left the group of a command that was ended is not waited for for long" {
	qpush jobs x
	run -4 timeout 20 qpop -T 200ms jobs -- sh -c 'setsid sleep 1000 >/dev/null & echo $! >left; wait'
	kill "$(cat left)"
	counts jobs delayed=1
}

@test "a command may use small descriptors without losing its lease" {
	qpush jobs x
	start qpop jobs -- bash -c "for fd in {3..98}; do eval \"exec \$fd</dev/null\"; done; $staying"
	eventually running 1
	kill -9 "$pid"
	ended 137
	is_silent 1 qpop jobs
	touch go
	is "$(qpop -w20 jobs)" x
}

@test "time limits hold for each command of several" {
	qpush jobs a b c d
	run -4 --separate-stderr qpop -n all -P 4 -T 300ms jobs -- \
		sh -c 'read -r x; [ "$x" != b ] || exec sleep 1000'
	is "$(grep -c 'timed out' <<<"$stderr")" 1
	counts jobs done=3 delayed=1
}

@test "a command that ends in time is not timed out because the queue was busy" {
	qpush jobs first second
	start qpop -n 2 -P 2 -T 800ms jobs -- sh -c 'read -r x; echo >>running
		while [ -e root ] && [ ! -e go ]; do sleep 0.01; done
		[ "$x" = first ] || sleep 0.2' 2>err
	eventually running 2
	flock "$Q_ROOT/jobs/data.mdb" sh -c 'touch go; sleep 1.2'
	ended 0
	counts jobs done=2
}

@test "a limit of centuries is no limit" {
	qpush jobs x
	is_silent 0 qpop -T 9223372036s --kill-after 9223372036s jobs -- sleep 0.05
}
