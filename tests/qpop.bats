#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpop: what it gives, in which order and form, and what it refuses.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- order ----

@test "messages come out in the order they went in" {
	seq 500 >in
	qpush -l jobs <in
	for i in 1 2 3; do
		is "$(qpop jobs)" "$i"
	done
	qpop -n all -l jobs | cmp - <(tail -n +4 in)
}

@test "a higher priority goes first, and within one the oldest" {
	qpush -p 0 jobs c1 c2
	qpush -p 100 jobs a1 a2
	qpush -p -100 jobs d1 d2
	qpush -p 1 jobs b1 b2
	is "$(drain jobs)" $'a1\na2\nb1\nb2\nc1\nc2\nd1\nd2'
}

@test "a failed message waits out its delay and does not hold up the others" {
	qpush jobs a b
	qpop -L 1h -r receipt jobs >/dev/null
	qack --fail -d 2s jobs "$(cat receipt)"
	is "$(next jobs)" "b 1 1"
	is_silent 1 qpop jobs
	is "$(qpop -w20 jobs)" a
}

@test "a message that came back keeps its place" {
	qpush jobs a b c
	qpop -L 1h -r receipt jobs >/dev/null
	qack --release jobs "$(cat receipt)"
	is "$(drain jobs)" $'a\nb\nc'
}

# ---- how many ----

@test "-n takes at most so many" {
	qpush jobs a b c d e
	is "$(qpop -n 2 -l jobs)" $'a\nb'
	is "$(qpop --count=10 -l jobs)" $'c\nd\ne'
	is_silent 1 qpop -n 10 jobs
	balances jobs
}

@test "-n all takes all there is" {
	seq 40000 >in
	qpush -l jobs <in
	qpop -n all -l jobs | cmp - in
	is_silent 1 qpop -n all -l jobs
	counts jobs ready=0 leased=0 done=40000
}

@test "without -l and -0 bodies follow one another as they are" {
	qpush jobs a $'b\n' c
	qpop -n all jobs | cmp - <(printf 'ab\nc')
}

@test "a number of messages is a number" {
	fails 2 "qpop: --count: 0 is not between 1 and" qpop -n 0 jobs
	fails 2 "--count: -1 is not between 1 and" qpop -n -1 jobs
	fails 2 "--count: 18446744073709551616 is not between" \
		qpop -n 18446744073709551616 jobs
	fails 2 "--count: 'many' is not a number" qpop -n many jobs
	fails 2 "--count: 'All' is not a number" qpop -n All jobs
}

# ---- forms ----

@test "-l ends each body with one newline" {
	qpush jobs a $'b\n' $'c\n\n' ''  --allow-empty
	qpop --lines -n all jobs | cmp - <(printf 'a\nb\nc\n\n\n')
}

@test "-l ends a large body with one newline, too" {
	head -c 2M /dev/zero | tr '\0' x >large
	qpush jobs <large
	echo >>large
	qpush jobs <large
	qpop -l jobs | cmp - large
	qpop -l jobs | cmp - large
}

@test "-0 ends each body with a NUL" {
	qpush jobs a $'b\n'
	qpop --null -n all jobs | cmp - <(printf 'a\0b\n\0')
}

@test "--json prints an object a line" {
	qpush -p 3 -H k=v -m 4 jobs $'text "\u00e9"\n'
	printf '\0\xff' | qpush jobs
	qpop --json -n all jobs >out
	is "$(wc -l <out)" 2
	is "$(head -n 1 out | jq -cS \
		'[.id, .state, .attempt, .max_attempts, .priority, .headers, .size, .body]')" \
		'[1,"leased",1,4,3,{"k":"v"},10,"text \"é\"\n"]'
	is "$(tail -n 1 out | jq -c '[.id, .size, .body, .body_base64, .receipt]')" \
		'[2,2,null,"AP8=",null]'
	[[ $(head -n 1 out | jq -r .pushed) =~ ^20[0-9]{2}-[01][0-9]-[0-3][0-9]T ]]
}

@test "--json gives a large body as base 64" {
	head -c 2M /dev/urandom >in
	qpush jobs <in
	qpop -j jobs | jq -r .body_base64 | base64 -d | cmp - in
}

@test "-l, -0 and -j exclude each other" {
	fails 2 "qpop: -l, -0 and -j exclude each other" qpop -l -0 jobs
	fails 2 "-l, -0 and -j exclude each other" qpop -0 --json jobs
}

# ---- one message ----

@test "--id takes that message only" {
	qpush jobs a b c
	is "$(qpop --id 2 jobs)" b
	fails 1 "qpop: jobs: 2: no such message (done, expired or purged)" \
		qpop --id 2 jobs
	fails 1 "99: no such message" qpop --id 99 jobs
	qpush -d 1h jobs later
	is_silent 1 qpop --id 4 jobs
	qpop -L 1h --id=3 jobs >/dev/null
	is_silent 1 qpop --id 3 jobs
	is "$(drain jobs)" a
	fails 2 "qpop: --id and --count exclude each other" qpop -n all --id 1 jobs
	fails 2 "--id: 0 is not between 1 and" qpop --id 0 jobs
}

# ---- no message, no queue ----

@test "an empty queue is status 1 and silent, and -v says why" {
	qpush jobs x
	qpop jobs
	is_silent 1 qpop jobs
	run -1 --separate-stderr qpop -v jobs
	is "$stderr" "qpop: jobs: queue is empty"
}

@test "a queue is not called empty for what was asked for and is not ready" {
	qpush jobs x
	qpush -d 1h -g later jobs y
	run -1 --separate-stderr qpop -v --id 2 jobs
	is "$stderr" "qpop: jobs: 2: it is not ready"
	run -1 --separate-stderr qpop -v -g later jobs
	is "$stderr" "qpop: jobs: none of the group is ready"
	run -1 --separate-stderr qpop -v -g later jobs -- cat
	is "$stderr" "qpop: jobs: none of the group is ready"
}

@test "a missing queue is status 3, not 'empty', and is not created" {
	fails 3 "no such queue; qpush or 'qctl create' makes one" qpop jbos
	fails 3 "no such queue" qpop -n all jbos
	fails 3 "no such queue" qpop -w1 jbos
	fails 3 "no such queue" qpop ./no/such
	[ ! -e "$Q_ROOT/jbos" ]
}

@test "what is not a queue is refused" {
	mkdir dir
	echo text >file
	fails 3 "not a queue (no data.mdb)" qpop ./dir
	fails 3 "not a queue (not a directory)" qpop ./file
	fails 3 "not a queue (no data.mdb)" qpop /etc
	is "$(ls dir)$(cat file)" text
}

@test "a command needs '--' before it" {
	qpush jobs x
	fails 2 "qpop: put '--' before the command: qpop jobs -- ./work" qpop jobs ./work
	has "$stderr" "Try 'qpop --help'."
	fails 2 "qpop: no queue given" qpop
	fails 2 "qpop: no queue given" qpop -- true
	counts jobs ready=1
}

@test "a misspelt or an abbreviated option is explained" {
	fails 2 "qpop: unknown option '--cuont'; did you mean '--count'?" qpop --cuont 5 jobs
	fails 2 "qpop: unknown option '-x'; what is not qpop's comes after '--'" qpop jobs -n all ./work -x
	fails 2 "qpop: '--rec' is not an option; options are not abbreviated ('--receipt')" \
		qpop --rec x jobs
}

@test "--help names every option" {
	local name

	run -0 --separate-stderr qpop --help
	is "$stderr" ''
	for name in lease count wait lines null json output receipt owner id lock-wait force \
		quiet verbose help version; do
		has "$output" "--$name"
	done
	run -3 bash -c 'qpop --help >/dev/full'
}

# ---- damage ----

@test "a damaged large body is status 65 and dead, and the others are given" {
	head -c 2M /dev/zero | qpush jobs
	head -c 2M /dev/zero | qpush jobs
	head -c 2M /dev/zero | qpush jobs
	qpush jobs fine
	printf x | dd of="$Q_ROOT/jobs/blob/1" bs=1 seek=1234567 conv=notrunc status=none
	truncate -s 1M "$Q_ROOT/jobs/blob/2"
	echo old >out
	rm "$Q_ROOT/jobs/blob/3"
	fails 65 damaged qpop jobs
	fails 65 damaged qpop -o out jobs
	fails 65 missing qpop --json jobs
	is "$(cat out)" old
	is "$(qpop jobs)" fine
	counts jobs dead=3 ready=0 leased=0 done=1
}

@test "messages before a damaged one are given and acknowledged" {
	qpush jobs a b
	head -c 2M /dev/zero | qpush jobs
	qpush jobs c
	truncate -s 0 "$Q_ROOT/jobs/blob/3"
	run -65 --separate-stderr qpop -n all -l jobs
	is "$output" $'a\nb'
	is "$(qpop -n all -l jobs)" c
	counts jobs done=3 dead=1
}
