#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Signals to a worker: the first lets its command finish, the second ends it.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

@test "the first signal lets the command finish, acknowledges it, and takes no more" {
	local signal

	for signal in TERM INT HUP; do
		rm -f running go
		qpush "jobs$signal" a b
		start qpop -n all -w "jobs$signal" -- sh -c "$staying"
		eventually running 1
		kill "-$signal" "$pid"
		sleep 0.1
		run ! gone "$pid"
		touch go
		ended 0
		counts "jobs$signal" done=1 ready=1 leased=0
	done
}

@test "a worker that is to end sleeps while the queue is locked" {
	local worker holder n=0 i

	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	worker=$pid
	eventually running 1
	kill "$worker"
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	touch go
	eventually waits_in_slots 1 jobs
	for ((i = 0; i < 30; i++)); do
		[[ $(cut -d' ' -f3 "/proc/$worker/stat") != R ]] || n=$((n + 1))
	done
	((n < 15))
	kill "$holder"
	ended 0 "$worker"
	counts jobs done=1 ready=0 leased=0
}

@test "a signal ends a worker that waits for a message" {
	qpush jobs x
	start qpop -n all -w jobs -- true
	eventually has_count jobs done=1
	kill "$pid"
	ended 0
	start qpop -w jobs -- true
	eventually has_open "$pid"
	kill "$pid"
	ended 0
}

@test "the second signal ends the commands, and their messages are back, uncounted" {
	qpush -m 1 jobs a b
	start qpop -n all -P 2 jobs -- sh -c "$staying"
	eventually running 2
	kill "$pid"
	sleep 0.05
	run ! gone "$pid"
	kill -INT "$pid"
	eventually gone "$pid"
	counts jobs ready=2 leased=0 dead=0 done=0
	is "$(field jobs 1 attempt) $(field jobs 2 attempt)" "0 0"
	while read -r p; do gone "$p"; done <running
}

@test "what is sent to the worker and to its group at once is one signal" {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	kill "$pid" "$pid" "$pid" "$pid" "$pid" "$pid" # as timeout(1) does
	sleep 0.05
	run ! gone "$pid"
	touch go
	ended 0
	counts jobs done=1
}

@test "after the second signal a command that exits 0 is acknowledged" {
	qpush jobs x
	start qpop jobs -- sh -c 'trap "exit 0" TERM; echo >running; while [ -e root ]; do sleep 0.02; done'
	eventually running 1
	kill "$pid"
	sleep 0.05
	kill "$pid"
	ended 0
	counts jobs done=1
}

@test "after the second signal a command that ignores TERM is killed" {
	qpush -m 1 jobs x
	start qpop --kill-after 200ms jobs -- sh -c "trap '' TERM; $staying"
	eventually running 1
	kill "$pid"
	sleep 0.05
	kill "$pid"
	eventually gone "$pid"
	eventually gone "$(cat running)"
	counts jobs ready=1 done=0
}

@test "an interrupt at the terminal is for the worker, not for its command" {
	qpush jobs x
	start setsid -w sh -c 'echo $$ >group; exec qpop jobs -- sh -c "$1"' sh "$staying" 2>err
	eventually running 1
	[ "$(ps -o pgid= "$(cat running)" | tr -d ' ')" = "$(cat running)" ]
	touch go
	ended 0
}

@test "nor is one that comes before the command has left the group of the worker" {
	local interrupt='1:kill -s INT -- "-$(cat group)"'

	qpush jobs a b
	start env ASAN_OPTIONS=detect_leaks=0 "$BIN/tool/trace" -f -a setpgid -x "$interrupt" -t 20 -r report -- \
		setsid sh -c 'echo $$ >group; exec qpop -n all jobs -- true'
	ended 0
	has "$(cat report)" "setpgid 0 exit 0"
	counts jobs done=1 ready=1 delayed=0
	is "$(count jobs failed)" 0
}

@test "a signal is heeded, too, when a command has always ended before the worker waits" {
	local interrupt='1:worker=$(pgrep -P $PPID -x qpop)
		kill -s INT "$worker"
		until grep -q "State:.Z" "/proc/$(pgrep -P "$worker")/status"; do :; done'

	qpush jobs a b
	start env ASAN_OPTIONS=detect_leaks=0 "$BIN/tool/trace" -a ppoll -x "$interrupt" -t 20 -r report -- \
		qpop -n all jobs -- true
	ended 0
	has "$(cat report)" "ppoll"
	counts jobs done=1 ready=1 delayed=0
}

# That of timeout(1) is a group of its own in our session.
@test "a worker that is stopped and continued at the terminal goes on" {
	local worker

	qpush -l jobs < <(seq 20000)
	start timeout 60 qpop -n all jobs -- true
	eventually pgrep -P "$pid" qpop
	worker=$(pgrep -P "$pid" qpop)
	for _ in {1..40}; do
		kill -TSTP -- "-$pid"
		eventually grep -q 'State:.T' "/proc/$worker/status"
		kill -CONT -- "-$pid"
	done
	kill -TERM "$worker"
	ended 0
}

@test "a worker that was started with SIGCHLD ignored ends as any other" {
	qpush jobs x
	start timeout -s KILL 5 env --ignore-signal=CHLD qpop jobs -- true
	ended 0
	counts jobs done=1
}

@test "the second signal ends the command of a worker whose stderr nobody reads, too" {
	qpush jobs x
	mkfifo pipe
	exec 7<>pipe
	start qpop jobs -- sh -c 'echo $$ >>running; exec cat /dev/zero >&2' 2>pipe
	eventually running 1
	eventually grep -qs pipe_write "/proc/$(cat running)/wchan"
	kill -TERM "$pid"
	kill -INT "$pid"
	ended 0
	counts jobs ready=1
}

@test "a time limit holds though nobody reads the stderr of the worker" {
	qpush jobs x
	mkfifo pipe
	exec 7<>pipe
	start qpop -T 500ms jobs -- sh -c 'echo $$ >>running; exec cat /dev/zero >&2' 2>pipe
	eventually running 1
	eventually gone "$(cat running)"
	cat <&7 >/dev/null &
	started+=($!)
	ended 4
}
