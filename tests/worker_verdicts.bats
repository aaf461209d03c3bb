#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the end of a COMMAND means for its message, and what the COMMAND may say itself.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

@test "exit 0 acknowledges, silently" {
	qpush jobs x
	is_silent 0 qpop jobs -- true
	counts jobs done=1 ready=0 leased=0
	balances jobs
}

@test "another exit is a failure: the message is tried again, later" {
	qctl create jobs backoff=10s
	qpush jobs x
	run -4 --separate-stderr qpop jobs -- sh -c 'exit 7'
	[[ $stderr =~ ^"qpop: jobs: 1: 'sh' exited 7 (attempt 1 of 20); next try in "[4-9]" s"$ ]]
	counts jobs delayed=1 ready=0 dead=0
	is "$(reason jobs 1)" "exited 7"
	is_silent 1 qpop jobs -- true
}

@test "a message is dead after its last attempt, and says why" {
	qctl create jobs max-attempts=2 backoff=100ms
	qpush jobs x
	run -4 --separate-stderr qpop jobs -- false
	has "$stderr" "qpop: jobs: 1: 'false' exited 1 (attempt 1 of 2); next try in "
	fails 4 "qpop: jobs: 1: dead after 2 attempts: exited 1; see 'qstat jobs 1'" \
		qpop -w20 jobs -- false
	counts jobs dead=1 ready=0 delayed=0
	is "$(qstat --json jobs 1 | jq -c '[.failures[].reason]')" '["exited 1","exited 1"]'
	balances jobs
}

@test "exit 75 and 111 wait for the back-off, uncounted, and are no failure" {
	local code

	for code in 75 111; do
		qctl create "jobs$code" backoff=10s
		qpush -m 1 "jobs$code" x
		is_silent 0 qpop "jobs$code" -- sh -c "exit $code"
		counts "jobs$code" delayed=1 dead=0 ready=0
		is "$(field "jobs$code" 1 attempt)" 0
		is_silent 1 qpop "jobs$code" -- true
	done
}

@test "not now, over and over, waits longer each time, and does not use up attempts" {
	local i now

	qctl create jobs backoff=20ms backoff-max=10s
	qpush -m 1 jobs x
	for i in {1..6}; do
		is_silent 0 qpop -w20 jobs -- sh -c 'exit 75'
	done
	# after six: 640 ms, less at most a half
	now=$(milliseconds)
	is_silent 0 qpop -w20 jobs -- true
	(($(milliseconds) - now >= 200))
	counts jobs done=1
}

@test "the next try is not said to have been before" {
	qctl create jobs backoff=1us
	qpush jobs x
	run -4 --separate-stderr qpop jobs -- false
	has "$stderr" '(attempt 1 of 20)'
	[[ $stderr != *-* ]]
	qpop -L 1h -r receipt -o body jobs
	run -0 --separate-stderr qack -v --fail jobs "$(cat receipt)"
	[[ $stderr != *-* ]]
}

@test "a thousand times not now is an attempt after all" {
	qctl create jobs backoff=0
	qpush -m 1 jobs x
	run -0 qpop -n 1000 jobs -- sh -c 'exit 75'
	counts jobs ready=1
	run qpop -n 1 jobs -- sh -c 'exit 75'
	counts jobs dead=1 ready=0
}

@test "a failure is said, also of a message that was removed meanwhile" {
	qpush jobs x
	start qpop jobs -- sh -c 'until [ -e go ]; do sleep 0.01; done; exit 3' 2>err
	eventually has_count jobs leased=1
	qctl cancel -q --force --yes jobs 1
	touch go
	ended 4
	has "$(cat err)" "qpop: jobs: 1: 'sh' exited 3; it was settled or removed meanwhile"
}

@test "exit 65 and 100 are dead at once" {
	local code

	for code in 65 100; do
		qpush "jobs$code" x
		fails 4 "qpop: jobs$code: 1: 'sh' exited $code; dead; see 'qstat jobs$code 1'" \
			qpop "jobs$code" -- sh -c "exit $code"
		counts "jobs$code" dead=1
		is "$(reason "jobs$code" 1)" "exited $code"
	done
}

@test "--dead-on takes the place of 65 and 100" {
	qpush jobs 1 20 30 31 65 75
	run -4 qpop --dead-on 20,30-40,75 -n all jobs -- sh -c 'read -r n; exit "$n"'
	is "$(qstat --list --state dead --json jobs | jq .id | xargs)" "2 3 4 6"
	counts jobs dead=4 delayed=2
}

@test "--dead-on that is no list is refused, and nothing is taken" {
	local list

	qpush jobs x
	for list in '' ',' '65,' ',65' x 0 256 65-x 65- -65 70-60 '65 66' 1-2-3; do
		fails 2 "qpop: --dead-on: " qpop "--dead-on=$list" jobs -- true
	done
	counts jobs ready=1
}

@test "exit 126 and 127 put the message back, uncounted, and stop the worker" {
	local code

	for code in 126 127; do
		seq 3 | qpush -l -m 1 "jobs$code"
		run -3 --separate-stderr qpop -n all "jobs$code" -- sh -c "echo >>ran; exit $code"
		has "$stderr" "qpop: jobs$code: 1: 'sh' exited $code: it cannot be run; put back, stopping"
		counts "jobs$code" ready=3 dead=0 delayed=0
		is "$(field "jobs$code" 1 attempt)" 0
	done
	is "$(wc -l <ran)" 2
}

@test "death by a signal counts, and is named" {
	qpush -m 2 jobs x
	run -4 --separate-stderr qpop jobs -- sh -c 'kill -KILL $$'
	has "$stderr" "qpop: jobs: 1: 'sh' killed by SIGKILL (attempt 1 of 2); next try in "
	is "$(reason jobs 1)" "killed by SIGKILL"
	is "$(field jobs 1 attempt)" 1
	qpush jobs y
	fails 4 "killed by SIGSEGV" qpop jobs -- sh -c 'ulimit -c 0; kill -SEGV $$'
}

@test "a command that is not found takes nothing" {
	qpush jobs x
	fails 3 "qpop: ./missing: no such file; nothing taken" qpop jobs -- ./missing
	fails 3 "qpop: no-such-command: no such file; nothing taken" qpop jobs -- no-such-command
	touch file
	fails 3 "qpop: ./file: Permission denied; nothing taken" qpop jobs -- ./file
	counts jobs ready=1 leased=0
	is "$(field jobs 1 delivery)" 0
}

@test "a command that cannot be run puts the message back, and the worker ends" {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	qpush -m 1 jobs x y
	fails 3 "put back" qpop -n all -P 2 jobs -- ./script
	counts jobs ready=2 leased=0 dead=0
	is "$(field jobs 1 attempt)" 0
}

@test "what is for a command needs one, and what is not for one is refused" {
	qpush jobs x
	fails 2 "no command after '--'" qpop jobs --
	fails 2 "are for a COMMAND after '--'" qpop -P 2 jobs
	fails 2 "are for qpop without a COMMAND" qpop -l jobs -- true
	fails 2 "are for qpop without a COMMAND" qpop -L 1h jobs -- true
	fails 2 "--parallel: 0 is not between 1 and 1000" qpop -P 0 jobs -- true
	fails 2 "--parallel: 1001 is not between 1 and 1000" qpop -P 1001 jobs -- true
	fails 2 "--timeout: must be longer than that" qpop -T 0 jobs -- true
	fails 2 "--timeout: 'soon' is not a duration" qpop -T soon jobs -- true
	counts jobs ready=1
}

@test "--backoff and --backoff-max are in place of the queue's" {
	local i due

	qctl create jobs backoff=1h
	qpush jobs x
	run --separate-stderr -4 qpop --backoff 1s jobs -- false
	due=$(qstat --json jobs 1 | jq -r '.due | sub("[.].*"; "Z") | fromdate - now')
	awk -v d="$due" 'BEGIN { exit !(d > -1.1 && d <= 1) }'
	qctl create other backoff=1h backoff-max=2h
	qpush other x
	run --separate-stderr -4 qpop --backoff-max 4s other -- false
	due=$(qstat --json other 1 | jq -r '.due | sub("[.].*"; "Z") | fromdate - now')
	awk -v d="$due" 'BEGIN { exit !(d > 0 && d <= 4) }'
	fails 2 '--backoff: must be longer than that' qpop --backoff 0 jobs -- true
	fails 2 'are for a COMMAND' qpop --backoff 1s jobs
}

# ---- settling by oneself ----

@test "a command may acknowledge its own message" {
	qpush jobs x
	is_silent 0 qpop jobs -- sh -c 'qack "$Q_QUEUE" "$Q_RECEIPT"'
	counts jobs done=1
	balances jobs
}

@test "a command that has acknowledged its message may fail then: it is done" {
	qpush jobs x
	run qpop jobs -- sh -c 'qack "$Q_QUEUE" "$Q_RECEIPT"; exit 1'
	counts jobs done=1 ready=0 delayed=0
	balances jobs
}

@test "a command may say itself when its message is tried again, or that it is dead" {
	qpush jobs later never
	run qpop -n 2 jobs -- sh -c 'read -r x
		if [ "$x" = later ]; then qack --release -d 1h "$Q_QUEUE" "$Q_RECEIPT"
		else qack --dead --reason=mine "$Q_QUEUE" "$Q_RECEIPT"; fi'
	counts jobs delayed=1 dead=1 done=0
	is "$(reason jobs 2)" mine
	balances jobs
}

@test "an acknowledged message is not run again when its worker is killed" {
	qpush jobs x
	start qpop jobs -- sh -c "qack jobs \$Q_RECEIPT; $staying"
	eventually running 1
	kill -9 "$pid" "$(cat running)"
	ended 137
	is_silent 1 qpop jobs
	counts jobs done=1
}
