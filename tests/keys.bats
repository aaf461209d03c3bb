#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Keys: a message whose key is known is not added again.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a key that waits or is leased is not added again" {
	local r

	is "$(qpush -i -k nightly jobs 1)" 1
	is "$(qpush -i -k nightly jobs 2)" 1
	is "$(qpush -i -k other jobs 3)" 2
	counts jobs ready=2 pushed=2
	r=$(qpop -L 1m jobs | head -1)
	is "$(qpush -i -k nightly jobs 4)" 1
	qack jobs "$r"
	is "$(qpush -i -k nightly jobs 5)" 3
	balances jobs
}

@test "--json says whether the key was known" {
	is "$(qpush -j -k a jobs 1)" '{"id":1,"duplicate":false}'
	is "$(qpush -i -j -k a jobs 1)" '{"id":1,"duplicate":true}'
	is "$(qpush --json jobs 1)" '{"id":2,"duplicate":false}'
	is "$(qstat --list --json jobs | jq -r .key)" $'a\nnull'
}

@test "a delayed or blocked message has its key, a dead or expired one has not" {
	qctl create jobs max-attempts=1
	qpush -d 1h -k delayed jobs x
	qpush -g g jobs x
	qpush -g g -k blocked jobs x
	is "$(qpush -i -k delayed jobs x)" 1
	is "$(qpush -i -k blocked jobs x)" 3
	qpush -p 1 -k dead jobs x
	failing jobs
	is "$(qpush -i -k dead jobs x)" 5
	qpush -e 1ms -k expired jobs x
	eventually has_count jobs expired=1
	is "$(qpush -i -k expired jobs x)" 7
	balances jobs
}

@test "the key of a finished message is known for the window" {
	qctl create jobs window=1h
	qpush -k a jobs x
	qpop jobs >/dev/null
	is "$(qpush -j -k a jobs y)" '{"id":1,"duplicate":true}'
	counts jobs ready=0 pushed=1
	qctl set jobs window=1ms
	qpush -k b jobs x
	qpop jobs >/dev/null
	sleep 0.01
	is "$(qpush -j -k b jobs y)" '{"id":3,"duplicate":false}'
}

@test "a known key needs no room in a full queue" {
	qctl create jobs max-messages=1
	qpush -k a jobs x
	is "$(qpush -i -k a jobs y)" 1
	fails 75 'queue is full (1 messages)' qpush -k b jobs z
}

@test "a key that is repeated in one push needs room once" {
	local how

	printf '{"body":"%s","key":"%s"}\n' 1 a 2 a 3 b 4 a 5 c >lines
	for how in '' --atomic; do
		qctl create jobs max-messages=3
		is "$(qpush $how -iJ jobs <lines)" $'1\n1\n2\n1\n3'
		counts jobs ready=3
		balances jobs
		rm -r "$Q_ROOT"
	done
	qctl create jobs max-messages=2
	fails 75 'queue is full (2 messages); nothing stored' qpush --atomic -J jobs <lines
	run --separate-stderr -75 qpush -J jobs <lines
	has "$stderr" 'queue is full (2 messages); 4 stored, the rest was not'
	counts jobs ready=2
}

@test "a key whose record is damaged keeps its message out, and no other" {
	qpush -k a jobs 1
	damage record unique "$(
		flock -s "$Q_ROOT/jobs/data.mdb" mdb_dump -n -s unique "$Q_ROOT/jobs/data.mdb" |
			sed -n '/HEADER=END/{n;s/ //p;}')"
	printf '{"body":"%s","key":"%s"}\n' 2 b 3 a 4 c >lines
	run --separate-stderr -65 qpush -iJ jobs <lines
	is "$output" 2
	has "$stderr" 'the record of a key is damaged; 1 stored, the rest was not'
	fails 65 'the record of a key is damaged; nothing stored' qpush -k a jobs x
	balances jobs
	# Its end frees the key.
	is "$(qpop -n 2 -l jobs)" $'1\n2'
	is "$(qpush -ik a jobs x)" 3
}

@test "a page of keys that is lost is damage, and costs no other its key" {
	local i

	for i in {1..300}; do printf '{"body":"%d","key":"k%d"}\n' "$i" "$i"; done | qpush -J jobs
	python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/jobs/data.mdb" \
		'^leaf of unique, .* is of no kind$'
	fails 65 'data.mdb is damaged (page ' qctl cancel --yes jobs {1..300}
	for i in {1..100}; do
		run --separate-stderr qctl cancel --yes jobs "$i"
		[ "$status" = 0 ] || [ "$status" = 65 ]
	done
	is "$(count jobs purged)" "$((300 - $(qstat --list jobs | grep -c ready)))"
}

@test "keys and groups travel as JSON" {
	qpush -k k -g g jobs body
	qpop --json jobs | qpush -J other
	is "$(qpop --json other | jq -r '.key + .group + .body')" kgbody
	printf '%s\n' '{"body":"1","key":"a"}' '{"body":"2","key":"a"}' | qpush -iJ third
	counts third pushed=1
	fails 2 'stdin line 1: key: not a string' qpush -J jobs <<<'{"body":"x","key":1}'
	fails 2 'stdin line 1: group: not 1 to 1024 bytes without NUL' \
		qpush -J jobs <<<'{"body":"x","group":""}'
	fails 2 'stdin line 1: key: not 1 to 1024 bytes without NUL' \
		qpush -J jobs <<<'{"body":"x","key":"a\u0000b"}'
}

@test "a key is for one message" {
	fails 2 '--key is for one message' qpush -k a jobs 1 2
	fails 2 '--key is for one message' qpush -k a -l jobs
	fails 2 '--key is for one message' qpush -k a -f x jobs y
	fails 2 '--key: must have 1 to 1024 bytes' qpush -k '' jobs x
	fails 2 '--key: is not UTF-8' qpush -k $'a\xff' jobs x
	echo file >x
	is "$(qpush -ik a -f x jobs)" 1
}

@test "sixty-four pushers of one key store one message" {
	for ((i = 0; i < 64; i++)); do
		qpush -k once jobs "$i" &
	done
	wait
	counts jobs pushed=1
}
