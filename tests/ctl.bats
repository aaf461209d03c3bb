#!/usr/bin/env bats
# The shared memory of a queue: who waits is woken, requests share flushes, and nothing
# depends on it.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# LeakSanitizer traces, and so cannot be traced.
traced() { ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace "$@"; }

# ---- waking ----

sleeps() {
	[[ $(cat "/proc/$1/wchan") == futex* ]]
}

# A taker of QUEUE that waits for all that comes.
start_waiting() {
	start qpop -n all -l -w "$@"
	eventually sleeps "$pid"
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
	is_silent 1 qpop -w1ms jobs
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
		eventually sleeps "${waiters[i]}"
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
	eventually sleeps "$pid"
	qpush jobs 3
	qack --release jobs "$receipt"
	ended 0
	is "$(cat got)" 2
	is "$(drain jobs)" $'1\n3'
}

@test "a worker without work sleeps until there is some" {
	qctl create jobs
	start qpop -n all -w jobs -- sh -c 'cat; echo' >got
	eventually sleeps "$pid"
	qpush jobs x
	eventually got x
	eventually sleeps "$pid"
	qpush jobs y
	eventually got $'x\ny'
	kill "$pid"
	ended 0
}

# ---- the file itself ----

# Whether waiters still get their messages, once DAMAGE was done.
survives() {
	qctl create jobs
	start_waiting jobs >got
	qpush jobs before
	eventually got before
	eventually sleeps "$pid"
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
	is "$(stat -c %s "$Q_ROOT/jobs/ctl")" 528384
}

@test "a waiter survives that ctl is emptied" {
	survives truncate -s 0 "$Q_ROOT/jobs/ctl"
}

overwrite() {
	head -c 528384 /dev/urandom | dd of="$Q_ROOT/jobs/ctl" conv=notrunc status=none
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
	is_silent 1 qpop -w1ms copy
	run cmp "$Q_ROOT/jobs/ctl" "$Q_ROOT/copy/ctl"
	is "$status" 1
	qpush copy y
	qpush jobs x
	eventually got x
	is "$(drain copy)" y
}
