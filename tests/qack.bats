#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qack: what becomes of messages taken under a lease, and what is refused.

load lib

# take QUEUE DURATION: its next message, as receipt on stdout.
take() {
	qpop -L "$2" "$1" | head -n 1
}

# Take a message whose lease is over at once.
take_late() {
	take "$1" 1ms
	eventually has_count "$1" leased=0
}

# ---- finishing ----

@test "an acknowledged message is gone, and is done" {
	qpush jobs one
	is_silent 0 qack jobs "$(take jobs 1m)"
	counts jobs done=1 leased=0 ready=0
	balances jobs
}

@test "several receipts are acknowledged together" {
	qpush jobs a b c
	is_silent 0 qack jobs "$(take jobs 1m)" "$(take jobs 1m)" "$(take jobs 1m)"
	counts jobs done=3
}

@test "receipts are read from stdin, one a line, the last with or without newline" {
	seq 2500 | qpush -l jobs
	qpop -L 1m -n all --json jobs | jq -r .receipt >receipts
	head -c -1 receipts | qack jobs -
	counts jobs done=2500 leased=0
}

@test "receipts of stdin are settled when the input pauses, not at its end" {
	qpush jobs a b
	mkfifo pipe
	exec 4<>pipe # so that opening it does not wait
	start qack jobs - <pipe 4>&-
	take jobs 1m >&4
	eventually has_count jobs done=1
	take jobs 1m >&4
	eventually has_count jobs done=2
	exec 4>&-
	ended 0
}

@test "no receipts on stdin are nothing to do" {
	qpush jobs a
	is_silent 0 qack jobs - </dev/null
}

@test "the same receipt twice is no error, and changes nothing" {
	qpush jobs a
	receipt=$(take jobs 1m)
	qack jobs "$receipt"
	is_silent 0 qack jobs "$receipt"
	counts jobs done=1
	run --separate-stderr -0 qack -v jobs "$receipt"
	has "$stderr" 'qack: jobs: 1: settled so before; nothing changed'
}

@test "-v says what became of each message" {
	qpush jobs a
	run --separate-stderr -0 qack -v jobs "$(take jobs 1m)"
	is "$stderr" 'qack: jobs: 1: done'
}

# ---- giving back, failing ----

@test "a released message is ready again, and the attempt does not count" {
	qpush jobs a
	is_silent 0 qack --release jobs "$(take jobs 1m)"
	counts jobs ready=1
	is "$(qstat --json jobs 1 | jq -c '[.attempt, .delivery, .failures]')" '[0,1,[]]'
}

@test "a message released with a delay waits for so long" {
	qpush jobs a
	qack --release -d 1h jobs "$(take jobs 1m)"
	counts jobs delayed=1
	qpush jobs b
	qack --release --delay=50ms jobs "$(take jobs 1m)"
	is "$(qpop -w10s jobs)" b
}

@test "a failed message waits out its back-off, and tells why" {
	qpush jobs a
	run --separate-stderr -0 qack -v --fail --reason 'no luck' jobs "$(take jobs 1m)"
	[[ $stderr =~ ^'qack: jobs: 1: failed (attempt 1 of 20); next try in '[2-5]' s'$ ]]
	counts jobs delayed=1 failed=1
	is "$(qstat --json jobs 1 | jq -r '.failures[] | .reason, .delivery')" $'no luck\n1'
}

@test "--delay takes the place of the back-off of a failure" {
	qpush jobs a
	qack --fail -d 0 jobs "$(take jobs 1m)"
	counts jobs ready=1 failed=1
}

@test "a message whose attempts are used up is dead" {
	qpush -m 1 jobs a
	run --separate-stderr -0 qack -v --fail jobs "$(take jobs 1m)"
	is "$stderr" 'qack: jobs: 1: dead after 1 attempt'
	counts jobs dead=1
}

@test "--dead gives up at once, and keeps the reason" {
	qpush jobs a
	is_silent 0 qack --dead --reason=bad jobs "$(take jobs 1m)"
	counts jobs dead=1 delayed=0
	is "$(qstat --json jobs 1 | jq -r '.failures[0].reason')" bad
}

@test "--extend moves the end of the lease" {
	qpush jobs a
	receipt=$(take jobs 30s)
	is_silent 0 qack --extend=1h jobs "$receipt"
	due=$(date -d "$(qstat --json jobs 1 | jq -r .due)" +%s)
	[ $((due - $(date +%s))) -gt 3000 ]
	counts jobs leased=1
	is_silent 0 qack jobs "$receipt"
}

# ---- leases that are over ----

@test "a lease that is over but not taken by another is accepted with a warning" {
	qpush jobs a
	receipt=$(take_late jobs)
	run --separate-stderr -0 qack jobs "$receipt"
	[[ $stderr =~ ^'qack: jobs: 1: lease was over for '[0-9]+' '[mu]?'s, nobody had taken it; done'$ ]]
	counts jobs done=1
	qpush jobs b
	is_silent 0 qack -q jobs "$(take_late jobs)"
}

@test "--strict refuses a lease that is over, and nothing changes" {
	qpush jobs a
	fails 1 'qack: jobs: 1: lease was over for ' qack --strict jobs "$(take_late jobs)"
	has "$stderr" 'nothing changed'
	counts jobs ready=1 done=0
}

@test "--strict accepts a lease that is not over" {
	qpush jobs a
	is_silent 0 qack --strict jobs "$(take jobs 1m)"
}

@test "a stale receipt says who has the message now, and changes nothing" {
	qpush jobs a
	old=$(take_late jobs)
	new=$(take jobs 1m)
	pid=$(qstat --json jobs 1 | jq .pid)
	run --separate-stderr -1 qack jobs "$old"
	[[ $stderr =~ ^'qack: jobs: 1: lease lost: delivered again (attempt 2) '[0-9]+' '[a-z]+" ago to pid $pid; nothing changed"$ ]]
	for verb in --release --fail --dead --extend=1m; do
		fails 1 'lease lost' qack "$verb" jobs "$old"
	done
	counts jobs leased=1
	is_silent 0 qack jobs "$new"
}

@test "one stale receipt does not stop the others" {
	qpush jobs a
	old=$(take_late jobs)
	take jobs 1m >/dev/null
	qpush jobs b c
	fails 1 'qack: jobs: 1: lease lost' qack jobs "$(take jobs 1m)" "$old" "$(take jobs 1m)"
	counts jobs done=2 leased=1
	printf '%s\n' "$old" >receipts
	qpush jobs d
	take jobs 1m >>receipts
	fails 1 'lease lost' qack jobs - <receipts
	counts jobs done=3
}

@test "a receipt that was settled otherwise is refused" {
	qpush jobs a
	receipt=$(take jobs 1m)
	qack --release jobs "$receipt"
	fails 1 'already settled otherwise; nothing changed' qack jobs "$receipt"
	counts jobs ready=1
}

# ---- receipts that are none of ours ----

@test "a receipt of another queue is refused" {
	qpush jobs a
	qpush other a
	fails 1 'qack: other: 1: receipt belongs to another queue' \
		qack other "$(take jobs 1m)"
	counts other ready=1
	counts jobs leased=1
}

@test "a receipt of a queue that was made anew is refused" {
	qpush jobs a
	receipt=$(take jobs 1m)
	rm -r "$Q_ROOT/jobs"
	qpush jobs a
	fails 1 'belongs to another queue' qack jobs "$receipt"
}

@test "a receipt that is no longer remembered is one of no message" {
	qctl create jobs remember=0
	qpush jobs a
	receipt=$(take jobs 1m)
	qack jobs "$receipt"
	fails 1 'qack: jobs: 1: no such message (done, expired or purged)' \
		qack jobs "$receipt"
}

@test "a malformed receipt is a usage error, and none of the others is settled" {
	qpush jobs a
	receipt=$(take jobs 1m)
	fails 2 "qack: 'foo' is not a receipt (like 42.1.k3jx9)" qack jobs "$receipt" foo
	fails 2 "'' is not a receipt" qack jobs '' "$receipt"
	fails 2 "'$receipt ' is not a receipt" qack jobs "$receipt "
	counts jobs leased=1
}

@test "a malformed line of stdin is named, and those before it are settled" {
	qpush jobs a b
	{
		take jobs 1m
		echo foo
		take jobs 1m
	} >receipts
	fails 2 "qack: stdin line 2: 'foo' is not a receipt (like 42.1.k3jx9); 1 settled" \
		qack jobs - <receipts
	counts jobs done=1 leased=1
	printf '\n' >receipts
	fails 2 'stdin line 1' qack jobs - <receipts
	head -c 100000 /dev/zero >receipts
	fails 2 'stdin line 1' qack jobs - <receipts
}

@test "a receipt with a NUL behind it is malformed" {
	qpush jobs a
	printf '%s\0x\n' "$(take jobs 1m)" >receipts
	fails 2 'is not a receipt' qack jobs - <receipts
	counts jobs leased=1
}

# ---- JSON ----

@test "--json prints an object per receipt, in their order" {
	qpush jobs a b
	old=$(take_late jobs)
	take jobs 1m >/dev/null
	good=$(take jobs 1m)
	run --separate-stderr -1 qack --json jobs "$old" "$good"
	is "$(jq -c '[.receipt, .result, .state, .holder.delivery]' <<<"$output")" \
		"[\"$old\",\"stale\",null,2]
[\"$good\",\"ok\",\"done\",null]"
	has "$stderr" 'lease lost'
}

@test "--json says what became of a failed message" {
	qpush jobs a
	run --separate-stderr -0 qack --json --fail jobs "$(take jobs 1m)"
	is "$(jq -c '[.id, .result, .state, .attempt, .max_attempts, has("due")]' \
		<<<"$output")" '[1,"ok","delayed",1,20,true]'
}

@test "output that cannot be written is an error" {
	qpush jobs a
	fails 3 'stdout: No space left on device' bash -c "qack --json jobs $(take jobs 1m) >/dev/full"
}

# ---- usage ----

@test "options that do not go together are usage errors" {
	for verb in --fail --dead --release --extend=1m; do
		for other in --fail --dead --release --extend=1m; do
			[ "$verb" = "$other" ] ||
				fails 2 'exclude each other' qack "$verb" "$other" jobs 1.1.00000
		done
	done
	fails 2 '--delay needs --release or --fail' qack -d 1m jobs 1.1.00000
	fails 2 '--delay needs --release or --fail' qack --dead -d 1m jobs 1.1.00000
	fails 2 '--reason needs --release, --extend, --fail or --dead' qack --reason x jobs 1.1.00000
}

@test "what is missing or malformed on the command line is a usage error" {
	fails 2 'no queue given' qack
	fails 2 'no receipt given' qack jobs
	fails 2 "'-' excludes other receipts" qack jobs 1.1.00000 -
	fails 2 '--extend: a lease must last' qack --extend 0 jobs 1.1.00000
	fails 2 "--delay: '-5s' is negative" qack --release --delay=-5s jobs 1.1.00000
	fails 2 "did you mean '--release'?" qack --relaese jobs 1.1.00000
}

@test "a queue that does not exist is not made" {
	fails 3 'qack: jobs: no such queue' qack jobs 1.1.00000
	fails 3 'qack: jobs: no such queue' qack jobs - </dev/null
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "each verb but the acknowledgement has a reason, which qwatch tells" {
	local r

	qctl create jobs log=1h
	qpush jobs x
	r=$(take jobs 1h)
	qack --extend 2h --reason 'slow today' jobs "$r"
	qack --release --reason 'not mine' jobs "$r"
	has "$(qwatch --since 1h jobs)" ' extended '
	is "$(qwatch --json --since 1h jobs | jq -r '.reason // empty')" $'slow today\nnot mine'
	qctl check jobs
}

@test "receipts on stdin can be objects of JSON, as the commands print them" {
	local line

	qpush jobs a b '{"body":"a receipt is not what the body says it is"}'
	qpop -L 1h -n all --json jobs >taken
	qack --json --extend 2h jobs - <taken >extended
	is "$(jq -r .result extended)" $'ok\nok\nok'
	{
		head -n 1 extended
		jq -r 'select(.id == 2) | .receipt' taken
		tail -n 1 taken
	} | qack jobs -
	counts jobs done=3
	qpush jobs x y
	qpop -L 1h -n all --json jobs >taken
	fails 2 'stdin line 2: '\''{"id":5}'\'' is not a receipt' qack jobs - < <(
		head -n 1 taken
		echo '{"id":5}'
	)
	counts jobs done=4 leased=1
	# a body, too, is no obstacle
	qpush -p 1 jobs -f <(head -c 900000 /dev/zero | tr '\0' x)
	qpop -L 1h --json jobs | qack jobs -
	counts jobs done=5 leased=1
	for line in '{' '{"receipt":5}' '{"receipt":"x"}' '[]' '{"receipt":null}'; do
		fails 2 'stdin line 1: ' qack jobs - <<<"$line"
	done
	counts jobs done=5 leased=1
}
