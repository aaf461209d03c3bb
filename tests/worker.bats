#!/usr/bin/env bats
# qpop QUEUE -- COMMAND: what the command gets, what its end means, and what becomes of
# messages when commands and workers are slow, stopped or killed.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

# ---- the body ----

@test "the body is the command's stdin, byte for byte" {
	head -c 3000 /dev/urandom >in
	qpush jobs <in
	qpop jobs -- cat >out
	cmp in out
	counts jobs done=1 leased=0
}

@test "an empty body is an empty stdin" {
	qpush --allow-empty jobs ''
	is "$(qpop jobs -- wc -c)" 0
	qpush --allow-empty jobs ''
	is "$(qpop jobs -- echo '[{}]')" '[]'
	counts jobs done=2
}

@test "a large body is a file, at its start" {
	head -c 2M /dev/urandom >in
	qpush jobs <in
	qpop jobs -- sh -c '[ "$(stat -Lc %F /proc/self/fd/0)" = "regular file" ] && exec cat' >out
	cmp in out
	counts jobs done=1
	is "$(ls "$Q_ROOT/jobs/blob")" ''
}

@test "a command need not read its stdin, however much there is" {
	qpush jobs x
	head -c 500K /dev/zero | qpush jobs
	head -c 3M /dev/zero | qpush jobs
	is_silent 0 qpop -n all jobs -- true
	is_silent 1 qpop jobs -- true
	counts jobs done=3
}

@test "a damaged large body is dead, its command does not run, and others do" {
	head -c 2M /dev/zero | qpush jobs
	qpush jobs fine
	printf x | dd of="$Q_ROOT/jobs/blob/1" bs=1 seek=1234567 conv=notrunc status=none
	run --separate-stderr qpop -n all jobs -- sh -c 'cat >>ran'
	((status != 0))
	has "$stderr" damaged
	is "$(cat ran)" fine
	counts jobs dead=1 done=1
}

# ---- arguments ----

@test "{} is the body, wherever it is in an argument, and however often" {
	qpush jobs abc
	is "$(qpop jobs -- printf '<%s>' {} '-{}-' '{}{}' '{' '}' x)" '<abc><-abc-><abcabc><{><}><x>'
}

@test "a body in an argument is one argument, and no shell reads it" {
	local body=$' a  b\t"c" \'d\' $(touch bad) `touch bad` ; * \\ \n second line'

	qpush jobs "$body"
	qpop jobs -- sh -c 'echo "$#"; printf %s "$1"' sh {} >out
	is "$(cat out)" $'1\n'"$body"
	[ ! -e bad ]
}

@test "one newline at the end of the body is not in the argument" {
	echo abc | qpush jobs
	printf 'abc\n\n' | qpush jobs
	printf '\n' | qpush jobs
	is "$(qpop -n all jobs -- printf '<%s>' {})" $'<abc><abc\n><>'
}

@test "-I names another mark, and then {} is itself" {
	qpush jobs abc def
	is "$(qpop -I % jobs -- echo '%,{},a%b%')" 'abc,{},aabcbabc'
	is "$(qpop --replace=BODY jobs -- echo '{} BODY')" '{} def'
	fails 2 "the mark is empty" qpop -I '' jobs -- echo x
}

@test "the name of the command is not replaced" {
	qpush jobs true
	fails 3 "no such file; nothing taken" qpop jobs -- '{}'
	counts jobs ready=1
}

@test "a body with a mark in it is not replaced again" {
	qpush jobs '{}{}'
	is "$(qpop jobs -- echo 'x{}')" 'x{}{}'
}

@test "a body that cannot be an argument is dead with the reason, and the others are run" {
	printf 'a\0b' | qpush jobs
	head -c 131072 /dev/zero | tr '\0' x | qpush jobs
	head -c 2M /dev/zero | tr '\0' x | qpush jobs
	qpush jobs fine
	run -4 --separate-stderr qpop -n all jobs -- echo {}
	is "$output" fine
	has "$stderr" "the body cannot be an argument"
	counts jobs dead=3 done=1 ready=0 delayed=0
	for i in 1 2 3; do
		has "$(reason jobs "$i")" "cannot be an argument"
		is "$(field jobs "$i" attempt)" 1
	done
}

@test "a body just short of 128 KiB can be an argument; with more beside it, it is dead" {
	head -c 131071 /dev/zero | tr '\0' x >in
	qpush jobs <in
	is "$(qpop jobs -- sh -c 'echo "${#1}"' sh {})" 131071
	qpush jobs <in
	fails 4 "Argument list too long" qpop jobs -- echo 'x{}'
	counts jobs done=1 dead=1
}

@test "a body that cannot be an argument need not be one" {
	printf 'a\0b' | qpush jobs
	is "$(qpop jobs -- wc -c)" 3
}

# ---- the environment ----

@test "Q_QUEUE, Q_ID, Q_RECEIPT and Q_ATTEMPT tell of the delivery" {
	qctl create jobs backoff=0
	qpush jobs other mine
	qpop jobs
	run -4 --separate-stderr qpop jobs -- sh -c 'echo "$Q_QUEUE $Q_ID $Q_ATTEMPT"; exit 1'
	is "$output" "jobs 2 1"
	run -0 qpop jobs -- sh -c 'echo "$Q_QUEUE $Q_ID $Q_ATTEMPT $Q_RECEIPT"'
	[[ $output =~ ^jobs\ 2\ 2\ 2\.2\.[0-9a-z]{5}$ ]]
	qpush ./here x
	is "$(qpop ./here -- sh -c 'echo "$Q_QUEUE"')" ./here
}

@test "headers are Q_H_NAME, upper-cased, with _ for - and ." {
	qpush -H content-type=text/plain -H 'a.b_C=x = y' -H 'n=' jobs x
	is "$(qpop jobs -- env | grep ^Q_H_ | sort)" $'Q_H_A_B_C=x = y\nQ_H_CONTENT_TYPE=text/plain\nQ_H_N='
}

@test "variables of an outer worker do not leak into an inner one" {
	qpush -H only-outer=1 -H both=outer outer x
	qpush -H both=inner inner y
	qpop outer -- qpop inner -- env >out
	is "$(grep ^Q_ out | grep -v -e ^Q_ROOT= -e ^Q_RECEIPT= | sort)" \
		$'Q_ATTEMPT=1\nQ_H_BOTH=inner\nQ_ID=1\nQ_QUEUE=inner'
	is "$(grep -c ^Q_RECEIPT= out)" 1
	counts outer done=1
	counts inner done=1
}

@test "other variables are passed on" {
	qpush jobs x
	is "$(MINE='a b' qpop jobs -- sh -c 'echo "$MINE"')" 'a b'
}

# ---- descriptors and signals ----

@test "a command has stdin, stdout, stderr and its lease, which it can only read" {
	qpush jobs x
	(
		close_others
		exec qpop -P 3 jobs -- sh -c 'ls -l /proc/$$/fd' >out
	)
	is "$(grep -c -- '->' out)" 4
	is "$(grep -c -- '-> .*/jobs/hold$' out)" 1
	[[ $(grep '/jobs/hold$' out) == lr-x* ]]
	run ! grep data.mdb out
}

@test "a command has default signals, and none blocked" {
	qpush jobs x
	env --block-signal=USR1 --ignore-signal=PIPE qpop jobs -- grep ^Sig /proc/self/status >out
	is "$(awk '/^SigBlk/ { print $2 }' out)" 0000000000000000
	# SIGPIPE and SIGXFSZ; TERM, INT and HUP are as they were for us
	is "$((0x$(awk '/^SigIgn/ { print $2 }' out) & (1 << 12 | 1 << 24)))" 0
	qpush jobs x
	is "$(qpop jobs -- sh -c 'yes | head -n 1; echo end')" $'y\nend'
}

@test "stdout of the command is ours" {
	qpush jobs a b
	is "$(qpop -n all jobs -- sed 's/$/!/')" $'a!b!'
}

@test "stderr of the command reaches ours as it is written" {
	qpush jobs x
	start qpop jobs -- sh -c "echo early >&2; $staying echo late >&2" 2>err
	eventually grep -q early err
	run ! grep late err
	touch go
	ended 0
	is "$(cat err)" $'early\nlate'
}

@test "much on stderr is passed on whole" {
	qpush jobs x
	seq 200000 >want
	qpop jobs -- sh -c 'cat want >&2' 2>err
	cmp want err
}

@test "what is kept of stderr is whole, also with a NUL in it" {
	qpush -m 1 jobs x
	start qpop jobs -- sh -c 'printf "one\0two\n" >&2; exit 1' 2>err
	ended 4
	has "$(tr -d '\0' <err)" "dead after 1 attempt: exited 1"
	is "$(qstat --json jobs 1 | jq -c '.failures[0].stderr')" '"one\u0000two\n"'
	has "$(qstat jobs 1)" 'stderr: one\x00two'
}

@test "a command that floods stderr is ended at its time all the same" {
	qpush jobs x
	start timeout -s KILL 20 qpop -T 200ms jobs -- sh -c 'exec yes >&2' 2>/dev/null
	ended 4
}

# ---- verdicts ----

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

# ---- how many, and how long ----

@test "no message is status 1, silently, and nothing is run" {
	qctl create jobs
	is_silent 1 qpop jobs -- touch ran
	is_silent 1 qpop -n all jobs -- touch ran
	is_silent 1 qpop -w50ms jobs -- touch ran
	is_silent 1 qpop --idle-exit 50ms jobs -- touch ran
	[ ! -e ran ]
	fails 3 "no such queue" qpop jbos -- true
}

@test "without -n it is one message, with -n N so many, with -n all all there are" {
	seq 10 | qpush -l jobs
	is "$(qpop jobs -- cat)" 1
	is "$(qpop -n 3 jobs -- cat)" 234
	is "$(qpop -n 2 -P 8 jobs -- true)" ''
	counts jobs ready=4 done=6
	is "$(qpop -n all jobs -- cat)" 78910
	counts jobs done=10
}

@test "--id runs the command for that message" {
	qpush jobs a b c
	is "$(qpop --id 2 jobs -- cat)" b
	fails 1 "no such message" qpop --id 2 jobs -- cat
	counts jobs ready=2
}

@test "-n all finds what the command itself has pushed" {
	qpush jobs 5
	is "$(qpop -n all jobs -- sh -c 'read -r n; echo "$n"; [ "$n" = 1 ] || qpush jobs "$((n - 1))"' |
		xargs)" "5 4 3 2 1"
}

@test "-w waits for a message, -n all -w for ever" {
	qctl create jobs
	start qpop -w jobs -- cat >got
	eventually has_open "$pid"
	qpush jobs a b
	ended 0
	is "$(cat got)" a
	start qpop -n all -w jobs -- cat >got
	eventually grep -q b got
	qpush jobs c
	eventually grep -q c got
	kill "$pid"
	ended 0
	counts jobs done=3 leased=0
}

@test "-w=DURATION and --idle-exit end so long after the last message" {
	local before option

	for option in -w300ms --idle-exit=300ms; do
		qpush jobs x
		before=$(milliseconds)
		is_silent 0 qpop -n all "$option" jobs -- sleep 0.2
		(($(milliseconds) - before >= 450))
	done
}

@test "-n N -w waits until there were N" {
	qpush jobs a
	start qpop -n 2 -w jobs -- cat >got
	eventually grep -q a got
	qpush jobs b c
	ended 0
	is "$(cat got)" ab
	counts jobs ready=1 leased=0
}

@test "a failed message is tried again by the same worker when its time comes" {
	qctl create jobs backoff=50ms
	qpush jobs x
	run -4 --separate-stderr qpop -n all -w2 jobs -- sh -c '[ "$Q_ATTEMPT" = 3 ]'
	is "$(grep -c 'next try in' <<<"$stderr")" 2
	counts jobs done=1
}

# ---- several at once ----

@test "-P 4 runs four at once, and never five" {
	seq 16 | qpush -l jobs
	# each takes one of four places; the first four wait for each other
	start timeout -s KILL 20 qpop -n all -P 4 jobs -- sh -c '
		for n in 1 2 3 4 5; do
			exec 8>"place.$n"
			flock -n 8 && break
		done
		[ "$n" != 5 ] || touch five
		echo >>many
		while [ "$(wc -l <many)" -lt 4 ]; do sleep 0.01; done
		sleep 0.02'
	ended 0
	[ ! -e five ]
	counts jobs done=16
}

@test "-P 4 has four processes and four leases while there is work" {
	seq 9 | qpush -l jobs
	start qpop -n all -P 4 jobs -- sh -c "$staying"
	eventually running 4
	sleep 0.1
	is "$(wc -l <running)" 4
	counts jobs leased=4 ready=5
	touch go
	ended 0
	counts jobs done=9 leased=0
}

@test "a slow command does not hold up those beside it" {
	qpush jobs slow
	seq 20 | qpush -l jobs
	start qpop -n all -P 2 jobs -- sh -c 'read -r n; [ "$n" != slow ] || while [ -e root ] && [ ! -e go ]; do sleep 0.02; done'
	eventually has_count jobs done=20
	counts jobs leased=1
	touch go
	ended 0
	balances jobs
}

@test "--stop-on-failure takes no more, lets what runs end, and is status 4" {
	qpush jobs stays fails never
	start qpop -n all -P 2 --stop-on-failure jobs -- sh -c 'read -r b
		echo "$b" >>ran
		[ "$b" != fails ] || exit 1
		while [ -e root ] && [ ! -e go ]; do sleep 0.02; done' 2>err
	eventually grep -q "exited 1" err
	touch go
	ended 4
	is "$(sort ran)" $'fails\nstays'
	counts jobs done=1 ready=1 delayed=1
}

@test "two workers never run one message at the same time" {
	local i workers=()

	qctl create jobs backoff=0 max-attempts=100
	seq 150 | qpush -l jobs
	for i in 1 2; do
		start qpop -n all -P 4 jobs -- sh -c '
			exec 8>>"lock.$Q_ID"
			flock -n 8 || echo "$Q_ID" >>clash
			[ "$((Q_ID % 5))" != 0 ] || [ "$Q_ATTEMPT" != 1 ]' 2>err."$i"
		workers+=("$pid")
	done
	for i in "${workers[@]}"; do
		eventually gone "$i"
	done
	[ ! -e clash ]
	counts jobs done=150
	balances jobs
}

# ---- time limits ----

@test "-T ends a command that takes too long, and that is a failed attempt" {
	local before

	qpush jobs x
	before=$(milliseconds)
	run -4 --separate-stderr qpop -T 200ms jobs -- sleep 1000
	(($(milliseconds) - before >= 200 && $(milliseconds) - before < 5000))
	has "$stderr" "qpop: jobs: 1: 'sleep' timed out after 200 ms (attempt 1 of 20); next try in "
	is "$(reason jobs 1)" "timed out after 200 ms"
	counts jobs delayed=1
}

@test "a message whose state is damaged while its command runs was not done" {
	qpush jobs x
	run --separate-stderr -65 qpop jobs -- "$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" \
		record msg 0000000000000001
	is "$stderr" "qpop: jobs: 1: its state is damaged, so how it ended is not stored; run 'qctl check jobs'"
	counts jobs done=0
}

@test "a command in time is not ended" {
	qpush jobs x
	is_silent 0 qpop -T 1h jobs -- sleep 0.05
}

@test "a command may tidy up on TERM; the attempt has failed all the same" {
	qpush jobs x
	fails 4 "timed out after 200 ms" qpop -T 200ms jobs -- \
		sh -c 'trap "touch tidy; exit 0" TERM; sleep 1000 & wait'
	[ -e tidy ]
	counts jobs done=0 delayed=1
}

@test "a command that ignores TERM is killed after --kill-after" {
	local before

	qpush jobs x
	before=$(milliseconds)
	fails 4 "timed out after 200 ms" qpop -T 200ms --kill-after 300ms jobs -- \
		sh -c 'trap "" TERM; while [ -e root ]; do sleep 0.05; done'
	(($(milliseconds) - before >= 450))
}

@test "the whole process group of a command is ended" {
	qpush jobs term kill
	run -4 qpop -n 1 -T 200ms jobs -- sh -c 'sleep 1000 & echo $! >child; wait'
	eventually gone "$(cat child)"
	run -4 qpop -n 1 -T 200ms --kill-after 200ms jobs -- \
		sh -c 'trap "" TERM; sleep 1000 & echo $! >child; while [ -e root ]; do sleep 0.05; done'
	eventually gone "$(cat child)"
}

@test "after a time limit a message is tried again only when all of its group is gone" {
	qctl create jobs backoff=0
	qpush jobs x
	# Children that have the lock die by KILL alone, and not at once.
	run -4 --separate-stderr timeout 20 qpop -n 3 -w20 -T 200ms jobs -- sh -c '
		exec 8>>lock
		flock -n 8 || echo clash >>clashes
		sh -c "trap \"\" TERM; while :; do :; done" &
		sh -c "trap \"\" TERM; while :; do :; done" &
		wait'
	is "$(grep -c 'timed out' <<<"$stderr")" 3
	[ ! -e clashes ]
}

@test "what left the group of a command that was ended is not waited for for long" {
	qpush jobs x
	run -4 timeout 20 qpop -T 200ms jobs -- sh -c 'setsid sleep 1000 >/dev/null & echo $! >left; wait'
	kill "$(cat left)"
	counts jobs delayed=1
}

@test "a command may use small descriptors without losing its lease" {
	qpush jobs x
	start qpop jobs -- bash -c "for fd in {3..98}; do eval \"exec \$fd</dev/null\"; done; $staying"
	eventually running 1
	kill -9 "$pid"
	ended 137
	is_silent 1 qpop jobs
	touch go
	is "$(qpop -w20 jobs)" x
}

@test "time limits hold for each command of several" {
	qpush jobs a b c d
	run -4 --separate-stderr qpop -n all -P 4 -T 300ms jobs -- \
		sh -c 'read -r x; [ "$x" != b ] || exec sleep 1000'
	is "$(grep -c 'timed out' <<<"$stderr")" 1
	counts jobs done=3 delayed=1
}

@test "a command that ends in time is not timed out because the queue was busy" {
	qpush jobs first second
	start qpop -n 2 -P 2 -T 800ms jobs -- sh -c 'read -r x; echo >>running
		while [ -e root ] && [ ! -e go ]; do sleep 0.01; done
		[ "$x" = first ] || sleep 0.2' 2>err
	eventually running 2
	flock "$Q_ROOT/jobs/data.mdb" sh -c 'touch go; sleep 1.2'
	ended 0
	counts jobs done=2
}

@test "a limit of centuries is no limit" {
	qpush jobs x
	is_silent 0 qpop -T 9223372036s --kill-after 9223372036s jobs -- sleep 0.05
}

# ---- signals ----

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

@test "a worker that was started with SIGCHLD ignored ends as any other" {
	qpush jobs x
	start timeout -s KILL 5 env --ignore-signal=CHLD qpop jobs -- true
	ended 0
	counts jobs done=1
}

# ---- death ----

@test "worker and command killed: a consumer that waits has the message within a second" {
	local before after worker

	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	worker=$pid
	eventually running 1
	start qpop -w20 jobs -- sh -c 'date +%s%N >when; echo "$Q_ATTEMPT" >attempt'
	eventually has_open "$pid"
	before=$(date +%s%N)
	kill -9 "$worker" "$(cat running)"
	ended 0
	after=$(cat when)
	((after - before < 1000000000))
	is "$(cat attempt)" 2
	is "$(count jobs "done")" 1
	balances jobs
}

@test "a killed worker counts as an attempt, up to the last" {
	local i

	qpush -m 2 jobs x
	for i in 1 2; do
		rm -f running
		start qpop -w20 jobs -- sh -c "$staying"
		eventually running 1
		kill -9 "$pid" "$(cat running)"
		ended 137
	done
	is_silent 1 qpop -w300ms jobs -- true
	counts jobs dead=1
	is "$(reason jobs 1)" "worker died"
}

@test "of what a killed worker took together, only that comes back of which no command lives" {
	local n

	qpush jobs a b c d
	start qpop -n 4 -P 4 jobs -- sh -c 'echo $$ >"$Q_ID.new"; mv "$Q_ID.new" "$Q_ID"
		exec sleep 1000'
	for n in 1 2 3 4; do
		eventually [ -e $n ]
		started+=("$(cat $n)")
	done
	kill -9 "$pid"
	kill -9 "$(cat 2)" "$(cat 3)"
	eventually gone "$pid"
	eventually gone "$(cat 2)"
	eventually gone "$(cat 3)"
	counts jobs ready=2 leased=2
	is "$(qpop -n all -j jobs | jq -r '"\(.body) \(.attempt)"')" $'b 2\nc 2'
	counts jobs ready=0 leased=2 done=2
	kill -9 "$(cat 1)"
	eventually gone "$(cat 1)"
	is "$(qpop -n all -l jobs)" a
	counts jobs ready=0 leased=1 done=3
	qctl check jobs
}

@test "while the command of a killed worker lives, no second one runs" {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	kill -9 "$pid"
	ended 137
	is_silent 1 qpop jobs -- touch second
	is_silent 1 qpop -w300ms jobs -- touch second
	[ ! -e second ]
	counts jobs leased=1
	start qpop -w20 jobs -- sh -c 'echo "$Q_ATTEMPT" >second'
	touch go
	ended 0
	is "$(cat second)" 2
}

@test "a worker that is stopped keeps its messages" {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	kill -STOP "$pid"
	is_silent 1 qpop jobs -- true
	touch go
	eventually gone "$(cat running)"
	is_silent 1 qpop jobs -- true
	kill -CONT "$pid"
	ended 0
	counts jobs done=1
}

@test "what a command leaves behind in the background blocks nothing" {
	qctl create jobs backoff=0
	seq 3 | qpush -l jobs
	run -0 timeout 15 qpop -n all jobs -- sh -c 'sleep 1000 >/dev/null & echo $! >>left'
	counts jobs done=3 leased=0
	qpush jobs fails
	run -4 qpop jobs -- sh -c 'sleep 1000 >/dev/null & echo $! >>left; exit 1'
	is_silent 0 qpop jobs -- true
	counts jobs done=4
	while read -r p; do kill "$p"; done <left
}

@test "a reboot frees what workers held" {
	local up

	up=$(cut -d. -f1 /proc/uptime)
	cat /proc/sys/kernel/random/uuid >boot_id
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	is_silent 1 qpop jobs
	[ -e "$BIN/tool/shim-time" ] || skip "needs tool/shim-time"
	is "$(SHIM_BOOT_ID=$PWD/boot_id SHIM_WALL=60 SHIM_BOOT=$((10 - up)) \
		preloaded shim-time qpop jobs -- sh -c 'echo "$Q_ATTEMPT"')" 2
	touch go
	ended 0
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

# ---- what there is a limit of ----

@test "with too few descriptors nothing is lost, and the worker ends" {
	local n

	for n in {11..28}; do
		qctl create "jobs$n" backoff=0
		seq 8 | qpush -l "jobs$n"
		(
			close_others
			ulimit -n "$n"
			exec timeout -s KILL 5 qpop -n all -P 8 "jobs$n" -- true
		) 2>/dev/null && status=0 || status=$?
		((status == 0 || status == 3)) || {
			echo "with $n: status $status" >&2
			return 1
		}
		counts "jobs$n" dead=0 leased=0
		balances "jobs$n"
	done
}

@test "work that is done is acknowledged though no more can be taken" {
	seq 3 | qpush -l jobs
	(
		close_others
		ulimit -n 22
		exec timeout -s KILL 10 qpop -n all -P 20 jobs -- sh -c 'read -r n; echo "$n" >>running
			[ "$n" -le 3 ] || exit 0
			while [ -e root ] && [ ! -e "go.$n" ]; do sleep 0.02; done; echo "$n" >>ran'
	) 2>err &
	started+=("$!")
	eventually running 3
	seq 4 20 | qpush -l jobs
	touch go.1
	eventually grep -qs 1 ran
	touch go.2 go.3
	eventually gone "${started[-1]}"
	eventually grep -q 2 ran
	eventually grep -q 3 ran
	eventually has_count jobs leased=0
	is "$(for n in 1 2 3; do qstat --json jobs "$n" 2>/dev/null; done)" ''
}

@test "with workers and commands killed at random nothing is lost or run twice at once" {
	bash "$SRC/tests/soak.sh" 300
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
