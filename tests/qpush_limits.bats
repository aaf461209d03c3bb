#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush: limits of a queue, and all of its messages or none.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- limits ----

@test "a queue that is full of messages says how many are stored" {
	qctl create jobs max-messages=3
	fails 75 "qpush: jobs: queue is full (3 messages); 3 stored, the rest was not" \
		qpush -l jobs < <(seq 5)
	fails 75 "qpush: jobs: queue is full (3 messages); nothing stored" qpush jobs x
	is "$(drain jobs)" $'1\n2\n3'
	qpush jobs again
}

@test "leased and dead messages count against the limit" {
	qctl create jobs max-messages=1
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	fails 75 "queue is full" qpush jobs y
}

@test "a queue that is full of bytes refuses more" {
	qctl create jobs max-bytes=10
	qpush jobs 12345
	fails 75 "10 bytes); nothing stored" qpush jobs 123456
	qpush jobs 12345
	is "$(drain jobs)" $'12345\n12345'
}

@test "a body that can never fit is refused as such, also when the queue is full" {
	qctl create jobs max-messages=1 max-bytes=10
	qpush jobs x
	fails 3 "over the 10 bytes the queue may hold" timeout 20 qpush -w jobs 12345678901
}

@test "a body over the queue's limit is refused, also in the middle of others" {
	qctl create jobs max-body=5
	fails 3 "over the queue's limit" qpush -l jobs <<<$'12345\n123456\n1'
	has "$stderr" "1 stored, the rest was not"
	fails 3 "over the queue's limit" qpush jobs < <(head -c 3M /dev/zero)
	is "$(drain jobs)" 12345
	is "$(ls "$Q_ROOT/jobs/blob")" ''
}

@test "--wait waits for room that a consumer makes" {
	qctl create jobs max-messages=1
	qpush jobs a
	start qpush --wait jobs b c
	is "$(qpop -w20 jobs)" a
	is "$(qpop -w20 jobs)" b
	is "$(qpop -w20 jobs)" c
	ended 0
}

@test "who waits for room sleeps until the queue changes" {
	qctl create jobs max-messages=1
	qpush jobs a
	start env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=futex \
		qpush -w jobs b
	eventually grep -q 'FUTEX_WAIT' trace
	is "$(qpop jobs)" a
	ended 0
	is "$(qpop jobs)" b
	# it was woken, or found the change by a look that comes twice a second
	(($(grep -c 'FUTEX_WAIT' trace) < 20))
}

@test "--wait=DURATION gives up" {
	qctl create jobs max-messages=1
	qpush jobs a
	fails 75 "queue is full (1 messages); nothing stored" qpush -w50ms jobs b
	fails 75 "queue is full (1 messages); nothing stored" qpush --wait=0 jobs b
}

# ---- all or none ----

@test "--atomic stores nothing if a line is bad" {
	fails 2 "stdin line 3: not JSON" qpush --atomic -J jobs <<-'END'
		{"body":"1"}
		{"body":"2"}
		nonsense
	END
	has "$stderr" "nothing stored"
	fails 2 "nothing stored" qpush --atomic -l jobs <<<$'a\n\nb'
	counts jobs pushed=0
	printf '%s\n' 1 2 3 | qpush --atomic -l jobs
	is "$(drain jobs)" $'1\n2\n3'
}

@test "--atomic stores nothing if a later file is bad, however large the first" {
	head -c 3M /dev/urandom >large
	: >empty
	fails 2 "the message is empty" qpush --atomic jobs -f large -f empty
	fails 3 "No such file" qpush --atomic jobs -f large -f gone
	counts jobs pushed=0
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	echo small >small
	qpush --atomic jobs -f large -f small
	qpop jobs | cmp - large
	is "$(qpop jobs)" small
}

@test "--atomic stores nothing if there is no room for all" {
	qctl create jobs max-messages=3
	fails 75 "queue is full (3 messages); nothing stored" \
		qpush --atomic -l jobs < <(seq 4)
	counts jobs pushed=0
	qpush --atomic -l jobs < <(seq 3)
	counts jobs pushed=3
}

@test "--atomic does not wait for room that there cannot be" {
	qctl create jobs max-messages=3 max-bytes=20
	fails 3 "4 messages at once are over the 3 the queue may hold; nothing stored" \
		timeout 10 qpush --wait --atomic -l jobs < <(seq 4)
	fails 3 "messages of 22 bytes at once are over the 20 bytes the queue may hold" \
		timeout 10 qpush --wait --atomic jobs 12345678901 12345678901
	counts jobs pushed=0
}
