#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qstat --holders: who has messages and the lock, and never the wrong process.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# FILTER of each row of a queue, a line each.
rows() {
	qstat --holders --json "$1" | jq -c "$2"
}

shows() {
	rows jobs . | jq -se "$1" >/dev/null
}

@test "a worker and its command hold a message" {
	qpush jobs a
	start qpop jobs -- sleep 60
	eventually shows 'length == 2'
	is "$(rows jobs '[.role, .id, .attempt, .lease, .process, .command, .due]')" \
		'["lease",1,1,"held","running","qpop",null]
["lease",1,1,"held","running","sleep",null]'
	is "$(rows jobs .pid | head -1)" "$pid"
	qstat --holders jobs >table
	grep -E '^ +1 +1 lease +[0-9]+ .* held +'"$pid"' running +qpop +jobs$' table
}

@test "a command that outlives its worker is the holder" {
	qpush jobs a
	start qpop jobs -- sleep 60
	eventually shows 'length == 2'
	started+=("$(rows jobs .pid | tail -1)")
	kill -9 "$pid"
	eventually shows 'length == 1'
	is "$(rows jobs '[.id, .command]')" '[1,"sleep"]'
}

@test "a stopped worker is said to be stopped" {
	qpush jobs a
	start qpop jobs -- sleep 60
	eventually shows 'length == 2'
	kill -STOP "$pid"
	eventually shows '.[0].process == "stopped"'
}

@test "what is taken ahead is not begun" {
	qpush jobs a b
	mkfifo orders
	exec 8<>orders
	start "$BIN/tool/taker" "$Q_ROOT/jobs" 2 1 <&8 >answers
	eventually grep -q '2 ahead' answers
	is "$(rows jobs '[.id, .lease, .attempt, .command]')" \
		'[1,"held",1,"taker"]
[2,"ahead",0,"taker"]'
	exec 8>&-
}

@test "a timed lease is of who took it, who may be gone" {
	qpush jobs a
	qpop -L 1h jobs >/dev/null
	is "$(rows jobs '[.lease, .process, .command, (.due > .since)]')" \
		'["timed","gone",null,true]'
	qstat --holders jobs >table
	grep -E ' lease .* (59|60) min +[0-9]+ gone +\? +jobs$|1 h' table
}

@test "a lease with an owner is of that process, and no later one of its pid" {
	qpush jobs a
	start sleep 60
	qpop -L 1h --owner "$pid" jobs >/dev/null
	is "$(rows jobs '[.lease, .pid, .process, .command]')" "[\"owned\",$pid,\"running\",\"sleep\"]"
	kill -9 "$pid"
	eventually shows 'length == 0'
}

@test "a lease that is over has no holder" {
	qpush jobs a
	qpop -L 1ms jobs >/dev/null
	eventually shows 'length == 0'
	is "$(qstat --holders jobs | wc -l)" 1
}

@test "who waits for messages has the queue open" {
	qctl create jobs
	start qpop -w60 jobs
	eventually shows 'length == 1'
	is "$(rows jobs '[.role, .pid, .process, .command, .id]')" \
		"[\"open\",$pid,\"running\",\"qpop\",null]"
}

@test "who has the lock is shown, although nothing else can be read" {
	qpush jobs a
	start flock "$Q_ROOT/jobs/data.mdb" -c 'exec sleep 60'
	eventually is_locked jobs
	run --separate-stderr -75 qstat --lock-wait 10ms --holders --json jobs
	has "$stderr" 'jobs: another process'
	is "$(jq -c '[.role, .pid]' <<<"$output")" "[\"lock\",$pid]"
}

# Who waits is in front of us, too.
shows_waiter() {
	qstat --lock-wait 10ms --holders --json jobs 2>/dev/null |
		jq -se "map([.role, .pid == $1, .command]) |
		    (.[0][0] == \"lock\" and .[1] == [\"wait\", true, \"qctl\"])" >/dev/null
}

@test "who waits for the lock is shown, too" {
	qpush jobs a
	start flock -s "$Q_ROOT/jobs/data.mdb" sleep 60
	eventually is_locked jobs
	start qctl set jobs rate=5
	eventually shows_waiter "$pid"
}

@test "a process of another pid namespace is not named" {
	unshare -Urpf --mount-proc true 2>/dev/null || skip 'no namespaces here'
	qpush jobs a b
	start qpop -n 1 jobs -- sleep 60
	eventually shows 'length == 2'
	qpop -L 1h --owner "$pid" jobs >/dev/null
	run -0 unshare -Urpf --mount-proc qstat --holders --json jobs
	is "$(jq -c '[.id, .process, .command]' <<<"$output" | sort)" \
		'[1,"elsewhere",null]
[2,"elsewhere",null]'
}

@test "a name of a command cannot act on a terminal" {
	cp "$(command -v sleep)" $'a\e[31m\tb)'
	qpush jobs a
	start qpop jobs -- $'./a\e[31m\tb)' 60
	eventually shows 'length == 2'
	qstat --holders jobs >table
	grep -F 'a\x1b[31m\x09b)' table
	run ! grep $'\e' table
}

@test "several queues, and all" {
	qpush a x
	qpush b x
	qpop -L 1h a >/dev/null
	qpop -L 1h b >/dev/null
	is "$(qstat --holders --json a b | jq -r .queue | xargs)" 'a b'
	is "$(qstat --holders --json | jq -r .queue | xargs)" 'a b'
	run --separate-stderr -3 qstat --holders --json none a
	is "$(jq -r .queue <<<"$output")" a
	has "$stderr" 'none: no such queue'
}

@test "the table has a row for each, under one head" {
	qpush jobs a b
	qctl create idle
	start sleep 60
	owner=$pid
	qpop -L 1h --owner "$owner" jobs >/dev/null
	start qpop jobs -- sleep 60
	worker=$pid
	start qpop -w60 idle
	all() {
		qstat --holders jobs idle >table && [ "$(wc -l <table)" = 5 ]
	}
	eventually all
	is "$(grep -c ^ table) $(grep -c '^ *ID ' table)" '5 1'
	grep -E "^ +1 +1 lease +[0-9]+ .* min, owned +$owner running +sleep +jobs$" table
	grep -E "^ +2 +1 lease +[0-9]+ .* held +$worker running +qpop +jobs$" table
	grep -E "^ +- +- open +- - +$pid running +qpop +idle$" table
}

@test "--holders is for queues" {
	qpush jobs a
	fails 2 'an ID stands alone' qstat --holders jobs 1
	fails 2 'exclude each other' qstat --holders --list jobs
	fails 2 'exclude each other' qstat --holders --sizes jobs
}
