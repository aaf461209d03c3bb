#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl check: a sound queue is sound, whatever it went through, and what a repair does and
# does not do.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib
load check

# ---- sound queues ----

@test "a new queue is sound" {
	qctl create jobs
	is_sound jobs
	is "$(qctl check jobs)" 'jobs: sound: 0 messages, 0 B'
	is_silent 0 qctl check --quiet jobs
}

@test "a queue with messages of every kind is sound, and check says how many" {
	mixed_queue
	is "$(qctl check jobs)" 'jobs: sound: 204 messages, 2.0 MiB, 1 large body'
	is "$(qctl check --json jobs | jq -c '[.queue, .found, .messages, .blobs]')" \
		'["jobs",0,204,1]'
}

@test "a queue is sound whatever was done to it, by many at once" {
	local i

	qctl create jobs backoff=0
	for i in {1..8}; do
		seq 300 | qpush -l -p "$i" jobs &
		seq 50 | qpush -l -d 1s -e 2s jobs &
		qpop -n 100 jobs -- sh -c 'exit $(($$ % 2))' 2>/dev/null &
		qpop -L 10ms -n 20 -l jobs >/dev/null &
	done
	for i in {1..5}; do
		is_sound jobs
	done
	wait
	is_sound jobs
	drain jobs >/dev/null
	is_sound jobs
}

@test "check may look at what it may only read, and changes nothing" {
	mixed_queue
	cp "$Q_ROOT/jobs/data.mdb" before
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	is_sound jobs
	cmp before "$Q_ROOT/jobs/data.mdb"
}

@test "a file of an ended message is no damage, and goes with a repair" {
	qpush jobs x
	echo left >"$Q_ROOT/jobs/blob/77"
	echo left >"$Q_ROOT/jobs/blob/1-2-3.tmp"
	is "$(qctl check jobs)" 'jobs: sound: 1 message, 1 B; 2 files of ended messages'
	is "$(qctl check --repair --yes jobs)" \
		'jobs: sound: 1 message, 1 B; 2 files of ended messages'
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	is "$(ls "$Q_ROOT/jobs")" $'blob\ndata.mdb\nhold'
	is "$(qpop jobs)" x
}

@test "what is no queue is not checked" {
	fails 3 'no such queue' qctl check jobs
	mkdir -p "$Q_ROOT/dir"
	fails 3 'not a queue' qctl check dir
	fails 2 'no queue given' qctl check
	fails 2 'too many operands for check' qctl check jobs more
	fails 2 '--repair is not for get' qctl get --repair jobs
}

# ---- the repair itself ----

@test "a repair says what it would do, and without --yes does nothing" {
	qpush jobs a
	damage record body 0000000000000001
	cp "$Q_ROOT/jobs/data.mdb" before
	run --separate-stderr -2 qctl check --repair jobs
	has "$output" 'message 1 is damaged'
	has "$stderr" 'qctl: jobs: would build the queue again of what can be read; repeat with --yes'
	cmp before "$Q_ROOT/jobs/data.mdb"
}

@test "the damaged file is kept, whole, and the new one has its mode" {
	qctl create --mode=0770 jobs
	qpush jobs a
	damage record body 0000000000000001
	cp "$Q_ROOT/jobs/data.mdb" before
	qctl check --repair --yes jobs >/dev/null
	cmp before "$Q_ROOT"/jobs/data.mdb.damaged-*
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 660
	is "$(find "$Q_ROOT/jobs" -name '*repair*')" ''
}

@test "the file that an earlier repair of the same second has kept stays" {
	local n

	qpush jobs a b
	for n in 1 2; do
		damage record body "000000000000000$n"
		cp "$Q_ROOT/jobs/data.mdb" "before.$n"
		SHIM_STILL=1 SHIM_WALL=1800000000 SHIM_BOOT=5000 \
			preloaded shim-time qctl check --repair --yes jobs >/dev/null
	done
	cmp before.1 "$Q_ROOT/jobs/data.mdb.damaged-20270115T080000Z"
	cmp before.2 "$Q_ROOT/jobs/data.mdb.damaged-20270115T080000Z-2"
	qctl rm --yes jobs
}

@test "a repair that is killed changes nothing, or all" {
	local n

	mixed_queue
	for n in {1..15}; do
		fresh_copy
		damage record body 0000000000000020
		timeout -s KILL "0.0$((n / 3))$((n % 3 * 3))" qctl check --repair --yes jobs >/dev/null 2>&1 || :
		qctl check --repair --yes jobs >/dev/null
		is_sound jobs
		is "$(find "$Q_ROOT/jobs" -name '*repair*')" ''
	done
}

@test "a repair without room on the disk changes nothing" {
	mixed_queue
	damage record body 0000000000000020
	cp "$Q_ROOT/jobs/data.mdb" before
	run --separate-stderr bash -c 'ulimit -f 64; qctl check --repair --yes jobs'
	[ "$status" -eq 75 ] || [ "$status" -eq 3 ]
	cmp before "$Q_ROOT/jobs/data.mdb"
	is "$(ls "$Q_ROOT/jobs")" $'blob\ndata.mdb\nhold'
}

@test "who may only read is told so, and repairs nothing" {
	[ "$(id -u)" != 0 ] || skip "the superuser may write everything"
	qpush jobs a
	damage record body 0000000000000001
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	fails 3 'ermission denied' qctl check --repair --yes jobs
}
