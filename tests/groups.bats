#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Order within a group.

# shellcheck disable=SC2016 # commands are for the shells that workers start
load lib

@test "of a group one message is ready, the others are blocked" {
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpush -g b jobs 3
	qpush jobs 4
	counts jobs ready=3 blocked=1 pushed=4
	is "$(qstat --list --state blocked --json jobs | jq -r '"\(.id) \(.group)"')" '2 a'
	is "$(qpop_all jobs)" 1342
	counts jobs ready=0 blocked=0 done=4
	balances jobs
}

@test "a group is delivered in order, one at a time" {
	local r1 r2

	printf '%s\n' 1 2 3 | while read -r n; do qpush -g a jobs "$n"; done
	r1=$(qpop -L 1m jobs | head -1)
	is_silent 1 qpop jobs
	counts jobs ready=0 leased=1 blocked=2
	qack jobs "$r1"
	r2=$(qpop -L 1m -r receipt jobs)
	is "$r2" 2
	qack --release jobs "$(cat receipt)"
	is "$(qpop jobs)" 2
	is "$(qpop jobs)" 3
	balances jobs
}

@test "a message that waits for its next attempt keeps its group waiting" {
	qctl create jobs backoff=1h
	qpush -g a jobs 1
	qpush -g a jobs 2
	failing jobs
	counts jobs delayed=1 blocked=1 ready=0
	is_silent 1 qpop jobs
	balances jobs
}

@test "delays count from their turn in the group" {
	qpush -g a -d 1h jobs first
	qpush -g a jobs second
	counts jobs delayed=1 blocked=1
	is_silent 1 qpop jobs
	qpush -g b jobs head
	qpush -g b -d 1h jobs later
	is "$(qpop jobs)" head
	counts jobs delayed=2 blocked=1 ready=0
}

@test "a lease that runs out gives the same message of the group again" {
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpop -L 1ms jobs >/dev/null
	eventually has_count jobs ready=1
	is "$(qpop jobs)" 1
	is "$(qpop jobs)" 2
}

@test "an expired head of a group lets the next one go" {
	qpush -g a -e 1ms jobs 1
	qpush -g a jobs 2
	eventually has_count jobs expired=1
	is "$(qpop jobs)" 2
	counts jobs expired=1 done=1 blocked=0
	balances jobs
}

@test "a blocked message can expire" {
	qpush -g a jobs 1
	qpush -g a -e 1ms jobs 2
	qpush -g a jobs 3
	eventually has_count jobs expired=1
	is "$(qpop_all jobs)" 13
	counts jobs expired=1 done=2 blocked=0
	balances jobs
}

@test "qpop -g takes from that group alone" {
	qpush jobs other
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpush -g b jobs 3
	is "$(qpop -g a jobs)" 1
	is "$(qpop -n all -g a jobs)" 2
	is_silent 1 qpop -g a jobs
	is_silent 1 qpop -g nobody jobs
	is "$(qpop -n all -g b jobs -- cat)" 3
	is "$(qpop jobs)" other
}

@test "priority goes between groups, not within one" {
	qpush -g a jobs a1
	qpush -g a -p 50 jobs a2
	qpush -g b -p 10 jobs b1
	is "$(qpop_all jobs)" b1a1a2
}

@test "many groups worked on by several workers stay in order" {
	local g

	for ((i = 0; i < 60; i++)); do
		printf '{"body":"%d\\n","group":"g%d"}\n' "$i" $((i % 5))
	done | qpush -J jobs
	export OUT=$PWD
	for ((w = 0; w < 3; w++)); do
		start qpop -n all -P 3 jobs -- sh -c 'read -r n; echo "$n" >>"$OUT/g$((n % 5))"'
	done
	eventually has_count jobs done=60
	for ((g = 0; g < 5; g++)); do
		is "$(cat g$g)" "$(seq $g 5 59)"
	done
	balances jobs
}

@test "a group of a damaged or odd name is refused" {
	fails 2 '--group: must have 1 to 1024 bytes' qpush -g '' jobs x
	fails 2 '--group: must have 1 to 1024 bytes' qpush -g "$(printf '%01025d' 0)" jobs x
	fails 2 '--group: is not UTF-8' qpush -g $'\xff' jobs x
	fails 2 '--group: must have 1 to 1024 bytes' qpop -g '' jobs
	fails 2 '--id and --group exclude each other' qpop -g a --id 1 jobs
	[ ! -e "$Q_ROOT/jobs" ]
	qpush -g "$(printf '%01024d' 0)" jobs x
	is "$(qpop -g "$(printf '%01024d' 0)" jobs)" x
}
