#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Full disks: pushes are refused, and everything that is stored can be taken.

# shellcheck disable=SC2154 # lib.bash sets status
load lib

# Run the script on stdin with 3 MB of disk at ./disk, where queues are.
on_small_disk() {
	mkdir disk
	mounting < <(
		echo "mount -t tmpfs -o size=3m none disk; export Q_ROOT=\$PWD/disk"
		cat
	)
}

@test "on a full disk pushes are refused, and everything stored can be taken" {
	on_small_disk <<-'END'
		seq 100000 | sed 's/$/ some words to fill the line/' >lines
		head -n 500 lines | qpush -l jobs
		cat /dev/zero >disk/fill || :
		n=500
		while sed -n "$((n + 1)),$((n + 100))p;$((n + 100))q" lines | qpush -l jobs 2>err; do
			n=$((n + 100))
		done
		has "$(cat err)" "qpush: jobs: no space left on device"
		has "$(cat err)" "taking and acknowledging still work"
		# a part of the last batch may have found room, and single ones still do
		n=$(count jobs pushed)
		while qpush jobs "$(sed -n "$((n + 1))p;$((n + 1))q" lines)" 2>err; do
			n=$((n + 1))
		done
		qpush jobs x 2>err && status=0 || status=$?
		is "$status" 75
		has "$(cat err)" "nothing stored"
		is "$(count jobs pushed)" "$n"
		# take and acknowledge, both ways, to the last
		for i in 1 2 3 4 5; do
			qpop -L 1h jobs -r receipt >>taken
			echo >>taken
			qack jobs "$(cat receipt)"
		done
		qpop -L 1h -n 500 -l jobs >leased
		cut -f1 leased | qack jobs -
		cut -f2 leased >>taken
		while qpop -n 1000 -l jobs >>taken; do :; done
		head -n "$n" lines | cmp - taken
		is "$(count jobs done)" "$n"
		is_whole_with_room
	END
}

@test "on a disk that is full after a queue was compacted, everything can be taken" {
	on_small_disk <<-'END'
		seq 2500 | sed 's/$/ some words to fill the line/' >lines
		qpush -l jobs <lines
		qpop -n 2000 -l jobs >taken
		qctl compact -q jobs
		cat /dev/zero >disk/fill || :
		for i in {1..60}; do
			qpop -L 1h jobs -r receipt >>taken
			echo >>taken
			qack jobs "$(cat receipt)"
		done
		while qpop -n 100 -l jobs >>taken; do :; done
		cmp lines taken
		is_whole_with_room
	END
}

@test "on a full disk, messages that shared rows can be leased and given back one by one" {
	on_small_disk <<-'END'
		seq 4000 | qpush -l jobs
		qctl compact -q jobs
		cat /dev/zero >disk/fill || :
		qpop -L 1h -n all -j jobs | jq -r .receipt >receipts
		awk 'NR % 2' receipts | qack --release jobs -
		awk 'NR % 2 == 0' receipts | qack --release jobs -
		for i in {1..20}; do
			qpop -L 1h -l jobs >>leased
		done
		cut -f1 leased | qack jobs -
		cut -f2 leased >taken
		while qpop -n 500 -l jobs >>taken; do :; done
		seq 4000 | cmp - taken
		counts jobs done=4000
		qctl check jobs
	END
}

@test "on a full disk, what is spread over all pages is taken, settled and purged" {
	on_small_disk <<-'END'
		# of each page there are some of each priority
		many() {
			seq 1500 | awk '{ printf "{\"body\":\"%0700d\",\"priority\":%d%s}\n", $1, $1 % 7, $1 % 5 ? "" : more }' \
				more="${1:-}" | qpush -J jobs
		}
		full() {
			qctl compact -q jobs
			cat /dev/zero >disk/fill || :
		}
		again() {
			qctl check jobs
			qctl rm -q -y jobs
			rm disk/fill
		}
		many
		full
		qpop -n all -l jobs | sort | uniq | wc -l >taken
		is "$(cat taken)" 1500
		again

		many
		full
		qpop -L 1h -n 1500 -j jobs >leased
		qpop -L 1h -n all -j jobs >>leased || :
		qack jobs - <leased
		counts jobs done=1500
		again

		many
		full
		qpop -n all -B 500 jobs -- sh -c 'cat >>rest'
		counts jobs done=1500
		again

		many
		full
		qctl purge -q -y jobs
		counts jobs purged=1500
		again

		many ',"delay":"300ms"'
		full
		sleep 0.4
		qpop -n all -l jobs | wc -l >taken
		qpop -n all -l jobs | wc -l >>taken || :
		counts jobs done=1500
		again
	END
}

@test "of a quota that a compacted queue uses up, everything can be taken" {
	[ -z "${SAN:-}" ] || skip "a sanitizer wants to be loaded first"
	local used

	seq 2500 | sed 's/$/ some words to fill the line/' >lines
	qpush -l jobs <lines
	qpop -n 2000 -l jobs >taken
	qctl compact -q jobs
	used=$(stat -c %b "$Q_ROOT/jobs/data.mdb")
	export SHIM_QUOTA=$((used * 512))
	for _ in {1..20}; do
		preloaded shim-quota qpop -L 1h jobs -r receipt >>taken
		echo >>taken
		preloaded shim-quota qack jobs "$(cat receipt)"
	done
	while preloaded shim-quota qpop -n 100 -l jobs >>taken; do :; done
	cmp lines taken
	balances jobs
	qctl check jobs
}

@test "a large body on a full disk is refused and leaves nothing behind" {
	on_small_disk <<-'END'
		qpush jobs first
		for form in '' -l; do
			status=0
			head -c 20M /dev/zero | qpush $form jobs 2>err || status=$?
			is "$status" 75
			has "$(cat err)" "no space left on device"
			is "$(ls disk/jobs/blob)" ''
		done
		is "$(qpop jobs)" first
		qpush jobs second
		is "$(qpop jobs)" second
	END
}

@test "a queue cannot be made on a full disk, nor in part" {
	on_small_disk <<-'END'
		cat /dev/zero >disk/fill || :
		status=0
		qpush jobs x 2>err || status=$?
		is "$status" 75
		is "$(ls -A disk)" fill
		# at each point of the way
		umount disk
		for size in 4 8 12 16 20 24 32 64 256; do
			mount -t tmpfs -o size=${size}k none disk
			status=0
			qpush jobs x 2>err || status=$?
			is "$size: $status" "$size: 75"
			has "$(cat err)" 'No space left on device'
			is "$(ls -A disk)" ''
			umount disk
		done
	END
}

@test "on a full disk, a push that finds no room takes no acknowledgement with it" {
	on_small_disk <<-'END'
		seq 2500 | sed 's/$/ some words to fill the line/' | qpush -l jobs
		qpop -n 1500 -l jobs | wc -l >taken
		qpop -L 1h -n 200 -j jobs | jq -r .receipt | split -l 50 - receipts.
		qctl compact -q jobs
		cat /dev/zero >disk/fill || :
		head -c 3000 /dev/zero >large
		for i in 1 2 3; do
			(while [ ! -e acked ]; do qpush jobs <large 2>>errors || is $? 75; done) &
		done
		for i in receipts.*; do
			(while read -r r; do qack jobs "$r" || echo "$?" >>failed; done <"$i"; echo "$i" >>ended) &
		done
		until [ "$(cat ended 2>&1 | wc -l)" = 4 ]; do sleep 0.1; done
		touch acked
		wait
		[ ! -e failed ]
		counts jobs done=1700
		qctl check jobs
	END
}

@test "on a full disk, a COMMAND's output is kept or lost, and its message is done" {
	on_small_disk <<-'END'
		mount -o remount,size=6m disk
		qctl create jobs results=all
		seq 2500 | sed 's/$/ some words to fill the line, and a few more of them to take space/' >lines
		qpush -l jobs <lines
		qpop -n 500 -l jobs | wc -l >taken
		qctl compact -q jobs
		cat /dev/zero >disk/fill || :
		# the less there is room for, the less of it may be promised
		for i in {1..40}; do
			qpop -n 5 jobs -- head -c 1500 /dev/zero
			truncate -s -32K disk/fill
		done
		counts jobs done=700
		qctl check jobs
	END
}
