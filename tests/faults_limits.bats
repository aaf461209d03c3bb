#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Processes with a limit on the size of files, on descriptors or on memory.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a limit on file size is an error, not a death" {
	local blocks

	run --separate-stderr bash -c 'ulimit -f 64; qpush jobs x'
	[ "$status" -eq 3 ] || [ "$status" -eq 75 ]
	[ -n "$stderr" ]
	is "$(ls -A "$Q_ROOT")" ''
	qpush jobs x
	head -c 3M /dev/zero >large
	fails 75 "nothing stored" bash -c 'ulimit -f 2048; qpush jobs <large'
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	head -c 3M /dev/zero | tr '\0' '\n' | sed s/^/0123456789/ >lines
	run -75 --separate-stderr bash -c 'ulimit -f 2048; qpush -l jobs <lines'
	has "$stderr" 'File too large'
	for blocks in 0 8 64; do # none of a write, or a part
		# shellcheck disable=SC2016 # its pipe
		run -75 bash -c 'ulimit -f '$blocks'; qpop jobs 2>&1 | cat; exit "${PIPESTATUS[0]}"'
		is "$output" 'qpop: jobs: commit: File too large'
	done
	is "$(qpop jobs)" x
	balances jobs
}

@test "a limit on descriptors is an error, and loses nothing" {
	[ -z "${BUILTINS:-}" ] || skip "a shell needs descriptors of its own"
	local n stored=0 failed=0 status

	for n in {3..14}; do
		bash -c "ulimit -n $n; exec qpush jobs $n" 2>err && status=0 || status=$?
		case $status in
		0) stored=$((stored + 1)) ;;
		127) ;; # too few to load the program
		*)
			is "$n: $status" "$n: 3"
			failed=$((failed + 1))
			grep -q 'Too many open files' err
			;;
		esac
	done
	[ "$stored" -gt 0 ]
	[ "$failed" -gt 0 ]
	counts jobs ready="$stored"
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "a limit on memory is an error, and loses nothing" {
	[ -z "${SAN:-}" ] || skip "sanitizers need address space of their own"
	local mb stored=0 failed=0 status

	for mb in 4 8 16 32 64 96 128 192 256 512 1024; do
		bash -c "ulimit -v $((mb * 1024)); exec qpush jobs $mb" 2>err && status=0 ||
			status=$?
		case $status in
		0) stored=$((stored + 1)) ;;
		3)
			failed=$((failed + 1))
			has "$(cat err)" qpush:
			;;
		*) has "$(cat err)" "shared" ;; # too little to load libc
		esac
	done
	[ "$stored" -gt 3 ]
	counts jobs ready="$stored"
	is "$(drain jobs | wc -l)" "$stored"
}
