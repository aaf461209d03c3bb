#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Builtins of bash: whatever becomes of a call, the shell goes on, and has what it had.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
# shellcheck disable=SC2016 # scripts are for another bash to expand
load lib
load builtins

# What the shell has, in words that must be the same before and after calls.
snapshot='snapshot() {
	echo /proc/$$/fd/*
	# read by the shell itself: it blocks signals while it makes a child
	mapfile -t status </proc/$$/status
	printf "%s\n" "${status[@]}" | grep "^Sig[BIC]"
	trap
	umask
	pwd
}'

@test "an error ends the call, and not the shell" {
	run -0 --separate-stderr with_builtins <<-'END'
		qpush; echo $?
		qpush jobs ''; echo $?
		qpush --bad; echo $?
		qpop none; echo $?
		qpush -f absent jobs; echo $?
		qpush jobs x; qpop -o /nonexistent/file jobs; echo $?
		qack jobs nonsense; echo $?
		qpush -J jobs <<<'{'; echo $?
		echo still here, $(qpop jobs)
	END
	is "$output" $'2\n2\n2\n3\n3\n3\n2\n2\nstill here, x'
	run -3 with_builtins <<-'END'
		set -e
		qpop none || echo caught
		if ! qpop none; then echo caught; fi
		qpop none
		echo not reached
	END
	is "$(grep -v none <<<"$output")" $'caught\ncaught'
}

@test "whatever becomes of a call, the shell has what it had before" {
	echo "$snapshot" >functions
	with_builtins <<-'END'
		. ./functions
		exec 5>/dev/null
		trap 'echo int' INT
		trap '' HUP
		round() {
			qpush jobs a b c
			head -c 3M /dev/zero | qpush jobs
			qpush --help
			qpush -f absent jobs
			qpush -f /etc/passwd -f absent jobs
			qpush -f / jobs
			qpush --expire 0 jobs x
			qpush -H a=b -H wrong jobs x
			qpush -J jobs <<<'{"body":"x","headers":{"a":"b"}}{'
			qpop -j jobs
			qpop -o out jobs
			qpop -o /nonexistent/out jobs
			qpop -L 1m -r receipt jobs
			qack jobs "$(cat receipt)"
			qack -j jobs - <receipt
			qack jobs - <<<nonsense
			qack jobs 1.1.aaaaa nonsense
			qpop -n all jobs
			qpop -w0.01s jobs
			qpop none
			qpush jobs x >&-
			qpop jobs >&-
			qpop jobs >/dev/full
			qpop --help >/dev/full
			qpop -n all jobs -- true
			qpush --from-command jobs -- false
			qpush --call=1ms jobs x
		} >/dev/null 2>&1
		snapshot >before
		round # bash itself catches more signals from its first child and trap on
		snapshot >before
		round
		round
		snapshot >after
	END
	diff before after
}

@test "memory does not grow with the number of calls" {
	with_builtins <<-'END'
		data() {
			local line
			while read -r line; do
				[[ $line != VmData:* ]] || set -- ${line//[^0-9]/}
			done </proc/$$/status
			size=$1
		}
		calls() {
			for ((i = 0; i < $1; i++)); do
				qpush --header a=b --bad 2>/dev/null
				qpush -f /etc/passwd -f absent --priority 1000 jobs 2>/dev/null
				qpop none 2>/dev/null
				qpop jobs
				qack jobs 5.1.aaaaa 2>/dev/null
				qack jobs 5.1.aaaaa - 2>/dev/null
				((i % 20)) && continue
				qpush -J jobs <<<'{"body":"x","headers":{"a":"b"},"x":{' 2>/dev/null
				qpush jobs x
				qpush -f /etc/passwd -f absent jobs 2>/dev/null
				qpop -o /nonexistent/file jobs 2>/dev/null
				qpop -j -n all jobs >/dev/null
			done
		}
		qctl create jobs
		calls 200
		data; before=$size
		calls "$CALLS"
		data; after=$size
		echo "$before KiB, then $after KiB"
		((after - before <= 256))
	END
}

@test "what is forgotten leaves nothing behind, and can be loaded again" {
	with_builtins <<-'END'
		for i in {1..30}; do
			qpush jobs "$i"
			qpop jobs >/dev/null
			enable -d qpush qpop qack
			mapfile -t maps </proc/$$/maps
			((i > 2)) || first=${#maps[@]}
			enable -f "$BIN/qutils.so" qpush qpop qack
		done
		echo "$first mappings, then ${#maps[@]}"
		[[ ${maps[*]} != *qutils.so* ]]
		((${#maps[@]} <= first))
	END
}

@test "a queue that is damaged is reported, and the shell goes on" {
	qpush jobs x
	qpush other y
	truncate -s 5000 "$Q_ROOT/jobs/data.mdb"
	cp -r "$Q_ROOT/other" "$Q_ROOT/zeros"
	dd if=/dev/zero of="$Q_ROOT/zeros/data.mdb" bs=4096 seek=2 count=200 conv=notrunc status=none
	echo "$snapshot" >functions
	run -0 --separate-stderr with_builtins <<-'END'
		. ./functions
		/bin/true
		snapshot >before
		snapshot >before # bash catches more signals from its first trap on
		for i in 1 2 3; do
			qpop jobs; echo $?
			qpush jobs z; echo $?
			qpop zeros; echo $?
		done
		snapshot >after
		qpop other
	END
	is "$output" "$(yes 65 | head -n 9)"$'\ny'
	diff before after
}

@test "a fault inside the store ends the call, frees the lock and keeps the shell" {
	seq 2000 | qpush -l jobs
	echo "$snapshot" >functions
	# Pages of the tree are changed until one makes LMDB give up in its own way.
	with_builtins <<-'END' 2>errors
		. ./functions
		/bin/true
		snapshot >before
		snapshot >before
		cp -r "$Q_ROOT/jobs" sound
		pages=$("$BIN/tool/damage" sound/data.mdb pages)
		for ((n = 2; n < pages; n++)); do
			cp sound/data.mdb "$Q_ROOT/jobs/data.mdb"
			"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" zero "$n"
			qpop -n all jobs >/dev/null
			echo "$?" >>statuses
			flock -n "$Q_ROOT/jobs/data.mdb" true || echo locked
		done
		snapshot >after
		cp sound/data.mdb "$Q_ROOT/jobs/data.mdb"
		qpop -n all -l jobs >out
	END
	diff before after
	grep -qx 65 statuses
	run ! grep -qvxE '0|1|65' statuses
	seq 2000 | cmp - out
}
