#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl dump and load: nothing of a message is lost on the way, and nothing comes twice.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

teardown() {
	if [ -e "$Q_ROOT/b" ]; then
		qctl check b
		balances b
	fi
	end_started
}

# Messages of all kinds, with 7 bits and 8, small and large.
fill() {
	qctl create a max-attempts=2 backoff=1h group-on-dead=hold max-body=50M
	printf 'b\xffdy\0' | qpush -k key -g g -H name=value -H "$(printf 'bin=\xff')" a
	qpush -g g -p 5 -m 7 -e 1h a blocked
	qpush -d 1h a delayed
	qpush a 'ümlaut "quoted"'
	qpush --allow-empty a ''
	head -c 5000000 /dev/urandom | qpush a
	run -4 qpop a -- sh -c 'printf "\377 bad" >&2; exit 3'
	qpush -p 9 a dies
	qack --dead --reason 'no way' a "$(qpop -L 1h -r r a >/dev/null && cat r)"
}

shown() {
	qstat --list --json "$1"
	for id in $(qstat --list --json "$1" | jq .id); do
		qstat --json "$1" "$id" | md5sum
	done
}

@test "dump and load make the same queue" {
	fill
	qctl dump a >dump
	is "$(qctl load b dump)" 'loaded 7 messages'
	diff <(shown a) <(shown b)
	diff <(qctl get a) <(qctl get b)
	diff <(tail -n +2 dump) <(qctl dump b | tail -n +2)
	# and it goes on as one
	is "$(count b pushed)" 7
	qpush b new
	is "$(qpush -i b another)" 9
	# the group waits for its first message
	is "$(qstat --json b 2 | jq -r .state)" blocked
}

@test "a dump is lines of JSON, and bodies are text where they are" {
	fill
	qctl dump a | jq -c '[.id, .body, .max_attempts]' >lines
	is "$(sed -n 5p lines)" '[4,"ümlaut \"quoted\"",null]'
	is "$(sed -n 3p lines)" '[2,"blocked",7]'
	is "$(wc -l <lines)" 9
	is "$(qctl dump a | head -1 | jq -c '[.qutils_dump, .queue, .options."max-attempts"]')" \
		'[1,"a","2"]'
}

@test "loaded again, nothing is added" {
	fill
	qctl dump a | qctl load b
	is "$(qctl dump a | qctl load b)" 'loaded 0 messages, 7 were there already'
	qpop -n all b >/dev/null || :
	qctl dump a | qctl load b
	counts b pushed=7
}

@test "a queue that has had messages keeps its options and ids, and gets the messages" {
	qpush a x y
	qctl create b max-attempts=3
	qpush b first
	qpop b >/dev/null
	qctl dump a | qctl load b
	is "$(qctl get b max-attempts)" 'max-attempts 3'
	is "$(qpop -n all -l b | xargs)" 'x y'
	is "$(qpush -i b z)" 4
}

@test "what was leased is ready, and its attempt counts" {
	qctl create a max-attempts=2
	qpush a x
	qpop -L 1h a >/dev/null
	qctl dump a | qctl load b
	is "$(qstat --json b 1 | jq -c '[.state, .attempt]')" '["ready",1]'
	run -4 qpop b -- false
	counts b dead=1
}

@test "a key of a message that waits is known after loading" {
	qpush -k one a x
	qctl dump a | qctl load b
	qpush -k one b y
	counts b pushed=1
}

@test "what has never left its queue is not loaded into it" {
	qpush -k one a x
	qpush a y z
	qctl dump a >dump
	is "$(qctl load a dump)" 'loaded 0 messages, 3 were there already'
	qctl cancel -q --yes a 2
	is "$(qctl load a dump)" 'loaded 1 messages, 2 were there already'
	is "$(qctl load a dump)" 'loaded 0 messages, 3 were there already'
	is "$(qpop -n all -l a | xargs)" 'x z y'
	qctl check a
}

@test "two messages of one key are loaded both" {
	qpush -k one a x
	qctl dead -q a 1
	qpush -k one a y
	qctl redrive -q a 1
	qctl dump a >dump
	is "$(qctl load b dump)" 'loaded 2 messages'
	is "$(qctl load b dump)" 'loaded 0 messages, 2 were there already'
	diff <(shown a) <(shown b)
	qpush -k one b z
	is "$(qpop -n all -l b | xargs)" 'x y'
	qpush -k one b z
	counts b pushed=3
	# beside one that waits, too
	qpush -k one c w
	is "$(qctl load c dump)" 'loaded 2 messages'
}

@test "what is damaged is named, and the rest is dumped" {
	qpush a x y z
	head -c 2000000 /dev/zero | qpush a
	"$BIN/tool/damage" "$Q_ROOT/a/data.mdb" record body 0000000000000002
	echo >>"$Q_ROOT/a/blob/4"
	run --separate-stderr -65 qctl dump a
	has "$stderr" 'qctl: a: message 2 is damaged; left out'
	has "$stderr" 'qctl: a: message 4 is damaged (its file); left out'
	is "$(qctl load b <<<"$output")" 'loaded 2 messages'
	is "$(qpop -n all -l b | xargs)" 'x z'
}

@test "a dump that could not go on to its end has none, and is not loaded as if it had" {
	local page n

	seq -f '%0500.0f' 100 | qpush -l a
	cp -r "$Q_ROOT/a" "$Q_ROOT/whole"
	n=$("$BIN/tool/damage" "$Q_ROOT/a/data.mdb" pages)
	for ((page = 2; page < n; page++)); do
		rm -r "$Q_ROOT/a"
		cp -r "$Q_ROOT/whole" "$Q_ROOT/a"
		"$BIN/tool/damage" "$Q_ROOT/a/data.mdb" zero "$page"
		qctl dump a >dump 2>errors && continue
		if grep -q '"end"' dump; then
			is "$(grep -c 'message .* is damaged; left out' errors)" 100
			continue
		fi
		is "$(wc -l <errors)" 1
		run -2 qctl load b dump
	done
}

@test "errors name the line, and what came before is stored" {
	qpush a x y
	qctl dump a >dump
	sed '3s/"ready"/"sleeping"/' dump >bad
	fails 2 'bad: line 3: state: none that there is; 1 stored' qctl load b bad
	sed '3s/}$//' dump >bad
	fails 2 'bad: line 3: not JSON:' qctl load b bad
	sed '3s/"id":2/"id":0/' dump >bad
	fails 2 'line 3: id: there is none' qctl load b bad
	sed '3s/"body":"y"/"body_base64":"?"/' dump >bad
	fails 2 'line 3: body_base64: not base 64' qctl load b bad
	sed '3s/,"body":"y"//' dump >bad
	fails 2 'line 3: body: there is none' qctl load b bad
	sed '3s/"attempt":0/"attempt":7/' dump >bad
	fails 2 'line 2: message 2 is none that there can be' qctl load b bad || :
	fails 2 'line 1: not the beginning' qctl load c <<<'{"body":"x"}'
	fails 2 'line 1: version 2 of dumps is not known; upgrade' qctl load c <<<'{"qutils_dump":2}'
	fails 2 'stdin: line 1: not the beginning' qctl load c </dev/null
	fails 3 'none: No such file' qctl load c none
	[ ! -e "$Q_ROOT/c" ]
	counts b pushed=1
	qctl load b dump
	counts b pushed=2
}

@test "a dump that was cut off is an error, and its messages are stored" {
	local n

	fill
	qctl dump a >dump
	head -n -1 dump >bad
	fails 2 'bad: line 9: there is none: the dump is cut off; 7 stored' qctl load b bad
	rm -r "$Q_ROOT/b"
	# in the middle of the large body
	head -c $(($(head -n 6 dump | wc -c) + 6000000)) dump >bad
	fails 2 'line 7: ends in the middle; 5 stored' qctl load b bad
	qctl load b dump
	diff <(shown a) <(shown b)
}

@test "what the queue refuses ends a load, which can be done again" {
	seq 1200 | qpush -l a
	qctl create b max-messages=700
	qpush b x
	qpop b >/dev/null
	run --separate-stderr -75 qctl load b < <(qctl dump a)
	has "$stderr" 'stdin: line 702: queue is full (700 messages); 700 stored'
	qctl set b max-messages=0
	qctl dump a | qctl load b
	is "$(qpop -n all -l b | md5sum)" "$(seq 1200 | md5sum)"
}

@test "limits below what a queue holds do not keep its dump from being loaded" {
	qpush a first 'the second'
	qpush a third
	qctl set a max-messages=2 max-bytes=10 max-body=4
	qctl dump a >dump
	is "$(qctl load b dump)" 'loaded 3 messages'
	diff <(qctl get a) <(qctl get b)
	fails 3 "over the queue's limit" qpush b fourth
	# interrupted and done again
	sed '3s/"ready"/"sleeping"/' dump >bad
	qctl rm -y b
	fails 2 'line 3: state: none that there is; 1 stored' qctl load b bad
	is "$(qctl load b dump)" 'loaded 2 messages, 1 were there already'
	diff <(qctl get a) <(qctl get b)
	# limits of a queue that has its own stay, and hold
	qctl create c max-messages=1
	qpush c x
	run -75 qctl load c dump
	is "$(qctl get c max-messages)" 'max-messages 1'
}

@test "a dead message that does not hold its group does not begin to" {
	qpush -g g a dead
	qpush -g g a ready
	qctl dead -q a 1
	qctl set a group-on-dead=hold
	qpush -g h a holds
	qpush -g h a blocked
	qctl dead -q a 3
	qctl dump a >dump
	is "$(tail -n +2 dump | jq -c '[.id, .passed] | select(.[1])')" '[1,true]'
	qctl load b dump
	diff <(shown a) <(shown b)
	is "$(qpop -n all -l b)" ready
	# nor does another body make it
	EDITOR='sed -i s/d$/D/' qctl edit -q b 1
	qpush -g g b next
	is "$(qpop b)" next
}

@test "killed anywhere, a load that is done again has each message once" {
	local n

	qpush -g g a x y
	qctl dump a >dump
	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT/b"
		"$BIN/tool/trace" -k "$n" -r report -- qctl load b dump >/dev/null 2>&1 || :
		grep -q 'signal 9' report || break
		qctl load b dump >/dev/null
		diff <(qstat --list --json a) <(qstat --list --json b)
	done
	[ "$n" -gt 60 ]
}

@test "a large body needs no memory to speak of, either way" {
	[ -z "${SAN:-}" ] || skip "sanitizers need address space"
	qctl create a
	head -c 300M /dev/zero | qpush a
	(ulimit -v 150000 && qctl dump a) >dump
	(ulimit -v 150000 && qctl load b dump)
	is "$(qpop b | cksum)" "$(head -c 300M /dev/zero | cksum)"
}

@test "a long line of text is read from a pipe, whatever the pieces" {
	qctl create a inline=16M
	head -c 9000000 /dev/zero | tr '\0' x | qpush a
	qpush a after
	qctl dump a | dd bs=4000 iflag=fullblock status=none | qctl load b
	qpop b | cmp - <(head -c 9000000 /dev/zero | tr '\0' x)
	is "$(qpop b)" after
}

@test "a queue that is loaded has the mode that is asked for" {
	qpush a x
	qctl dump a | qctl load --mode=0770 b
	is "$(stat -c %a "$Q_ROOT/b" | tail -c 4)" 770
}

@test "a large body that is damaged on its way is an error of its line" {
	local to

	qpush a x
	head -c 9000000 /dev/zero | qpush a
	qpush a z
	qctl dump a >dump
	to=(qctl load b bad)
	# the second message is the third line
	sed '3s/AAAA/A?AA/' dump >bad
	fails 2 'bad: line 3: body_base64: not base 64; 1 stored' "${to[@]}"
	# fewer bytes than a piece has, and then more
	sed '3s/AAAA/AA==/' dump >bad
	fails 2 'bad: line 3: body_base64: not base 64; 1 stored' "${to[@]}"
	sed '3s/"}$/","state":"ready"}/' dump >bad
	fails 2 'bad: line 3: not JSON: something follows a large body; 1 stored' "${to[@]}"
	sed '3s/"}$/"} x/' dump >bad
	fails 2 'bad: line 3: not JSON: something follows a large body; 1 stored' "${to[@]}"
	head -n 3 dump | head -c -2 >bad
	fails 2 'bad: line 3: not JSON: something follows a large body; 1 stored' "${to[@]}"
	sed '3s/"state":"ready"/"state":"sleeping"/' dump >bad
	fails 2 'bad: line 3: state: none that there is; 1 stored' "${to[@]}"
	counts b pushed=1
	# an end without a newline is one, and the end of the dump is missing then
	head -n 3 dump | head -c -1 >bad
	fails 2 'bad: line 4: there is none: the dump is cut off; 2 stored' "${to[@]}"
	qctl load -q b - <dump
	is "$(qpop -n all b | tr -d '\0')" xz
}

@test "what cannot be read, or follows the end of a dump, is an error" {
	qpush a x
	qctl dump a >dump
	fails 3 '.: cannot read: Is a directory; 0 stored' qctl load b .
	echo >>dump
	fails 2 'dump: line 4: something follows the end of the dump; 1 stored' qctl load b dump
	qctl set b max-body=1M
	head -c 3000000 /dev/zero | qpush a
	run --separate-stderr -3 qctl load b < <(qctl dump a)
	has "$stderr" "over the queue's limit"
}

# refused TEXT JQ-FILTER [LINE]: ./dump with one line, the second, changed so.
refused() {
	local line=${3:-2}

	jq -c "if input_line_number == $line then $2 else . end" dump >bad
	fails 2 "bad: line $line: $1" qctl load b bad
}

@test "a field of a dump that cannot be is named, and nothing is stored" {
	local name row long

	qctl create a max-attempts=2 backoff=1h
	qpush -k key -g g -e 1h -m 7 a x
	run -4 qpop a -- sh -c 'printf bad >&2; exit 3'
	qctl dump a >dump
	for name in id attempt delivery max_attempts uid pid priority; do
		refused "$name: not a whole number; 0 stored" ".$name = \"7\""
		refused "$name: not a whole number; 0 stored" ".$name = 1.5"
	done
	for name in attempt delivery max_attempts uid pid; do
		refused "$name: 4294967296 is not between 0 and 4294967295" ".$name = 4294967296"
		refused "$name: -1 is not between 0 and 4294967295" ".$name = -1"
	done
	refused 'id: -1 is not between 0 and 9223372036854775806' '.id = -1'
	refused 'id: there is none' 'del(.id)'
	refused 'priority: 101 is not between -100 and 100' '.priority = 101'
	refused 'priority: -101 is not between -100 and 100' '.priority = -101'
	for name in pushed changed due expires; do
		refused "$name: not a time" ".$name = 5"
		refused "$name: 'never' is not a time" ".$name = \"never\""
	done
	for name in key group body; do
		refused "$name: not a string" ".$name = 5"
		refused "$name: not a string" "del(.$name) | .${name}_base64 = 5"
		refused "$name and ${name}_base64 exclude each other" ".${name}_base64 = \"eA==\""
		refused "${name}_base64: not base 64" "del(.$name) | .${name}_base64 = \"x\""
	done
	for name in key group; do
		refused "$name: not at most 1024 bytes without NUL" ".$name = \"x\" * 1025"
		refused "$name: not at most 1024 bytes without NUL" ".$name = \"a\\u0000b\""
	done
	refused 'state: none that there is' 'del(.state)'
	refused 'state: none that there is' '.state = 5'
	refused 'headers:' '.headers = 5'
	refused 'not a JSON object' '[]'
	[ ! -e "$Q_ROOT/b" ] || counts b pushed=0
}

@test "a field of a failure that cannot be is named, and nothing is stored" {
	local name

	qctl create a backoff=1h
	qpush a x
	run -4 qpop a -- sh -c 'printf bad >&2; exit 3'
	qctl dump a >dump
	for name in delivery pid status took_ns cpu_ns peak_memory; do
		refused "failure 1: $name: not a whole number" ".failures[0].$name = \"7\""
		refused "failure 1: $name: -1 is not between 0 and" ".failures[0].$name = -1"
	done
	refused 'failure 1: status: 65536 is not between 0 and 65535' '.failures[0].status = 65536'
	refused 'failure 1: when: not a time' '.failures[0].when = 5'
	refused "failure 1: when: 'x' is not a time" '.failures[0].when = "x"'
	for name in reason host stderr command; do
		refused "failure 1: $name: not a string" ".failures[0].$name = 5"
		refused "failure 1: $name and ${name}_base64 exclude each other" \
			".failures[0].${name}_base64 = \"eA==\""
	done
	refused 'failure 1: reason: not at most' '.failures[0].reason = "x" * 5000'
	refused 'failure 1: host: not at most 255 bytes' '.failures[0].host = "x" * 256'
	refused 'failure 1: how: none that there is' '.failures[0].how = "somehow"'
	refused 'failure 1: how: none that there is' 'del(.failures[0].how)'
	refused 'failure 2: how: none that there is' '.failures[1].how = 5'
	refused 'failures: not a list' '.failures = 5'
	refused 'failures: more than 64' '.failures = [range(65) as $i | .failures[0]]'
	refused 'failure 1: delivery: not' '.failures = ["x"] | .failures[0] = {delivery: "x"}'
	[ ! -e "$Q_ROOT/b" ] || counts b pushed=0
	# without what may be missing it is one
	jq -c 'if .id then del(.failures[0].reason) else . end' dump >bare
	qctl load b bare
	is "$(qstat --json b 1 | jq -c '[.failures[] | .reason, .how]')" '["","exited"]'
	# and so is one of as many fields as can be, each in base 64
	jq -c 'if .id then del(.body) | .id = 2 | .body_base64 = "eQ==" | .delivery = 64 | .key_base64 = "eA==" |
		.group_base64 = "eA==" | .failures = [range(64) as $i | .failures[0] |
		del(.reason, .host, .stderr, .command) + {reason_base64: "eA==", host_base64: "eA==",
		stderr_base64: "eA==", command_base64: "eA==", delivery: ($i + 1)}] else . end' dump >full
	is "$(qctl load b full)" 'loaded 1 message'
	is "$(qstat --json b 2 | jq -c '[.key, .group, .body, (.failures | length)]')" \
		'["x","x","y",64]'
}

@test "a dump whose first line cannot be is refused, and there is no queue" {
	local long

	qpush a x
	qctl dump a >dump
	refused 'uuid: not 32 hexadecimal digits' 'del(.uuid)' 1
	refused 'uuid: not 32 hexadecimal digits' '.uuid = 5' 1
	refused 'uuid: not 32 hexadecimal digits' '.uuid += "0"' 1
	refused 'uuid: not 32 hexadecimal digits' '.uuid |= "X" + .[1:]' 1
	refused 'not the beginning of what' '.qutils_dump = "1"' 1
	refused "options: unknown option 'colour'" '.options.colour = "red"' 1
	refused 'options: log' '.options.log = 5' 1
	refused 'options: not an object' '.options = ["log=5"]' 1
	# names that are cut off, and so are settings
	long=$(printf '%0300d' 0)
	refused 'options: too many' \
		".options = ([range(40) | {\"log=$long\\(.)\": \"\"}] | add)" 1
	[ ! -e "$Q_ROOT/b" ]
}

@test "a large message that ends while it is dumped is left out, and no damage" {
	qctl create jobs inline=4096
	seq 3000 | qpush jobs
	qpush jobs small
	start env ASAN_OPTIONS=detect_leaks=0 strace -qq -o calls -e trace=openat \
		-e inject=openat:delay_enter=500000 qctl dump jobs >dumped 2>errors
	eventually grep -q '"blob"' calls
	is "$(qpop jobs)" "$(seq 3000)"
	ended 0
	is "$(cat errors)" ''
	qctl load copy <dumped
	is "$(qpop -n all -l copy)" small
}
