#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Waiting for conditions and for what becomes of messages.

load lib

# watcher STATUS-FILE COMMAND...: in the background, asleep in its wait before this returns.
watcher() {
	start qwatch "$@" >output 2>errors
	watcher=$pid
	eventually is_asleep "$watcher"
}

# watched STATUS OUTPUT ERROR: how the watcher ended.
watched() {
	ended_saying "$@" "$watcher"
}

@test "a condition that is met ends the wait at once" {
	qpush jobs x
	is_silent 0 qwatch --until 'ready>0' jobs
	is_silent 0 qwatch --until 'ready==1' --timeout 0 jobs
	qpop jobs >/dev/null
	is_silent 0 qwatch --until empty jobs
}

@test "a condition that becomes met ends the wait" {
	qpush jobs x
	watcher --until empty jobs
	qpop jobs >/dev/null
	watched 0 '' ''
	watcher --until 'ready > 1' jobs
	qpush jobs y
	kill -0 "$watcher"
	qpush jobs z
	watched 0 '' ''
}

@test "a reader goes on when the file outgrows its map" {
	head -c 500000 /dev/zero >body
	qpush jobs x
	watcher --until 'ready>=300' jobs
	# shellcheck disable=SC2046 # words
	qpush jobs $(printf -- '-f body %.0s' {1..300})
	watched 0 '' ''
	[ "$(stat -c %s "$Q_ROOT/jobs/data.mdb")" -gt $((128 << 20)) ]
}

@test "a condition of time becomes met though nobody changes the queue" {
	qpush jobs x
	is_silent 0 qwatch --until 'oldest>600ms' --timeout 20 jobs
	qpush -d 300ms later x
	is_silent 0 qwatch --until 'ready>0' --timeout 20 later
}

@test "a condition that is not met in time is exit status 1" {
	qpush jobs x
	is_silent 1 qwatch --until empty --timeout 10ms jobs
	is_silent 1 qwatch --until empty --timeout 0 jobs
	run --separate-stderr -1 qwatch -v --until empty --timeout 10ms jobs
	is "$stderr" 'qwatch: jobs: empty: not in 10 ms'
	run --separate-stderr -1 qwatch -v --timeout 10ms jobs 1
	is "$stderr" 'qwatch: jobs: 1: not in 10 ms'
}

@test "who waits for a message to be done is told of its acknowledgement" {
	qpush jobs x
	watcher --until 'done 1' jobs
	qpop jobs >/dev/null
	watched 0 '' ''
	qpush jobs x
	watcher -v jobs 2
	qpop jobs >/dev/null
	watched 0 '' 'qwatch: jobs: 2: done; its output was not kept'
	qctl set jobs results=all
	qpush jobs x
	watcher --until 'done 3' jobs
	qpop jobs >/dev/null
	watched 0 '' ''
}

@test "who comes too late for an acknowledgement is told of it as far as it is known" {
	qpush jobs a b c d
	receipt=$(qpop -L 1m jobs | head -n 1)
	qpop jobs >/dev/null
	is_silent 0 qwatch --until 'done 2' jobs
	run --separate-stderr -0 qwatch -v jobs 2
	is "$stderr" 'qwatch: jobs: 2: done; its output was not kept'
	is "$(qwatch -j jobs 2)" \
		'{"queue":"jobs","id":2,"state":"done","ended":null,"output":null}'
	is_silent 1 qwatch --until 'done 1' --timeout 0 jobs
	qctl cancel --yes jobs 3
	fails 1 'no result is kept' qwatch --until 'done 2' jobs
	fails 1 'no result is kept' qwatch --until 'done 3' jobs
	qack jobs "$receipt"
	is_silent 0 qwatch --until 'done 1' jobs
	is "$(qwatch -j jobs 1 | jq '.ended | type')" '"string"'
	fails 1 'no result is kept' qwatch --until 'done 5' jobs
}

expired() { qpush jobs z && [[ $(qstat --list jobs) != *later* ]]; }

@test "who waits for a message that ends otherwise is told how" {
	qpush jobs x
	watcher --until 'done 1' jobs
	qctl cancel --yes jobs 1
	watched 1 '' 'qwatch: jobs: 1: purged'
	qpush -e 500ms jobs later
	watcher jobs 2
	eventually expired
	ended 1 "$watcher"
	# its time is over before somebody has removed it
	[[ $(cat errors) == 'qwatch: jobs: 2: '@(expired|'no result is kept'*) ]]
}

@test "who waits for a message that is moved is told where it is" {
	qctl create retries
	qpush jobs x
	watcher jobs 1
	qctl move jobs retries >/dev/null
	watched 1 '' 'qwatch: jobs: 1: moved to retries'
}

@test "a message is waited for on a queue where more happens than is remembered" {
	qpush jobs x
	r=$(qpop -L 1m jobs | head -n 1)
	watcher --until 'done 1' jobs
	seq 10000 | qpush -l jobs
	qack jobs "$r"
	eventually gone "$watcher"
	watched 0 '' ''
}

@test "a message that is dead is not done" {
	qpush jobs x
	watcher --until 'done 1' jobs
	qack --dead --reason 'no such photo' jobs "$(qpop -L 1m jobs | head -n 1)"
	watched 1 '' "qwatch: jobs: 1: dead: no such photo; see 'qstat jobs 1'"
}

@test "a message is waited for with its output and the status of its command" {
	qctl create jobs results=all
	qpush jobs x
	watcher jobs 1
	qpop jobs -- echo hello
	watched 0 hello ''
	qctl set jobs max-attempts=1
	qpush jobs x
	watcher jobs 2
	run -4 qpop jobs -- sh -c 'exit 7'
	watched 7 '' 'qwatch: jobs: 2: dead: '
	run --separate-stderr -7 qwatch jobs 2
	is "$(qwatch jobs 1)" hello
}

# as_json STATUS ID FILTER WANT: the object of a message that has ended.
as_json() {
	run --separate-stderr "-$1" qwatch --json jobs "$2"
	is "$(jq -c "$3" <<<"$output")" "$4"
	is "$(wc -l <<<"$output")" 1
}

@test "the end of a message is an object with --json, and the status is the same" {
	qctl create jobs results=all max-attempts=1 inline=4K
	qpush jobs a b c d e f
	qpop jobs -- echo hello
	run -4 qpop jobs -- sh -c 'echo half; exit 7'
	run -4 qpop jobs -- sh -c 'kill -9 $$'
	qpop jobs -- printf '\377'
	qpop jobs -- head -c 5000 /dev/zero
	qack --dead --reason $'no\e[1m' jobs "$(qpop -L 1m jobs | head -n 1)"
	as_json 0 1 'del(.ended)' \
		'{"queue":"jobs","id":1,"state":"done","size":6,"output":"hello\n"}'
	as_json 7 2 '[.state, .how, .exit_status, .reason, .output]' \
		'["dead","exited",7,"exited 7","half\n"]'
	has "$stderr" 'qwatch: jobs: 2: dead: exited 7'
	as_json 137 3 '[.state, .how, .signal]' '["dead","killed",9]'
	as_json 0 4 '[.size, .output, .output_base64]' '[1,null,"/w=="]'
	as_json 0 5 '[.size, .output, (.output_base64 | @base64d | length)]' '[5000,null,5000]'
	as_json 4 6 '[.state, .how, .reason, .size]' '["dead","said","no\u001b[1m",0]'
	is "$(qwatch -j jobs 1 | jq -r .ended | cut -c 1-2)" 20
}

@test "with --json, the end that an event told of is an object, too" {
	qctl create mail
	qpush jobs a b c
	watcher -j jobs 1
	qpop jobs >/dev/null
	ended 0 "$watcher"
	is "$(jq -c 'del(.ended)' output)" '{"queue":"jobs","id":1,"state":"done","output":null}'
	watcher -j jobs 2
	qctl cancel --yes jobs 2
	ended 1 "$watcher"
	is "$(jq -c '[.state, .output]' output)" '["purged",null]'
	watcher -j jobs 3
	qctl move jobs mail >/dev/null
	ended 1 "$watcher"
	is "$(jq -c '[.state, .to]' output)" '["moved","mail"]'
	is "$(cat errors)" 'qwatch: jobs: 3: moved to mail'
	fails 1 'no result is kept' qwatch -j jobs 9
	is_silent 1 qwatch -j --timeout 0 mail 1
}

@test "an object that cannot be written is an error, whatever became of the message" {
	[ -e /dev/full ] || skip "no /dev/full"
	qctl create jobs results=all max-attempts=1
	qpush jobs x
	run -4 qpop jobs -- false
	run --separate-stderr -3 sh -c 'qwatch -j jobs 1 >/dev/full'
	has "$stderr" 'qwatch: stdout: No space left on device'
}

@test "a message that never was is no success" {
	qctl create jobs
	fails 1 'no result is kept' qwatch jobs 1
	fails 1 'no result is kept' qwatch --until 'done 1' jobs
}

@test "what is wrong with the command line is said" {
	qctl create jobs
	fails 2 'no queue given' qwatch --until empty
	fails 2 '--until is for one queue' qwatch --until empty jobs mail
	fails 2 '--until and ID exclude each other' qwatch --until empty jobs 1
	fails 2 "--until: 'full' is not a condition" qwatch --until full jobs
	fails 2 "--until: 'x' is not a number" qwatch --until 'done x' jobs
	fails 2 '--until: ' qwatch --until 'done 0' jobs
	fails 2 "--timeout: '1 day' is not a duration" qwatch --until empty -T '1 day' jobs
	fails 2 '0 is not between 1 and' qwatch jobs 0
	fails 2 'qwatch: ' qwatch jobs ''
	for option in --events --json --count=1; do
		fails 2 '--events, --json and --count are not for --until' \
			qwatch --until empty "$option" jobs
	done
	for option in '--until empty' '--alert empty'; do
		# shellcheck disable=SC2086 # two words
		fails 2 '--since is for events' qwatch $option --since 1h jobs -- true
	done
	fails 2 '--since is for events' qwatch --since 1h jobs 1
	fails 3 'jbos: no such queue' qwatch --until empty jbos
}

@test "a queue that is removed ends the wait" {
	qpush jobs x
	watcher --until empty jobs
	qctl rm --yes jobs
	watched 3 '' 'qwatch: jobs: '
}

@test "a damaged queue is not an empty one" {
	qpush jobs x
	damage record meta "$(printf counters | xxd -p)"
	run --separate-stderr -65 qwatch --until empty jobs
	has "$stderr" damaged
}

@test "a signal ends the wait, as if it had not been caught" {
	local sig

	qpush jobs x
	for sig in INT TERM HUP; do
		watcher --until empty jobs
		kill -$sig "$watcher"
		ended $((128 + $(kill -l $sig))) "$watcher"
		watcher jobs 1
		kill -$sig "$watcher"
		ended $((128 + $(kill -l $sig))) "$watcher"
	done
}

@test "without ctl, it is looked at all the same" {
	qpush jobs x
	mkdir "$Q_ROOT/jobs/ctl"
	start qwatch --until empty jobs
	eventually has_open "$pid"
	qpop jobs >/dev/null
	ended 0
}
