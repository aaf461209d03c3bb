#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qstat: what it shows of queues and messages, and that it changes nothing.

load lib

# One message in each state, by id: 1 leased, 2 dead, 3 delayed, 4 ready.
one_of_each() {
	local receipt

	qpush "$1" first second
	qpop -L 1h "$1" >/dev/null
	receipt=$(qpop -L 1h "$1" | head -n 1)
	qack --dead --reason 'no luck' "$1" "$receipt"
	qpush -d 1h "$1" third
	qpush -H a=b -p 3 -e 2h "$1" fourth
}

# ---- queues ----

@test "the table has a line per queue, with the counts in columns" {
	one_of_each jobs
	run --separate-stderr -0 qstat jobs
	is "${#lines[@]}" 2
	is "$(xargs <<<"${lines[0]}")" 'QUEUE READY DELAYED BLOCKED LEASED DEAD OLDEST SIZE'
	[[ $(xargs <<<"${lines[1]}") =~ ^'jobs 1 1 0 1 1 '[0-9]+' '[mu]?'s 22 B'$ ]]
}

@test "without operands all queues of the root are shown, in order" {
	qpush b x
	qpush a x
	qpush c x
	mkdir "$Q_ROOT/no-queue" "$Q_ROOT/.hidden"
	touch "$Q_ROOT/file"
	run --separate-stderr -0 qstat
	is "$(awk '{ printf "%s ", $1 }' <<<"$output")" 'QUEUE a b c '
	is "$stderr" ''
}

@test "a root without queues, or none at all, is said and no error" {
	run --separate-stderr -0 qstat
	is "$output" ''
	is "$stderr" "qstat: $Q_ROOT: no queues"
	mkdir "$Q_ROOT"
	run --separate-stderr -0 qstat --json
	is "$stderr" "qstat: $Q_ROOT: no queues"
	is_silent 0 qstat -q
}

@test "an empty queue shows no oldest message" {
	qctl create jobs
	is "$(qstat jobs | tail -n 1 | xargs)" 'jobs 0 0 0 0 0 - 0 B'
	is "$(qstat --json jobs | jq -c '[.oldest_seconds, .next_due]')" '[null,null]'
}

@test "--json has an object per queue, whose books balance" {
	one_of_each jobs
	qpush other x
	qpop jobs >/dev/null
	run --separate-stderr -0 qstat --json jobs other
	is "$(jq -r .queue <<<"$output")" $'jobs\nother'
	is "$(head -n 1 <<<"$output" | jq -r 'keys_unsorted | join(" ")')" "queue ready \
delayed blocked leased dead done expired purged pushed delivered failed \
oldest_seconds next_due bytes disk_bytes uuid"
	counts jobs ready=0 delayed=1 blocked=0 leased=1 dead=1 done=1 pushed=4 delivered=3
	balances jobs
}

@test "what is due counts as what a take would find" {
	qpush -d 1ms jobs a
	qpop -w5s -L 1ms jobs >/dev/null
	eventually has_count jobs ready=1
	counts jobs leased=0 delayed=0
	qpush -e 1ms other a
	eventually has_count other expired=1
	balances other
}

@test "a queue that fails does not stop the others, and the worst status counts" {
	qpush a x
	qpush b x
	run --separate-stderr -3 qstat a nope /etc b
	is "$(awk '{ printf "%s ", $1 }' <<<"$output")" 'QUEUE a b '
	has "$stderr" "qstat: nope: no such queue; qpush or 'qctl create' makes one"
	has "$stderr" 'qstat: /etc: not a queue'
	[ ! -e "$Q_ROOT/nope" ]
}

@test "a queue whose data is lost is met, not overlooked" {
	qpush a x
	qpush b x
	rm "$Q_ROOT/a/data.mdb"
	run --separate-stderr qstat
	[ "$status" -ne 0 ]
	has "$stderr" 'qstat: a: '
	has "$output" b
}

@test "nothing is changed: not a byte, and no file is made" {
	one_of_each jobs
	qpop -L 1ms jobs >/dev/null
	sleep 0.002
	cp -a "$Q_ROOT/jobs" before
	qstat >/dev/null
	qstat --json jobs >/dev/null
	qstat --list jobs >/dev/null
	qstat jobs 1 2 3 4 >/dev/null
	diff -r before "$Q_ROOT/jobs"
}

@test "a queue that may only be read can be looked at" {
	[ "$(id -u)" -ne 0 ] || skip 'root may write everything'
	one_of_each jobs
	chmod -R a-w "$Q_ROOT/jobs"
	counts jobs ready=1
	qstat --list jobs >/dev/null
	chmod -R u+w "$Q_ROOT/jobs"
}

@test "a path may have any name, and none acts on the terminal" {
	qpush $'./\e[31mq' x
	has "$(qstat $'./\e[31mq')" './\x1b[31mq'
	is "$(qstat --json $'./\e[31mq' | jq -r .queue)" $'./\e[31mq'
}

# ---- lists ----

@test "--list shows a line per message, by id, with fields in columns" {
	one_of_each jobs
	run --separate-stderr -0 qstat --list jobs
	is "$(xargs <<<"${lines[0]}")" 'ID STATE ATTEMPT PRI AGE DUE SIZE BODY'
	is "$(awk 'NR > 1 { print $1, $2, $3, $4 }' <<<"$output")" '1 leased 1/20 0
2 dead 1/20 0
3 delayed 0/20 0
4 ready 0/20 3'
	is "$(awk 'NR > 1 { print $NF }' <<<"$output")" $'first\nsecond\nthird\nfourth'
}

@test "--state lists the messages of one state" {
	one_of_each jobs
	for pair in leased:1 dead:2 delayed:3 ready:4 blocked:; do
		is "$(qstat --list --state "${pair%:*}" jobs | awk 'NR > 1 { print $1 }')" \
			"${pair#*:}"
	done
}

@test "--limit bounds the list" {
	seq 10 | qpush -l jobs
	is "$(qstat --list -n 3 --json jobs | jq .id)" $'1\n2\n3'
	is "$(qstat --list --limit=3 --state ready jobs | wc -l)" 4
}

@test "an empty list is only its head, and no error" {
	qctl create jobs
	run --separate-stderr -0 qstat --list jobs
	is "${#lines[@]}" 1
	is_silent 0 qstat --list --json jobs
}

@test "a long list is whole, and the same in JSON" {
	seq 3456 | qpush -l jobs
	qstat --list jobs | awk 'NR > 1 { print $NF }' | cmp - <(seq 3456)
	qstat --list --json jobs | jq .id | cmp - <(seq 3456)
}

@test "a list stops quietly when nobody reads on" {
	seq 30000 | qpush -l jobs
	run --separate-stderr bash -c 'qstat --list jobs | head -n 2'
	is "${#lines[@]}" 2
	is "$stderr" ''
}

@test "bodies are cut, and cannot act on the terminal" {
	printf '\e[31mred\n\xff\u202e' | qpush jobs
	head -c 1000 /dev/zero | tr '\0' x | qpush jobs
	run --separate-stderr -0 qstat --list jobs
	has "${lines[1]}" '\x1b[31mred\x0a\xff\u{202e}'
	[[ ${lines[2]} =~ x{50,64}'...'$ ]]
}

@test "a body that is a file is not read for a list" {
	head -c 3000000 /dev/zero | qpush jobs
	has "$(qstat --list jobs)" '2.8 MiB (a file)'
}

@test "--list --json has no bodies, with --body it has" {
	head -c 3000000 /dev/zero | qpush jobs
	qpush jobs x
	is "$(qstat --list --json jobs | jq 'has("body") or has("body_base64")')" \
		$'false\nfalse'
	is "$(qstat --list --json --body jobs | jq -r '.body // (.body_base64 | length)')" \
		$'4000000\nx'
}

@test "no list has a receipt or failures" {
	one_of_each jobs
	is "$(qstat --list --json --body jobs | grep -c 'receipt\|failures')" 0
}

# ---- one message ----

@test "a message is shown with everything about it" {
	one_of_each jobs
	run --separate-stderr -0 qstat jobs 2
	has "$output" $'id           2\nstate        dead\nattempt      1 of 20'
	has "$output" ': no luck'
	has "$output" $'body         second'
	run --separate-stderr -0 qstat jobs 4
	has "$output" $'header       a=b'
	has "$output" $'priority     3'
	[[ $output =~ expires.*'(in 119 min)' ]]
}

@test "several messages of a queue may be asked for" {
	one_of_each jobs
	is "$(qstat --json jobs 4 1 | jq .id)" $'4\n1'
	is "$(qstat jobs 1 2 | grep -c '^id')" 2
}

@test "the JSON of a message has body and failures, and the receipt of its lease" {
	one_of_each jobs
	is "$(qstat --json jobs 2 | jq -c '[.body, .failures[].reason, has("receipt")]')" \
		'["second","no luck",false]'
	qack jobs "$(qstat --json jobs 1 | jq -r .receipt)"
	counts jobs done=1
}

@test "a message that is not there is an error, and does not stop the others" {
	one_of_each jobs
	run --separate-stderr -1 qstat --json jobs 77 1
	is "$stderr" 'qstat: jobs: 77: no such message (done, expired or purged)'
	is "$(jq .id <<<"$output")" 1
}

@test "a message whose file is damaged is reported as damage" {
	head -c 3000000 /dev/zero | qpush jobs
	for blob in "$Q_ROOT"/jobs/blob/*; do
		printf x | dd of="$blob" bs=1 seek=99 conv=notrunc status=none
	done
	fails 65 'qstat: jobs: ' qstat --json jobs 1
}

# ---- usage ----

@test "options that need others say so" {
	fails 2 '--state, --limit and --body need --list' qstat --state dead jobs
	fails 2 '--state, --limit and --body need --list' qstat -n 1 jobs 1
	fails 2 '--body needs --json' qstat --list --body jobs
	fails 2 '--list and ID exclude each other' qstat --list jobs 1
	fails 2 '--list is for one queue' qstat --list jobs other
	fails 2 'no queue given' qstat --list
	fails 2 'give either queues or messages of one queue' qstat jobs 1 other
}

@test "malformed values are usage errors" {
	fails 2 '--state: not one of ready, delayed, blocked, leased, dead' \
		qstat --list --state done jobs
	fails 2 "--limit: 'x' is not a number" qstat --list -n x jobs
	fails 2 '--limit: 0 is not between' qstat --list -n 0 jobs
	qctl create jobs
	fails 2 'is not between' qstat jobs 0
	fails 2 'is not between' qstat jobs 99999999999999999999
	fails 2 'not digits alone' qstat 42
}

@test "output that cannot be written is an error" {
	qctl create jobs
	fails 3 'stdout: ' bash -c 'qstat >/dev/full'
	fails 3 'stdout: ' bash -c 'qstat --list jobs >/dev/full'
}
