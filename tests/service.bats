#!/usr/bin/env bats
# A worker as a service and in a crontab: what it tells its manager, and what it costs.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

setup() {
	setup_root
	unset NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID
}

# Listen on a socket; what comes is in the file heard.
listen() {
	rm -f heard
	"$BIN/tool/datagrams" "$1" >heard 3>&- 7>&- &
	started+=("$!")
	eventually grep -qs bound heard
}

@test "a manager hears that the worker is ready, how it does, and that it stops" {
	qctl create jobs
	listen "$PWD/socket"
	NOTIFY_SOCKET=$PWD/socket start qpop -n all -w jobs -- sh -c '[ "$(cat)" != bad ]' 2>err
	eventually grep -qx READY=1 heard
	qpush jobs good good bad
	eventually grep -q "^STATUS=0 running, 2 done, 1 failed$" heard
	run ! grep STOPPING heard
	kill "$pid"
	ended 4
	eventually grep -qx STOPPING=1 heard
	run ! grep WATCHDOG heard
}

@test "an abstract socket is one, too" {
	local name="@qutils-test.$$.$BATS_TEST_NUMBER"

	qpush jobs x
	listen "$name"
	NOTIFY_SOCKET=$name qpop jobs -- true
	eventually grep -qx READY=1 heard
}

@test "STATUS is told at most once a second" {
	seq 500 | qpush -l jobs
	listen "$PWD/socket"
	SECONDS=0
	NOTIFY_SOCKET=$PWD/socket qpop -n all jobs -- true
	(($(grep -c STATUS= heard) <= SECONDS + 2))
	grep -q STATUS= heard
}

@test "the watchdog is told twice in its time, while commands run and while none does" {
	qpush jobs x
	listen "$PWD/socket"
	NOTIFY_SOCKET=$PWD/socket WATCHDOG_USEC=200000 start qpop -n all -w jobs -- sh -c "$staying"
	eventually running 1
	eventually heard_watchdog 4
	touch go
	eventually has_count jobs done=1
	: >heard
	eventually heard_watchdog 4
	kill "$pid"
	ended 0
}

heard_watchdog() {
	[ "$(grep -cx WATCHDOG=1 heard)" -ge "$1" ]
}

@test "the watchdog is told while another process has the queue" {
	qpush jobs x y
	listen "$PWD/socket"
	NOTIFY_SOCKET=$PWD/socket WATCHDOG_USEC=200000 start qpop -n all jobs -- sh -c "$staying"
	eventually running 1
	flock "$Q_ROOT/jobs/data.mdb" bash -c '
		touch go
		: >heard
		for i in {1..1000}; do
			[ "$(grep -cx WATCHDOG=1 heard)" -lt 5 ] || exit 0
			sleep 0.01
		done
		exit 1'
	ended 0
	counts jobs done=2
}

@test "a watchdog that is for another process, or no number, is not told" {
	local usec

	listen "$PWD/socket"
	qpush jobs x
	NOTIFY_SOCKET=$PWD/socket WATCHDOG_USEC=1000 WATCHDOG_PID=1 qpop jobs -- sleep 0.1
	for usec in x 0 -1 '' 99999999999999999999; do
		qpush jobs x
		NOTIFY_SOCKET=$PWD/socket WATCHDOG_USEC=$usec qpop jobs -- true
	done
	eventually test "$(grep -cx READY=1 heard)" = 6
	run ! grep WATCHDOG heard
}

@test "commands do not have the manager's variables" {
	qpush jobs x
	listen "$PWD/socket"
	NOTIFY_SOCKET=$PWD/socket WATCHDOG_USEC=1000000 WATCHDOG_PID=1 qpop jobs -- env >out
	run ! grep -e NOTIFY_SOCKET -e WATCHDOG out
}

@test "a manager that cannot be reached is no reason to fail" {
	local socket

	for socket in "$PWD/none" relative '' @ "/$(printf '%0200d' 0)" "$PWD"; do
		qpush jobs x
		NOTIFY_SOCKET=$socket WATCHDOG_USEC=1000 is_silent 0 qpop jobs -- sleep 0.05
	done
	counts jobs done=6
}

@test "a worker that waits has not failed when it is stopped, with or without work" {
	local signal

	qctl create jobs
	for signal in TERM INT HUP; do
		start qpop -n all -w jobs -- true
		eventually has_open "$pid"
		kill "-$signal" "$pid"
		ended 0
	done
	start qpop -n all --idle-exit 1h jobs -- true
	eventually has_open "$pid"
	kill "$pid"
	ended 0
	qpush jobs x
	start qpop -n all -w jobs -- false 2>err
	eventually has_count jobs delayed=1
	kill "$pid"
	ended 4
}

@test "from cron, an empty queue costs no write and few system calls" {
	seq 100 | qpush -l jobs
	qpop -n all jobs -- true
	[ -z "${SAN:-}" ] || skip "sanitizers make system calls of their own"
	run -1 strace -f -o trace "$BIN/qpop" -n all jobs -- true
	run ! grep -E 'fdatasync|fsync|pwrite|writev|clone|fork|memfd' trace
	(($(grep -c '(' trace) < 100))
}

# ---- what is kept of a failure ----

@test "a failure has time, pid, host, how, status, duration, CPU time and memory" {
	local before

	qctl create jobs backoff=1h
	qpush jobs x
	before=$(date +%s)
	start qpop jobs -- sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; sleep 0.3; exit 7'
	ended 4
	qstat --json jobs 1 | jq '.failures[0]' >failure
	is "$(jq -r '[.delivery, .how, .exit_status, .host, .reason] | join(" ")' failure)" \
		"1 exited 7 $(hostname) exited 7"
	is "$(jq .pid failure)" "$pid"
	jq -e --argjson before "$before" '(.when | sub("\\.[0-9]+Z$"; "Z") | fromdate) >= $before' failure
	jq -e '.took_seconds >= 0.3 and .cpu_seconds > 0.01 and
		.cpu_seconds <= .took_seconds and .peak_memory > 100000 and .peak_memory < 1000000000' failure
}

@test "a failure by a signal or a time limit says so" {
	qctl create jobs backoff=1h
	qpush jobs a b
	run -4 qpop jobs -- sh -c 'kill -USR1 $$'
	run -4 qpop -T 100ms jobs -- sleep 1000
	is "$(qstat --json jobs 1 | jq -r '.failures[0] | [.how, .signal, .reason] | join(" ")')" \
		"killed 10 killed by SIGUSR1"
	is "$(qstat --json jobs 2 | jq -r '.failures[0] | [.how, .reason] | join(" ")')" \
		"timeout timed out after 100 ms"
	has "$(qstat jobs 1)" "killed by SIGUSR1"
}

@test "the end of stderr is kept, of each attempt its own, at most 4 KiB" {
	qctl create jobs backoff=10ms
	qpush jobs x
	run -4 qpop -n 2 -w2 jobs -- sh -c 'echo "attempt $Q_ATTEMPT" >&2; exit 1'
	is "$(qstat --json jobs 1 | jq -r '.failures[].stderr' | xargs)" "attempt 1 attempt 2"
	qpush many y
	qctl set many backoff=1h
	run -4 qpop many -- sh -c 'seq 10000 >&2; exit 1'
	is "$(qstat --json many 1 | jq -j '.failures[0].stderr' | tail -n 1)" 10000
	is "$(qstat --json many 1 | jq -j '.failures[0].stderr' | wc -c)" 4096
}

@test "a failure without a word on stderr has none, and neither has what succeeded" {
	qctl create jobs backoff=1h
	qpush jobs x y
	run -4 qpop jobs -- false
	is "$(qstat --json jobs 1 | jq -c '.failures[0].stderr')" '""'
	is_silent 0 qpop jobs -- true
}
