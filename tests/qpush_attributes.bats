#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush: what is kept with a message, and the numbers and times that are refused.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "--delay keeps a message back" {
	qpush --delay 1h jobs later
	qpush -d0 jobs now
	counts jobs ready=1 delayed=1
	is "$(drain jobs)" now
}

@test "--at keeps a message until a time of day" {
	qpush --at @4102444800 jobs a
	qpush --at 2099-12-31T23:59:59.5+01:00 jobs b
	qpush --at tomorrow jobs c
	counts jobs delayed=3
}

@test "a time in the past is a warning, which -q silences" {
	run -0 --separate-stderr qpush --at 2020-01-01T00:00:00Z jobs a
	is "$stderr" "qpush: --at: 2020-01-01T00:00:00Z is in the past; ready at once"
	is_silent 0 qpush -q --at 2020-01-01T00:00:00Z jobs b
	is "$(drain jobs)" $'a\nb'
}

@test "times that do not exist are refused" {
	local t

	for t in 25:00 2026-02-30 noon '' @ @-1 @99999999999 2026-11-21T18:00:00+2 \
		'tomorrow 18' 1969-12-31T23:59:59Z; do
		fails 2 "qpush: --at: " qpush --at "$t" jobs x
	done
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "--expire gives a message a life" {
	qpush -e 1h jobs stays
	qpush --expire 1ms jobs goes
	eventually has_count jobs expired=1
	is "$(drain jobs)" stays
	balances jobs
	fails 2 "qpush: --expire: a message must live for some time" qpush -e 0 jobs x
}

@test "--priority goes from -100 to 100, higher first" {
	qpush -p -100 jobs last
	qpush --priority=100 jobs first
	qpush jobs zero
	qpush -p1 jobs second
	is "$(drain jobs)" $'first\nsecond\nzero\nlast'
}

@test "--max-attempts, --header and --priority are kept with the message" {
	qpush -m 3 -H a=1 --header 'B.c-d_=x = y' -p 2 jobs x
	run -0 qpop --json jobs
	is "$(jq -cS '[.max_attempts, .headers, .priority]' <<<"$output")" \
		'[3,{"B.c-d_":"x = y","a":"1"},2]'
}

@test "a header needs a name, and headers have a limit" {
	fails 2 "qpush: --header: 'novalue' is not NAME=VALUE" qpush -H novalue jobs x
	fails 2 "qpush: --header: '=x' is not NAME=VALUE" qpush -H =x jobs x
	fails 2 "is not NAME=VALUE" qpush -H 'a b=x' --from-command jobs -- touch run
	fails 2 "qpush: --header: 'a' is given twice" qpush -H a=1 -H aa=2 -H a=2 jobs x
	fails 2 "the most is 16384" qpush -H "a=$(head -c 16384 /dev/zero | tr '\0' x)" jobs x
	[ ! -e run ]
	[ ! -e "$Q_ROOT/jobs" ]
	qpush -H "a=$(head -c 16381 /dev/zero | tr '\0' x)" jobs x
	counts jobs pushed=1
}

@test "-i prints the id of each message, ascending" {
	run -0 --separate-stderr qpush -i jobs a b
	is "$output" $'1\n2'
	run -0 qpush -l --print-id jobs <<<$'c\nd'
	is "$output" $'3\n4'
	is "$(qpop --json -n all jobs | jq -r '"\(.id)\(.body)"')" $'1a\n2b\n3c\n4d'
}

@test "-v says how many are stored" {
	run -0 --separate-stderr qpush -v -l jobs <<<$'a\nb'
	has "$stderr" "qpush: jobs: 2 stored"
}

# ---- bad numbers ----

@test "a number out of range is refused" {
	fails 2 "qpush: --priority: 300 is not between -100 and 100" qpush -p 300 jobs x
	fails 2 "--priority: -101 is not between -100 and 100" qpush -p -101 jobs x
	fails 2 "--priority: 18446744073709551616 is not between" \
		qpush -p 18446744073709551616 jobs x
	fails 2 "--max-attempts: 0 is not between 1 and" qpush -m 0 jobs x
	fails 2 "--max-attempts: -1 is not between 1 and" qpush -m -1 jobs x
	fails 2 "--max-attempts: 18446744073709551617 is not between" \
		qpush -m 18446744073709551617 jobs x
	fails 2 "--priority: '1x' is not a number" qpush -p 1x jobs x
	fails 2 "--priority: '' is not a number" qpush -p '' jobs x
	fails 2 "--priority: '+1' is not a number" qpush -p +1 jobs x
	fails 2 "Try 'qpush --help'." qpush -p 1.5 jobs x
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "a bad duration is refused" {
	local d

	fails 2 "qpush: --delay: '10 min' is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)" \
		qpush -d '10 min' jobs x
	fails 2 "qpush: --delay: '-5s' is negative" qpush -d -5s jobs x
	for d in '' s 5x 1.s .5s 1,5s 5s5 5m2h 0x10 1e3 ' 5' '5 ' 1h1h; do
		fails 2 "--delay: '$d' is not a duration" qpush --delay "$d" jobs x
	done
	fails 2 "is too long" qpush -d 18446744073709551616 jobs x
	fails 2 "is too long" qpush -d 300000d jobs x
	fails 2 "is not a duration" qpush -e soon jobs x
	fails 2 "is not a duration" qpush --wait=soon jobs x
	fails 2 "is not a duration" qpush --lock-wait soon jobs x
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "--delay and --at exclude each other" {
	fails 2 "qpush: --delay and --at exclude each other" qpush -d 5 --at 18:00 jobs x
}
