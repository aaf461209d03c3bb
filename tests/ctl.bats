#!/usr/bin/env bats
# The shared memory of a queue: who waits is woken, requests share flushes, and nothing
# depends on it.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# LeakSanitizer traces, and so cannot be traced.
traced() { ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace "$@"; }

# ---- waking ----

# A taker of QUEUE that waits for all that comes.
start_waiting() {
	start qpop -n all -l -w "$@"
	eventually is_asleep "$pid"
}

# Somebody has waited for a message of QUEUE, in vain.
waited_for() {
	start qpop -w "$1"
	eventually is_asleep "$pid"
	kill "$pid"
	ended 143
}

got() {
	[ "$(cat got)" = "$1" ]
}

@test "who waits looks a few times, not all the time" {
	qctl create jobs
	is_silent 1 traced -e trace=flock qpop -w2.5s jobs
	# a look is four calls of flock: at first, once armed, each second, and at the end
	[ "$(grep -c 'LOCK_UN' trace)" -le 14 ]
}

@test "a push that nobody waits for makes no shared memory" {
	qpush jobs x
	is "$(qpop jobs)" x
	[ ! -e "$Q_ROOT/jobs/ctl" ]
}

@test "the shared memory has the mode and group of the queue's files" {
	qctl create --mode 0770 jobs
	waited_for jobs
	is "$(stat -c %a,%g "$Q_ROOT/jobs/ctl")" "$(stat -c %a,%g "$Q_ROOT/jobs/data.mdb")"
	is "$(ls "$Q_ROOT/jobs")" $'blob\nctl\ndata.mdb\nhold'
}

@test "waiters that are killed take no message with them" {
	local i waiters=()

	qctl create jobs
	for i in {1..16}; do
		start qpop -n all -l -w jobs >>got
		waiters+=("$pid")
	done
	for i in {0..7}; do
		eventually is_asleep "${waiters[i]}"
	done
	for i in {1..100}; do
		qpush jobs "$i"
		[ $((i % 10)) -ne 0 ] || kill -9 "${waiters[i / 10]}"
	done
	eventually has_count jobs ready=0
	eventually has_count jobs leased=0
	counts jobs pushed=100 done=100
	# what a killed one had written and not acknowledged comes twice
	sort -nu got | cmp - <(seq 100)
}

@test "a message given back wakes a waiter, and so does one whose time has come" {
	local receipt

	qpush jobs x
	read -r receipt < <(qpop -L 1h jobs)
	start_waiting jobs >got
	qack --release jobs "$receipt"
	eventually got x
	qpush -d 1500ms jobs later
	eventually got $'x\nlater'
	qpush jobs y
	eventually has_count jobs done=3
}

@test "who waits for one message is woken for it, and leaves the others alone" {
	local receipt

	seq 2 | qpush -l jobs
	read -r receipt < <(qpop -L 1h --id 2 jobs)
	start qpop -w --id 2 jobs >got
	eventually is_asleep "$pid"
	qpush jobs 3
	qack --release jobs "$receipt"
	ended 0
	is "$(cat got)" 2
	is "$(drain jobs)" $'1\n3'
}

@test "a worker without work sleeps until there is some" {
	qctl create jobs
	start qpop -n all -w jobs -- sh -c 'cat; echo' >got
	eventually is_asleep "$pid"
	qpush jobs x
	eventually got x
	eventually is_asleep "$pid"
	qpush jobs y
	eventually got $'x\ny'
	kill "$pid"
	ended 0
}

# ---- sharing flushes ----

@test "64 pushes that wait for the lock share a handful of flushes" {
	local holder

	qctl create jobs
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	cat >pushes <<-'EOF2'
		for i in $(seq 64); do qpush jobs "$i" || echo "$i" >>failed & done
		wait
	EOF2
	start env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace \
		-e trace=fdatasync,fsync,msync sh pushes
	eventually waits_in_slots 64 jobs
	kill "$holder"
	ended 0
	[ ! -e failed ]
	[ "$(grep -c sync trace)" -le 8 ]
	drain jobs | sort -n | cmp - <(seq 64)
	balances jobs
}

@test "without shared memory, 64 pushes are stored all the same" {
	qctl create jobs
	mkdir "$Q_ROOT/jobs/ctl"
	for i in {1..64}; do
		qpush jobs "$i" 3>&- &
	done
	wait
	drain jobs | sort -n | cmp - <(seq 64)
}

@test "requests of all kinds share a transaction" {
	local holder receipts

	seq 6 | qpush -l jobs
	mapfile -t receipts < <(qpop -L 1h -n 5 -l jobs | cut -f1)
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	start qack jobs "${receipts[0]}"
	start qack --release jobs "${receipts[1]}"
	start qack --extend 2h jobs "${receipts[2]}"
	start qack --fail --reason because jobs "${receipts[3]}"
	start qack --dead jobs "${receipts[4]}"
	start qpush -p 5 -H a=b -d 1h jobs seven
	start qpush -i jobs eight
	eventually waits_in_slots 7 jobs
	kill "$holder"
	for pid in "${started[@]:1}"; do
		ended 0
	done
	counts jobs ready=3 delayed=2 leased=1 dead=1 done=1
	is "$(qstat --json jobs 4 | jq -r '.failures[0].reason')" because
	is "$(qstat --json jobs | jq .pushed)" 8
	balances jobs
}

@test "a full queue refuses the requests that are too many, and says so to each" {
	local holder i

	qctl create jobs max-messages=3
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	for i in {1..8}; do
		start sh -c 'qpush jobs x 2>>errors; echo "$?" >>codes'
	done
	eventually waits_in_slots 8 jobs
	kill "$holder"
	for pid in "${started[@]:1}"; do
		ended 0
	done
	is "$(sort codes | uniq -c | xargs)" "3 0 5 75"
	is "$(sort -u errors)" "qpush: jobs: queue is full (3 messages); nothing stored"
}

@test "who waits in a slot gives up in time, and what he wanted is never done" {
	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	fails 75 "another process (pid $pid) has held the queue for" \
		qpush --lock-wait 100ms jobs y
	has "$stderr" "nothing done"
	eventually waits_in_slots 0 jobs
	kill "$pid"
	ended 143
	is "$(drain jobs)" x
}

@test "a signal ends the wait in a slot, and takes the request back" {
	local holder

	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	start qpush -l jobs < <(echo y)
	eventually waits_in_slots 1 jobs
	kill "$pid"
	ended 143
	waits_in_slots 0 jobs
	kill "$holder"
	is "$(drain jobs)" x
}

# ---- the file itself ----

# Whether waiters still get their messages, once DAMAGE was done.
survives() {
	qctl create jobs
	start_waiting jobs >got
	qpush jobs before
	eventually got before
	eventually is_asleep "$pid"
	"$@"
	qpush jobs after
	eventually got $'before\nafter'
	qpush jobs more
	eventually got $'before\nafter\nmore'
	kill "$pid"
	ended 143
	counts jobs done=3
}

@test "a waiter survives that ctl is deleted" {
	survives rm "$Q_ROOT/jobs/ctl"
	[ -f "$Q_ROOT/jobs/ctl" ]
}

@test "a waiter survives that ctl is cut" {
	survives truncate -s 100 "$Q_ROOT/jobs/ctl"
	is "$(stat -c %s "$Q_ROOT/jobs/ctl")" 1576960
}

@test "a waiter survives that ctl is emptied" {
	survives truncate -s 0 "$Q_ROOT/jobs/ctl"
}

overwrite() {
	head -c 1576960 /dev/urandom | dd of="$Q_ROOT/jobs/ctl" conv=notrunc status=none
}

@test "a waiter survives that ctl is overwritten" {
	survives overwrite
}

replace_by() {
	rm -f "$Q_ROOT/jobs/ctl"
	"$@" "$Q_ROOT/jobs/ctl"
}

@test "a waiter survives a directory in place of ctl" {
	survives replace_by mkdir
	[ -d "$Q_ROOT/jobs/ctl" ]
}

@test "a waiter survives a FIFO in place of ctl" {
	survives replace_by mkfifo
	[ -f "$Q_ROOT/jobs/ctl" ]
}

@test "a symbolic link in place of ctl is not followed" {
	echo precious >target
	survives replace_by ln -s "$PWD/target"
	is "$(cat target)" precious
	[ ! -L "$Q_ROOT/jobs/ctl" ]
}

@test "a copy of a queue does not share the memory of the original" {
	qctl create jobs
	start_waiting jobs >got
	flock -s "$Q_ROOT/jobs/data.mdb" cp -r "$Q_ROOT/jobs" "$Q_ROOT/copy"
	waited_for copy
	run cmp "$Q_ROOT/jobs/ctl" "$Q_ROOT/copy/ctl"
	is "$status" 1
	qpush copy y
	qpush jobs x
	eventually got x
	is "$(drain copy)" y
}

@test "a value that an option cannot have is refused with those it can" {
	qctl create jobs
	fails 2 "group-on-dead: skip or hold, not 'perhaps'" qctl set jobs group-on-dead=perhaps
	fails 2 'max-attempts: 0 is not between 1 and' qctl set jobs max-attempts=0
	fails 2 'max-attempts: 99999999 is not between 1 and' qctl set jobs max-attempts=99999999
	fails 2 'backoff: 10000d is not between' qctl set jobs backoff=10000d
	fails 2 'inline: 1 is not between 4K and 64M' qctl set jobs inline=1
	# as much of a name as a line has room for
	fails 2 "unknown option '$(printf '%064d' 0)'; there are" \
		qctl set jobs "$(printf '%0100d' 0)=1"
	fails 2 "is not OPTION=VALUE" qctl set jobs max-attempts
}
