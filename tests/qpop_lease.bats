#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpop: leases, attempts and lives, and how they end.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- leases ----

@test "-L prints the receipt on the first line, then the body" {
	printf 'two\nlines' | qpush jobs
	local receipt

	run -0 qpop -L 1h jobs
	receipt=${lines[0]}
	[[ $receipt =~ ^1\.1\.[0-9a-z]{5}$ ]]
	is "${lines[1]}|${lines[2]}" "two|lines"
	counts jobs leased=1
	is_silent 1 qpop jobs
	qack jobs "$receipt"
	counts jobs leased=0 done=1
}

@test "a safe worker in plain sh" {
	printf 'the body' | qpush jobs
	# shellcheck disable=SC2016
	qpop -L 5m jobs | sh -c '{ read -r r && cat >body && qack jobs "$r"; }'
	is "$(cat body)" "the body"
	counts jobs done=1
}

@test "a message comes back when its lease ends, and the attempt counts" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is_silent 1 qpop jobs
	SHIM_BOOT=3601 preloaded shim-time qpop --json jobs >out
	is "$(jq -c '[.body, .attempt]' out)" '["x",2]'
	balances jobs
}

@test "several leased messages have a receipt a line" {
	qpush jobs a b
	qpop -L 1h -n all -l jobs >out
	[[ $(head -n 1 out | tr '\t' ' ') =~ ^1\.1\.[0-9a-z]{5}\ a$ ]]
	cut -f1 out | qack jobs -
	counts jobs done=2
	fails 2 "more than one leased message needs -l, -0 or --json" qpop -L 1h -n 2 jobs
}

@test "--json has the receipt of a leased message" {
	qpush jobs a
	qpop -L 1h --json jobs >out
	qack jobs "$(jq -r .receipt out)"
	[[ $(jq -r .due out) > $(jq -r .pushed out) ]]
	counts jobs done=1
}

@test "-r writes the receipt to a file, and the body alone to stdout" {
	qpush jobs body
	run -0 qpop -L 1h -r receipt jobs
	is "$output" body
	qack jobs "$(cat receipt)"
	counts jobs done=1
}

@test "a receipt that cannot be written gives the message back at once" {
	qpush jobs x
	fails 3 "qpop: no/such/file: No such file or directory" \
		qpop -L 1h -r no/such/file jobs
	fails 3 "qpop: /dev/full: No space left on device" qpop -L 1h -r /dev/full jobs
	counts jobs ready=1 leased=0
	is "$(next jobs | cut -d' ' -f1,2)" "x 1"
}

@test "a leased message whose output fails comes back at once" {
	qpush jobs x
	run -3 bash -c 'qpop -L 1h jobs >/dev/full'
	is "$(next jobs)" "x 1 2"
}

@test "options of a lease need one" {
	fails 2 "qpop: --receipt needs --lease" qpop -r file jobs
	fails 2 "qpop: --owner needs --lease" qpop --owner 1 jobs
	fails 2 "name the same file" qpop -L 1h -r file -o file jobs
	fails 2 "qpop: --receipt is for one message" qpop -L 1h -l -n 2 -r file jobs
	fails 2 "qpop: --lease: must be longer than that" qpop -L 0 jobs
	fails 2 "--lease: 'soon' is not a duration" qpop -L soon jobs
	fails 2 "--lease: '-5s' is negative" qpop -L -5s jobs
}

@test "a lease with an owner ends when that process does" {
	local owner

	start sleep 1000
	owner=$pid
	qpush jobs x y
	qpop -L 1h --owner "$owner" jobs >/dev/null
	is "$(qpop jobs)" y
	is_silent 1 qpop jobs
	kill "$owner"
	ended 143 "$owner"
	is "$(next jobs)" "x 2 2"
}

@test "an owner that does not live is refused, and nothing is taken" {
	start true
	ended 0
	qpush jobs x
	fails 2 "there is no process $pid" qpop -L 1h --owner "$pid" jobs
	fails 2 "--owner: 0 is not between" qpop -L 1h --owner 0 jobs
	is "$(next jobs)" "x 1 1"
}

@test "a message expires, but not while it is leased" {
	qpush -e 200ms jobs leased
	qpop -L 1h -r receipt jobs >/dev/null
	qpush -e 200ms jobs waiting
	eventually has_count jobs expired=1
	is_silent 1 qpop jobs
	counts jobs expired=1 leased=1
	qack jobs "$(cat receipt)"
	counts jobs done=1
	balances jobs
}

@test "a message that comes back after its life has expired" {
	qpush -e 100ms jobs x
	qpop -L 150ms jobs >/dev/null
	eventually has_count jobs expired=1
	is_silent 1 qpop jobs
	balances jobs
}

@test "a message is dead after its last attempt" {
	local i

	qpush -m 3 jobs x
	for i in 1 2 3; do
		counts jobs ready=1 dead=0
		qpop -L 1h -r receipt jobs >/dev/null
		qack --fail -d 0 jobs "$(cat receipt)"
	done
	counts jobs ready=0 dead=1
	is_silent 1 qpop jobs
	balances jobs
}
