#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl pause and resume: a paused queue says so, loses nothing, and goes on.

load lib

@test "a paused queue takes in and gives out nothing, and says since when" {
	qpush jobs a
	is_silent 0 qctl pause jobs
	fails 75 "qpush: jobs: paused by 'qctl pause' 0 s ago; nothing stored" qpush jobs b
	fails 75 "qpop: jobs: paused by 'qctl pause' 0 s ago" qpop jobs
	fails 75 "paused by 'qctl pause'" qpop jobs -- true
	fails 75 "paused by 'qctl pause'" qpop -n all jobs -- true
	counts jobs ready=1 pushed=1
	is_silent 0 qctl resume jobs
	qpush jobs b
	is "$(qpop -n all -l jobs)" $'a\nb'
}

@test "the time of a pause is shown, and that of the first counts" {
	qctl create jobs
	SHIM_WALL=-7260 preloaded shim-time qctl pause jobs
	qctl pause jobs
	fails 75 "paused by 'qctl pause' 2 h ago" qpop jobs
}

@test "one way alone can be paused, and resumed" {
	qpush jobs a
	qctl pause jobs in
	fails 75 'paused' qpush jobs b
	is "$(qpop jobs)" a
	qctl pause jobs out
	qctl resume jobs in
	qpush jobs b
	fails 75 'paused' qpop jobs
	qctl resume jobs out
	is "$(qpop jobs)" b
	fails 2 "'sideways' is neither 'in' nor 'out'" qctl pause jobs sideways
	fails 2 'too many operands for pause' qctl pause jobs in out
	fails 3 'no such queue' qctl pause other
}

@test "qstat shows what is paused" {
	qpush jobs a
	qpush other b
	is "$(qstat jobs | head -n 1 | awk '{ print $NF }')" DRAIN
	is "$(qstat --json jobs | jq -c '[.paused_in, .paused_out]')" '[null,null]'
	qctl pause jobs out
	is "$(qstat | awk '{ print $1, $NF }' | xargs)" 'QUEUE PAUSED jobs out other -'
	is "$(qstat --json jobs | jq '.paused_in == null and (.paused_out | startswith("20"))')" \
		true
	qctl pause jobs in
	is "$(qstat jobs | awk 'NR == 2 { print $NF }')" both
}

@test "what is leased can be settled while a queue is paused" {
	qpush jobs a b
	qpop -L 1h -r receipt jobs >/dev/null
	qctl pause jobs
	is_silent 0 qack jobs "$(cat receipt)"
	counts jobs done=1 ready=1
}

@test "a consumer that waits waits for the end of a pause, too" {
	qpush jobs a
	qctl pause jobs
	start qpop -w jobs >out
	eventually has_open "$pid"
	qctl resume jobs
	ended 0
	is "$(cat out)" a
	qctl pause jobs
	fails 75 "paused by 'qctl pause'" qpop --wait=50ms jobs
}

@test "a worker that waits goes on after a pause" {
	qctl create jobs
	start qpop -n 2 -w jobs -- sh -c 'cat >>out; echo >>out'
	qpush jobs a
	eventually has_count jobs done=1
	qctl pause jobs out
	qpush jobs b
	counts jobs ready=1 done=1
	qctl resume jobs
	ended 0
	is "$(cat out)" $'a\nb'
}

@test "a running command ends as it would, though its queue is paused" {
	mkfifo gate
	qpush jobs a b
	start qpop -n all -w jobs -- sh -c 'read -r line <gate'
	eventually has_count jobs leased=1
	qctl pause jobs
	echo >gate
	eventually has_count jobs done=1
	counts jobs ready=1 leased=0
	kill "$pid"
	ended 0
}

@test "a push that waits for room waits for the end of a pause" {
	qctl create jobs
	qctl pause jobs in
	start qpush -w jobs a
	eventually has_open "$pid"
	counts jobs pushed=0
	qctl resume jobs
	ended 0
	counts jobs ready=1
	qctl pause jobs in
	fails 75 'paused' qpush --wait=30ms jobs b
}

@test "a delay goes on during a pause" {
	qpush -d 1h jobs a
	qctl pause jobs
	SHIM_WALL=3601 preloaded shim-time qctl resume jobs
	counts jobs ready=1 delayed=0
}

@test "who may only look may not pause" {
	[ "$(id -u)" != 0 ] || skip "the superuser may write everything"
	qctl create jobs
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	fails 3 'ermission denied' qctl pause jobs
}
