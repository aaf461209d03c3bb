#!/usr/bin/env bats
# A pusher who waits for what becomes of his message: --call. How workers keep output is in
# stages.bats.

load lib

# caller OPTION...: calls jobs in the background; its output and errors are in files.
caller() {
	start qpush "$@" jobs x >output 2>errors
	caller=$pid
	eventually has_pushed
}

has_pushed() {
	[ -e "$Q_ROOT/jobs" ] && has_count jobs pushed=1
}

# The one message is leased; its receipt is in a file.
lease() {
	qpop -L "$@" -r receipt jobs >/dev/null
}

# called STATUS OUTPUT ERROR: how the caller ended.
called() {
	ended_saying "$@" "$caller"
}

@test "a call ends with its message, whoever is done with it" {
	caller --call
	lease 1m
	qack jobs "$(cat receipt)"
	called 0 '' ''
	rm -r "$Q_ROOT"
	caller --call=20
	is "$(qpop jobs)" x
	called 0 '' ''
	balances jobs
}

@test "a call that is released, extended or fails goes on" {
	qctl create jobs backoff=0
	caller --call=20
	lease 1m
	qack --extend 1m jobs "$(cat receipt)"
	qack --release jobs "$(cat receipt)"
	lease 1m
	qack --fail jobs "$(cat receipt)"
	lease 1ms
	eventually has_count jobs ready=1
	lease 1m
	kill -0 "$caller"
	qack jobs "$(cat receipt)"
	called 0 '' ''
	counts jobs delivered=4
}

@test "a call of a message that is given up says why, with exit status 4" {
	caller --call
	lease 1m
	qack --dead --reason 'no such photo' jobs "$(cat receipt)"
	called 4 '' "qpush: jobs: 1: dead: no such photo; see 'qstat jobs 1'"
}

@test "a call whose message dies with its holder ends, though nobody changes the queue" {
	caller --call=20 -m 1
	lease 1ms
	called 4 '' 'jobs: 1: dead: lease ran out'
	rm -r "$Q_ROOT"
	caller --call=20 -m 1
	start qpop jobs -- sh -c 'kill -9 $PPID'
	called 4 '' 'jobs: 1: dead: '
}

@test "a call whose message expires ends, though nobody changes the queue" {
	run --separate-stderr -1 qpush --call=20 -e 10ms jobs x
	is "$output" ''
	has "$stderr" 'jobs: 1: ended, and no result is kept'
	balances jobs
}

@test "a call ends as its administrator decides" {
	caller --call
	qctl dead --reason 'not today' jobs 1
	called 4 '' 'jobs: 1: dead: not today'
	# What is used again has not ended.
	qctl redrive jobs 1
	is "$(flock -s "$Q_ROOT/jobs/data.mdb" mdb_stat -n -s result "$Q_ROOT/jobs/data.mdb" |
		sed -n 's/ *Entries: //p')" 0
	rm -r "$Q_ROOT"
	caller --call
	qctl cancel --yes jobs 1
	called 1 '' 'jobs: 1: ended, and no result is kept'
	balances jobs
}

@test "a call of a damaged message is told so" {
	local table

	for table in body msg; do
		caller --call
		damage record $table 0000000000000001
		qpop jobs || is $? 65
		ended 65 "$caller"
		has "$(cat errors)" damaged
		rm -r "$Q_ROOT"
	done
}

@test "of a call that runs out of time, the message stays" {
	run --separate-stderr -124 qpush --call=10ms jobs x
	is "$output" ''
	has "$stderr" "jobs: 1: no result in 10 ms; it stays in the queue: see 'qstat jobs 1'"
	counts jobs ready=1
	is "$(qpop jobs)" x
}

@test "a call ends by the signal that ends it, and the message stays" {
	local sig

	for sig in TERM INT HUP; do
		rm -rf "$Q_ROOT"
		caller --call
		kill -$sig "$caller"
		called $((128 + $(kill -l $sig))) '' 'jobs: interrupted; message 1 stays in the queue'
		counts jobs ready=1
	done
}

@test "a queue that is busy does not make a call longer than its time" {
	local holder

	caller --call=2
	start flock "$Q_ROOT/jobs/data.mdb" sleep 60
	holder=$pid
	eventually is_locked jobs
	called 124 '' 'no result in 2 s'
	is "$(cat "/proc/$holder/comm")" flock
}

@test "a call that cannot look for its result says that the message is stored" {
	caller --call --lock-wait=100ms
	start flock "$Q_ROOT/jobs/data.mdb" sleep 60
	ended 75 "$caller"
	has "$(cat errors)" 'jobs: 1: stored, but what becomes of it is not known: another process'
}

@test "a call whose queue goes away ends" {
	caller --call
	rm -r "$Q_ROOT/jobs"
	called 3 '' 'jobs: 1: stored, but what becomes of it is not known: '
}

@test "a COMMAND's output is the caller's, byte for byte, and not the worker's" {
	qctl create jobs
	start qpop -w jobs -- printf 'a\0b\n\n\377no newline' >worker
	run --separate-stderr -0 sh -c 'qpush --call=20 jobs x | od -An -c'
	is "$(tr -s ' ' <<<"$output")" ' a \0 b \n \n 377 n o n e w l i n e'
	ended 0
	is "$(cat worker)" ''
}

@test "only what the last delivery wrote is the caller's" {
	qctl create jobs backoff=0
	start qpop -n 3 -w jobs -- sh -c 'echo "try $Q_ATTEMPT"; [ "$Q_ATTEMPT" -gt 2 ]'
	run --separate-stderr -0 qpush --call=20 jobs x
	is "$output$stderr" 'try 3'
	ended 4
}

@test "a COMMAND's end is the caller's" {
	qctl create jobs max-attempts=1
	start qpop -n all -w jobs -T 1s -- sh -c 'read -r x; echo "$x"; eval "$x"'
	run --separate-stderr -7 qpush --call=20 jobs 'exit 7'
	is "$output" 'exit 7'
	has "$stderr" 'jobs: 1: dead: exited 7'
	run --separate-stderr -137 qpush --call=20 jobs 'kill -9 $$'
	has "$stderr" 'jobs: 2: dead: killed by SIGKILL'
	run --separate-stderr -143 qpush --call=20 jobs 'sleep 60'
	is "$output" 'sleep 60'
	has "$stderr" 'jobs: 3: dead: timed out after 1 s'
	run --separate-stderr -65 qpush --call=20 jobs 'exit 65'
	has "$stderr" 'jobs: 4: dead: exited 65'
}

@test "several callers get each their own" {
	local n

	qctl create jobs
	start qpop -n all -w -P 2 jobs -- cat
	for n in 1 2 3 4 5 6 7 8; do
		start qpush --call=20 jobs "body $n" >"out$n"
	done
	for n in 1 2 3 4 5 6 7 8; do
		ended 0 "${started[n]}"
		is "$(cat "out$n")" "body $n"
	done
}

@test "output that the caller cannot write is exit status 3, and the message is done" {
	qctl create jobs
	start qpop -n all -w jobs -- sh -c 'seq 100000'
	run --separate-stderr -3 sh -c 'qpush --call=20 jobs x >/dev/full'
	is "$stderr" 'qpush: stdout: No space left on device'
	run --separate-stderr -3 sh -c 'qpush --call=20 jobs x >&-'
	is "$stderr" 'qpush: stdout: Bad file descriptor'
	run --separate-stderr -0 bash -c 'qpush --call=20 jobs x | head -1; exit $((PIPESTATUS[0] - 3))'
	is "$output$stderr" 1
	counts jobs done=3
}

@test "a call that fails twice says both" {
	qctl create jobs max-attempts=1
	start qpop -n 2 -w jobs -- sh -c 'echo half; exit 7'
	run --separate-stderr -3 sh -c 'qpush --call=20 jobs x >/dev/full'
	has "$stderr" 'stdout: No space left on device'
	has "$stderr" 'jobs: 1: dead: exited 7'
}

sleeps() {
	[ "$(cut -d' ' -f3 "/proc/$1/stat")" = S ]
}

@test "a large output that is damaged is not given to the caller" {
	qctl create jobs inline=4K
	caller --call
	eventually sleeps "$caller"
	kill -STOP "$caller"
	qpop jobs -- seq 10000
	printf x | dd of="$Q_ROOT/jobs/blob/1.out" conv=notrunc status=none
	kill -CONT "$caller"
	called 65 '' 'jobs: the result of message 1 is damaged (its file)'
}

@test "without results that are kept, a call knows only that it is dead" {
	qctl create jobs result-keep=0 max-attempts=1
	caller --call=20
	lease 1m
	qack --dead --reason no jobs "$(cat receipt)"
	called 4 '' 'dead: no'
	start qpush --call=20 jobs x >output 2>errors
	caller=$pid
	eventually has_count jobs ready=1
	lease 1m
	qack jobs "$(cat receipt)"
	called 1 '' 'jobs: 2: ended, and no result is kept'
}

@test "a call can be of a file, of a command's output, or in a group" {
	qctl create jobs
	start qpop -n all -w jobs -- cat
	echo file >file
	is "$(qpush --call=20 -f file jobs)" file
	is "$(qpush --call=20 --from-command jobs -- echo command)" command
	is "$(echo stdin | qpush --call=20 -g a jobs)" stdin
	is "$(head -c 3000000 /dev/zero | qpush --call=20 jobs | wc -c)" 3000000
	balances jobs
}

@test "a call is of one message, and says no more than its output" {
	fails 2 '--call is for one message' qpush --call jobs 1 2
	fails 2 '--call is for one message' qpush --call -l jobs
	fails 2 '--call is for one message' qpush --call -J jobs
	fails 2 '--call and --key exclude each other' qpush --call -k a jobs x
	fails 2 "--call prints COMMAND's output alone" qpush --call -i jobs x
	fails 2 "--call prints COMMAND's output alone" qpush --call -j jobs x
	fails 2 '--call: nothing is done in no time' qpush --call=0 jobs x
	fails 2 "--call: 'soon' is not a duration" qpush --call=soon jobs x
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "a call that cannot be stored does not wait" {
	qctl create jobs max-messages=1
	qpush jobs x
	fails 75 'queue is full (1 messages); nothing stored' qpush --call jobs y
	fails 2 'the message is empty' qpush --call other ''
}
