#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Dead messages of a group: whether they hold it, and what becomes of one that comes back.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a dead message lets its group go on, or holds it: group-on-dead" {
	for how in skip hold; do
		qctl create $how group-on-dead=$how max-attempts=1
		qpush -g a $how 1
		qpush -g a $how 2
		failing $how
	done
	counts skip dead=1 ready=1 blocked=0
	counts hold dead=1 ready=0 blocked=1
	is_silent 1 qpop hold
	# Set to skip, those held up go on at once.
	qctl set hold group-on-dead=skip
	counts hold dead=1 ready=1 blocked=0
	is "$(qpop hold)" 2
	balances hold
}

@test "a message given up holds or frees its group as well" {
	local r

	qpush -g a jobs 1
	qpush -g a jobs 2
	r=$(qpop -L 1m jobs | head -1)
	qack --dead --reason no jobs "$r"
	is "$(qpop jobs)" 2
	balances jobs
}

# A queue of two messages of a group, the first of which is dead: its lease ran out.
lapse_dead() {
	qctl create jobs max-attempts=1 group-on-dead="$1"
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpop -L 1ms -r receipt jobs >/dev/null
	eventually has_count jobs dead=1
}

@test "a dead message that is given back late waits for its group" {
	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	qack -q --release jobs "$(cat receipt)"
	counts jobs dead=0 leased=1 blocked=1 ready=0
	is_silent 1 qpop jobs
	balances jobs
	qack jobs "$(cat second)"
	is "$(qpop jobs)" 1
	balances jobs
}

@test "a dead message that is given back late and for later waits out both" {
	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	qack -q --release -d 1h jobs "$(cat receipt)"
	counts jobs blocked=1 delayed=0
	qack jobs "$(cat second)"
	counts jobs blocked=0 delayed=1
	balances jobs
}

@test "the lease of a dead message is not extended once its group has gone on" {
	local late='lease was over'

	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	fails 1 'nothing changed' qack --extend 1m jobs "$(cat receipt)"
	counts jobs dead=1 leased=1 blocked=0
	qack jobs "$(cat second)"
	run --separate-stderr -0 qack --extend 1m jobs "$(cat receipt)"
	has "$stderr" "$late"
	qpush -g a jobs 3
	counts jobs leased=1 blocked=1
	qack jobs "$(cat receipt)"
	is "$(qpop jobs)" 3
	balances jobs
}

@test "a dead message that holds its group is given back, extended or acknowledged late" {
	lapse_dead hold
	qack -q --release jobs "$(cat receipt)"
	counts jobs ready=1 blocked=1
	is "$(qpop_all jobs)" 12
	qctl set jobs max-attempts=1
	qpush -g b jobs 3
	qpush -g b jobs 4
	qpop -L 1ms -r receipt jobs >/dev/null
	eventually has_count jobs dead=1
	is_silent 1 qpop jobs
	qack -q --extend 1m jobs "$(cat receipt)"
	counts jobs leased=1 blocked=1
	qack jobs "$(cat receipt)"
	is "$(qpop jobs)" 4
	balances jobs
}

@test "a redriven message waits for its group" {
	local how

	for how in skip hold; do
		rm -rf "$Q_ROOT"
		lapse_dead $how
		[ $how = hold ] || qpop -L 1m -r second jobs >/dev/null
		qctl redrive jobs 1
		if [ $how = skip ]; then
			counts jobs leased=1 blocked=1
			qack jobs "$(cat second)"
		fi
		is "$(qpop jobs)" 1
		balances jobs
	done
	is "$(qpop jobs)" 2
}
