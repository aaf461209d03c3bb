#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# JSON: what one command prints, the other reads.

load lib

# What a message is, without what is another queue's or another time's.
essence() {
	jq -cS 'del(.id, .state, .attempt, .delivery, .pushed, .changed, .uid, .pid, .receipt)'
}

@test "a message that is popped as JSON and pushed again is the same" {
	printf 'body "with" \\ quotes\n\t\303\251' |
		qpush -p -5 -m 3 -H 'a=b c' -H k=v -e 1d jobs
	qpop --json jobs >one
	qpush --json-lines copy <one
	qpop --json copy >two
	is "$(essence <two | jq 'del(.expires)')" "$(essence <one | jq 'del(.expires)')"
	is "$(jq -r .body two)" $'body "with" \\ quotes\n\t\303\251'
}

@test "a body that is not UTF-8 goes through JSON byte for byte" {
	head -c 5000 /dev/urandom >in
	printf '\377\376' >>in
	qpush jobs <in
	qpop --json jobs >json
	is "$(jq 'has("body")' json)" false
	jq -r .body_base64 json | base64 -d | cmp - in
	qpush -J copy <json
	qpop copy | cmp - in
}

@test "a NUL in a body of text goes through JSON" {
	printf 'a\0b' | qpush jobs
	qpop --json jobs | tee json | qpush -J copy
	is "$(jq -r .body json | tr '\0' N)" aNb
	qpop copy | cmp - <(printf 'a\0b')
}

@test "a large body goes through JSON, and needs no memory for it" {
	head -c 60000000 /dev/zero >in
	qpush jobs <in
	mkfifo pipe
	exec 4<>pipe # so that opening it does not wait
	start qpop --json jobs >pipe 4>&-
	{
		head -c 70000000 >json
		awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" >peak
		exec 4>&-
		cat >>json
	} <pipe
	ended 0
	[ "$(<peak)" -lt 30000 ]
	jq -r .body_base64 json | base64 -d | cmp - in
}

@test "a header that is not UTF-8 goes through JSON" {
	qpush -H $'raw=\xff' -H text=x jobs body
	qpop -j jobs >json
	is "$(jq -c '[.headers, .headers_base64]' json)" '[{"text":"x"},{"raw":"/w=="}]'
	qpush -J copy <json
	is "$(qpop -j copy | jq -c '[.headers, .headers_base64]')" \
		'[{"text":"x"},{"raw":"/w=="}]'
}

@test "each object is one line, with the names that are promised" {
	qpush -d 1h -e 2h jobs $'two\nlines'
	qstat --json jobs 1 >json
	is "$(wc -l <json)" 1
	is "$(jq -r 'keys_unsorted | join(" ")' json)" "id state attempt delivery \
max_attempts priority headers pushed due expires changed size uid failures body"
	is "$(jq -r '.due, .pushed' json | grep -cE \
		'^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z$')" 2
}

@test "a delayed message is delayed again when it is pushed as JSON" {
	qpush -d 1h jobs later
	qstat --json jobs 1 >json
	qpush -J copy <json
	counts copy delayed=1 ready=0
	is "$(qstat --json copy 1 | jq .due)" "$(jq .due json)"
}

@test "one that waits for its group has its delay in JSON, and is delayed again" {
	qpush -g g jobs first
	qpush -g g -d 1h jobs later
	has "$(qstat jobs 2)" 'due  '
	qstat --list --json --body jobs | qpush -J copy
	is "$(qstat --json copy 2 | jq .due)" "$(qstat --json jobs 2 | jq .due)"
	is "$(qpop copy)" first
	counts copy delayed=1 ready=0
	is "$(SHIM_WALL=7200 preloaded shim-time qstat --json jobs 2 | jq -c '[.state, .due]')" \
		'["blocked",null]'
}

@test "the end of a lease does not delay the copy of a leased message" {
	qpush jobs x
	qpop -L 1h --json jobs | qpush -J copy
	counts copy ready=1 delayed=0
}

@test "fields that are absent are what the options say, others win over them" {
	printf '%s\n' '{"body":"a"}' '{"body":"b","priority":1,"headers":{"h":"2","i":"3"}}' |
		qpush -J -p 9 -H h=1 -H k=v jobs
	is "$(qpop -n all -j jobs | jq -c '[.body, .priority, .headers]')" \
		'["a",9,{"h":"1","k":"v"}]
["b",1,{"k":"v","h":"2","i":"3"}]'
}

@test "durations are seconds or text" {
	printf '%s\n' '{"body":"a","delay":3600}' '{"body":"b","delay":"1h","ttl":"2h"}' \
		'{"body":"c","delay":0}' | qpush -J jobs
	counts jobs delayed=2 ready=1
}

@test "what is wrong with a line is said of the line" {
	fails 2 'stdin line 2: not JSON: the line is empty; 1 stored, the rest was not' \
		qpush -J jobs <<<$'{"body":"a"}\n\n{"body":"b"}'
	fails 2 'stdin line 1: not JSON: the line is empty; nothing stored' qpush -J jobs <<<$' \t\r'
	fails 2 'stdin line 1: not JSON: expected its end at column 14; nothing stored' \
		qpush -J jobs <<<'{"body":"x"} y'
}

# refused TEXT LINE: as line 2, after one that is stored.
refused() {
	printf '%s\n' '{"body":"first"}' "$2" >in
	rm -rf "$Q_ROOT"
	fails 2 "stdin line 2: $1" qpush -J jobs <in
	has "$stderr" '1 stored'
	counts jobs pushed=1
}

@test "what is null in JSON is as if it were not there" {
	qpush plain x
	qpop -j plain | jq -c '{body, body_base64, key, group, headers, due, ttl, priority}' >in
	has "$(cat in)" '"key":null'
	qpush -J -p 3 jobs <in
	is "$(qpop -j jobs | jq -c '[.body, .priority, .key, .due]')" '["x",0,null,null]'
	fails 2 "unknown field 'other'" qpush -J jobs <<<'{"body":"x","other":null}'
}

@test "a line that is not JSON is refused with its number and column" {
	refused "not JSON: expected ':' at column 9" '{"body" 1}'
	refused 'not JSON' 'plain text'
	refused 'not JSON' ''
	refused 'not JSON: expected its end at column 14' '{"body":"x"} y'
	refused 'not JSON: unable to decode byte 0xff' $'{"body":"\xff"}'
}

@test "JSON that is no object is refused" {
	refused 'not a JSON object' '["body"]'
	refused 'not a JSON object' '5'
}

@test "an unknown field is refused by name" {
	refused "unknown field 'bdoy'" '{"body":"x","bdoy":"y"}'
}

@test "an object is read as one, however long it is" {
	head -c 13M /dev/urandom >large
	qpush -k key -f large jobs
	echo small | qpush jobs
	qpop -n all --json jobs | qpush -J copy
	is "$(qstat --json copy 1 | jq -r .key)" key
	qpop copy | cmp - large
	is "$(qpop copy)" small
	head -c 17M /dev/zero | tr '\0' '[' >line
	fails 2 'stdin line 1: not JSON' qpush -J copy <line
}

@test "a field given twice is refused" {
	refused 'not JSON: duplicate object key' '{"body":"x","body":"y"}'
}

@test "a body is required, and only one" {
	refused 'neither body nor body_base64' '{"priority":1}'
	refused 'body and body_base64 exclude each other' '{"body":"x","body_base64":""}'
	refused 'body_base64: not base 64' '{"body_base64":"%"}'
}

@test "a field of the wrong type or out of range is refused by name" {
	refused 'priority: not a number' '{"body":"x","priority":"1"}'
	refused 'priority: 101 is not between -100 and 100' '{"body":"x","priority":101}'
	refused 'headers: not an object' '{"body":"x","headers":"a=b"}'
	refused "headers: 'a' is not a string" '{"body":"x","headers":{"a":1}}'
	refused 'max_attempts: 0 is not between' '{"body":"x","max_attempts":0}'
	refused 'delay: -1 is negative' '{"body":"x","delay":-1}'
	refused "due: 'soon' is not a time" '{"body":"x","due":"soon"}'
	refused 'delay and due exclude each other' '{"body":"x","delay":1,"due":"@9"}'
}

@test "an expiry in the past is refused, for the message would never be seen" {
	refused 'expires: 2020-01-01T00:00:00Z is in the past' \
		'{"body":"x","expires":"2020-01-01T00:00:00Z"}'
}

@test "control characters of a refused line do not reach the terminal" {
	refused "unknown field '\\x1b[31m'" '{"body":"x","\u001b[31m":1}'
}
