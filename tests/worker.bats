#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpop QUEUE -- COMMAND: how many messages it works on, for how long, and how many at once.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

# ---- how many, and how long ----

@test "no message is status 1, silently, and nothing is run" {
	qctl create jobs
	is_silent 1 qpop jobs -- touch ran
	is_silent 1 qpop -n all jobs -- touch ran
	is_silent 1 qpop -w50ms jobs -- touch ran
	is_silent 1 qpop --idle-exit 50ms jobs -- touch ran
	[ ! -e ran ]
	fails 1 "qpop: jobs: queue is empty" qpop -v jobs -- true
	fails 1 "qpop: jobs: timed out" qpop -v -w50ms jobs -- true
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
