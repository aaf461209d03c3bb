#!/usr/bin/env bats
# Many processes at once: nothing lost, nothing twice, nothing out of order; and what a
# single one costs.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# One process after another pushes "$1 1", "$1 2", ...; those that succeeded are in a file.
# What is behind the two arguments is put before each command.
producer() {
	local i

	for ((i = 1; i <= $2; i++)); do
		if "${@:3}" qpush jobs "$1 $i" 2>>errors; then
			echo "$1 $i" >>"pushed.$1"
		else
			echo "$1 $i" >>"failed.$1"
		fi
	done
}

# Take until the queue is found empty after the file "over" was there.
consumer() {
	local last status

	while :; do
		[ -e over ] && last=1 || last=0
		"${@:2}" qpop -l jobs >>"popped.$1" 2>>errors && status=0 || status=$?
		[ "$status$last" != 11 ] || break
	done
}

# Every second command is killed after a random time, about as long as it would take.
mortal() {
	if ((RANDOM % 2)); then
		"$@"
	else
		timeout --foreground -s KILL "0.00$((RANDOM % 9 + 1))" "$@"
	fi
}

@test "16 producers and 16 consumers: every message exactly once" {
	local i producers=()

	qctl create jobs
	for i in {1..16}; do
		producer "$i" 40 3>&- &
		producers+=("$!")
		consumer "$i" 3>&- &
	done
	wait "${producers[@]}"
	touch over
	wait
	sort popped.* >popped
	sort pushed.* | cmp - popped
	is "$(wc -l <popped)" 640
	[ ! -s errors ]
	counts jobs pushed=640 done=640 ready=0 leased=0
	balances jobs
}

@test "one consumer sees the messages of each producer in their order" {
	local i producers=()

	qctl create jobs
	for i in {1..8}; do
		producer "$i" 40 3>&- &
		producers+=("$!")
	done
	consumer all 3>&- &
	wait "${producers[@]}"
	touch over
	wait
	is "$(wc -l <popped.all)" 320
	for i in {1..8}; do
		grep "^$i " popped.all | cmp - "pushed.$i"
	done
}

@test "ids are in the order of commits, over all producers" {
	local i

	for i in {1..16}; do
		seq "$i"000 "$i"050 | qpush -l -i jobs >"ids.$i" 3>&- &
	done
	wait
	cat ids.* | sort -n | cmp - <(seq 816)
	for i in {1..16}; do
		sort -n -c "ids.$i"
	done
	is "$(qpop --json -n all jobs | jq .id)" "$(seq 816)"
}

@test "with producers and consumers killed at random, what was stored is delivered" {
	local i producers=()

	qctl create jobs max-attempts=1000
	for i in {1..8}; do
		producer "$i" 60 mortal 3>&- &
		producers+=("$!")
		consumer "$i" mortal 3>&- &
	done
	wait "${producers[@]}"
	touch over
	wait
	drain jobs >popped.last
	[ "$(cat failed.* | wc -l)" -gt 10 ]
	# what a killed qpop has written and not acknowledged comes twice
	sort -u pushed.* >pushed
	sort -u popped.* >popped
	is "$(comm -23 pushed popped)" ''
	# and nothing is invented
	sort -u pushed.* failed.* >tried
	is "$(comm -13 tried popped)" ''
	counts jobs ready=0 leased=0 dead=0
	balances jobs
	flock "$Q_ROOT/jobs/data.mdb" true
}

is_idle() {
	[ "$(qstat --json jobs | jq '.ready + .leased')" = 0 ] # both at one time
}

# Take under a lease, and acknowledge what one notes as done first.
lease_worker() {
	local line receipt body status

	while :; do
		line=$(mortal qpop -L 200ms -l jobs 2>>errors) && status=0 || status=$?
		if [ "$status" = 0 ]; then
			receipt=${line%%$'\t'*}
			body=${line#*$'\t'}
			echo "$body" >>"delivered"
			if mortal qack --strict jobs "$receipt" 2>>errors; then
				echo "$body" >>"acked.$1"
			fi
		elif [ -e over ] && is_idle; then
			break
		fi
	done
}

@test "with commands killed at random, nothing is acknowledged twice" {
	local i

	qctl create jobs max-attempts=1000
	seq 300 | qpush -l jobs
	for i in {1..8}; do
		lease_worker "$i" 3>&- &
	done
	touch over # they end when nothing is left
	wait
	sort acked.* | uniq -d >twice
	is "$(cat twice)" ''
	sort -u delivered | cmp - <(seq 300 | sort)
	counts jobs done=300 dead=0
	balances jobs
}

@test "each message has one holder at a time" {
	local i

	seq 200 | qpush -l jobs
	for i in {1..16}; do
		qpop -L 1h -n 20 -l jobs >"got.$i" 3>&- &
	done
	wait
	cut -f2 got.* | sort -n | cmp - <(seq 200)
	counts jobs leased=200
}

@test "a taker that waits gets each message once, of many that wait" {
	local i

	qctl create jobs
	for i in {1..16}; do
		qpop -w20 -l jobs >"got.$i" 3>&- &
	done
	seq 16 | while read -r i; do qpush jobs "$i"; done
	wait
	cat got.* | sort -n | cmp - <(seq 16)
}

@test "threads of one process, each with its handle, do what processes do" {
	run -0 "$BIN/tool/threads" "$Q_ROOT" 8 100
	is "$output" "800 messages by 8 threads, 0 not once"
}

@test "of many that wait, one looks for all" {
	[ -z "${SAN:-}" ] || skip "LeakSanitizer cannot be traced"
	local n

	qctl create jobs
	qpop -w1ms jobs || : # which makes ctl
	# shellcheck disable=SC2016 # of that shell
	strace -f -qq -o trace -e trace=flock sh -c \
		'for i in $(seq 40); do qpop -w3 jobs & done; wait'
	# Two unlocks a look. Each looks twice before it sleeps and once at the end; if all
	# looked twice a second meanwhile, it would be nine times.
	n=$(grep -c LOCK_UN trace)
	[ "$n" -ge 240 ]
	[ "$n" -lt 400 ]
}

@test "a crowd that waits costs nothing, a push wakes one of it, and who is killed leaves nothing" {
	[ -z "${SAN:-}" ] || skip "a sanitizer needs too much memory for a crowd"
	run -0 python3 -B "$SRC/tests/crash/crowd.py"
	has "$output" violations
}

# ---- what one command costs ----

# LeakSanitizer traces, and so cannot be traced.
traced() { ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace "$@"; }

@test "a push is two flushes" {
	local opened

	qpush jobs warm
	traced -e trace=fsync,fdatasync,sync_file_range,pwrite64,pwritev,open,openat,msync \
		qpush jobs x
	is "$(grep -cE 'fsync|fdatasync|msync|sync_file_range' trace)" 1
	# LMDB writes its meta page through a descriptor opened with O_DSYNC
	opened=$(sed -nE 's/.*O_DSYNC.*= ([0-9]+)$/\1/p' trace)
	is "$(wc -w <<<"$opened")" 1
	is "$(grep -cE "pwrite64\($opened," trace)" 1
}

@test "a thousand messages at once are two flushes, too" {
	qpush jobs warm
	seq 1000 >in
	traced -e trace=fsync,fdatasync,msync,sync_file_range qpush -l jobs <in
	is "$(grep -c . trace)" 1
}

@test "looking at a queue flushes nothing, nor does an empty take" {
	qpush jobs x
	qpop jobs
	traced -e trace=fsync,fdatasync,msync,pwrite64 qstat --json jobs
	is_silent 1 traced -A -e trace=fsync,fdatasync,msync,pwrite64 qpop jobs
	is "$(grep -v '+++' trace)" ''
}

# calls MOST COMMAND...: it makes no more system calls, not counting the writes of pages: how
# many those are depends on where in the file the free ones lie.
calls() {
	local n

	traced "${@:2}" >out
	n=$(grep -cvE '(pwrite64|writev|lseek)\(' trace)
	((n <= $1)) || {
		echo "$2: $n system calls, not $1 at most" >&2
		cat trace >&2
		return 1
	}
}

@test "a push, a take and an acknowledgement are few system calls" {
	[ -z "${SAN:-}" ] || skip "sanitizers make calls of their own"
	[ -z "${BUILTINS:-}" ] || skip "a shell makes calls of its own"
	! ldd "$BIN/qpush" 2>&1 | grep -q '=>' || skip "a loader makes calls of its own"
	local libc=0

	# what it does before main(), and to find memory
	! grep -q GLIBC_ "$BIN/qpush" || libc=7
	seq 3 | qpush -l jobs
	calls $((36 + libc)) qpush jobs x
	calls $((65 + libc)) qpop jobs
	calls $((50 + libc)) qpop -L 1h jobs
	calls $((39 + libc)) qack jobs "$(head -n 1 out)"
}

@test "qpush, qpop and qack load nothing, or libc and at most two other objects" {
	[ -z "${SAN:-}" ] || skip "sanitizers are libraries"
	local command

	for command in qpush qpop qack; do
		if ldd "$BIN/$command" >loaded 2>&1; then
			# not counted: the vdso and the loader
			[ "$(grep -c '=>' loaded)" -le 3 ]
		else
			grep -qE 'not a dynamic|statically' loaded
		fi
	done
}

@test "a small push and a small pop need less than 4 MB" {
	if ldd "$BIN/qpush" 2>&1 | grep -q asan; then
		skip "sanitizers need memory of their own"
	fi
	qpush jobs warm
	command time -f %M -o rss qpush jobs x
	[ "$(cat rss)" -lt 4096 ]
	command time -f %M -o rss qpop jobs
	[ "$(cat rss)" -lt 4096 ]
}
