#!/usr/bin/env bats
# qpop: what it gives, when it acknowledges, and what comes back.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# The body, attempt and delivery of the next message, which is acknowledged.
next() {
	qpop --json "$1" | jq -r '"\(.body) \(.attempt) \(.delivery)"'
}

# Where a process is blocked writing to a pipe: descriptor 7 is the end nobody reads.
blocked_writer() {
	mkfifo pipe
	exec 7<>pipe
	start "$@" >pipe
	eventually grep -qs pipe_write "/proc/$pid/wchan" ||
		eventually has_count jobs leased=1
}

# ---- order ----

@test "messages come out in the order they went in" {
	seq 500 >in
	qpush -l jobs <in
	for i in 1 2 3; do
		is "$(qpop jobs)" "$i"
	done
	qpop -n all -l jobs | cmp - <(tail -n +4 in)
}

@test "a higher priority goes first, and within one the oldest" {
	qpush -p 0 jobs c1 c2
	qpush -p 100 jobs a1 a2
	qpush -p -100 jobs d1 d2
	qpush -p 1 jobs b1 b2
	is "$(drain jobs)" $'a1\na2\nb1\nb2\nc1\nc2\nd1\nd2'
}

@test "a failed message waits out its delay and does not hold up the others" {
	qpush jobs a b
	qpop -L 1h -r receipt jobs >/dev/null
	qack --fail -d 2s jobs "$(cat receipt)"
	is "$(next jobs)" "b 1 1"
	is_silent 1 qpop jobs
	is "$(qpop -w20 jobs)" a
}

@test "a message that came back keeps its place" {
	qpush jobs a b c
	qpop -L 1h -r receipt jobs >/dev/null
	qack --release jobs "$(cat receipt)"
	is "$(drain jobs)" $'a\nb\nc'
}

# ---- how many ----

@test "-n takes at most so many" {
	qpush jobs a b c d e
	is "$(qpop -n 2 -l jobs)" $'a\nb'
	is "$(qpop --count=10 -l jobs)" $'c\nd\ne'
	is_silent 1 qpop -n 10 jobs
	balances jobs
}

@test "-n all takes all there is" {
	seq 40000 >in
	qpush -l jobs <in
	qpop -n all -l jobs | cmp - in
	is_silent 1 qpop -n all -l jobs
	counts jobs ready=0 leased=0 done=40000
}

@test "without -l and -0 bodies follow one another as they are" {
	qpush jobs a $'b\n' c
	qpop -n all jobs | cmp - <(printf 'ab\nc')
}

@test "a number of messages is a number" {
	fails 2 "qpop: --count: 0 is not between 1 and" qpop -n 0 jobs
	fails 2 "--count: -1 is not between 1 and" qpop -n -1 jobs
	fails 2 "--count: 18446744073709551616 is not between" \
		qpop -n 18446744073709551616 jobs
	fails 2 "--count: 'many' is not a number" qpop -n many jobs
	fails 2 "--count: 'All' is not a number" qpop -n All jobs
}

# ---- forms ----

@test "-l ends each body with one newline" {
	qpush jobs a $'b\n' $'c\n\n' ''  --allow-empty
	qpop --lines -n all jobs | cmp - <(printf 'a\nb\nc\n\n\n')
}

@test "-l ends a large body with one newline, too" {
	head -c 2M /dev/zero | tr '\0' x >large
	qpush jobs <large
	echo >>large
	qpush jobs <large
	qpop -l jobs | cmp - large
	qpop -l jobs | cmp - large
}

@test "-0 ends each body with a NUL" {
	qpush jobs a $'b\n'
	qpop --null -n all jobs | cmp - <(printf 'a\0b\n\0')
}

@test "--json prints an object a line" {
	qpush -p 3 -H k=v -m 4 jobs $'text "\u00e9"\n'
	printf '\0\xff' | qpush jobs
	qpop --json -n all jobs >out
	is "$(wc -l <out)" 2
	is "$(head -n 1 out | jq -cS \
		'[.id, .state, .attempt, .max_attempts, .priority, .headers, .size, .body]')" \
		'[1,"leased",1,4,3,{"k":"v"},10,"text \"é\"\n"]'
	is "$(tail -n 1 out | jq -c '[.id, .size, .body, .body_base64, .receipt]')" \
		'[2,2,null,"AP8=",null]'
	[[ $(head -n 1 out | jq -r .pushed) =~ ^20[0-9]{2}-[01][0-9]-[0-3][0-9]T ]]
}

@test "--json gives a large body as base 64" {
	head -c 2M /dev/urandom >in
	qpush jobs <in
	qpop -j jobs | jq -r .body_base64 | base64 -d | cmp - in
}

@test "-l, -0 and -j exclude each other" {
	fails 2 "qpop: -l, -0 and -j exclude each other" qpop -l -0 jobs
	fails 2 "-l, -0 and -j exclude each other" qpop -0 --json jobs
}

# ---- files ----

@test "-o writes the body to a new file, with the mode the umask gives" {
	printf 'a\0b' >in
	qpush jobs <in
	(umask 027; qpop -o out jobs)
	cmp out in
	is "$(stat -c %a out)" 640
	is "$(ls out*)" out
}

@test "-o replaces a file, but only with a message" {
	echo old >out
	qpush jobs new
	qpop --output out jobs
	is "$(cat out)" new
	is_silent 1 qpop -o out jobs
	is "$(cat out)" new
	is "$(ls out*)" out
}

@test "-o to what cannot be written fails, and the message stays" {
	mkdir dir
	qpush jobs x
	fails 3 "qpop: dir: Is a directory" qpop -o dir jobs
	fails 3 "qpop: no/such/file: No such file or directory" qpop -o no/such/file jobs
	ln -s loop loop
	fails 3 "qpop: loop: Too many levels of symbolic links" qpop -o loop jobs
	[ -L loop ]
	fails 3 "qpop: /dev/full: No space left on device; put back" qpop -o /dev/full jobs
	counts jobs ready=1 leased=0
	is "$(next jobs | cut -d' ' -f1,2)" "x 1"
}

@test "-o to a FIFO writes through it" {
	mkfifo pipe
	qpush jobs x
	start cat pipe >got
	qpop -o pipe jobs
	ended 0
	is "$(cat got)" x
}

@test "-o to a symbolic link writes to what it leads to, and leaves the link" {
	echo older and longer >target
	ln -s target link
	qpush jobs x
	qpop -o link jobs
	is "$(readlink link) $(cat target)" 'target x'
	ln -s nothing dangling
	qpush jobs y
	qpop -o dangling jobs
	is "$(readlink dangling) $(cat nothing)" 'nothing y'
	ln -s /proc/self/fd/1 stdout
	qpush jobs z
	qpop -o stdout jobs >got
	is "$(readlink stdout) $(cat got)" '/proc/self/fd/1 z'
	is "$(qstat --json jobs | jq -c '[.ready, .done]')" '[0,3]'
}

@test "output to a full disk gives the message back at once, uncounted" {
	qpush jobs x
	head -c 2M /dev/zero | qpush jobs
	run -3 --separate-stderr bash -c 'qpop -n all jobs >/dev/full'
	is "$stderr" "qpop: stdout: No space left on device; put back"
	counts jobs ready=2 leased=0 done=0
	is "$(next jobs)" "x 1 2"
}

@test "a closed stdout gives the message back" {
	qpush jobs x
	run -3 --separate-stderr bash -c 'qpop jobs >&-'
	has "$stderr" "Bad file descriptor"
	run -3 bash -c 'qpop jobs <&- >&- 2>&-'
	is "$(next jobs)" "x 1 3"
	balances jobs
}

# ---- leases ----

@test "-L prints the receipt on the first line, then the body" {
	printf 'two\nlines' | qpush jobs
	local receipt

	run -0 qpop -L 1h jobs
	receipt=${lines[0]}
	[[ $receipt =~ ^1\.1\.[0-9a-z]{5}$ ]]
	is "${lines[1]}|${lines[2]}" "two|lines"
	counts jobs leased=1
	is_silent 1 qpop jobs
	qack jobs "$receipt"
	counts jobs leased=0 done=1
}

@test "a safe worker in plain sh" {
	printf 'the body' | qpush jobs
	# shellcheck disable=SC2016
	qpop -L 5m jobs | sh -c '{ read -r r && cat >body && qack jobs "$r"; }'
	is "$(cat body)" "the body"
	counts jobs done=1
}

@test "a message comes back when its lease ends, and the attempt counts" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is_silent 1 qpop jobs
	SHIM_BOOT=3601 preloaded shim-time qpop --json jobs >out
	is "$(jq -c '[.body, .attempt]' out)" '["x",2]'
	balances jobs
}

@test "several leased messages have a receipt a line" {
	qpush jobs a b
	qpop -L 1h -n all -l jobs >out
	[[ $(head -n 1 out | tr '\t' ' ') =~ ^1\.1\.[0-9a-z]{5}\ a$ ]]
	cut -f1 out | qack jobs -
	counts jobs done=2
	fails 2 "more than one leased message needs -l, -0 or --json" qpop -L 1h -n 2 jobs
}

@test "--json has the receipt of a leased message" {
	qpush jobs a
	qpop -L 1h --json jobs >out
	qack jobs "$(jq -r .receipt out)"
	[[ $(jq -r .due out) > $(jq -r .pushed out) ]]
	counts jobs done=1
}

@test "-r writes the receipt to a file, and the body alone to stdout" {
	qpush jobs body
	run -0 qpop -L 1h -r receipt jobs
	is "$output" body
	qack jobs "$(cat receipt)"
	counts jobs done=1
}

@test "a receipt that cannot be written gives the message back at once" {
	qpush jobs x
	fails 3 "qpop: no/such/file: No such file or directory" \
		qpop -L 1h -r no/such/file jobs
	fails 3 "qpop: /dev/full: No space left on device" qpop -L 1h -r /dev/full jobs
	counts jobs ready=1 leased=0
	is "$(next jobs | cut -d' ' -f1,2)" "x 1"
}

@test "a leased message whose output fails comes back at once" {
	qpush jobs x
	run -3 bash -c 'qpop -L 1h jobs >/dev/full'
	is "$(next jobs)" "x 1 2"
}

@test "options of a lease need one" {
	fails 2 "qpop: --receipt needs --lease" qpop -r file jobs
	fails 2 "qpop: --owner needs --lease" qpop --owner 1 jobs
	fails 2 "name the same file" qpop -L 1h -r file -o file jobs
	fails 2 "qpop: --receipt is for one message" qpop -L 1h -l -n 2 -r file jobs
	fails 2 "qpop: --lease: must be longer than that" qpop -L 0 jobs
	fails 2 "--lease: 'soon' is not a duration" qpop -L soon jobs
	fails 2 "--lease: '-5s' is negative" qpop -L -5s jobs
}

@test "a lease with an owner ends when that process does" {
	local owner

	start sleep 1000
	owner=$pid
	qpush jobs x y
	qpop -L 1h --owner "$owner" jobs >/dev/null
	is "$(qpop jobs)" y
	is_silent 1 qpop jobs
	kill "$owner"
	ended 143 "$owner"
	is "$(next jobs)" "x 2 2"
}

@test "an owner that does not live is refused, and nothing is taken" {
	start true
	ended 0
	qpush jobs x
	fails 2 "there is no process $pid" qpop -L 1h --owner "$pid" jobs
	fails 2 "--owner: 0 is not between" qpop -L 1h --owner 0 jobs
	is "$(next jobs)" "x 1 1"
}

# ---- one message ----

@test "--id takes that message only" {
	qpush jobs a b c
	is "$(qpop --id 2 jobs)" b
	fails 1 "no such message (done, expired or purged)" qpop --id 2 jobs
	fails 1 "no such message" qpop --id 99 jobs
	qpush -d 1h jobs later
	is_silent 1 qpop --id 4 jobs
	qpop -L 1h --id=3 jobs >/dev/null
	is_silent 1 qpop --id 3 jobs
	is "$(drain jobs)" a
	fails 2 "qpop: --id and --count exclude each other" qpop -n all --id 1 jobs
	fails 2 "--id: 0 is not between 1 and" qpop --id 0 jobs
}

# ---- waiting ----

@test "--wait takes a message that arrives later" {
	qpush jobs first
	qpop jobs
	start qpop --wait jobs >got
	qpush jobs x
	ended 0
	is "$(cat got)" x
}

@test "--wait=DURATION ends with status 1, silently, when nothing arrives" {
	qpush -d 1h jobs later
	is_silent 1 qpop -w50ms jobs
	is_silent 1 qpop --wait=0 jobs
	run -1 --separate-stderr qpop -v -w1ms jobs
	is "$stderr" "qpop: jobs: timed out"
}

@test "a signal ends a wait, and takes nothing" {
	qpush -d 1h jobs later
	start qpop -w jobs
	eventually has_open "$pid"
	kill -TERM "$pid"
	ended 143
	start qpop -w jobs
	eventually has_open "$pid"
	kill -INT "$pid"
	ended 130
	counts jobs delayed=1 leased=0
}

@test "-n all -w goes on with what arrives" {
	qpush jobs a b
	start qpop -n all -l -w jobs >got
	eventually grep -q b got
	qpush jobs c
	eventually grep -q c got
	kill -TERM "$pid"
	ended 143
	is "$(cat got)" $'a\nb\nc'
	counts jobs done=3 leased=0
}

@test "-n N -w waits until there were N" {
	qpush jobs a
	start qpop -n 3 -l -w20 jobs >got
	eventually grep -q a got
	qpush jobs b c d
	ended 0
	is "$(cat got)" $'a\nb\nc'
	is "$(drain jobs)" d
}

# ---- readers and workers that go away ----

@test "a reader that goes away gives the message back at once, uncounted" {
	head -c 500K /dev/zero | tr '\0' x | qpush jobs
	head -c 3M /dev/urandom >large
	qpush jobs <large
	# shellcheck disable=SC2016
	run -3 --separate-stderr bash -c 'qpop jobs | true; exit "${PIPESTATUS[0]}"'
	is "$stderr" ''
	counts jobs ready=2 leased=0
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery, .size]')" '[1,2,512000]'
	run -3 bash -c 'set -o pipefail; qpop jobs | head -c 10'
	qpop jobs | cmp - large
	balances jobs
}

@test "of many messages a reader took in part, none is lost" {
	seq 60000 >in
	qpush -l jobs <in
	qpop -n all -l jobs | head -n 30000 >first || :
	qpop -n all -l jobs >rest
	sort -n -u first rest | cmp - in
	counts jobs ready=0 leased=0 done=60000
}

@test "a message that is being written is not given to another" {
	head -c 500K /dev/zero | qpush jobs
	qpush jobs next
	blocked_writer qpop jobs
	is "$(qpop jobs)" next
	is_silent 1 qpop jobs
	cat <&7 >/dev/null &
	started+=("$!")
	ended 0
	counts jobs ready=0 leased=0 done=2
}

@test "SIGTERM to a qpop whose reader is slow gives the message back, uncounted" {
	head -c 500K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	kill -TERM "$pid"
	ended 143
	counts jobs ready=1 leased=0
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[1,2]'
}

@test "SIGTERM does the same in the middle of a large body" {
	head -c 3M /dev/urandom >large
	qpush jobs <large
	blocked_writer qpop jobs
	kill -TERM "$pid"
	ended 143
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[1,2]'
}

@test "the message of a killed qpop is there at once for the next, and counted" {
	head -c 500K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	is "$(qpop --json jobs | jq -c '[.attempt, .delivery]')" '[2,2]'
	balances jobs
}

@test "a waiting qpop gets the message of one that is killed" {
	head -c 500K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	qpop -w20 --json jobs | jq .attempt >got &
	kill -KILL "$pid"
	wait "$!"
	is "$(cat got)" 2
}

@test "what a killed qpop had taken is given again in order" {
	seq -f '%010.0f' 90000 >lines
	qpush -l jobs <lines
	blocked_writer qpop -l -n 80000 jobs
	kill -KILL "$pid"
	wait "$pid" || :
	qpop -l -n all jobs | cmp - lines
}

# ---- no message, no queue ----

@test "an empty queue is status 1 and silent, and -v says why" {
	qpush jobs x
	qpop jobs
	is_silent 1 qpop jobs
	run -1 --separate-stderr qpop -v jobs
	is "$stderr" "qpop: jobs: queue is empty"
}

@test "a missing queue is status 3, not 'empty', and is not created" {
	fails 3 "no such queue; qpush or 'qctl create' makes one" qpop jbos
	fails 3 "no such queue" qpop -n all jbos
	fails 3 "no such queue" qpop -w1 jbos
	fails 3 "no such queue" qpop ./no/such
	[ ! -e "$Q_ROOT/jbos" ]
}

@test "what is not a queue is refused" {
	mkdir dir
	echo text >file
	fails 3 "not a queue (no data.mdb)" qpop ./dir
	fails 3 "not a queue (not a directory)" qpop ./file
	fails 3 "not a queue (no data.mdb)" qpop /etc
	is "$(ls dir)$(cat file)" text
}

@test "a command needs '--' before it" {
	qpush jobs x
	fails 2 "qpop: put '--' before the command: qpop jobs -- ./work" qpop jobs ./work
	has "$stderr" "Try 'qpop --help'."
	fails 2 "qpop: no queue given" qpop
	fails 2 "qpop: no queue given" qpop -- true
	counts jobs ready=1
}

@test "a misspelt or an abbreviated option is explained" {
	fails 2 "qpop: unknown option '--cuont'; did you mean '--count'?" qpop --cuont 5 jobs
	fails 2 "qpop: unknown option '-x'; what is not qpop's comes after '--'" qpop jobs -n all ./work -x
	fails 2 "qpop: '--rec' is not an option; options are not abbreviated ('--receipt')" \
		qpop --rec x jobs
}

@test "--help names every option" {
	local name

	run -0 --separate-stderr qpop --help
	is "$stderr" ''
	for name in lease count wait lines null json output receipt owner id lock-wait force \
		quiet verbose help version; do
		has "$output" "--$name"
	done
	run -3 bash -c 'qpop --help >/dev/full'
}

# ---- times and ends ----

@test "a delayed message is not given before it is due" {
	local before after

	before=$(date +%s%N)
	qpush -d 300ms jobs x
	is_silent 1 qpop jobs
	is "$(qpop -w20 jobs)" x
	after=$(date +%s%N)
	((after - before >= 300000000))
}

@test "delayed messages come in the order they are due" {
	qpush -d 150ms jobs late
	qpush -d 50ms jobs early
	is "$(qpop -w20 -n 2 -l jobs)" $'early\nlate'
}

@test "a message expires, but not while it is leased" {
	qpush -e 200ms jobs leased
	qpop -L 1h -r receipt jobs >/dev/null
	qpush -e 200ms jobs waiting
	eventually has_count jobs expired=1
	is_silent 1 qpop jobs
	counts jobs expired=1 leased=1
	qack jobs "$(cat receipt)"
	counts jobs done=1
	balances jobs
}

@test "a message that comes back after its life has expired" {
	qpush -e 100ms jobs x
	qpop -L 150ms jobs >/dev/null
	eventually has_count jobs expired=1
	is_silent 1 qpop jobs
	balances jobs
}

@test "a message is dead after its last attempt" {
	local i

	qpush -m 3 jobs x
	for i in 1 2 3; do
		counts jobs ready=1 dead=0
		qpop -L 1h -r receipt jobs >/dev/null
		qack --fail -d 0 jobs "$(cat receipt)"
	done
	counts jobs ready=0 dead=1
	is_silent 1 qpop jobs
	balances jobs
}

@test "a message whose workers are all killed is dead after its last attempt" {
	head -c 500K /dev/zero | qpush -m 2 jobs
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	rm pipe
	exec 7>&-
	blocked_writer qpop jobs
	kill -KILL "$pid"
	ended 137
	is_silent 1 qpop jobs
	counts jobs dead=1 ready=0 leased=0
}

# ---- damage ----

@test "a damaged large body is status 65 and dead, and the others are given" {
	head -c 2M /dev/zero | qpush jobs
	head -c 2M /dev/zero | qpush jobs
	head -c 2M /dev/zero | qpush jobs
	qpush jobs fine
	printf x | dd of="$Q_ROOT/jobs/blob/1" bs=1 seek=1234567 conv=notrunc status=none
	truncate -s 1M "$Q_ROOT/jobs/blob/2"
	echo old >out
	rm "$Q_ROOT/jobs/blob/3"
	fails 65 damaged qpop jobs
	fails 65 damaged qpop -o out jobs
	fails 65 missing qpop --json jobs
	is "$(cat out)" old
	is "$(qpop jobs)" fine
	counts jobs dead=3 ready=0 leased=0 done=1
}

@test "messages before a damaged one are given and acknowledged" {
	qpush jobs a b
	head -c 2M /dev/zero | qpush jobs
	qpush jobs c
	truncate -s 0 "$Q_ROOT/jobs/blob/3"
	run -65 --separate-stderr qpop -n all -l jobs
	is "$output" $'a\nb'
	is "$(qpop -n all -l jobs)" c
	counts jobs done=3 dead=1
}
