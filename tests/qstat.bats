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
	is "$(xargs <<<"${lines[0]}")" \
		'QUEUE READY DELAYED BLOCKED LEASED DEAD OLDEST IN/S OUT/S WAIT50 WAIT99 SERVICE LOAD DRAIN'
	[[ $(xargs <<<"${lines[1]}") =~ ^'jobs 1 1 0 1 1 '[0-9]+' '[mu]?'s '[0-9.]+' 0.00 - - - - -'$ ]]
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
	is "$(qstat jobs | tail -n 1 | xargs)" 'jobs 0 0 0 0 0 - 0.00 0.00 - - - - -'
	is "$(qstat --json jobs | jq -c '[.oldest_seconds, .next_due]')" '[null,null]'
}

@test "--json has an object per queue, whose books balance" {
	one_of_each jobs
	qpush other x
	qpop jobs >/dev/null
	run --separate-stderr -0 qstat --json jobs other
	is "$(jq -r .queue <<<"$output")" $'jobs\nother'
	is "$(head -n 1 <<<"$output" | jq -r 'keys_unsorted | join(" ")')" "queue ready \
delayed blocked leased dead done expired purged pushed delivered retried failed released \
lapsed died bytes_in bytes_out oldest_seconds next_due paused_in paused_out bytes disk_bytes used_bytes \
free_bytes files file_bytes rate_in_1m rate_in_5m rate_in_15m rate_out_1m rate_out_5m \
rate_out_15m leased_most wait service total gap utilisation drain_seconds \
growth_per_minute history_damaged history_since uuid"
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

@test "--sizes shows what a queue takes on the disk" {
	seq 5000 | qpush -l jobs
	head -c 3000000 /dev/zero | qpush jobs
	qpop -n 4000 jobs >/dev/null
	run --separate-stderr -0 qstat --sizes jobs
	is "$(xargs <<<"${lines[0]}")" 'QUEUE BODIES ALLOCATED USED FREE FILES IN FILES'
	[[ $(xargs <<<"${lines[1]}") =~ ^jobs.*' 1 2.8 MiB'$ ]]
	is "$(qstat --json jobs | jq -c '[.files, .file_bytes,
		.free_bytes > 100000, .used_bytes > 4096 * 10,
		.used_bytes + .free_bytes <= .disk_bytes]')" '[1,3000000,true,true,true]'
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

@test "--older-than lists what was pushed before then" {
	qpush jobs a b
	SHIM_WALL=7200 SHIM_BOOT=7200 preloaded shim-time qpush jobs c
	older() {
		SHIM_WALL=7300 SHIM_BOOT=7300 preloaded shim-time \
			qstat --list --json --older-than "$1" jobs | jq .id
	}
	is "$(older 1h)" $'1\n2'
	is "$(older 1m)" $'1\n2\n3'
	is "$(older 3h)" ''
	is "$(older 100000d)" ''
}

@test "--group and --header list what has them, and only that" {
	qpush -g a -H x=1 -H y=2 jobs one
	qpush -g ab jobs two
	qpush -H x=12 jobs three
	qpush -H xy=1 jobs four
	listed() {
		qstat --list --json "$@" jobs | jq .id | paste -sd ' '
	}
	is "$(listed -g a)" 1
	is "$(listed --group=ab)" 2
	is "$(listed -g b)" ''
	is "$(listed -H x)" '1 3'
	is "$(listed -H x=1)" 1
	is "$(listed --header=y=2)" 1
	is "$(listed -H y=)" ''
	is "$(listed -H x -g a --state ready)" 1
	is "$(listed -H x --state dead)" ''
	is "$(listed -H x -n 1)" 1
}

@test "a list that looks for something does not take what cannot be read for it, and says so" {
	local args

	qpush jobs a b
	damage record body 0000000000000001
	run --separate-stderr -65 qstat --list --json jobs
	is "$(jq -c .id <<<"$output")" $'1\n2'
	for args in '-H x' '-g x' '--older-than 0'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -65 qstat --list --json $args jobs
		is "$(jq -c .id <<<"$output")" "$([ "$args" != '--older-than 0' ] || echo 2)"
		is "$stderr" 'qstat: jobs: message 1 is damaged'
	done
	run --separate-stderr -65 qstat --list --state ready jobs
	is "$(wc -l <<<"$output")" 3
	damage record msg 0000000000000001
	run --separate-stderr -65 qstat --list --state ready jobs
	is "$(wc -l <<<"$output")" 1
	is "$stderr" $'qstat: jobs: message 1 is damaged\nqstat: jobs: message 2 is damaged'
}

@test "a list locks for a thousand rows at most, whatever it looks for" {
	local args locks

	seq 5500 | qpush -l jobs
	for args in '' '-H x' '--state dead' '--older-than 1h'; do
		# shellcheck disable=SC2086 # words
		ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=flock -o trace \
			qstat --list --json $args jobs >/dev/null
		locks=$(grep -c 'LOCK_SH' trace)
		[ "$locks" -ge 6 ] || { echo "$args: $locks"; false; }
	done
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
	qpush -g a/b -k $'k\e[1m' jobs fifth
	run --separate-stderr -0 qstat jobs 5
	has "$output" $'group        a/b\nkey          k\\x1b[1m\n'
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

@test "several queues are reported one after the other, and sizes as JSON too" {
	qpush a x
	qpush b x y
	run -0 qstat --forecast a b
	is "$(grep -c '^$' <<<"$output")" 1
	has "$output" a
	has "$output" b
	is "$(qstat --sizes --json a b | jq -c '[.queue, .ready]' | xargs)" '[a,1] [b,2]'
}

# ---- usage ----

@test "options that need others say so" {
	for option in --state=dead -n1 --older-than=1 -gx -Hx --body; do
		fails 2 '--state, --limit, --older-than, --group, --header and --body need --list' \
			qstat "$option" jobs
	done
	fails 2 '--body needs --json' qstat --list --body jobs
	fails 2 '--list and ID exclude each other' qstat --list jobs 1
	fails 2 '--list is for one queue' qstat --list jobs other
	fails 2 'no queue given' qstat --list
	fails 2 'exclude each other' qstat --forecast --check jobs
	fails 2 'exclude each other' qstat --list --sizes jobs
	for option in --forecast --sizes --holders --openmetrics; do
		fails 2 'an ID stands alone' qstat "$option" jobs 1
	done
	fails 2 'an ID stands alone' qstat --check empty jobs 1
	for option in --alert-rules --grafana-dashboard; do
		fails 2 '--json is for' qstat --json "$option"
		fails 2 'no queue is needed' qstat "$option" jobs
	done
	fails 2 '--workers and --target-wait need --forecast' qstat --workers 3 jobs
	fails 2 '--workers and --target-wait need --forecast' qstat --target-wait 3 jobs
	fails 2 '--warning needs --check' qstat --warning 'ready>1' jobs
	fails 2 '--output needs --openmetrics' qstat -o x jobs
	fails 2 '--json is for' qstat --json --openmetrics jobs
	fails 2 '--json is for' qstat --json --check empty jobs
	fails 2 '--check needs a condition' qstat --check jobs
	fails 2 '--workers: 0 is not between' qstat --forecast --workers 0 jobs
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
	run --separate-stderr -2 qstat jobs ''
	has "$stderr" 'qstat: '
}

@test "output that cannot be written is an error" {
	qctl create jobs
	fails 3 'stdout: ' bash -c 'qstat >/dev/full'
	for how in --list --forecast --json --sizes --openmetrics --alert-rules \
		--grafana-dashboard; do
		operand=jobs
		[[ $how == --alert-rules || $how == --grafana-dashboard ]] && operand=
		# shellcheck disable=SC2016 # the other shell's
		fails 3 'stdout: ' bash -c 'qstat $1 $2 >/dev/full' - "$how" "$operand"
	done
}

@test "the oldest is of those that a take would find, also where nobody takes" {
	local receipt

	qpush -d 1ms jobs late
	eventually is "$(count jobs ready)" 1
	[ "$(count jobs oldest_seconds)" != null ]
	is "$(count jobs next_due)" null
	is "$(qpop jobs)" late
	qpush jobs lapsed
	receipt=$(qpop -L 1h jobs | head -n 1)
	is "$(count jobs oldest_seconds)" null
	qack --extend 1ns jobs "$receipt"
	is "$(count jobs ready)" 1
	run -2 qstat --check 'oldest>0' jobs
	is "$(qpop jobs)" lapsed
	# and of no others
	qpush -e 1ns jobs expired one
	is "$(count jobs ready)" 0
	is "$(count jobs oldest_seconds)" null
	qpush -p -1 jobs there
	[ "$(count jobs oldest_seconds)" != null ]
}

@test "the dead are in red on a terminal that can, but not with NO_COLOR" {
	command -v script >/dev/null || skip "no script"
	qpush jobs a
	qpop jobs -- sh -c 'exit 65' 2>/dev/null || :
	on_terminal() {
		TERM=${2:-xterm} script -qec "$1" typescript </dev/null
	}
	has "$(on_terminal 'qstat jobs')" $'\033[31m'
	has "$(on_terminal 'NO_COLOR= qstat jobs')" $'\033[31m'
	[[ $(on_terminal 'NO_COLOR=1 qstat jobs') != *$'\033'* ]]
	[[ $(on_terminal 'qstat jobs' dumb) != *$'\033'* ]]
}

@test "a line of the table fits the terminal, without what can be spared" {
	local all=(QUEUE READY DELAYED BLOCKED LEASED DEAD OLDEST IN/S OUT/S WAIT50 WAIT99
		SERVICE LOAD DRAIN)
	head_at() {
		script -qec "stty cols $1; qstat jobs" typescript </dev/null | head -n 1 |
			tr -d '\r' | tr -s ' '
	}
	qpush jobs x
	is "$(head_at 200)" "${all[*]}"
	is "$(head_at 85)" "$(sed 's/ WAIT99//' <<<"${all[*]}")"
	is "$(head_at 80)" "$(sed 's/ WAIT99 SERVICE//' <<<"${all[*]}")"
	is "$(head_at 40)" 'QUEUE READY DELAYED LEASED DEAD OLDEST IN/S OUT/S DRAIN'
	is "$(qstat jobs | head -n 1 | tr -s ' ')" "${all[*]}"
}
