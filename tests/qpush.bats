#!/usr/bin/env bats
# qpush: what it stores, and what it refuses.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- where messages come from ----

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

@test "--allow-empty accepts empty messages" {
	qpush --allow-empty jobs </dev/null
	qpush --allow-empty -l jobs <<<$'\na'
	qpush --allow-empty jobs '' b
	qpop -n all -0 jobs | cmp - <(printf '\0\0a\0\0b\0')
}

# ---- attributes ----

@test "--delay keeps a message back" {
	qpush --delay 1h jobs later
	qpush -d0 jobs now
	counts jobs ready=1 delayed=1
	is "$(drain jobs)" now
}

@test "--at keeps a message until a time of day" {
	qpush --at @4102444800 jobs a
	qpush --at 2099-12-31T23:59:59.5+01:00 jobs b
	qpush --at tomorrow jobs c
	counts jobs delayed=3
}

@test "a time in the past is a warning, which -q silences" {
	run -0 --separate-stderr qpush --at 2020-01-01T00:00:00Z jobs a
	is "$stderr" "qpush: --at: 2020-01-01T00:00:00Z is in the past; ready at once"
	is_silent 0 qpush -q --at 2020-01-01T00:00:00Z jobs b
	is "$(drain jobs)" $'a\nb'
}

@test "times that do not exist are refused" {
	local t

	for t in 25:00 2026-02-30 noon '' @ @-1 @99999999999 2026-11-21T18:00:00+2 \
		'tomorrow 18' 1969-12-31T23:59:59Z; do
		fails 2 "qpush: --at: " qpush --at "$t" jobs x
	done
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "--expire gives a message a life" {
	qpush -e 1h jobs stays
	qpush --expire 1ms jobs goes
	eventually has_count jobs expired=1
	is "$(drain jobs)" stays
	balances jobs
	fails 2 "qpush: --expire: a message must live for some time" qpush -e 0 jobs x
}

@test "--priority goes from -100 to 100, higher first" {
	qpush -p -100 jobs last
	qpush --priority=100 jobs first
	qpush jobs zero
	qpush -p1 jobs second
	is "$(drain jobs)" $'first\nsecond\nzero\nlast'
}

@test "--max-attempts, --header and --priority are kept with the message" {
	qpush -m 3 -H a=1 --header 'B.c-d_=x = y' -p 2 jobs x
	run -0 qpop --json jobs
	is "$(jq -cS '[.max_attempts, .headers, .priority]' <<<"$output")" \
		'[3,{"B.c-d_":"x = y","a":"1"},2]'
}

@test "a header needs a name, and headers have a limit" {
	fails 2 "qpush: --header: 'novalue' is not NAME=VALUE" qpush -H novalue jobs x
	fails 2 "a header is NAME=VALUE" qpush -H =x jobs x
	fails 2 "a header is NAME=VALUE" qpush -H 'a b=x' jobs x
	fails 2 "the most is 16384" qpush -H "a=$(head -c 16384 /dev/zero | tr '\0' x)" jobs x
	qpush -H "a=$(head -c 16381 /dev/zero | tr '\0' x)" jobs x
	counts jobs pushed=1
}

@test "-i prints the id of each message, ascending" {
	run -0 --separate-stderr qpush -i jobs a b
	is "$output" $'1\n2'
	run -0 qpush -l --print-id jobs <<<$'c\nd'
	is "$output" $'3\n4'
	is "$(qpop --json -n all jobs | jq -r '"\(.id)\(.body)"')" $'1a\n2b\n3c\n4d'
}

@test "-v says how many are stored" {
	run -0 --separate-stderr qpush -v -l jobs <<<$'a\nb'
	has "$stderr" "qpush: jobs: 2 stored"
}

# ---- bad numbers ----

@test "a number out of range is refused" {
	fails 2 "qpush: --priority: 300 is not between -100 and 100" qpush -p 300 jobs x
	fails 2 "--priority: -101 is not between -100 and 100" qpush -p -101 jobs x
	fails 2 "--priority: 18446744073709551616 is not between" \
		qpush -p 18446744073709551616 jobs x
	fails 2 "--max-attempts: 0 is not between 1 and" qpush -m 0 jobs x
	fails 2 "--max-attempts: -1 is not between 1 and" qpush -m -1 jobs x
	fails 2 "--max-attempts: 18446744073709551617 is not between" \
		qpush -m 18446744073709551617 jobs x
	fails 2 "--priority: '1x' is not a number" qpush -p 1x jobs x
	fails 2 "--priority: '' is not a number" qpush -p '' jobs x
	fails 2 "--priority: '+1' is not a number" qpush -p +1 jobs x
	fails 2 "Try 'qpush --help'." qpush -p 1.5 jobs x
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "a bad duration is refused" {
	local d

	fails 2 "qpush: --delay: '10 min' is not a duration (like 90, 1.5s, 10m, 2h30m, 7d)" \
		qpush -d '10 min' jobs x
	fails 2 "qpush: --delay: '-5s' is negative" qpush -d -5s jobs x
	for d in '' s 5x 1.s .5s 1,5s 5s5 5m2h 0x10 1e3 ' 5' '5 ' 1h1h; do
		fails 2 "--delay: '$d' is not a duration" qpush --delay "$d" jobs x
	done
	fails 2 "is too long" qpush -d 18446744073709551616 jobs x
	fails 2 "is too long" qpush -d 300000d jobs x
	fails 2 "is not a duration" qpush -e soon jobs x
	fails 2 "is not a duration" qpush --wait=soon jobs x
	fails 2 "is not a duration" qpush --lock-wait soon jobs x
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "--delay and --at exclude each other" {
	fails 2 "qpush: --delay and --at exclude each other" qpush -d 5 --at 18:00 jobs x
}

# ---- the command line ----

@test "no queue is a usage error" {
	fails 2 "qpush: no queue given" qpush
	has "$stderr" "Try 'qpush --help'."
	fails 2 "qpush: no queue given" qpush -l
}

@test "a misspelt option gets a suggestion, an abbreviated one an explanation" {
	fails 2 "qpush: unknown option '--dealy'; did you mean '--delay'?" \
		qpush --dealy 5 jobs x
	fails 2 "qpush: '--prio' is not an option; options are not abbreviated ('--priority')" \
		qpush --prio 5 jobs x
	fails 2 "unknown option '--xyzzy'" qpush --xyzzy jobs x
	fails 2 "unknown option '-Z'" qpush -Z jobs x
}

@test "options need and take the arguments they have" {
	fails 2 "option '--delay' needs an argument" qpush jobs x -d
	fails 2 "option '--delay' needs an argument" qpush jobs x --delay
	fails 2 "option '--delay' needs an argument" qpush jobs x --delay --
	fails 2 "option '--lines' takes no argument" qpush --lines=5 jobs
	fails 2 "option '--delay' is given twice" qpush -d 5 --delay=6 jobs x
}

@test "options may stand after operands, and in groups" {
	qpush jobs a -p 5 b -i >ids
	is "$(cat ids)" $'1\n2'
	printf 'c\n' | qpush jobs -liCp7
	is "$(qpop --json -n all jobs | jq -c '[.body, .priority]')" \
		$'["c",7]\n["a",5]\n["b",5]'
}

@test "-l, -0, -J and -f exclude each other and operands" {
	fails 2 "qpush: -l, -0, -J and -f exclude each other" qpush -l -0 jobs
	fails 2 "exclude each other" qpush -J -f x jobs
	fails 2 "messages come from stdin with -l: 'x' is one too many" qpush -l jobs x
	fails 2 "messages come from stdin with -J" qpush -J jobs x
}

@test "--help is on stdout and names every option" {
	local name

	run -0 --separate-stderr qpush --help
	is "$stderr" ''
	has "$output" "Usage: qpush "
	for name in lines null json-lines file delay at expire priority max-attempts header \
		print-id wait no-create atomic allow-empty from-command lock-wait force \
		quiet verbose help version; do
		has "$output" "--$name"
	done
	is "$(qpush -h)" "$output"
	run -0 qpush --version
	has "$output" "qpush (qutils) "
	is "$(qpush -V)" "$output"
}

@test "help that cannot be written is an error" {
	run -3 --separate-stderr bash -c 'qpush --help >/dev/full'
	has "$stderr" "qpush: stdout: No space left on device"
	run -3 bash -c 'qpush --help >&-'
}

# ---- names and places ----

@test "a queue's name is letters, digits, '.', '_' and '-'" {
	local name

	for name in .. . .hidden '' 'a b' $'a\nb' 123 0 'a*' é; do
		fails 2 "the name of a queue" qpush "$name" x
	done
	fails 2 "bytes; the most is 255" qpush "$(printf 'a%.0s' {1..256})" x
	fails 2 "unknown option '-o'" qpush -jobs x
	[ ! -e "$Q_ROOT" ]
	for name in a A.b_c-9 0x 1.5 _ "$(printf 'a%.0s' {1..255})"; do
		qpush "$name" "$name"
		is "$(qpop "$name")" "$name"
	done
}

@test "what terminals obey is shown, not sent, in messages" {
	fails 2 'qpush: a\x1b[31m\x0a: the name' qpush $'a\e[31m\n' x
}

@test "a URL names an engine that does not exist" {
	fails 3 "there is no engine for 'nats'" qpush nats://host/jobs x
	fails 3 "there is no engine for 'scheme'" qpush scheme://x x
}

@test "a path may be anything" {
	mkdir 'a b'
	qpush './a b/-1' x
	qpush ./.hidden/ y
	qpush "$PWD/7" z
	is "$(qpop './a b/-1')$(qpop ./.hidden)$(qpop ./7)" xyz
	[ ! -e "$Q_ROOT" ]
}

@test "directories above a named queue are made, above a path they are not" {
	Q_ROOT=$PWD/x/y/z qpush jobs a
	[ -f x/y/z/jobs/data.mdb ]
	fails 3 "No such file or directory" qpush ./no/such/q x
	[ ! -e no ]
}

@test "a new queue is private, whatever the umask" {
	(umask 0; qpush a x)
	(umask 177; qpush b x)
	is "$(stat -c %a "$Q_ROOT"/{a,b} "$Q_ROOT"/{a,b}/blob)" $'700\n700\n700\n700'
	is "$(stat -c %a "$Q_ROOT"/{a,b}/{data.mdb,hold})" $'600\n600\n600\n600'
}

@test "-C does not create a queue" {
	fails 3 "no such queue; qpush or 'qctl create' makes one" qpush -C jobs x
	[ ! -e "$Q_ROOT/jobs" ]
	qpush jobs a
	qpush --no-create jobs b
	is "$(drain jobs)" $'a\nb'
}

@test "what is not a queue is refused and left alone" {
	mkdir dir
	echo text >file
	fails 3 "not a queue (no data.mdb)" qpush ./dir x
	fails 3 "not a queue (not a directory)" qpush ./file x
	is "$(cat file)$(ls dir)" text
}

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


# ---- slow input, and its end ----

@test "a line is stored as soon as its writer pauses" {
	mkfifo pipe
	qctl create jobs
	exec 7<>pipe
	start qpush -l jobs <pipe
	echo one >&7
	is "$(qpop -w20 jobs)" one
	printf 'two\nthr' >&7
	is "$(qpop -w20 jobs)" two
	counts jobs ready=0 pushed=2
	echo ee >&7
	is "$(qpop -w20 jobs)" three
	exec 7>&-
	ended 0
}

@test "an interrupted qpush says exactly how many are stored" {
	mkfifo pipe
	qpush jobs zero
	exec 7<>pipe
	start qpush -l jobs <pipe 2>err
	printf '1\n2\n3\nhalf' >&7
	eventually has_count jobs ready=4
	kill -INT "$pid"
	ended 130
	exec 7>&-
	is "$(cat err)" "qpush: jobs: interrupted; 3 stored, the rest was not"
	is "$(drain jobs)" $'zero\n1\n2\n3'
}

@test "a message of all of stdin is not stored before stdin ends" {
	mkfifo pipe
	exec 7<>pipe
	start qpush jobs <pipe 2>err
	echo half >&7
	eventually test -e "$Q_ROOT/jobs"
	kill -TERM "$pid"
	ended 143
	exec 7>&-
	has "$(cat err)" "interrupted; 0 stored"
	counts jobs pushed=0
}

@test "a large body that is interrupted leaves nothing behind" {
	mkfifo pipe
	exec 7<>pipe
	start qpush jobs <pipe 2>err
	head -c 3M /dev/zero >&7
	eventually test -n "$(ls "$Q_ROOT/jobs/blob" 2>/dev/null)"
	kill -TERM "$pid"
	ended 143
	exec 7>&-
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	counts jobs pushed=0
}

@test "what a killed qpush left of a large body is removed by the next" {
	mkfifo pipe
	qpush jobs x
	exec 7<>pipe
	start qpush jobs <pipe
	head -c 3M /dev/zero >&7
	eventually test -n "$(ls "$Q_ROOT/jobs/blob")"
	kill -KILL "$pid"
	ended 137
	exec 7>&-
	head -c 2M /dev/zero | qpush jobs
	is "$(ls "$Q_ROOT/jobs/blob")" 2
}

@test "on a terminal bulk input shows its progress, but not with -q" {
	local slow='{ echo a; qpop -w20 jobs >/dev/null; echo b; }'

	qctl create jobs
	script -qec "$slow | qpush -l jobs" /dev/null >shown </dev/null
	has "$(cat shown)" $'\r1 stored\e[K'
	script -qec "$slow | qpush -ql jobs" /dev/null >shown </dev/null
	is "$(cat shown)" ''
}

# ---- large bodies ----

@test "a large body has a file of its own until it is taken" {
	head -c 3M /dev/urandom >in
	qpush -H a=b jobs <in
	qpush jobs small
	[ "$(stat -c %s "$Q_ROOT/jobs/blob/1")" = 3145728 ]
	qpop jobs | cmp - in
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	is "$(qpop jobs)" small
}

@test "bodies around the inline limit come out as they went in" {
	local n

	for n in 4095 4096 4097 1048575 1048576 1048577; do
		head -c "$n" /dev/urandom >"in.$n"
		qpush jobs <"in.$n"
	done
	is "$(ls "$Q_ROOT/jobs/blob")" 6
	for n in 4095 4096 4097 1048575 1048576 1048577; do
		qpop jobs | cmp - "in.$n"
	done
}

@test "a body of 300 MB passes in constant memory" {
	head -c 300M /dev/zero >in
	command time -f %M -o rss qpush jobs <in
	[ "$(tail -n 1 rss)" -lt 16384 ]
	command time -f %M -o rss qpop jobs | cmp - in
	[ "$(tail -n 1 rss)" -lt 16384 ]
}

@test "a line longer than all buffers is stored whole" {
	head -c 17M /dev/zero | tr '\0' x >long
	{ echo before; cat long; echo; echo after; cat long; } | qpush -l jobs
	is "$(qpop jobs)" before
	qpop jobs | cmp - long
	is "$(qpop jobs)" after
	qpop jobs | cmp - long
	counts jobs ready=0 done=4
}

@test "a line of exactly the buffer's size is stored whole" {
	head -c $((16 * 1024 * 1024)) /dev/zero | tr '\0' x >long
	{ cat long; echo; echo after; } | qpush -l jobs
	qpop jobs | cmp - long
	is "$(qpop jobs)" after
	is_silent 1 qpop jobs
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
