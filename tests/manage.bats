#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl purge, cancel, redrive, release and dead: exactly the messages that are meant, and
# the books balance afterwards.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

teardown() {
	# whatever a test did, what it leaves is sound
	if [ -e "$Q_ROOT/jobs" ]; then
		qctl check jobs
		balances jobs
	fi
	end_started
}

# A message of each state: 1 ready, 2 delayed, 3 leased, 4 dead.
one_of_each() {
	qctl create jobs
	qpush -p 1 jobs leased
	qpop -L 1h -r receipt jobs >/dev/null
	qpush -m 1 jobs dead
	run -4 qpop jobs -- sh -c 'echo it broke >&2; exit 3'
	qpush -d 1h jobs delayed
	qpush jobs ready
}

ids() {
	qstat --list --json ${2:+--state "$2"} "$1" | jq .id | xargs
}

# ---- purge ----

@test "a purge says what it would remove, and without --yes removes nothing" {
	qpush jobs a b c
	fails 2 "qctl: jobs: would remove 3 messages; repeat with --yes" qctl purge jobs
	counts jobs ready=3 purged=0
	is "$(qctl purge --yes jobs)" 'removed 3 messages'
	counts jobs ready=0 purged=3
	is "$(qctl purge --yes jobs)" 'removed 0 messages'
	is "$(qctl purge jobs)" 'removed 0 messages'
}

@test "a purge leaves what is leased, unless that is asked for" {
	one_of_each
	is "$(qctl purge -y jobs)" 'removed 3 messages'
	counts jobs ready=0 delayed=0 dead=0 leased=1 purged=3
	is "$(qctl purge -y --state leased jobs)" 'removed 1 message'
	counts jobs leased=0 purged=4
	fails 1 'no such message' qack jobs "$(cat receipt)"
}

@test "of a group, a purge or dead of one state leaves those it lets go on" {
	seq 4 | qpush -l -g g jobs
	seq 3 | qpush -l -g h -d 1h jobs
	qpush jobs plain
	fails 2 'would remove 2 messages' qctl purge --state ready jobs
	is "$(qctl purge -y --state ready jobs)" 'removed 2 messages'
	counts jobs ready=1 blocked=4 delayed=1 purged=2
	is "$(ids jobs ready)" 2
	is "$(qctl dead --state ready jobs)" 'made dead 1 message'
	is "$(ids jobs ready)" 3
	is "$(qctl purge -y --state delayed jobs)" 'removed 1 message'
	is "$(ids jobs delayed)" 6
	is "$(qctl purge -y --state dead jobs)" 'removed 1 message'
	counts jobs ready=1 blocked=2 delayed=1 dead=0
}

@test "what a purge says that it would do counts what has fallen due meanwhile" {
	qpush -d 10 jobs a
	qpush jobs b
	qpop -L 10 jobs >/dev/null
	qpush -e 10 jobs c
	export SHIM_WALL=60 SHIM_BOOT=60
	run --separate-stderr -2 preloaded shim-time qctl purge --state ready jobs
	has "$stderr" 'would remove 2 messages'
	is "$(preloaded shim-time qctl purge --state delayed jobs)" 'removed 0 messages'
	is "$(preloaded shim-time qctl purge -y --state ready jobs)" 'removed 2 messages'
	counts jobs purged=2 expired=1 lapsed=1
}

@test "of several ids, one that is damaged decides the exit status" {
	qpush jobs a b c
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record msg 0000000000000001
	run --separate-stderr -65 qctl dead jobs 1 77
	has "$stderr" '77: no such message'
}

@test "a purge of one state leaves the others" {
	local state

	for state in ready delayed dead; do
		one_of_each
		is "$(qctl purge -y --state "$state" jobs)" 'removed 1 message'
		counts jobs "$state=0" purged=1 leased=1
		rm -r "$Q_ROOT/jobs"
	done
	fails 2 '--state: not one of' qctl purge --state old jobs
}

@test "a purge by age leaves what is younger" {
	qctl create jobs
	SHIM_WALL=-7200 preloaded shim-time qpush jobs old
	qpush jobs new
	is "$(qctl purge -y --older-than 3h jobs)" 'removed 0 messages'
	is "$(qctl purge -y --older-than 1h jobs)" 'removed 1 message'
	is "$(qpop jobs)" new
	fails 2 '--older-than:' qctl purge --older-than soon jobs
}

@test "a purge by reason removes what failed like that" {
	qctl create jobs max-attempts=1
	qpush jobs a b
	run -4 qpop jobs -- sh -c 'exit 3'
	qack --dead --reason 'no such customer' jobs "$(qpop -L 1h -r r jobs >/dev/null && cat r)"
	is "$(qctl purge -y --reason 'no such*' jobs)" 'removed 1 message'
	is "$(ids jobs)" 1
}

@test "a purge of many is many commits, none of them large" {
	seq 3000 | qpush -l jobs
	head -c 2M /dev/zero | qpush jobs
	# commits are of 500: the map says how many there were
	is "$(qctl purge -y jobs)" 'removed 3001 messages'
	counts jobs purged=3001 ready=0 bytes=0
	is "$(ls "$Q_ROOT/jobs/blob")" ''
}

@test "a damaged message can be removed" {
	qpush jobs a b
	damage record body 0000000000000001
	fails 65 'set aside' qpop jobs
	is "$(qctl purge -y --state dead jobs)" 'removed 1 message'
	is "$(qpop jobs)" b
}

# ---- cancel ----

@test "messages are cancelled by id" {
	qpush jobs a b c
	fails 2 'would remove 2 messages; repeat with --yes' qctl cancel jobs 1 3
	is "$(qctl cancel -y jobs 1 3)" 'removed 2 messages'
	is "$(qpop -n all -l jobs)" b
}

@test "who is not there is said, and the others are cancelled" {
	qpush jobs a b
	run --separate-stderr -1 qctl cancel -y jobs 1 77
	is "$output" 'removed 1 message'
	is "$stderr" 'qctl: jobs: 77: no such message (done, expired or purged)'
	fails 2 "'x' is not a number" qctl cancel -y jobs x
	fails 2 'no ID given' qctl cancel -y jobs
}

@test "what is leased is cancelled by force alone" {
	one_of_each
	run --separate-stderr -1 qctl cancel -y jobs 1
	has "$stderr" '1: is leased; with --force'
	counts jobs leased=1
	is "$(qctl cancel -y --force jobs 1)" 'removed 1 message'
	counts jobs leased=0
}

# ---- redrive ----

@test "a dead message is ready again, with attempts from 0 and its failures" {
	qpush -m 2 jobs a
	qctl set jobs backoff=0
	run -4 qpop -n all jobs -- false
	counts jobs dead=1
	is "$(qctl redrive jobs 1)" 'made ready again 1 message'
	counts jobs ready=1 dead=0
	is "$(qstat --json jobs 1 | jq -c '[.attempt, (.failures | length)]')" '[0,2]'
	# both attempts are there again
	run -4 qpop jobs -- false
	counts jobs ready=1
	run -4 qpop jobs -- false
	counts jobs dead=1
	qctl redrive jobs --all
	is "$(qpop jobs)" a
}

@test "an old receipt does not fit a message that was redriven" {
	qpush jobs a
	qpop -L 1h -r receipt jobs >/dev/null
	qack --dead jobs "$(cat receipt)"
	qctl redrive jobs 1
	fails 1 'nothing changed' qack jobs "$(cat receipt)"
	counts jobs ready=1
}

@test "the dead are redriven by their reason, or all" {
	local i

	qctl create jobs max-attempts=1
	for i in 1 2 3; do
		qpush jobs "$i"
		qack --dead --reason "code $((i % 2))" jobs "$(qpop -L 1h -r r jobs >/dev/null && cat r)"
	done
	is "$(qctl redrive --reason 'code 1' jobs)" 'made ready again 2 messages'
	is "$(ids jobs dead)" 2
	is "$(qctl redrive --all jobs)" 'made ready again 1 message'
	is "$(qpop -n all -l jobs | xargs)" '1 2 3'
}

@test "what is not dead is not redriven" {
	one_of_each
	run --separate-stderr -1 qctl redrive jobs 4 3 99
	is "$output" 'made ready again 0 messages'
	has "$stderr" '4: is not dead'
	has "$stderr" '99: no such message'
	fails 2 'say which messages: ID... or --all' qctl redrive jobs
	fails 2 'give either ids or options' qctl redrive --all jobs 2
}

@test "a dead message whose time to live is over stays dead" {
	qpush -m 1 -e 1h jobs a
	run -4 qpop jobs -- false
	SHIM_WALL=3700 run preloaded shim-time qctl redrive jobs 1
	is "$status" 1
	has "$output" 'its time to live is over'
	counts jobs dead=1
}

# ---- release and dead ----

@test "a leased and a delayed message are released, the attempt does not count" {
	one_of_each
	is "$(qctl release jobs 1 3)" 'made ready 2 messages'
	counts jobs ready=3 leased=0 delayed=0
	fails 1 'nothing changed' qack jobs "$(cat receipt)"
	is "$(qstat --json jobs 1 | jq .attempt)" 0
	run --separate-stderr -1 qctl release jobs 4
	has "$stderr" '4: is neither delayed nor leased'
	is "$(qctl release --state delayed jobs)" 'made ready 0 messages'
	fails 2 'say which' qctl release jobs
}

@test "a message that a living worker holds is released, and his end changes nothing" {
	mkfifo gate
	qpush jobs a
	start qpop jobs -- sh -c 'read -r line <gate'
	eventually has_count jobs leased=1
	qctl release jobs 1
	counts jobs ready=1
	is "$(qpop -L 1h -r receipt jobs)" a
	echo >gate
	eventually gone "$pid"
	counts jobs leased=1 done=0
	qack jobs "$(cat receipt)"
}

@test "messages are made dead, with a reason, and can be redriven" {
	one_of_each
	is "$(qctl dead --reason 'not today' jobs 1 3 4)" 'made dead 3 messages'
	counts jobs dead=4 ready=0 leased=0 delayed=0
	is "$(qstat --json jobs 4 | jq -r '.failures[-1].reason')" 'not today'
	fails 1 'nothing changed' qack jobs "$(cat receipt)"
	run --separate-stderr -1 qctl dead jobs 1
	has "$stderr" '1: is dead already'
	is "$(qctl redrive --all jobs)" 'made ready again 4 messages'
	is "$(qpop -n all -l jobs | sort | xargs)" 'dead delayed leased ready'
}

@test "a reason given by hand does not take the place of a failure" {
	qctl create jobs backoff=0
	qpush jobs a
	run -4 qpop jobs -- sh -c 'exit 9'
	qctl dead jobs 1
	is "$(qstat --json jobs 1 | jq -c '[.failures[].exit_status]')" '[9,null]'
}

@test "many at once do their work on each message once" {
	local i

	seq 2000 | qpush -l jobs
	for i in 1 2 3; do
		qctl dead --all jobs >"dead$i" &
	done
	wait
	is "$(awk '{ n += $3 } END { print n }' dead1 dead2 dead3)" 2000
	counts jobs dead=2000
	for i in 1 2 3; do
		qctl redrive --all jobs >"redrive$i" &
	done
	wait
	is "$(awk '{ n += $4 } END { print n }' redrive1 redrive2 redrive3)" 2000
	is "$(drain jobs | sort -n)" "$(seq 2000)"
}

@test "who is made dead or ready again by hand leaves its group in order" {
	local on_dead

	for on_dead in hold skip; do
		qctl create "$on_dead" group-on-dead="$on_dead"
		seq 6 | qpush -l -g a "$on_dead"
		qctl dead -q "$on_dead" 3
		counts "$on_dead" dead=1 blocked=4
		qctl dead -q "$on_dead" 1
		counts "$on_dead" dead=2 ready="$([ "$on_dead" = skip ] && echo 1 || echo 0)"
		qctl redrive -q "$on_dead" 3
		qctl redrive -q "$on_dead" 1
		counts "$on_dead" dead=0 ready=1 blocked=5
		has "$(qctl check "$on_dead")" 'sound: 6 messages'
		qctl purge -q --yes --state blocked "$on_dead"
		counts "$on_dead" ready=1 blocked=0 purged=5
	done
}
