#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Builtins of bash: what would break them is seen when it is written.

load lib
load builtins

archives() {
	local lib

	for lib in liblmdb libjansson; do
		"${CC:-cc}" -print-file-name=$lib.a
	done
}

# The objects that the builtins are made of.
parts() {
	local f

	readelf -sW "$BIN/qutils.so" | awk '$4 == "FILE" { print $8 }' | sort -u >sources
	for f in "$BIN"/{bash,cmd,libq}/*.o; do
		! grep -qx "$(basename "$f" .o).c" sources || echo "$f"
	done
}

# Names they use and do not define.
used() {
	{
		parts
		archives
	} | xargs nm -u 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u
}

@test "every function that allocates, opens or ends goes through cmd/bash" {
	local name

	used >names
	grep -qx malloc names
	while read -r name; do
		nm "$BIN/qutils.so" | grep -q " __wrap_$name\$" || {
			echo "not wrapped: $name" >&2
			return 1
		}
	done < <(grep -xE '(m|c|re|reallocarr|pv|v|aligned_)alloc|reallocarray|memalign|posix_memalign|v?asprintf|str(n)?dup|getline|getdelim|realpath|getcwd|scandir|open(64|at|at64)?|creat|mk[d]?o?stemp(64)?|memfd_create|tmpfile|f(d|re)?open(64)?|fopencookie|open_memstream|(fd)?opendir|_?exit|quick_exit|raise|signal|sigaction|mmap(64)?|std(in|out|err)' names)
	# and none writes to the shell's stream without naming it
	run ! grep -xE '(v|__v|__)?printf(_chk)?|puts|putchar' <(
		nm -u "$BIN"/bash/*.o "$BIN"/cmd/{opt,diag,feed,deliver,emit,out,settled,json}.o |
			awk '{ print $2 }')
}

@test "variables that keep their values between calls are known to be harmless" {
	# Set anew by each call, or a buffer for a text that is used up at once.
	printf '%s\n' at buf damage_head damage_tail caught count error error error \
		flush_error kept known large last last left message opt_arg opt_command opt_common \
		opt_noperands opt_operands prog spared used why | sort >expected
	parts | xargs objdump -t | awk '/[[:space:]]\.(t?bss|t?data|data\.rel\.local)[[:space:]]/ && $NF !~ /^\./ {
		sub(/\.[0-9]+$/, "", $NF); print $NF }' | sort >found
	diff expected found
}
