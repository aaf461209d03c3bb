#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl drain: nothing comes in, and it ends when nothing is left.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

paused() {
	[ "$(count jobs paused_in)" != null ]
}

@test "a drain waits for what is there, of whatever state, and leaves the queue paused" {
	seq 3 | qpush -l jobs
	qpush -d 1s jobs later
	qpush -g g jobs first second
	start qctl drain jobs >out 2>errors
	eventually paused
	fails 75 'paused' qpush jobs more
	eventually grep -q 'jobs: waiting for 4 ready, 1 delayed, 1 blocked, 0 leased' errors
	qpop -L 1h -r receipt jobs >/dev/null
	start qpop -n all -w jobs -- true
	worker=$pid
	eventually has_count jobs done=5
	[ ! -s out ]
	qack jobs "$(cat receipt)"
	eventually grep -qx drained out
	ended 0 "${started[0]}"
	kill "$worker"
	paused
}

@test "the dead are not waited for, nor is an empty queue" {
	qpush jobs x
	qack --dead jobs "$(qpop -L 1h -r r jobs >/dev/null && cat r)"
	is "$(qctl drain jobs)" drained
	is "$(qctl drain -q jobs)" ''
	paused
}

@test "a drain that takes too long ends, and the queue stays paused" {
	qpush jobs x y
	fails 1 'jobs: 2 left; it stays paused' qctl drain -q --timeout 10ms jobs
	paused
	fails 2 '--timeout' qctl drain --timeout soon jobs
	fails 3 'no such queue' qctl drain none
	fails 2 'not for pause' qctl pause --timeout 1s jobs
}

@test "a drain that is stopped lets messages in again" {
	qpush jobs x
	start qctl drain jobs 2>errors
	eventually paused
	kill -INT "$pid"
	ended 130
	run ! paused
	grep -q 'jobs: stopped; 1 left; it takes in messages again' errors
}

@test "a drain that is stopped leaves a pause that was there before" {
	qpush jobs x
	qctl pause jobs in
	start qctl drain jobs 2>errors
	eventually grep -q waiting errors
	kill "$pid"
	ended 143
	paused
	grep -q 'still paused' errors
}

@test "a drain of a queue that gives out nothing says so" {
	qpush jobs x
	qctl pause jobs out
	run --separate-stderr -1 qctl drain --timeout 10ms jobs
	has "$stderr" 'but its way out is paused'
}
