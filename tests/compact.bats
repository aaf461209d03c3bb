#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl compact: space comes back, and nothing else changes.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for other shells
load lib

# Bytes on disk of a queue's data file.
allocated() {
	echo $(($(stat -c '%b * %B' "$Q_ROOT/$1/data.mdb")))
}

@test "what was done and gone gives its space back, and the rest stays as it is" {
	local before after

	seq 20000 | sed 's/$/ some words to fill the line and the pages of the file/' >lines
	qpush -l jobs <lines
	head -n 19900 lines >gone
	qpop -n 19900 -l jobs | cmp - gone
	before=$(allocated jobs)
	run --separate-stderr -0 qctl compact jobs
	has "$output" 'returned '
	after=$(allocated jobs)
	[ "$after" -lt $((before / 2)) ]
	qctl check jobs
	# the reserve for a full disk is still there
	[ "$after" -gt $((512 << 10)) ]
	tail -n 100 lines >rest
	qpush -l jobs <lines
	qctl check jobs
	cat rest lines >want
	qpop -n all -l jobs | cmp - want
	qctl check jobs
}

@test "compacting a queue in use disturbs nobody" {
	local i

	qctl create jobs
	start sh -c 'i=0; while :; do i=$((i + 1)); seq 100 | qpush -l jobs; done'
	start sh -c 'while :; do qpop -n 60 -l jobs >/dev/null; done'
	for i in {1..20}; do
		qctl compact -q jobs
		qctl check jobs
	done
	kill "${started[@]}"
	balances jobs
}

@test "where holes are slow, others have their turns between them" {
	local i turns holes

	for i in {1..8}; do
		seq 3000 | qpush -l jobs
		seq 3000 | qpush -l -p 5 jobs
	done
	qpop -n 24000 -l jobs >/dev/null
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o calls -e trace=flock,fallocate \
		-e inject=fallocate:delay_exit=400000:when=1..8 qctl compact jobs >out
	has "$(cat out)" 'returned '
	holes=$(grep -c PUNCH_HOLE calls)
	turns=$(grep -c 'LOCK_UN' calls)
	[ "$holes" -ge 4 ]
	# each takes the lock of the directory, and that of the file
	[ "$turns" -ge 4 ]
	is "$(qctl compact jobs)" 'returned 0 B'
	qctl check jobs
	is "$(qpop -n all -l jobs | wc -l)" 24000
}

@test "a queue of which nothing is free gives nothing back" {
	qctl create jobs
	qctl compact jobs
	is "$(qctl compact jobs)" 'returned 0 B'
}

@test "a damaged queue is not compacted" {
	seq 2000 | qpush -l jobs
	damage zero 12
	cp "$Q_ROOT/jobs/data.mdb" before
	if ! qctl check jobs >/dev/null 2>&1; then
		fails 65 "run 'qctl check'" qctl compact jobs
	fi
	cmp before "$Q_ROOT/jobs/data.mdb"
}

# Many commits: more than enough for one of them to look.
touch_often() {
	local i

	for i in {1..260}; do
		echo "$i" | qpush "$1"
	done
}

@test "what is free in a large file is given back by the commands themselves" {
	local peak

	yes 'a line that is long enough to fill a file with not too many of them' |
		head -n 500000 | qpush -l jobs
	peak=$(allocated jobs)
	[ "$peak" -gt $((48 << 20)) ]
	touch_often jobs
	[ "$(allocated jobs)" -ge "$peak" ]
	qctl purge -q -y jobs
	touch_often jobs
	touch_often jobs
	# 16 MiB, four times the little that is in use, and the reserve of an eighth
	[ "$(allocated jobs)" -lt $((20 * (1 << 20) + peak / 8)) ]
	qctl check jobs
	counts jobs ready=520
	# and then not each time that somebody looks, of two here
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=fallocate -o trace sh -c 'for i in $(seq 260); do qpush jobs $i; done'
	[ "$(sed -n 's/ .*PUNCH_HOLE.*//p' trace | sort -u | wc -l)" -le 1 ]
	is "$(qpop -n all -l jobs | wc -l)" 780
}

@test "where holes are cheap, all that is free is given back at once" {
	# a page each; the delayed keep what is free apart
	seq 13000 | awk '{ printf "{\"body\":\"%02500d\"%s}\n", $1,
		$1 % 130 ? "" : ",\"delay\":\"1h\"" }' | qpush -J jobs
	qctl purge -q -y --state ready jobs
	# time passes for none of them
	SHIM_STILL=1 SHIM_MONOTONIC=100 preloaded shim-time \
		env ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 \
		strace -f -e trace=fallocate -o trace sh -c 'for i in $(seq 130); do qpush jobs $i; done'
	[ "$(grep -c PUNCH_HOLE trace)" -gt 64 ]
	qctl check jobs
	counts jobs ready=130 delayed=100
}

@test "a small file is left alone" {
	seq 20000 | qpush -l jobs
	qpop -n all -l jobs >/dev/null
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=fallocate -o trace sh -c 'for i in $(seq 260); do qpush jobs $i; done'
	run ! grep PUNCH_HOLE trace
}

@test "a queue that is filled and emptied again and again stays small" {
	local i most=0 now

	for i in {1..6}; do
		yes 'a line that is long enough to fill a file with not too many of them' |
			head -n 200000 | qpush -l jobs
		qpop -n all -l jobs >/dev/null
		now=$(allocated jobs)
		most=$((now > most ? now : most))
	done
	# what 200,000 take and may come to take, an eighth more, and 24 MiB
	[ "$most" -lt $((200000 * 400 + (24 << 20))) ]
	qctl check jobs
}

@test "a queue from a machine with larger pages is sound, and gives its space back" {
	local page

	for page in 16384 65536; do
		export SHIM_PAGE=$page
		seq 20000 | preloaded shim-page qpush -l jobs
		preloaded shim-page qctl check jobs
		unset SHIM_PAGE
		qctl check jobs
		qpop -n 19900 -l jobs >gone
		qpush jobs last
		run -0 qctl compact jobs
		has "$output" 'MiB'
		qctl check jobs
		is "$(qpop -n all -l jobs)" "$(seq 19901 20000; echo last)"
		qctl rm -q -y jobs
	done
}
