#!/usr/bin/env bats
# qpop -B N QUEUE -- COMMAND: many messages for one command, together or line by line.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

@test "a command gets up to N messages, a line each, and then the next ones" {
	seq 25 | qpush -l jobs
	qpop -n all -B 10 jobs -- sh -c 'cat; echo "$Q_COUNT"' >out
	is "$(xargs <out)" "$(seq 10 | xargs) 10 $(seq 11 20 | xargs) 10 $(seq 21 25 | xargs) 5"
	counts jobs done=25 leased=0
	balances jobs
}

@test "a batch takes what is ready, and does not wait for more" {
	qpush jobs a b
	is "$(timeout 20 qpop -n 2 -w -B 100 jobs -- sort -r | xargs)" "b a"
}

@test "without -n it is one COMMAND" {
	seq 7 | qpush -l jobs
	is "$(qpop -B 3 jobs -- xargs)" '1 2 3'
	is "$(qpop -n 1 -B 3 jobs -- xargs)" 4
	is "$(qpop -P 2 -B 10 jobs -- xargs)" '5 6 7'
	fails 2 "--id and --count exclude each other" qpop --id 1 -n 2 jobs -- true
}

@test "each body is one line, whether it ends with a newline or not" {
	printf 'a' | qpush jobs
	printf 'b\n' | qpush jobs
	qpush --allow-empty jobs ''
	printf '\n' | qpush jobs
	printf 'n\0l' | qpush jobs
	head -c 300000 /dev/zero | tr '\0' x | qpush jobs
	qpop -n all -B 10 jobs -- cat >out
	{
		printf 'a\nb\n\n\nn\0l\n'
		head -c 300000 /dev/zero | tr '\0' x
		echo
	} | cmp - out
}

@test "many lines come whole" {
	seq 3000 | qpush -l jobs
	qpop -n all -B 1000 jobs -- cat >out
	seq 3000 | cmp - out
}

@test "a body that cannot be a line is dead with the reason, and the others are run" {
	qpush jobs one
	printf 'two\nlines' | qpush jobs
	head -c 2M /dev/zero | qpush jobs
	printf '\n\n' | qpush jobs
	qpush jobs two
	run -4 --separate-stderr qpop -n all -B 10 jobs -- sh -c 'cat; echo "$Q_COUNT: $Q_IDS"'
	is "$output" $'one\ntwo\n2: 1 5'
	has "$stderr" 'qpop: jobs: 2: the body cannot be a line (it has a newline inside); dead;'
	counts jobs dead=3 done=2 ready=0
	has "$(reason jobs 2)" "the body cannot be a line (it has a newline inside)"
	has "$(reason jobs 3)" "the body cannot be a line (it is a file of its own)"
	has "$(reason jobs 4)" "newline inside"
	balances jobs
}

@test "a batch of nothing but bodies that cannot be lines runs no command" {
	printf 'a\nb' | qpush jobs
	printf 'c\nd' | qpush jobs
	run -4 --separate-stderr qpop -n all -B 10 jobs -- touch ran
	[ ! -e ran ]
	counts jobs dead=2
}

@test "exit 0 acknowledges all of them, another exit none" {
	qctl create jobs backoff=1h
	seq 6 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 3 jobs -- sh -c 'grep -q 2 && exit 7; exit 0'
	is "$(grep -c "exited 7 (attempt 1 of 20)" <<<"$stderr")" 3
	counts jobs done=3 delayed=3
	is "$(qstat --list --json jobs | jq .id | xargs)" "1 2 3"
	is "$(reason jobs 3)" "exited 7"
}

@test "the other exits are for all of a batch, too" {
	local code

	for code in 75 65 127; do
		qctl create "jobs$code" backoff=1h
		qpush "jobs$code" a b
		run qpop -n all -B 5 "jobs$code" -- sh -c "exit $code"
		printf '%s\n' "$status" >>statuses
	done
	counts jobs75 delayed=2
	is "$(field jobs75 2 attempt)" 0
	counts jobs65 dead=2
	counts jobs127 ready=2
	is "$(xargs <statuses)" "0 4 3"
}

@test "a time limit is for the batch, and a signal as well" {
	qpush jobs a b
	run -4 --separate-stderr qpop -n all -B 5 -T 200ms jobs -- sleep 1000
	is "$(reason jobs 1) $(reason jobs 2)" "timed out after 200 ms timed out after 200 ms"
	qpush jobs c d
	run -4 --separate-stderr qpop -n 2 -B 5 jobs -- sh -c 'kill -KILL $$'
	is "$(reason jobs 3) $(reason jobs 4)" "killed by SIGKILL killed by SIGKILL"
}

@test "the environment has Q_COUNT and Q_IDS, and nothing of one message" {
	qpush -H a=b jobs x
	qpush jobs y
	Q_ID=7 Q_COUNT=9 qpop -n all -B 5 jobs -- env >out
	is "$(grep '^Q_' out | grep -v ^Q_ROOT= | sort)" $'Q_COUNT=2\nQ_IDS=1 2\nQ_QUEUE=jobs'
	qpush jobs z
	Q_IDS=7 Q_COUNT=9 qpop jobs -- env >out
	run ! grep -e Q_IDS -e Q_COUNT out
}

@test "the command holds every one of its leases, by one descriptor" {
	seq 300 | qpush -l jobs
	(
		close_others
		exec qpop -n all -B 100 -P 2 jobs -- sh -c "ls -l /proc/\$\$/fd >fds.\$\$; $staying"
	) &
	started+=("$!")
	eventually running 2
	for f in fds.*; do is "$(grep -c /hold "$f")" 1; done
	kill -9 "${started[-1]}"
	eventually gone "${started[-1]}"
	# 100 that nobody has begun; the others are the commands'
	is "$(qpop -n all -l jobs | wc -l)" 100
	counts jobs leased=200
	touch go
	eventually test "$(qpop -n all -w300ms -l jobs | wc -l)" = 200
}

@test "-P and -B combine, and every message is in one batch" {
	seq 500 | qpush -l jobs
	qpop -n all -P 4 -B 7 jobs -- sh -c 'cat >"got.$Q_IDS"'
	sort -n got.* | cmp - <(seq 500)
	counts jobs done=500 leased=0
}

@test "what -B cannot be used with is refused, and nothing is taken" {
	qpush jobs x
	fails 2 "no argument can show the body ('{}')" qpop -B 2 jobs -- echo {}
	fails 2 "no argument can show the body ('%')" qpop -B 2 -I % jobs -- echo a%b
	fails 2 "--each-status needs --batch" qpop --each-status jobs -- true
	fails 2 "--id and --batch exclude each other" qpop --id 1 -B 2 jobs -- true
	fails 2 "--batch: 0 is not between 1 and 1000" qpop -B 0 jobs -- true
	fails 2 "--batch: 1001 is not between 1 and 1000" qpop -B 1001 jobs -- true
	fails 2 "--batch: 'x' is not" qpop -B x jobs -- true
	fails 2 "are for a COMMAND after '--'" qpop -B 2 jobs
	counts jobs ready=1
	is "$(field jobs 1 delivery)" 0
}

# ---- a status for each ----

@test "with --each-status each message becomes what is said of its line" {
	qctl create jobs backoff=1h
	seq 5 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 10 --each-status jobs -- \
		sh -c 'printf "5 0\n1 0\n2 7\n3 75\n4 65\n" >&3'
	counts jobs done=2 delayed=2 dead=1
	is "$(qstat --list --json jobs | jq -c '[.id, .state]' | xargs)" "[2,delayed] [3,delayed] [4,dead]"
	is "$(reason jobs 2)" "reported 7"
	is "$(reason jobs 4)" "reported 65"
	is "$(field jobs 3 attempt)" 0
	has "$stderr" "qpop: jobs: 2: 'sh' reported 7 (attempt 1 of 20)"
	balances jobs
}

@test "what is not reported gets the exit status, whatever that is" {
	qctl create jobs backoff=1h
	seq 3 | qpush -l jobs
	is_silent 0 qpop -n all -B 10 --each-status jobs -- sh -c 'echo "2 0" >&3'
	counts jobs done=3
	seq 3 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 10 --each-status jobs -- \
		sh -c 'echo "2 0" >&3; exit 9'
	counts jobs done=4 delayed=2
	is "$(reason jobs 4) $(reason jobs 6)" "exited 9 exited 9"
}

@test "what was reported holds when the command is killed, or runs out of time" {
	qctl create jobs backoff=1h
	seq 2 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 10 --each-status jobs -- \
		sh -c 'printf "1 0" >&3; kill -KILL $$'
	counts jobs done=1 delayed=1
	is "$(reason jobs 2)" "killed by SIGKILL"
	seq 2 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 10 --each-status -T 200ms jobs -- \
		sh -c 'echo "2 0" >&3; exec sleep 1000'
	counts jobs done=2 delayed=2
	is "$(reason jobs 3)" "timed out after 200 ms"
}

@test "when all were reported done, the exit status is no failure" {
	seq 2 | qpush -l jobs
	is_silent 0 qpop -n all -B 10 --each-status jobs -- sh -c 'printf "1 0\n2 0\n" >&3; exit 1'
	counts jobs done=2
}

@test "the last report of a line counts" {
	qpush jobs x
	is_silent 0 qpop -B 1 --each-status jobs -- sh -c 'printf "1 7\n1 0\n" >&3'
	counts jobs done=1
}

@test "what is no report is said and ignored" {
	qctl create jobs backoff=1h
	seq 2 | qpush -l jobs
	run -4 --separate-stderr qpop -n all -B 10 --each-status jobs -- \
		sh -c 'printf "3 0\n0 0\nx\033[1m\n1 0\n2 300\n" >&3; exit 5'
	has "$stderr" "qpop: jobs: descriptor 3: '3 0' is not LINE STATUS; ignored"
	has "$stderr" "descriptor 3: '0 0' is not LINE STATUS"
	has "$stderr" "descriptor 3: 'x\\x1b[1m' is not LINE STATUS"
	has "$stderr" "descriptor 3: '2 300' is not LINE STATUS"
	counts jobs done=1 delayed=1
	is "$(reason jobs 2)" "exited 5"
}

@test "reports may be many, and early, and be followed by what stays in the background" {
	seq 1000 | qpush -l jobs
	run -0 timeout -s KILL 20 qpop -n all -B 1000 --each-status jobs -- \
		sh -c 'sleep 1000 >/dev/null 2>&1 & echo $! >left; for i in 1 2 3 4 5 6 7 8 9 10; do
			seq 1000 | sed "s/\$/ 0/" >&3; done; exit 1'
	kill "$(cat left)"
	counts jobs done=1000
}

@test "a command that floods descriptor 3 with what is no report is ended at its time" {
	qpush jobs x
	start timeout -s KILL 10 qpop -T 200ms -B 2 --each-status jobs -- \
		sh -c 'exec yes "" >&3' 2>/dev/null
	ended 4
}

@test "descriptor 3 is not there without --each-status" {
	qpush jobs x
	(
		close_others
		exec qpop -B 2 jobs -- sh -c '[ ! -e /proc/$$/fd/3 ]'
	)
	counts jobs done=1
}

@test "a batch whose worker is killed comes back whole, and counts once" {
	seq 20 | qpush -l jobs
	start qpop -n all -B 20 jobs -- sh -c "$staying"
	eventually running 1
	kill -9 "$pid" "$(cat running)"
	ended 137
	is "$(qpop -n all -w300ms -l jobs | wc -l)" 20
	counts jobs done=20
}

@test "the second signal gives a batch back uncounted, but for what was reported" {
	seq 3 | qpush -l -m 1 jobs
	start qpop -n all -B 10 --each-status jobs -- sh -c "echo '2 0' >&3; $staying"
	eventually running 1
	kill "$pid"
	sleep 0.1
	kill "$pid"
	ended 0
	counts jobs done=1 ready=2 dead=0
	is "$(field jobs 1 attempt)" 0
}
