#!/usr/bin/env bats
# Messages taken ahead of their work, work that shares commits, and leases that outlive
# the file they are locks on.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

# Take N messages of jobs, M of them ahead, by a process that obeys what is written to 8.
taker() {
	rm -f orders
	mkfifo orders
	: >answers # here: it must not be the last one's that is looked at
	"$BIN/tool/taker" "$Q_ROOT/jobs" "$1" "$2" <orders >>answers 2>&1 7>&- 3>&- &
	pid=$!
	started+=("$pid")
	exec 8>orders
}

# Wait until it has said so many lines, and see the last one.
answered() {
	eventually lines_of answers "$1"
	is "$(tail -n 1 answers)" "$2"
}

lines_of() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

order() {
	echo "$1" >&8
}

leave() {
	exec 8>&-
	ended 0
}

kill_taker() {
	kill -9 "$pid"
	ended 137
	exec 8>&-
}

flushes() {
	awk '$NF == "fdatasync" || $NF == "fsync" { n += $4 } END { print n + 0 }' "$1"
}

# ---- in the library ----

@test "messages taken ahead are leased, and show no receipt" {
	seq 4 | qpush -l jobs
	taker 3 2
	answered 3 "3 ahead"
	is "$(xargs <answers)" "1 now 2 ahead 3 ahead"
	counts jobs leased=3 ready=1
	[ "$(field jobs 1 receipt)" != null ]
	is "$(field jobs 2 receipt) $(field jobs 3 receipt)" "null null"
	is "$(qpop jobs)" 4
	leave
}

@test "one that is given back was never taken: same place, same numbers, no failure" {
	seq 5 | qpush -l jobs
	taker 3 2
	answered 3 "3 ahead"
	order "return 2"
	answered 4 "done"
	order "return 3"
	answered 5 "done"
	counts jobs ready=4 leased=1
	for i in 2 3; do
		is "$(field jobs $i attempt) $(field jobs $i delivery)" "0 0"
		is "$(field jobs $i 'failures | length')" 0
	done
	is "$(qstat --json jobs | jq .delivered)" 1
	is "$(qpop -n all jobs)" 2345
	leave
	balances jobs
}

@test "giving back is for what was taken ahead, and not for what has begun" {
	seq 2 | qpush -l jobs
	taker 2 1
	answered 2 "2 ahead"
	order "return 1"
	answered 3 "done"
	order "begin 2"
	answered 4 "done"
	order "return 2"
	answered 5 "done"
	counts jobs leased=2 ready=0
	leave
}

@test "the death of a taker is no attempt of what was taken ahead" {
	seq 3 | qpush -l -m 1 jobs
	taker 3 2
	answered 3 "3 ahead"
	kill_taker
	is "$(qstat --json jobs | jq -c '[.ready, .dead, .leased]')" '[2,1,0]'
	taker 3 0
	answered 2 "3 now"
	counts jobs dead=1 leased=2
	is "$(reason jobs 1)" "worker died"
	is "$(field jobs 2 attempt) $(field jobs 3 attempt)" "1 1"
	is "$(field jobs 2 'failures | length')" 0
	leave
}

# What was the most at work at once, as takes saw it; and the books know what is ahead.
at_work() {
	qctl check jobs >checked || { cat checked && return 1; }
	is "$(qstat --json jobs | jq .leased_most)" "$1"
}

@test "what is merely taken ahead is not at work" {
	seq 20 | qpush -l jobs
	taker 5 4
	answered 5 "5 ahead"
	at_work 1
	order "begin 2"
	answered 6 "done"
	order "return 3"
	answered 7 "done"
	order "ack 4"
	answered 8 "done"
	at_work 1
	is "$(qpop jobs)" 3
	at_work 3
	kill_taker
	qpop -L 1h -n 2 -l jobs >leased
	at_work 3
	qpop -L 1h -n 2 -l jobs >leased
	at_work 4
}

@test "a worker of short commands that takes ahead has as many at work as it runs" {
	seq 200 | qpush -l jobs
	qpop -n all -P 2 jobs -- true
	is "$(qstat --json jobs | jq '.leased_most == 2, .done')" $'true\n200'
	[[ $(qstat --forecast jobs) =~ workers\ +2\ +measured ]]
}

@test "a queue of a program that did not count what is ahead is read, and then counted" {
	seq 9 | qpush -l jobs
	taker 5 4
	answered 5 "5 ahead"
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" older 1
	qctl check jobs
	kill_taker
	for _ in {1..9}; do
		qpop jobs
	done
	seq 9 | qpush -l jobs
	taker 5 4
	answered 5 "14 ahead"
	at_work 1
	leave
}

@test "damage to what was taken ahead is not counted for ever" {
	seq 9 | qpush -l jobs
	taker 5 4
	answered 5 "5 ahead"
	kill_taker
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record msg 0000000000000002
	qpop -L 1h -n 1 -l jobs >leased || :
	counts jobs leased=1 dead=4
	at_work 1
}

@test "what was taken ahead and begun has its attempt" {
	seq 2 | qpush -l -m 1 jobs
	taker 2 2
	answered 2 "2 ahead"
	order "begin 1"
	answered 3 "done"
	kill_taker
	is "$(qpop jobs)" 2
	counts jobs dead=1 "done=1"
	is "$(reason jobs 1)" "worker died"
	is "$(qstat --list --state dead --json jobs | jq .id)" 1
}

@test "what may have killed a taker is not taken ahead, and its next death counts" {
	seq 3 | qpush -l -m 2 jobs
	taker 3 3
	answered 3 "3 ahead"
	kill_taker
	taker 3 3
	eventually gone "$pid"
	has "$(cat answers)" "queue is empty"
	exec 8>&-
	taker 3 2
	answered 1 "1 now"
	kill_taker
	taker 3 2
	answered 1 "1 now"
	is "$(field jobs 1 'failures | length')" 1
	kill_taker
	is "$(qpop -n all jobs)" 23
	counts jobs dead=1
	is "$(qstat --json jobs 1 | jq -c '[.attempt, .delivery]')" '[2,3]'
}

@test "what was taken ahead can be settled without having begun" {
	seq 4 | qpush -l jobs
	qctl set jobs backoff=1h
	taker 4 4
	answered 4 "4 ahead"
	order "ack 1"
	answered 5 "done"
	order "release 2"
	answered 6 "done"
	order "fail 3"
	answered 7 "done"
	counts jobs done=1 ready=1 delayed=1 leased=1
	is "$(field jobs 3 attempt)" 1
	leave
	balances jobs
}

@test "a message released and taken again by the same consumer stays held" {
	qctl create jobs backoff=0 max-attempts=100
	qpush jobs x
	# fails once, is taken again in the same commit, and then stays
	start qpop -n 2 jobs -- sh -c "[ \$Q_ATTEMPT = 2 ] || exit 1; $staying" 2>err
	eventually running 1
	is_silent 1 qpop jobs -- touch second
	is_silent 1 qpop -w300ms jobs -- touch second
	[ ! -e second ]
	touch go
	ended 4
	counts jobs done=1
}

# ---- in the worker ----

@test "what ends while a commit has to wait shares the next one" {
	seq 8 | qpush -l jobs
	start env ASAN_OPTIONS=detect_leaks=0 strace -c -o trace -e trace=fdatasync \
		"$BIN/qpop" -n all -P 8 jobs -- sh -c "$staying"
	eventually running 8
	# One to take, one for the first that ends, one for all the others.
	flock "$Q_ROOT/jobs/data.mdb" bash -c 'touch go
		while read -r p; do
			until [[ ! -e /proc/$p || $(<"/proc/$p/stat") == *") Z "* ]]; do sleep 0.01; done
		done <running' 2>/dev/null
	ended 0
	counts jobs "done=8"
	(($(flushes trace) >= 2 && $(flushes trace) <= 4))
}

@test "short commands run in the order of the queue, each once, with -P as well" {
	seq 500 | qpush -l jobs
	qpop -n all jobs -- sh -c 'read -r n; echo "$n" >>ran'
	seq 500 | cmp - ran
	seq 500 | qpush -l jobs
	qpop -n all -P 3 jobs -- sh -c 'read -r n; echo "$n" >>ran2'
	sort -n ran2 | cmp - <(seq 500)
	counts jobs done=1000 leased=0
	is "$(qstat --json jobs | jq .delivered)" 1000
	balances jobs
}

@test "with -n N no more than N are taken, however short the commands" {
	seq 300 | qpush -l jobs
	qpop -n 150 jobs -- true
	counts jobs done=150 ready=150 leased=0
	is "$(qstat --json jobs | jq .delivered)" 150
}

@test "what a worker has taken ahead is given back when a command takes long" {
	seq 100 | qpush -l jobs
	qpush jobs stays
	seq 100 | qpush -l jobs
	start qpop -n all jobs -- sh -c "read -r x; [ \$x = stays ] || exit 0; $staying"
	eventually running 1
	eventually has_count jobs leased=1
	counts jobs done=100 ready=100
	is "$(qstat --list --json jobs | jq -s 'map(select(.state == "ready") | .delivery) | add')" 0
	is "$(qpop jobs)" 1
	touch go
	ended 0
	counts jobs done=201
	is "$(qstat --json jobs | jq .delivered)" 201
	balances jobs
}

@test "what a worker has taken ahead is given back when it is stopped" {
	seq 2000 | qpush -l jobs
	start qpop -n all jobs -- sh -c 'echo >>ran'
	eventually test -s ran
	kill "$pid"
	ended 0
	counts jobs leased=0 "done=$(wc -l <ran)"
	is "$(qstat --json jobs | jq '.ready + .done')" 2000
	is "$(qstat --list --json jobs | jq -s 'map(.delivery) | add // 0')" 0
	balances jobs
}

@test "with --stop-on-failure nothing begins after the failure" {
	seq 300 | qpush -l jobs
	run -4 qpop -n all --stop-on-failure jobs -- sh -c 'read -r n; echo "$n" >>ran; [ "$n" != 200 ]'
	is "$(tail -n 1 ran)" 200
	counts jobs done=199 ready=100 delayed=1 leased=0
}

@test "a message that kills its worker is dead in the end, and those beside it are not" {
	local i rc

	qctl create jobs max-attempts=3
	{
		seq 30
		echo poison
		seq 30
	} | qpush -l jobs
	for i in {1..20}; do
		rc=0
		qpop -n all jobs -- sh -c 'read -r x; [ "$x" != poison ] || kill -9 "$PPID"' || rc=$?
		((rc == 137)) || break
	done
	is "$rc" 0
	counts jobs dead=1 "done=60" ready=0 leased=0
	is "$(qstat --json jobs 31 | jq -c '[.attempt, [.failures[].reason]]')" \
		'[3,["worker died","worker died","worker died"]]'
	balances jobs
}

# ---- the file hold ----

# While a worker holds a message, do something to hold; then see that it is not given to
# anybody, also when the grace time is over.
survives() {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	"$@"
	# This is noticed by a take, and by the worker within a second.
	is_silent 1 qpop jobs
	eventually is_locked_in_hold 1
	cp /proc/sys/kernel/random/boot_id boot_id
	SHIM_BOOT_ID=$PWD/boot_id SHIM_WALL=120 SHIM_BOOT=120 \
		is_silent 1 preloaded shim-time qpop jobs
	counts jobs leased=1
	touch go
	ended 0
	counts jobs done=1
}

# Whether somebody has a lock on the byte of message ID in the present file.
is_locked_in_hold() {
	local inode

	inode=$(stat -c %i "$Q_ROOT/jobs/hold") || return 1
	awk -v inode="$inode" -v id="$1" '$2 == "OFDLCK" && $4 == "READ" {
		split($6, part, ":")
		if (part[3] == inode && $7 <= id && id <= $8)
			found = 1
	} END { exit !found }' /proc/locks
}

@test "a living worker locks the file hold that somebody made in place of the old one" {
	[ -e "$BIN/tool/shim-time" ] || skip "needs tool/shim-time"
	replace() {
		cp "$Q_ROOT/jobs/hold" new
		mv new "$Q_ROOT/jobs/hold"
	}
	survives replace
}

@test "a living worker locks the file hold that a take made where none was" {
	[ -e "$BIN/tool/shim-time" ] || skip "needs tool/shim-time"
	survives rm "$Q_ROOT/jobs/hold"
}

@test "a dead worker's message comes back when the time of grace after a replaced hold is over" {
	[ -e "$BIN/tool/shim-time" ] || skip "needs tool/shim-time"
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	rm "$Q_ROOT/jobs/hold"
	is_silent 1 qpop jobs
	kill -9 "$pid" "$(cat running)"
	ended 137
	is_silent 1 qpop jobs
	cp /proc/sys/kernel/random/boot_id boot_id
	is "$(SHIM_BOOT_ID=$PWD/boot_id SHIM_WALL=120 SHIM_BOOT=120 \
		preloaded shim-time qpop jobs)" x
}

# ---- the lock ----

@test "-T holds while another process has the queue" {
	qpush jobs x y
	start qpop -n 2 -P 2 -T 500ms jobs -- sh -c 'read -r b; echo "$b" >>running
		[ "$b" != y ] || exit 0
		trap "date +%s%N >ended; exit 1" TERM
		sleep 1000 & wait' 2>err
	eventually running 2
	flock "$Q_ROOT/jobs/data.mdb" sh -c 'n=0
		until [ -e ended ] || [ "$n" -ge 1000 ]; do sleep 0.01; n=$((n + 1)); done'
	[ -e ended ]
	ended 4
	has "$(cat err)" "timed out after 500 ms"
	counts jobs done=1 delayed=1
}

@test "the second signal ends the commands while another process has the queue" {
	qpush -m 1 jobs x y
	start qpop -n all -P 2 jobs -- sh -c "read -r b; [ \$b != y ] || exit 0; $staying"
	eventually running 1
	flock "$Q_ROOT/jobs/data.mdb" bash -c '
		kill "$1"; sleep 0.2; kill "$1"
		for i in {1..1000}; do
			kill -0 "$2" 2>/dev/null || exit 0
			sleep 0.01
		done
		exit 1' sh "$pid" "$(cat running)"
	ended 0
	counts jobs done=1 ready=1
	is "$(field jobs 1 attempt)" 0
}

@test "a queue that is busy for all of --lock-wait is status 75, with how long it was" {
	qpush jobs x
	(
		flock 9
		fails 75 "has held the queue for 2 s" qpop --lock-wait 2s jobs -- true
	) 9<"$Q_ROOT/jobs/data.mdb"
	counts jobs ready=1
}

@test "work that has ended is settled when the queue is free again, after --lock-wait as well" {
	qpush jobs x
	start qpop --lock-wait 300ms jobs -- sh -c "$staying"
	eventually running 1
	flock "$Q_ROOT/jobs/data.mdb" sh -c 'touch go; sleep 1.5'
	ended 0
	counts jobs done=1
}
