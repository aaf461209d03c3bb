#!/bin/sh
# SPDX-License-Identifier: ISC
# afl.sh SECONDS BUILD FUZZER...: AFL++ on each fuzzer, and on commands that are given a
# whole data.mdb, for so long each; a line of TAP each. 1 if one crashes or hangs, or if a
# command ends in a way that is not documented.
set -u

seconds=$1
build=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd) || exit 1
tmp=$(mktemp -d /dev/shm/q-afl.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
export AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_QUIET=1 \
	AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
	ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0
number=0
status=0

# verdict NAME DIRECTORY: of what AFL has left there.
verdict() {
	number=$((number + 1))
	runs=$(sed -n 's/^execs_done *: *//p' "$2/default/fuzzer_stats" 2>/dev/null)
	bad=$(ls "$2"/default/crashes/id* "$2"/default/hangs/id* 2>/dev/null)
	if [ -n "$bad" ] || [ -z "$runs" ]; then
		echo "not ok $number - afl $1"
		tail -n 5 "$2.log" | sed 's/^/# /'
		for file in $bad; do
			cp "$file" "$build/afl-$1-$(basename "$file")"
			echo "# $build/afl-$1-$(basename "$file")"
		done
		status=1
	else
		echo "ok $number - afl $1 # $runs inputs"
	fi
}

for fuzzer; do
	name=$(basename "$fuzzer")
	corpus=$tmp/$name.in
	mkdir "$corpus"
	cp "$here/corpus/$name"/* "$corpus" 2>/dev/null || echo 1 >"$corpus/1"
	timeout $((seconds + 60)) afl-fuzz -V "$seconds" -m none -t 1000+ -i "$corpus" \
		-o "$tmp/$name" -- "$fuzzer" >"$tmp/$name.log" 2>&1
	verdict "$name" "$tmp/$name"
done

# The commands as they are: what is written in place of data.mdb is what they read.
export Q_ROOT="$tmp/root"
mkdir "$tmp/images"
"$build/qctl" create image
seq 20 | "$build/qpush" -l image
"$build/qpush" -g g -k k -H a=b -e 1h -d 1h image later
"$build/qpop" -L 1h -n 3 -l image >"$tmp/leased"
cut -f1 "$tmp/leased" | head -n 1 | "$build/qack" --dead image -
cp "$Q_ROOT/image/data.mdb" "$tmp/images/small"
cp -r "$Q_ROOT/image" "$tmp/whole"
for command in 'qctl check' 'qstat --json' 'qpop -n all' 'qpush -l'; do
	name=$(echo "$command" | tr -c 'a-z\n' -)
	# shellcheck disable=SC2086 # words
	timeout $((seconds + 60)) afl-fuzz -V "$seconds" -m none -t 2000+ -i "$tmp/images" \
		-f "$Q_ROOT/image/data.mdb" -o "$tmp/$name" -- "$build"/$command image \
		>"$tmp/$name.log" 2>&1
	for file in "$tmp/$name"/default/queue/id*; do
		[ -f "$file" ] || continue
		rm -rf "$Q_ROOT/image"
		cp -r "$tmp/whole" "$Q_ROOT/image"
		cp "$file" "$Q_ROOT/image/data.mdb"
		# shellcheck disable=SC2086 # words
		timeout 10 "$build"/$command image </dev/null >/dev/null 2>&1
		case $? in
		0 | 1 | 3 | 65) ;;
		*)
			mkdir -p "$tmp/$name/default/crashes"
			cp "$file" "$tmp/$name/default/crashes/id-status"
			;;
		esac
	done
	verdict "image-$name" "$tmp/$name"
done
echo "1..$number"
exit "$status"
