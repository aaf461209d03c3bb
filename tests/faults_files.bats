#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Files of a queue that are not what they were: planted by somebody, replaced, or deleted
# while the queue is in use.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a symbolic link in place of data.mdb is refused" {
	qpush jobs x
	mv "$Q_ROOT/jobs/data.mdb" other
	ln -s "$PWD/other" "$Q_ROOT/jobs/data.mdb"
	cp other before
	all_fail 3 "data.mdb is a symbolic link; refused"
	cmp other before
}

@test "a FIFO in place of data.mdb is refused, and nobody waits for it" {
	qpush jobs x
	rm "$Q_ROOT/jobs/data.mdb"
	mkfifo "$Q_ROOT/jobs/data.mdb"
	all_fail 3 "data.mdb is not a regular file; refused"
}

@test "a second link to data.mdb is refused" {
	qpush jobs x
	ln "$Q_ROOT/jobs/data.mdb" other
	all_fail 3 "data.mdb has a second link; refused"
	rm other
	is "$(qpop jobs)" x
}

@test "a symbolic link, a FIFO or a second link in place of hold is refused" {
	qpush jobs x
	rm "$Q_ROOT/jobs/hold"
	echo other >other
	ln -s "$PWD/other" "$Q_ROOT/jobs/hold"
	fails 3 "hold is a symbolic link; refused" qpop jobs
	rm "$Q_ROOT/jobs/hold"
	mkfifo "$Q_ROOT/jobs/hold"
	fails 3 "hold is not a regular file; refused" timeout 10 qpop jobs
	rm "$Q_ROOT/jobs/hold"
	ln other "$Q_ROOT/jobs/hold"
	fails 3 "hold has a second link; refused" qpop jobs
	rm "$Q_ROOT/jobs/hold"
	is "$(qpop jobs)" x
	is "$(cat other)" other
}

@test "a symbolic link in place of a large body is not followed" {
	head -c 2M /dev/zero | qpush jobs
	mv "$Q_ROOT/jobs/blob/1" other
	ln -s "$PWD/other" "$Q_ROOT/jobs/blob/1"
	run --separate-stderr qpop jobs
	[ "$status" -eq 3 ] || [ "$status" -eq 65 ]
	is "$output" ''
	has "$stderr" "blob/1 is not its file"
}

@test "a symbolic link in place of the directory of large bodies is refused" {
	qpush jobs x
	rmdir "$Q_ROOT/jobs/blob"
	mkdir elsewhere
	echo precious >elsewhere/7
	ln -s "$PWD/elsewhere" "$Q_ROOT/jobs/blob"
	head -c 2M /dev/zero >large
	fails 3 "blob" qpush jobs <large
	is "$(ls elsewhere)" 7
	is "$(qpop jobs)" x
}

@test "a queue that others may write to is refused" {
	qpush jobs x
	chmod o+w "$Q_ROOT/jobs"
	all_fail 3 "writable by others; refused"
	chmod o-w "$Q_ROOT/jobs"
	chmod o+w "$Q_ROOT/jobs/data.mdb"
	all_fail 3 "writable by others; refused"
	chmod o-w "$Q_ROOT/jobs/data.mdb"
	is "$(qpop jobs)" x
}

# ---- files that go away ----

@test "a queue deleted while in use is an error, and says how much was stored" {
	qctl create jobs
	fed qpush -l jobs
	echo one >&7
	eventually has_count jobs ready=1
	rm "$Q_ROOT/jobs/data.mdb"
	echo two >&7
	ended 3
	has "$(cat err)" "the queue was deleted or replaced while in use; 1 stored"
}

@test "a queue replaced while in use is left alone" {
	qpush other theirs
	qctl create jobs
	fed qpush -l jobs
	echo one >&7
	eventually has_count jobs ready=1
	mv "$Q_ROOT/other/data.mdb" "$Q_ROOT/jobs/data.mdb"
	echo two >&7
	ended 3
	has "$(cat err)" "deleted or replaced while in use; 1 stored"
	is "$(drain jobs)" theirs
}

@test "who waits on a queue that is removed is told" {
	qpush -d 1h jobs x
	start qpop -w jobs 2>err
	eventually has_open "$pid"
	rm -rf "$Q_ROOT/jobs" # what he makes there may be gone when rm gets to it
	ended 3
	has "$(cat err)" "deleted or replaced while in use"
}

@test "a held message is not given away because somebody deleted hold" {
	head -c 900K /dev/zero | qpush jobs
	qpush jobs next
	blocked_writer qpop jobs
	rm "$Q_ROOT/jobs/hold"
	is "$(qpop jobs)" next
	is_silent 1 qpop jobs
	[ -f "$Q_ROOT/jobs/hold" ]
	is "$(stat -c %a "$Q_ROOT/jobs/hold")" 600
	counts jobs leased=1
	# the one that holds it can still finish it
	cat <&7 >/dev/null &
	started+=("$!")
	ended 0
	counts jobs leased=0 done=2
}

@test "a copy made under the lock is a queue of its own" {
	seq 100 | qpush -l jobs
	flock -s "$Q_ROOT/jobs/data.mdb" cp -r "$Q_ROOT/jobs" copy
	is "$(drain ./copy)" "$(seq 100)"
	is "$(drain jobs)" "$(seq 100)"
}
