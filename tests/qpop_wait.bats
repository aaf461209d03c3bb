#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpop: waiting for messages, and for the time of delayed ones.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "--wait takes a message that arrives later" {
	qpush jobs first
	qpop jobs
	start qpop --wait jobs >got
	qpush jobs x
	ended 0
	is "$(cat got)" x
}

@test "--wait=DURATION ends with status 1, silently, when nothing arrives" {
	qpush -d 1h jobs later
	is_silent 1 qpop -w50ms jobs
	is_silent 1 qpop --wait=0 jobs
	run -1 --separate-stderr qpop -v -w1ms jobs
	is "$stderr" "qpop: jobs: timed out"
}

@test "a signal ends a wait, and takes nothing" {
	qpush -d 1h jobs later
	start qpop -w jobs
	eventually has_open "$pid"
	kill -TERM "$pid"
	ended 143
	start qpop -w jobs
	eventually has_open "$pid"
	kill -INT "$pid"
	ended 130
	counts jobs delayed=1 leased=0
}

@test "a signal ends a wait while the queue is locked, too" {
	local qpop

	qctl create jobs
	start qpop -w jobs
	qpop=$pid
	eventually is_asleep "$qpop"
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	kill -TERM "$qpop"
	ended 143 "$qpop"
}

@test "an alarm that was set before the start ends a wait" {
	qctl create jobs
	start perl -e 'alarm 1; exec @ARGV' qpop -w jobs
	ended 142
}

@test "-n all -w goes on with what arrives" {
	qpush jobs a b
	start qpop -n all -l -w jobs >got
	eventually grep -q b got
	qpush jobs c
	eventually grep -q c got
	kill -TERM "$pid"
	ended 143
	is "$(cat got)" $'a\nb\nc'
	counts jobs done=3 leased=0
}

@test "-n N -w waits until there were N" {
	qpush jobs a
	start qpop -n 3 -l -w20 jobs >got
	eventually grep -q a got
	qpush jobs b c d
	ended 0
	is "$(cat got)" $'a\nb\nc'
	is "$(drain jobs)" d
}

@test "a delayed message is not given before it is due" {
	local before after

	before=$(date +%s%N)
	qpush -d 300ms jobs x
	is_silent 1 qpop jobs
	is "$(qpop -w20 jobs)" x
	after=$(date +%s%N)
	((after - before >= 300000000))
}

@test "delayed messages come in the order they are due" {
	qpush -d 150ms jobs late
	qpush -d 50ms jobs early
	is "$(qpop -w20 -n 2 -l jobs)" $'early\nlate'
}
