#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl compact: space comes back, and nothing else changes.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
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

@test "a queue of which nothing is free gives nothing back" {
	qctl create jobs
	qctl compact jobs
	is "$(qctl compact jobs)" 'returned 0 B'
}

@test "a damaged queue is not compacted" {
	seq 2000 | qpush -l jobs
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" zero 12
	cp "$Q_ROOT/jobs/data.mdb" before
	if ! qctl check jobs >/dev/null 2>&1; then
		fails 65 "run 'qctl check'" qctl compact jobs
	fi
	cmp before "$Q_ROOT/jobs/data.mdb"
}
