#!/bin/sh
# All tests of one build, or those that are named, with the totals at the end: unit programs
# and bats files.
# SRC is the source folder, BIN the folder of the build.
set -u
cd "$SRC" || exit 1
[ $# -gt 0 ] || set -- "$BIN"/unit/* tests/*.bats tests/crash/run.py
CMOCKA_MESSAGE_OUTPUT=TAP
export CMOCKA_MESSAGE_OUTPUT SRC BIN

jobs=$(($(nproc) * 2))
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# prove's own exit status, through the pipe to tee
{
	${PROVE:-prove} -f -o -j "$jobs" -e 'sh tests/tap.sh' "$@" 2>&1
	echo "status $?"
} | tee "$log" | grep --line-buffered -v '^status '
status=$(sed -n 's/^status //p' "$log")

ran=$(sed -n 's/^Files=[0-9]*, Tests=\([0-9]*\).*/\1/p' "$log")
failed=$(sed -n 's/.*Failed: \([0-9]*\)).*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "${ran:-0}" -gt 0 ] || status=1
echo "$((${ran:-0} - failed)) passed, $failed failed"
exit "$status"
