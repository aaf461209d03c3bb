#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The transaction lock: who waits for it, how long, and what is said of who has it.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a stopped process that has the lock is named, after --lock-wait" {
	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	kill -STOP "$pid"
	eventually grep -q '^State:.T' "/proc/$pid/status"
	fails 75 "another process (pid $pid, stopped) has held the queue for" \
		timeout 10 qpush --lock-wait 300ms jobs y
	has "$stderr" " ms; nothing done"
	fails 75 "(pid $pid, stopped)" timeout 10 qpop --lock-wait=300ms jobs
	fails 75 "(pid $pid, stopped)" timeout 10 qstat --lock-wait 0 --json jobs
	kill -CONT "$pid"
	fails 75 "another process (pid $pid) has held the queue" \
		timeout 10 qpop --lock-wait 10ms jobs
	kill "$pid"
	ended 143
	is "$(drain jobs)" x
}

@test "who has done a part says so, and not that nothing was done" {
	qpush jobs x
	fed qpush --lock-wait 300ms -l jobs
	pusher=$pid
	echo first >&7
	eventually has_count jobs ready=2
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	echo second >&7
	ended 75 "$pusher"
	grep -Ex 'qpush: jobs: another process .* has held the queue for [0-9]+ ms; 1 stored, the rest was not' err
	fails 75 " ms; nothing done" qpush --lock-wait 10ms -l jobs <<<y
	[[ $stderr != *stored* ]]
	fails 75 " ms; 0 settled, the rest was not" qack --lock-wait 10ms jobs - <<<1.1.aaaaa
}

@test "who looks is not kept out by others who look" {
	qpush jobs x
	start flock -s -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	counts jobs ready=1
	fails 75 "has held the queue" qpop --lock-wait 10ms jobs
}

@test "a signal ends the wait for the lock" {
	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	start qpop --lock-wait 1h jobs
	eventually has_open "$pid"
	kill -TERM "$pid"
	ended 143
}

@test "the wait for the lock ends in time, whatever was blocked or ignored at the start" {
	local how

	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	for how in block ignore; do
		fails 75 "held the queue for" \
			timeout 10 env "--$how-signal=ALRM" qstat --lock-wait 300ms jobs
	done
}
