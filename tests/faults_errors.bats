#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Flushes, writes and reads that fail.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a flush that fails is a failed push, and nothing more is tried" {
	local n

	qpush jobs x
	seq 70000 >in
	for n in 1 2; do
		SHIM_SYNC=$n run --separate-stderr preloaded shim-sync qpush -l jobs <in
		is "$status" 3
		has "$stderr" "Input/output error"
		if [ "$n" = 1 ]; then
			has "$stderr" "it may be stored"
			counts jobs pushed=1
		else
			has "$stderr" "32768 stored, the rest may be"
			counts jobs pushed=32769
		fi
	done
	balances jobs
	is "$(qpop jobs)" x
}

@test "a take is flushed whole when others may know its receipt or number" {
	local how

	seq 9 | qpush -l jobs
	for how in "-L 1h jobs" "jobs -- true"; do
		rm -f record
		# shellcheck disable=SC2086 # words
		RECORD=$PWD/record RECORD_DEV=$(stat -c %d .) preloaded shim-record qpop $how
		run ! grep -qaE '^W [0-9]+ (32|4128) 120 0' record
		grep -qaE '^W [0-9]+ (32|4128) 120 1' record
	done
}

@test "output that fails once is not acknowledged, though the rest could be written" {
	local form

	head -c 2M /dev/urandom | qpush jobs
	for form in '' -j; do
		# shellcheck disable=SC2086 # no option, or one
		ASAN_OPTIONS=detect_leaks=0 run --separate-stderr "$BIN/tool/trace" \
			-a write -e 1:11 -r report -- qpop $form jobs
		has "$stderr" "Resource temporarily unavailable; put back"
		has "$(cat report)" "write 1 exit 3"
		counts jobs ready=1 done=0
	done
}

# unlisted COMMAND...: with directories that can be opened, and not read.
unlisted() {
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o /dev/null \
		-e inject=getdents64:error=EIO "$@"
}

@test "a directory that cannot be read is not an empty one" {
	qpush jobs a
	head -c 2M /dev/zero | qpush jobs
	fails 3 'blob: Input/output error' unlisted qctl backup jobs ./saved
	[ ! -e saved ]
	fails 3 'Input/output error' unlisted qctl check jobs
	fails 3 'Input/output error' unlisted qctl check --repair --yes jobs
	fails 3 'Input/output error' unlisted qctl rm --yes jobs
	fails 3 'Input/output error' unlisted qctl ls
	has "$(qctl check jobs)" 'sound: 2 messages'
}

# unread ERROR N COMMAND...: its reads of a place in a file fail from the Nth on.
unread() {
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o trace -P "$Q_ROOT/jobs/data.mdb" \
		-e inject=pread64:error="$1":when="$2"+ "${@:3}"
}

@test "what a check cannot read is damaged if the disk does not give it, and only then" {
	local n=1

	qpush jobs a b
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record msg 0000000000000001
	run -65 unread EIO 9 qctl check jobs
	while run --separate-stderr unread EMFILE "$n" qctl check --repair --yes jobs &&
		grep -q INJECTED trace; do
		is "$status $stderr" "3 qctl: jobs: data.mdb: Too many open files"
		n=$((n + 1))
	done
	[ "$n" -gt 20 ]
	is "$status" 0
	is "$(qpop -n all -l jobs)" $'a\nb'
}
