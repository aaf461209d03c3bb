#!/bin/sh
# SPDX-License-Identifier: ISC
# run.sh SECONDS FUZZER...: each fuzzer for so long; a line of TAP each, 1 if one crashes.
# SEED in the environment: the same inputs each time, so that what passes once passes again.
# Inputs kept in corpus/NAME are where it begins. What it finds is kept where KEEP says, if
# it is set; an input that crashes it is shown, and left beside the fuzzer as NAME-crash-*.
set -u

seconds=$1
shift
here=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

echo "1..$#"
number=0
status=0
for fuzzer; do
	name=$(basename "$fuzzer")
	number=$((number + 1))
	found=${KEEP:-$tmp}/$name
	log=$tmp/$name.log
	mkdir -p "$found"
	set -- "$found"
	if [ -d "$here/corpus/$name" ]; then
		set -- "$@" "$here/corpus/$name"
	fi
	if "$fuzzer" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
		-seed="${SEED:-0}" -max_len=4096 -timeout=10 -artifact_prefix="$fuzzer-" "$@" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $number - fuzz $name # ${runs:-?} inputs"
	else
		echo "not ok $number - fuzz $name"
		sed 's/^/# /' "$log"
		status=1
	fi
done
exit "$status"
