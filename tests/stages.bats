#!/usr/bin/env bats
# What a COMMAND prints, where somebody wants it: the next stage, and callers.

load lib

# ---- the next stage ----

@test "--to pushes what COMMAND prints, and then acknowledges" {
	qctl create out
	qpush -H name=value -p 7 in 'hello'
	run --separate-stderr -0 qpop in --to out -- tr a-z A-Z
	is "$output$stderr" ''
	counts in ready=0 done=1
	is "$(qstat --list --json out | jq -c '[.headers, .priority]')" '[{"name":"value"},7]'
	is "$(qpop out)" HELLO
}

@test "--to-lines pushes each line, and no empty one" {
	qctl create out
	qpush in x
	qpop in --to out --to-lines -- printf 'a b\n\n\nc\0d\ne'
	is "$(qpop -n all -0 out | tr '\0\n' '|/')" 'a b|c|d|e|'
	counts out pushed=3
	balances out
}

@test "no output is nothing to hand over" {
	qctl create out
	qpush in x
	qpop in --to out -- true
	qpush in x
	qpop in --to out --to-lines -- echo
	counts in done=2
	counts out pushed=0
}

@test "the output of a COMMAND that fails goes nowhere" {
	qctl create out
	qctl create in max-attempts=1
	qpush in x
	run --separate-stderr -4 qpop in --to out -- sh -c 'echo half; exit 1'
	is "$output" ''
	counts in dead=1
	counts out pushed=0
}

@test "a chain of stages carries each message once" {
	for q in b c; do qctl create $q; done
	seq 200 | qpush -l a
	start qpop -n all -w -P 2 a --to b -- sed 's/$/x/'
	start qpop -n all -w -P 3 b --to c --to-lines -- sed 's/$/y/'
	eventually has_count c ready=200
	is "$(qpop -n all -l c | sort -n)" "$(seq 200 | sed 's/$/xy/')"
	counts a done=200
	counts b pushed=200 done=200
}

@test "a message that was released while its COMMAND runs is handed over once" {
	qctl create out
	qpush in x
	start qpop in --to out -- sh -c 'until [ -e go ]; do sleep 0.01; done; cat'
	eventually has_count in leased=1
	qctl release -q in 1
	qpop in --to out -- cat
	counts out pushed=1
	touch go
	ended 0
	counts out pushed=1
	counts in done=1 pushed=1
}

@test "a large output is a large message" {
	qctl create out
	qpush in x
	qpop in --to out -- sh -c 'head -c 3000000 /dev/zero | tr "\0" z'
	is "$(qpop out | tr -d z | wc -c)" 0
	counts out done=1
}

@test "what a COMMAND leaves behind may write over its output while that is handed over" {
	local over ways=(
		'head -c 3M /dev/urandom | dd conv=notrunc of=/dev/stdout'
		'head -c 3M /dev/zero >/dev/stdout'
	)

	qctl create out
	for over in "${ways[@]}"; do
		touch writing
		seq 8 | qpush -l in
		run --separate-stderr timeout 30 qpop -n all in --to out -- sh -c '
			head -c 3M /dev/zero
			while [ -e writing ]; do eval "$1"; done 2>/dev/null 3>&- &' sh "$over"
		rm writing # whatever has become of it
		is "$status $stderr" '0 '
	done
	has "$(qctl check out)" "out: sound"
}

@test "--to needs another queue that is there" {
	qpush in x
	ln -s in "$Q_ROOT/same"
	fails 3 'out: no such queue' qpop in --to out -- cat
	fails 2 "--to: 'in' is the queue itself" qpop in --to in -- cat
	fails 2 "is the queue itself" qpop in --to "$Q_ROOT/same" -- cat
	fails 2 '--to-lines needs --to' qpop in --to-lines -- cat
	fails 2 'for a COMMAND' qpop in --to out
	fails 2 '--to and --batch exclude each other' qpop in -B 2 --to out -- cat
	counts in ready=1 delivered=0
}

@test "a next stage that is full is waited for, and nothing more is taken" {
	qctl create out max-messages=1
	seq 4 | qpush -l in
	qpush out x
	start qpop -n all in --to out -- cat 2>errors
	eventually grep -q 'out: queue is full (1 messages); waiting' errors
	counts out ready=1
	counts in done=0
	is "$(qpop -w20 -n 5 -l out)" $'x\n1\n2\n3\n4'
	ended 0
	counts in done=4
}

@test "a worker that is told twice to stop gives back what it could not hand over" {
	qctl create out max-messages=1
	qpush in x
	qpush out x
	start qpop in --to out -- cat 2>errors
	eventually grep -q 'waiting' errors
	kill "$pid"
	kill -INT "$pid" # two of a kind may be taken for one
	ended 75
	counts in ready=1 done=0
	is "$(qstat --json in 1 | jq .attempt)" 0
}

@test "a worker that is told to stop waits for the next stage, but not for ever" {
	qctl create out
	qctl pause out in
	seq 2 | qpush -l in
	start qpop -n all in --kill-after 100ms --to out -- cat 2>errors
	eventually grep -q 'waiting' errors
	kill "$pid"
	ended 75
	counts in ready=2 done=0
	is "$(qstat --json in 1 | jq .attempt)" 0
}

@test "more lines than the next stage may ever hold are a failure, and not waited for" {
	qctl create out max-messages=2
	qpush -m 1 in x
	run -4 --separate-stderr timeout 10 qpop in --to out --to-lines -- seq 3
	has "$stderr" "printed too much: 3 messages at once are over the 2"
	counts in dead=1
	counts out pushed=0
}

@test "what is too large for the next stage is a failure of its message alone" {
	qctl create out max-body=5
	qctl create in backoff=0
	printf '%s\n' long-line ok | qpush -l -m 2 in
	run -4 --separate-stderr qpop -n all in --to out -- cat
	has "$stderr" "in: 1: 'cat' printed too much: message of 9 bytes is over the queue's limit"
	has "$stderr" 'in: 1: dead after 2 attempts'
	counts in dead=1 done=1
	is "$(qstat --json in 1 | jq -c '.failures[0] | [.how, .exit_status]')" '["exited",0]'
	has "$(qstat in 1)" 'printed too much: message of 9 bytes'
	is "$(qpop -n all out)" ok
	# of lines, all or none
	printf 'a\nlong-line\n' | qpush -m 1 in
	run -4 qpop in --to out --to-lines -- cat
	counts out pushed=1
}

@test "a next stage that goes away stops the worker, and its message goes back" {
	qctl create out
	seq 3 | qpush -l in
	run --separate-stderr -3 qpop -n all in --to out -- sh -c "rm -r '$Q_ROOT/out'; echo x"
	has "$stderr" 'out: '
	counts in ready=3
}

# A second copy, or none, is what must not be, whenever the worker is killed.
@test "killed anywhere, a message is handed over once" {
	local n

	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT"
		qpush in "$n"
		qctl create out
		"$BIN/tool/trace" -a flock -k "$n" -r report -- \
			"$BIN/qpop" in --to out -- cat 2>/dev/null || :
		grep -q 'signal 9' report || break
		qpop in --to out -- cat >/dev/null 2>&1 || is $? 1
		is "$(qpop -n all -l out)" "$n"
		counts in ready=0 done=1
		balances in
		balances out
	done
	[ "$n" -gt 100 ]
}

@test "what was handed over is forgotten when it is over" {
	qctl create out
	seq 20 | qpush -l in
	qpop -n all in --to out -- cat
	for table in unique expiry; do
		is "$(flock -s "$Q_ROOT/out/data.mdb" mdb_stat -n -s $table \
			"$Q_ROOT/out/data.mdb" | sed -n 's/ *Entries: //p')" 0
	done
}

# ---- callers ----

@test "--call prints what COMMAND prints, and exits as it does" {
	qctl create jobs
	start qpop -n all -w jobs -- sh -c 'tr a-z A-Z; echo aside >&2' 2>errors
	qpush jobs warm
	run --separate-stderr -0 qpush --call=20 jobs hello
	is "$output" HELLO
	is "$stderr" ''
}

@test "the worker's own stdout has nothing of what a caller gets" {
	qctl create jobs
	start qpop -n 2 -w jobs -- cat >worker
	qpush --call=20 jobs asked >caller
	qpush jobs unasked
	ended 0
	is "$(cat caller)" asked
	is "$(cat worker)" unasked
}

@test "--call exits as COMMAND did when that was the end" {
	qctl create jobs
	qctl create other max-attempts=1
	start qpop -n all -w jobs --dead-on 65 -- sh -c 'echo said; exit 65'
	run --separate-stderr -65 qpush --call=20 jobs x
	is "$output" said
	has "$stderr" "jobs: 1: dead: exited 65; see 'qstat jobs 1'"
	start qpop -n all -w other -- sh -c 'kill -KILL $$'
	run --separate-stderr -137 qpush --call=20 other x
	has "$stderr" 'dead: killed by SIGKILL'
}

@test "--call waits through the attempts that fail" {
	qctl create jobs backoff=10ms
	start qpop -n all -w jobs -- sh -c 'echo $Q_ATTEMPT; [ $Q_ATTEMPT = 3 ]'
	run --separate-stderr -0 qpush --call=20 jobs x
	is "$output" 3
}

@test "a large output reaches its caller whole, and is removed in time" {
	qctl create jobs
	start qpop -n all -w jobs -- sh -c 'seq 600000'
	is "$(qpush --call=20 jobs x | md5sum)" "$(seq 600000 | md5sum)"
	is "$(ls "$Q_ROOT/jobs/blob")" 1.out
	qctl set jobs result-keep=1ms
	qpush --call=20 jobs x >/dev/null || is $? 1
	qpush jobs x
	eventually test ! -e "$Q_ROOT/jobs/blob/2.out"
}

@test "results of all messages are kept if the queue says so" {
	qctl create jobs results=all
	qpush jobs x
	is "$(qpop jobs -- echo hello)" ''
	is "$(flock -s "$Q_ROOT/jobs/data.mdb" mdb_stat -n -s result "$Q_ROOT/jobs/data.mdb" |
		sed -n 's/ *Entries: //p')" 1
}

@test "output that cannot be kept is said to be lost" {
	qctl create jobs
	start qpop -w jobs -- sh -c "rm -r '$Q_ROOT/jobs/blob'; seq 600000" 2>errors
	run --separate-stderr -3 qpush --call=20 jobs x
	has "$stderr" 'ended, but its output could not be kept'
	ended 0
}

@test "an output is not removed with the one before it of the same message" {
	qctl create jobs inline=4096 results=all
	qpush -m 1 jobs x
	run -4 qpop jobs -- sh -c 'seq 2000; exit 1'
	start env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e trace=unlinkat \
		-e inject=unlinkat:delay_enter=1000000 qctl redrive jobs --all
	qpop -w jobs -- seq 2001
	ended 0
	qwatch jobs 1 >output
	seq 2001 | cmp - output
	qctl check jobs
}
