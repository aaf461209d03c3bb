#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush: where messages come from.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "all of stdin is one message, byte for byte" {
	printf 'a\0b\n\n\xff\r\nno newline' >in
	qpush jobs <in
	qpop jobs | cmp - in
	is_silent 1 qpop jobs
}

@test "stdin may be a pipe that brings its bytes piece by piece" {
	{ printf a; /bin/printf '\n'; /bin/printf b; } | qpush jobs
	qpop jobs | cmp - <(printf 'a\nb')
}

@test "each operand is a message, in order" {
	qpush jobs one 'two words' $'three\nlines' <&-
	qpop -n all -0 jobs | cmp - <(printf 'one\0two words\0three\nlines\0')
}

@test "-l stores a message per line, also the last one without newline" {
	printf 'a b\n\tc\r\n\0d\nlast' | qpush -l jobs
	qpop -n all -0 jobs | cmp - <(printf 'a b\0\tc\r\0\0d\0last\0')
}

@test "-l of no input stores nothing and is no error" {
	is_silent 0 qpush --lines jobs </dev/null
	counts jobs pushed=0
}

@test "-0 stores a message per NUL, with the newlines in it" {
	printf 'a\nb\0\nc\0last' | qpush -0 jobs
	qpop -n all -0 jobs | cmp - <(printf 'a\nb\0\nc\0last\0')
	printf 'x\0' | qpush --null jobs
	is "$(qpop jobs)" x
}

@test "bulk input keeps its order over many batches" {
	seq 70000 >in
	qpush -l jobs <in
	qpop -l -n all jobs | cmp - in
	balances jobs
}

@test "-f stores each file as a message, also the files that are operands" {
	printf 'A\n' >a
	printf 'b\0' >b
	printf -- '-' >./-c
	qpush jobs -f a -f ./-c b a
	qpop -n all -0 jobs | cmp - <(printf 'A\n\0-\0b\0\0A\n\0')
}

@test "an id that cannot be printed is an error with its reason, and the message is there" {
	fails 3 'qpush: stdout: No space left on device' bash -c 'qpush -i jobs x >/dev/full'
	fails 3 'qpush: stdout: No space left on device' bash -c 'qpush -j jobs x >/dev/full'
	counts jobs ready=2
}

@test "a time to wait that is not attached is no queue, and no message" {
	fails 2 "the argument of '--wait' is attached to it: --wait=30s" qpush -w 30s jobs x
	fails 2 "the argument of '--call' is attached to it: --call=5" qpush jobs --call 5
	is "$(ls "$Q_ROOT" 2>/dev/null)" ''
	qpush -w jobs 10
	is "$(qpop jobs)" 10
}

@test "-f - is standard input" {
	echo a >a
	echo stdin | qpush jobs -f a -f - a
	is "$(qpop -n all jobs)" $'a\nstdin\na'
	fails 3 "qpush: stdin: cannot read: Is a directory" qpush jobs -f - <.
}

@test "-f says which file cannot be read, and how many are stored" {
	echo a >a
	fails 3 "qpush: gone: No such file or directory; 1 stored, the rest was not" \
		qpush jobs -f a -f gone a
	fails 3 "qpush: .: cannot read: Is a directory; nothing stored" qpush jobs -f .
	counts jobs ready=1
}

@test "-J reads a JSON object a line" {
	qpush -J jobs <<-'END'
		{"body":"plain"}
		{"body":"low","priority":-3,"headers":{"a":"1","b":"x=y"},"max_attempts":7}
		{"body_base64":"AP8KAA==","priority":5}
		{"body":"later","delay":3600}
	END
	qpop jobs | cmp - <(printf '\0\xff\n\0')
	is "$(qpop jobs)" plain
	run -0 qpop --json jobs
	is "$(jq -c '[.body, .priority, .headers, .max_attempts]' <<<"$output")" \
		'["low",-3,{"a":"1","b":"x=y"},7]'
	counts jobs ready=0 delayed=1
}

@test "-J reads what qpop --json prints" {
	printf 'a\0\xff' | qpush -p 4 -H k=v -m 9 one
	qpush one 'text "quoted" \ and é'
	qpop --json -n all one >messages
	qpush -J two <messages
	qpop --json -n all two >again
	is "$(jq -c '[.body, .body_base64, .priority, .headers, .max_attempts]' again)" \
		"$(jq -c '[.body, .body_base64, .priority, .headers, .max_attempts]' messages)"
	is "$(wc -l <again)" 2
}

@test "-J names the line that is wrong, and stores those before it" {
	fails 2 "qpush: stdin line 3: not JSON" qpush -J jobs <<-'END'
		{"body":"1"}
		{"body":"2"}
		{"body" "3"}
		{"body":"4"}
	END
	has "$stderr" "; 2 stored"
	is "$(drain jobs)" $'1\n2'
}

@test "-J refuses what is not a message" {
	local line

	for line in '[]' '"x"' '{}' '{"body":1}' '{"body":"x","body_base64":"eA=="}' \
		'{"body_base64":"***"}' '{"body":"x","priority":101}' \
		'{"body":"x","priority":1.5}' '{"body":"x","prioritie":1}' \
		'{"body":"x","headers":{"a":1}}' '{"body":"x","headers":{"a b":"c"}}' \
		'{"body":"x","delay":-1}' '{"body":"x","ttl":0}' '{"body":"x","body":"y"}' \
		'{"body":"x","delay":1,"due":"2030-01-01T00:00:00Z"}' \
		'{"body":"x","max_attempts":0}' '{"body":"x"' $'{"body":"\xff"}'; do
		fails 2 "qpush: stdin line 1: " qpush -J jobs <<<"$line"
		has "$stderr" "nothing stored"
	done
	counts jobs pushed=0
}

@test "--from-command stores the output of a command that succeeds" {
	qpush jobs --from-command -- printf 'a\nb'
	qpop jobs | cmp - <(printf 'a\nb')
	qpush -l --from-command jobs -- seq 3
	is "$(drain jobs)" $'1\n2\n3'
}

@test "--from-command runs a script without '#!' by the shell, as a worker does" {
	mkdir bin
	# shellcheck disable=SC2016
	echo 'echo "$0" "$@"' >bin/script
	chmod +x bin/script
	PATH=$PWD/bin:$PATH qpush jobs --from-command -- script 'a  b' c
	is "$(qpop jobs)" "$PWD/bin/script a  b c"
	qpush jobs --from-command -- bin/script
	is "$(drain jobs)" "bin/script"
}

@test "--from-command stores nothing of a command that fails" {
	fails 4 "qpush: sh: exited 1; nothing stored" \
		qpush jobs --from-command -- sh -c 'echo half; exit 1'
	fails 4 "qpush: sh: exited 255; nothing stored" \
		qpush jobs --from-command -- sh -c 'echo half; exit 255'
	# shellcheck disable=SC2016
	fails 4 "qpush: sh: killed by" \
		qpush jobs --from-command -- sh -c 'echo half; kill -9 $$'
	fails 3 "qpush: ./missing: No such file or directory; nothing stored" \
		qpush jobs --from-command -- ./missing
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "a signal ends --from-command, its command, and nothing is stored" {
	mkfifo pipe
	exec 7<>pipe
	start qpush --from-command jobs -- sh -c 'echo half; echo >pipe; exec sleep 60' 2>err
	read -r <&7
	kill -TERM "$pid"
	ended 143
	is "$(cat err)" "qpush: sh: interrupted; nothing stored"
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "behind '--' are messages, whatever they begin with" {
	qpush jobs -- -a --lines --
	qpush jobs b -- -c
	qpush -- jobs -d
	is "$(qpop -n all -l jobs)" $'-a\n--lines\n--\nb\n-c\n-d'
	echo content >-file
	echo first >x
	qpush -f x jobs -- -file
	echo stdin | qpush jobs --
	is "$(qpop -n all jobs)" $'first\ncontent\nstdin'
	fails 2 "no queue given" qpush --
	fails 2 "one too many" qpush -l jobs -- x
}

@test "--from-command refuses other messages" {
	fails 2 "--from-command needs '--' and a command" qpush jobs --from-command
	fails 2 "--from-command needs '--' and a command" qpush jobs --from-command --
	fails 2 "from the command alone" qpush jobs x --from-command -- true
	fails 2 "from the command alone" qpush jobs -f x --from-command -- true
}

@test "no descriptor of ours reaches the command of --from-command" {
	# the last one is what ls reads the directory with
	ls /proc/self/fd >bare
	qpush jobs --from-command -- ls /proc/self/fd
	qpop jobs | cmp - bare
}

# ---- empty messages ----

@test "an empty message is refused" {
	fails 2 "qpush: jobs: the message is empty; use --allow-empty if that is meant" \
		qpush jobs </dev/null
	fails 2 "the message is empty" qpush jobs ''
	fails 2 "the message is empty" qpush jobs -f /dev/null
	fails 2 "qpush: stdin line 3: the message is empty" qpush -l jobs <<<$'a\nb\n\nc'
	has "$stderr" "2 stored, the rest was not"
	fails 2 "stdin line 1: the message is empty" qpush -J jobs <<<'{"body":""}'
	fails 2 "the message is empty" qpush -0 jobs < <(printf '\0')
	is "$(drain jobs)" $'a\nb'
}

@test "a message or file that is refused for what it is makes no queue" {
	fails 2 "the message is empty" qpush jobs ''
	fails 2 "the message is empty" qpush jobs '' b
	fails 2 "the message is empty" qpush jobs -f /dev/null
	fails 3 "none: No such file" qpush jobs -f none
	fails 2 "nothing stored" qpush --atomic jobs a ''
	[ ! -e "$Q_ROOT" ]
	fails 3 "no such queue" qpush -C jobs ''
	seq 400000 >large
	qpush large -f large
	qpop large | cmp - large
}

@test "who waits for what a program makes finds the queue" {
	mkfifo lines
	exec 7<>lines
	start qpush -l jobs <lines
	eventually test -e "$Q_ROOT/jobs"
	echo x >&7
	is "$(qpop -w jobs)" x
	exec 7>&-
	ended 0
}

@test "--allow-empty accepts empty messages" {
	qpush --allow-empty jobs </dev/null
	qpush --allow-empty -l jobs <<<$'\na'
	qpush --allow-empty jobs '' b
	qpop -n all -0 jobs | cmp - <(printf '\0\0a\0\0b\0')
}

# ---- missing descriptors ----

@test "a closed stdin is an error, not an empty message" {
	run -3 --separate-stderr bash -c 'qpush jobs <&-'
	has "$stderr" "Bad file descriptor"
	run -3 bash -c 'qpush -l jobs <&-'
	counts jobs pushed=0
}

@test "no file of the queue takes the number of a closed descriptor" {
	bash -c 'qpush jobs a <&- >&- 2>&-'
	bash -c 'qpush jobs b >&-'
	run -2 bash -c 'qpush jobs "" <&- >&- 2>&-'
	bash -c 'qpush -v jobs c 2>&-'
	run -3 bash -c 'qpush -i jobs d >&-'
	counts jobs pushed=4
	is "$(drain jobs)" $'a\nb\nc\nd'
}
