#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl rm: a queue is removed whole, or not at all, and nothing else ever is.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "rm says what it would remove, and without --yes removes nothing" {
	qpush jobs a b c
	fails 2 'qctl: jobs: would remove the queue and its 3 messages; repeat with --yes' \
		qctl rm jobs
	is "$(qpop -n all -l jobs | xargs)" 'a b c'
}

@test "a queue is removed with all that is in it" {
	qpush jobs a
	head -c 2M /dev/zero | qpush jobs
	echo x >"$Q_ROOT/jobs/blob/1-2-3.tmp"
	damage record body 0000000000000001
	qctl check --repair --yes jobs >/dev/null 2>&1
	is_silent 0 qctl rm --yes jobs
	is "$(ls -A "$Q_ROOT")" ''
	fails 3 'no such queue' qctl rm --yes jobs
}

@test "a queue is removed by its path, and can be made again" {
	qpush ./here a
	is_silent 0 qctl rm --yes ./here/
	[ ! -e here ]
	qpush ./here b
	is "$(qpop ./here)" b
}

@test "a queue with a message in work is not removed, but by force" {
	mkfifo gate
	qpush jobs a
	start qpop jobs -- sh -c 'read -r line <gate'
	eventually has_count jobs leased=1
	fails 75 'qctl: jobs: a worker has message 1; nothing was removed (with --force' \
		qctl rm --yes jobs
	counts jobs leased=1
	is_silent 0 qctl rm --yes --force jobs
	is "$(ls -A "$Q_ROOT")" ''
	echo >gate
	ended 3
}

@test "a timed lease does not keep a queue" {
	qpush jobs a
	qpop -L 1h jobs >/dev/null
	is_silent 0 qctl rm --yes jobs
}

@test "who waits on a queue that is removed is told" {
	qctl create jobs
	start qpop -w jobs 2>err
	eventually has_open "$pid"
	qctl rm --yes jobs
	ended 3
	has "$(cat err)" 'deleted or replaced while in use'
}

@test "a damaged queue is removed by force alone" {
	qpush jobs a
	damage record meta 6e657874
	fails 65 'it is damaged; nothing was removed (with --force' qctl rm --yes jobs
	truncate -s 8192 "$Q_ROOT/jobs/data.mdb"
	fails 65 'is damaged' qctl rm --yes jobs
	fails 2 'would remove the queue, whatever is in it; repeat with --yes' \
		qctl rm --force jobs
	is_silent 0 qctl rm --yes --force jobs
	is "$(ls -A "$Q_ROOT")" ''
}

@test "a directory with other files in it is left as it is" {
	qpush jobs a
	touch "$Q_ROOT/jobs/notes"
	fails 3 "'notes' in it is not of a queue; nothing was removed" qctl rm --yes --force jobs
	rm "$Q_ROOT/jobs/notes"
	touch "$Q_ROOT/jobs/blob/notes"
	fails 3 "'notes' in it is not of a queue" qctl rm --yes jobs
	rm "$Q_ROOT/jobs/blob/notes"
	is "$(qpop jobs)" a
}

@test "what is no queue, and a link to one, is left as it is" {
	qpush jobs a
	mkdir "$Q_ROOT/dir"
	touch "$Q_ROOT/dir/file"
	fails 3 'not a queue' qctl rm --yes --force dir
	ln -s jobs "$Q_ROOT/link"
	fails 3 'a symbolic link; nothing was removed' qctl rm --yes link
	is "$(qpop link)" a
	[ -e "$Q_ROOT/dir/file" ]
}

@test "what a removal that died has left goes with the next queue of that name" {
	qpush jobs a
	head -c 2M /dev/zero | qpush jobs
	cp -r "$Q_ROOT/jobs" copy
	qctl rm --yes jobs
	# the name it had while it went, as a creation gives it, too
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=mkdirat -o trace qctl create jobs
	name=$(grep -o '"\.q[0-9a-f.]*' trace | head -n 1 | tr -d '"')
	mv copy "$Q_ROOT/$name"
	qctl rm --yes jobs
	qctl create jobs
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "of pushes and a removal at once, each push is in a queue or says why not" {
	local i

	qctl create jobs
	for i in {1..20}; do
		qpush jobs "$i" 2>/dev/null &
	done
	qctl rm --yes jobs || :
	wait
	if [ -e "$Q_ROOT/jobs" ]; then
		qctl check jobs
		qctl rm --yes jobs
	fi
	is "$(ls -A "$Q_ROOT")" ''
}

@test "who may not write the directory above is told so" {
	[ "$(id -u)" != 0 ] || skip "the superuser may write everything"
	qctl create jobs
	chmod 500 "$Q_ROOT"
	fails 3 'ermission denied' qctl rm --yes jobs
	chmod 700 "$Q_ROOT"
	counts jobs ready=0
}
