#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The limits all takers share: max-leased and rate.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "max-leased bounds the leases of all takers" {
	local r

	qctl create jobs max-leased=2
	seq 5 | qpush -l jobs
	is "$(qpop -n all -L 1m -j jobs | wc -l)" 2
	is_silent 1 qpop jobs
	run --separate-stderr -1 qpop -v jobs
	has "$stderr" '2 messages are leased, as many as the queue allows'
	is_silent 1 qpop -n all jobs -- true
	counts jobs leased=2 ready=3
	qctl set jobs max-leased=3
	is "$(qpop jobs)" 3
	qctl set jobs max-leased=0
	is "$(qpop_all jobs)" 45
	qctl set jobs max-leased=1
	fails 2 'max-leased' qctl set jobs max-leased=x
	balances jobs
}

@test "a worker waits for its turn under max-leased" {
	qctl create jobs max-leased=1
	seq 6 | qpush -l jobs
	cat >job <<-'END'
		#!/bin/sh
		mkdir "$Q_ROOT/lock" || exit 9
		rmdir "$Q_ROOT/lock"
	END
	chmod +x job
	start qpop -n all -w -P 4 jobs -- ./job
	start qpop -n all -w -P 4 jobs -- ./job
	eventually has_count jobs done=6
	counts jobs failed=0
}

@test "the lease of a dead holder makes room under max-leased" {
	qctl create jobs max-leased=1
	qpush jobs 1
	local child

	start qpop jobs -- sleep 60
	eventually has_count jobs leased=1
	child=$(pgrep -P "$pid")
	kill -9 "$pid" "$child"
	is "$(qpop -w20 jobs)" 1
}

# The clock of the queue is the machine's: what is counted is that less goes than there is.
@test "a rate is shared by all takers" {
	qctl create jobs rate=1
	seq 9 | qpush -l jobs
	is "$(qpop jobs)" 1
	is_silent 1 qpop jobs
	run --separate-stderr -1 qpop -v -n all jobs
	has "$stderr" 'the rate allows no more for now'
	counts jobs ready=8
	qctl set jobs rate=0
	is "$(qpop -n 2 jobs)" 23
	is "$(qpop -n 2 -l jobs)" $'4\n5'
}

@test "a worker with a rate goes on when it may, and drains" {
	seq 5 | qpush -l jobs
	is "$(qpop -n all -R 50/s jobs -- cat)" 12345
	qpush jobs x
	qpush jobs y
	is "$(qpop -R 1/d jobs -- cat)" x
	start qpop -n all -R 1/d jobs -- touch never
	eventually has_open "$pid"
	counts jobs ready=1
	kill "$pid"
	ended 1
	[ ! -e never ]
}

@test "a worker with a slow rate does not hold up one with a faster" {
	seq 3 | qpush -l jobs
	is "$(qpop -R 1/d jobs -- cat)" 1
	is "$(qpop -n all -R 50/s jobs -- cat)" 23
	qpush jobs 4
	start qpop -R 1/d jobs -- touch never
	eventually has_open "$pid"
	is "$(qpop jobs)" 4
	kill "$pid"
	ended 1
	[ ! -e never ]
}

@test "the slow rate of one taker leaves the others the queue's" {
	qctl create jobs rate=1000
	seq 3 | qpush -l jobs
	is "$(qpop -R 1/d jobs -- cat)" 1
	is "$(qpop -n all -R 1000000 jobs -- cat)" 23
}

@test "rates that are none are refused" {
	for rate in 0 x 10/ 10/w -1 1.5 1000001 ''; do
		fails 2 "--rate: '$rate' is not a rate" qpop -R "$rate" jobs -- true
	done
	fails 2 'for a COMMAND' qpop -R 1 jobs
}
