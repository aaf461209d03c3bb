#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush: input that is slow, interrupted or large.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- slow input, and its end ----

@test "a line is stored as soon as its writer pauses" {
	qctl create jobs
	fed qpush -l jobs
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
	qpush jobs zero
	fed qpush -l jobs
	printf '1\n2\n3\nhalf' >&7
	eventually has_count jobs ready=4
	kill -INT "$pid"
	ended 130
	exec 7>&-
	is "$(cat err)" "qpush: jobs: interrupted; 3 stored, the rest was not"
	is "$(drain jobs)" $'zero\n1\n2\n3'
}

@test "a message of all of stdin is not stored before stdin ends" {
	fed qpush jobs
	echo half >&7
	eventually test -e "$Q_ROOT/jobs"
	kill -TERM "$pid"
	ended 143
	exec 7>&-
	has "$(cat err)" "interrupted; 0 stored"
	counts jobs pushed=0
}

@test "a large body that is interrupted leaves nothing behind" {
	fed qpush jobs
	head -c 3M /dev/zero >&7
	eventually test -n "$(ls "$Q_ROOT/jobs/blob" 2>/dev/null)"
	kill -TERM "$pid"
	ended 143
	exec 7>&-
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	counts jobs pushed=0
}

@test "what a killed qpush left of a large body is removed by the next" {
	qpush jobs x
	fed qpush jobs
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
