#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Queues in the making: creators that are killed, or at work at once, and what they flush.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a queue whose creators are killed at random is absent or whole" {
	local i pids

	for _ in {1..40}; do
		pids=()
		for i in 1 2 3 4; do
			timeout --foreground -s KILL "0.00$((RANDOM % 10))" qpush jobs "$i" 2>/dev/null &
			pids+=("$!")
		done
		wait "${pids[@]}" || :
		if [ -e "$Q_ROOT/jobs" ]; then
			qpush jobs whole
			balances jobs
			rm -r "$Q_ROOT/jobs"
		fi
	done
	qpush jobs last
	is "$(qpop jobs)" last
	# what the dead left was removed by the one that came next (timeout waited for each:
	# a process that is still dying has its lock)
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "of many creators at once each stores its message in the same queue" {
	local i

	for i in {1..16}; do
		qpush jobs "$i" &
	done
	wait
	is "$(drain jobs | sort -n)" "$(seq 16)"
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "a creator in the making is not disturbed by another's sweep" {
	local i

	for _ in {1..10}; do
		for i in {1..8}; do
			qpush "q$((i % 2))" "$i" &
		done
		wait
		is "$(drain q0 | sort)" $'2\n4\n6\n8'
		is "$(drain q1 | sort)" $'1\n3\n5\n7'
		rm -r "$Q_ROOT"
	done
}

# flushed DIRECTORY COMMAND...: it succeeds, and has flushed the names in DIRECTORY.
flushed() {
	rm -f record
	RECORD=$PWD/record RECORD_DEV=$(stat -c %d .) preloaded shim-record "${@:2}" &&
		grep -qax "S $(stat -c %i "$1") 0" record
}

@test "the name of a queue whose creator died is flushed before anything is stored" {
	qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
	run ! flushed "$Q_ROOT" qpush jobs x
	chmod +t "$Q_ROOT/jobs/data.mdb"
	flushed "$Q_ROOT" qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
	chmod +t "$Q_ROOT/jobs/data.mdb"
	# who only looks leaves it
	counts jobs ready=3
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 1600
	flushed "$Q_ROOT" qpop jobs
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
}

@test "a creator flushes the name of a directory another one may have made and died" {
	mkdir "$Q_ROOT"
	flushed . qpush jobs x
	rm -r "$Q_ROOT"
	flushed . qpush jobs x
}

@test "a queue whose name cannot be flushed is not made, and its push fails" {
	local n

	mkdir "$Q_ROOT"
	for n in {1..12}; do
		SHIM_SYNC=$n run --separate-stderr preloaded shim-sync qctl create jobs
		[ "$status" -eq 3 ] || break
		has "$stderr" "Input/output error"
		is "$(ls -A "$Q_ROOT")" ''
	done
	is "$status" 0
	[ "$n" -gt 5 ]
	chmod +t "$Q_ROOT/jobs/data.mdb"
	SHIM_SYNC=1 fails 3 "the directory of the queue: Input/output error" \
		preloaded shim-sync qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 1600
	counts jobs pushed=0
}
