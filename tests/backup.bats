#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl backup: a copy of one moment, whole or not there.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a backup is a queue with the same messages, options, mode and receipts" {
	qctl create --mode=0750 jobs max-attempts=3
	seq 500 | qpush -l jobs
	head -c 3M /dev/urandom >large
	qpush jobs <large
	qpop -L 1h -r receipt jobs >/dev/null
	is_silent 0 qctl backup jobs ./saved
	has "$(qctl check ./saved)" 'sound: 501 messages'
	is "$(qctl get ./saved max-attempts)" 'max-attempts 3'
	is "$(stat -c %a saved saved/data.mdb saved/blob/501 | xargs)" '750 640 640'
	qack ./saved "$(cat receipt)"
	is "$(qpop -n 499 -l ./saved)" "$(seq 2 500)"
	qpop ./saved | cmp - large
	# the first queue knows nothing of that
	counts jobs ready=500 leased=1
	qctl check jobs
}

@test "a backup takes the place of its queue" {
	qpush jobs a b
	qctl backup jobs ./saved
	qctl rm --yes jobs
	mv saved "$Q_ROOT/jobs"
	qpush jobs c
	is "$(qpop -n all -l jobs | xargs)" 'a b c'
}

is_busy() {
	[ "$(count jobs done)" -gt 3 ]
}

# What a backup may leave of itself.
is_nothing_left() {
	is "$(find . -maxdepth 1 -name '.q*' -o -maxdepth 1 -name saved)" ''
}

@test "a backup of a queue in use is of one moment" {
	local i

	qctl create jobs
	start sh -c 'i=0; while qpush jobs "$i" && head -c 1200K /dev/zero | qpush jobs; do i=$((i + 1)); done'
	start sh -c 'while :; do qpop -n 3 -l jobs >/dev/null; done'
	eventually is_busy
	for i in 1 2 3 4 5 6; do
		qctl backup jobs "./saved$i"
		qctl check "./saved$i"
		balances "./saved$i"
	done
}

@test "what exists already is left as it is" {
	qpush jobs a
	mkdir saved
	touch saved/file
	fails 3 'qctl: ./saved: it exists already' qctl backup jobs ./saved
	is "$(ls saved)" file
	fails 3 'qctl: jobs: to ./missing/saved: ./missing: No such file or directory' \
		qctl backup jobs ./missing/saved
	fails 2 'no DIRECTORY given' qctl backup jobs
	fails 3 'no such queue' qctl backup other ./new
	[ ! -e new ]
}

@test "a backup that cannot be written whole is not there" {
	seq 20000 | qpush -l jobs
	run --separate-stderr bash -c 'ulimit -f 64; qctl backup jobs ./saved'
	[ "$status" -eq 75 ] || [ "$status" -eq 3 ]
	is_nothing_left
	is "$(qpop jobs)" 1
}

@test "a damaged queue is not backed up as if it were sound" {
	qpush jobs a
	damage record meta 6e657874
	fails 65 "meta record 'next' is damaged" qctl backup jobs ./saved
	is_nothing_left
}

@test "who may only read a queue may keep a copy" {
	[ "$(id -u)" != 0 ] || skip "the superuser may write everything"
	qpush jobs a
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	qctl backup jobs ./saved
	is "$(qpop ./saved)" a
}

@test "a backup has a body as it is, not what a push that died had left in its place" {
	qctl create jobs inline=4096
	head -c 20000 /dev/zero >"$Q_ROOT/jobs/blob/1"
	start env ASAN_OPTIONS=detect_leaks=0 strace -qq -o calls -e trace=flock \
		-e inject=flock:delay_enter=2000000:when=2 qctl backup jobs ./saved
	eventually compgen -G './.q*/blob/1'
	seq 3000 >large
	truncate -s 20000 large
	qpush jobs <large
	ended 0
	qctl check ./saved
	qpop ./saved | cmp - large
}

# A queue of which the last messages are lost: their ids are given again.
set_back() {
	qpush jobs old
	qctl backup jobs ./saved
	qpush jobs lost
	"$@"
	rm -r "$Q_ROOT/jobs"
	mv saved "$Q_ROOT/jobs"
	qpush jobs new
	qctl cancel -q --yes jobs 1
}

@test "a backup gives ids again, and what is moved, copied or loaded is told apart" {
	qctl create moved
	qctl create copied
	set_back eval 'qctl dump jobs >dump && qctl load -q loaded dump && qctl copy -q jobs copied &&
		qctl move -q jobs moved'
	is "$(qctl dump jobs | qctl load loaded)" 'loaded 1 message'
	is "$(qctl copy jobs copied)" 'copied 1 message'
	is "$(qctl move -n 1 jobs moved)" 'moved 1 message'
	qpush jobs new
	is "$(qctl load jobs dump)" 'loaded 2 messages'
	for q in moved copied loaded; do
		is "$(qpop -n 3 -l "$q" | xargs)" 'old lost new'
		qctl check "$q"
	done
}

@test "a backup gives ids again, and what comes of them is handed over" {
	qctl create after
	set_back eval 'qack --release jobs "$(qpop -L 1h --id 2 jobs | head -n 1)" &&
		qpop -n all jobs --to after -- cat'
	qpop -n all jobs --to after -- cat
	is "$(qpop -n all -l after | xargs)" 'old lost new'
}
