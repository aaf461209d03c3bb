#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpop: where bodies go: files, full disks, and readers that go away.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- files ----

@test "-o writes the body to a new file, with the mode the umask gives" {
	printf 'a\0b' >in
	qpush jobs <in
	(umask 027; qpop -o out jobs)
	cmp out in
	is "$(stat -c %a out)" 640
	is "$(ls out*)" out
}

@test "-o replaces a file, but only with a message" {
	echo old >out
	qpush jobs new
	qpop --output out jobs
	is "$(cat out)" new
	is_silent 1 qpop -o out jobs
	is "$(cat out)" new
	is "$(ls out*)" out
}

@test "-o to what cannot be written fails, and the message stays" {
	mkdir dir
	qpush jobs x
	fails 3 "qpop: dir: Is a directory" qpop -o dir jobs
	fails 3 "qpop: no/such/file: No such file or directory" qpop -o no/such/file jobs
	ln -s loop loop
	fails 3 "qpop: loop: " qpop -o loop jobs
	[ -L loop ]
	fails 3 "qpop: /dev/full: No space left on device; put back" qpop -o /dev/full jobs
	counts jobs ready=1 leased=0
	is "$(next jobs | cut -d' ' -f1,2)" "x 1"
}

@test "-o to a FIFO writes through it" {
	mkfifo pipe
	qpush jobs x
	start cat pipe >got
	qpop -o pipe jobs
	ended 0
	is "$(cat got)" x
}

@test "a signal ends who waits for the other end of a FIFO, and nothing is taken" {
	local command

	mkfifo pipe
	qpush jobs x
	for command in 'qpop -o pipe jobs' 'qpop -L 1h -r pipe jobs' 'qpush jobs -f pipe'; do
		# shellcheck disable=SC2086 # words
		start $command 2>err
		eventually grep -qs wait_for_partner "/proc/$pid/wchan"
		kill -INT "$pid"
		ended 130
		run ! grep Interrupted err
	done
	counts jobs ready=1 pushed=1
}

@test "-o to a symbolic link writes to what it leads to, and leaves the link" {
	echo older and longer >target
	ln -s target link
	qpush jobs x
	qpop -o link jobs
	is "$(readlink link) $(cat target)" 'target x'
	ln -s nothing dangling
	qpush jobs y
	qpop -o dangling jobs
	is "$(readlink dangling) $(cat nothing)" 'nothing y'
	ln -s /proc/self/fd/1 stdout
	qpush jobs z
	qpop -o stdout jobs >got
	is "$(readlink stdout) $(cat got)" '/proc/self/fd/1 z'
	is "$(qstat --json jobs | jq -c '[.ready, .done]')" '[0,3]'
}

@test "output to a full disk gives the message back at once, uncounted" {
	qpush jobs x
	head -c 2M /dev/zero | qpush jobs
	run -3 --separate-stderr bash -c 'qpop -n all jobs >/dev/full'
	is "$stderr" "qpop: stdout: No space left on device; put back"
	counts jobs ready=2 leased=0 done=0
	is "$(next jobs)" "x 1 2"
}

@test "a closed stdout gives the message back" {
	qpush jobs x
	run -3 --separate-stderr bash -c 'qpop jobs >&-'
	has "$stderr" "Bad file descriptor"
	run -3 bash -c 'qpop jobs <&- >&- 2>&-'
	is "$(next jobs)" "x 1 3"
	balances jobs
}

# ---- readers and workers that go away ----

@test "a reader that goes away gives the message back at once, uncounted" {
	head -c 900K /dev/zero | tr '\0' x | qpush jobs
	head -c 3M /dev/urandom >large
	qpush jobs <large
	# shellcheck disable=SC2016
	run -3 --separate-stderr bash -c 'qpop jobs | true; exit "${PIPESTATUS[0]}"'
	is "$stderr" ''
	counts jobs ready=2 leased=0
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery, .size]')" '[1,2,921600]'
	run -3 bash -c 'set -o pipefail; qpop jobs | head -c 10'
	qpop jobs | cmp - large
	balances jobs
}

@test "of many messages a reader took in part, none is lost" {
	seq 60000 >in
	qpush -l jobs <in
	qpop -n all -l jobs | head -n 30000 >first || :
	qpop -n all -l jobs >rest
	sort -n -u first rest | cmp - in
	counts jobs ready=0 leased=0 done=60000
}

@test "a message that is being written is not given to another" {
	head -c 900K /dev/zero | qpush jobs
	qpush jobs next
	blocked_writer qpop jobs
	is "$(qpop jobs)" next
	is_silent 1 qpop jobs
	cat <&7 >/dev/null &
	started+=("$!")
	ended 0
	counts jobs ready=0 leased=0 done=2
}

@test "SIGTERM to a qpop whose reader is slow gives the message back, uncounted" {
	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	kill -TERM "$pid"
	ended 143
	counts jobs ready=1 leased=0
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[1,2]'
}

@test "SIGTERM does the same in the middle of a large body" {
	head -c 3M /dev/urandom >large
	qpush jobs <large
	blocked_writer qpop jobs
	kill -TERM "$pid"
	ended 143
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[1,2]'
}

@test "SIGTERM gives it back also while others use the queue" {
	local qpop holder

	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop -L 1h jobs
	qpop=$pid
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	holder=$pid
	eventually is_locked jobs
	kill -TERM "$qpop"
	eventually waits_in_slots 1 jobs
	kill "$holder"
	ended 143 "$qpop"
	counts jobs ready=1 leased=0
}

@test "a second SIGTERM ends that" {
	local qpop

	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop jobs 2>errors
	qpop=$pid
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	kill -TERM "$qpop"
	eventually waits_in_slots 1 jobs
	kill -TERM "$qpop"
	ended 143 "$qpop"
	has "$(cat errors)" 'interrupted; nothing done'
}

@test "the message of a killed qpop is there at once for the next, and counted" {
	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[2,2]'
	balances jobs
}

@test "a waiting qpop gets the message of one that is killed" {
	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	qpop -w20 --json jobs | jq .attempt >got &
	kill -KILL "$pid"
	wait "$!"
	is "$(cat got)" 2
}

@test "what a killed qpop had taken is given again in order" {
	seq -f '%060.0f' 90000 >lines
	qpush -l jobs <lines
	blocked_writer qpop -l -n 80000 jobs
	kill -KILL "$pid"
	wait "$pid" || :
	qpop -l -n all jobs | cmp - lines
}

@test "for much output the pipe is made wide, once; for one message it stays" {
	seq -f '%010.0f' 100000 | qpush -l jobs
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e trace=fcntl qpop jobs | cat
	grep -q F_ calls
	run ! grep F_SETPIPE_SZ calls
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e trace=fcntl \
		qpop -l -n all jobs | tail -n 1 >got
	is "$(cat got)" 0000100000
	is "$(grep -c 'fcntl(1, F_SETPIPE_SZ' calls)" 1
}

@test "a message whose workers are all killed is dead after its last attempt" {
	head -c 900K /dev/zero | qpush -m 2 jobs
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	rm pipe
	exec 7>&-
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	is_silent 1 qpop jobs
	counts jobs dead=1 ready=0 leased=0
}
