#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Damaged messages of a group do not stop it.

load lib

# spoil TABLE ID: of the queue jobs.
spoil() {
	damage record "$1" "$(printf '%016x' "$2")"
}

@test "a damaged message does not stop its group, whatever it was" {
	local table

	for table in msg body; do
		rm -rf "$Q_ROOT"
		seq 6 | while read -r n; do qpush -g a -k "$n" -e 1d jobs "$n"; done
		spoil $table 1 # ready
		spoil $table 3 # blocked
		fails 65 'message 1 is damaged' qpop -g a jobs
		is "$(qpop -g a jobs)" 2
		qpop -L 1m -r receipt -o body jobs || qpop -L 1m -r receipt -o body jobs
		is "$(cat body)" 4
		spoil $table 4 # leased
		qack jobs "$(cat receipt)" || [ $? -eq 65 ]
		spoil $table 5
		balances jobs
	done
}

@test "a damaged message that is delayed or leased does not stop its group" {
	printf '{"body":"%s","group":"a","delay":"%s"}\n' 1 100ms 2 0 | qpush -J jobs
	spoil msg 1
	# Who pops sets it aside only if it was ready by then.
	is "$(qpop -w20 -g a jobs || qpop -w20 -g a jobs)" 2
	qpush -g b jobs 3
	qpush -g b jobs 4
	qpop -L 10ms jobs >/dev/null
	spoil msg 3
	is "$(qpop -w20 -g b jobs)" 4
	counts jobs dead=2 done=2 blocked=0
	balances jobs
}

@test "a damaged dead message does not hold its group once it shall not" {
	qctl create jobs group-on-dead=hold max-attempts=1
	qpush -g a jobs 1
	qpush -g a jobs 2
	failing jobs
	spoil msg 1
	qctl set jobs group-on-dead=skip
	is "$(qpop jobs)" 2
	balances jobs
}

@test "a damaged message that is asked for by its id is set aside" {
	qpush jobs 1
	qpush jobs 2
	spoil msg 2
	fails 65 'message 2 is damaged (checksum); set aside' qpop --id 2 jobs
	is_silent 1 qpop --id 2 jobs
	counts jobs ready=1 dead=1
}

@test "asked for by its id, one of those that share a damaged record is set aside alone" {
	qpush -p 3 -m 7 jobs 1 2 3
	spoil msg 1
	fails 65 'message 2 is damaged (checksum); set aside' qpop --id 2 jobs
	counts jobs ready=2 dead=1
	is "$(qstat --json jobs 3 | jq -c '[.priority, .max_attempts, .attempt]')" '[3,7,0]'
	is "$(qpop -n all -l jobs)" $'1\n3'
	balances jobs
}
