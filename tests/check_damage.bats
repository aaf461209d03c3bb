#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl check: damage is found and named; a repair loses nothing that can be read, and what
# it leaves is sound.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib
load check

@test "a damaged record is found and named, and set aside by a repair" {
	qpush jobs a b c
	damage record body 0000000000000002
	found 'message 2 is damaged (its message record)'
	is "$(qctl check --json jobs 2>/dev/null | jq -c 'select(.id) | [.id, .object]')" \
		'[2,"message 2"]'
	repairs '3 messages, 1 of them set aside as dead; the old file is data.mdb.damaged-'
	has "$(qctl check jobs)" '3 messages, 3 B; 1 damaged message set aside as dead'
	is "$(qpop -n all -l jobs)" $'a\nc'
	counts jobs dead=1
}

@test "a damaged state is found; its message is given, and no old receipt fits it" {
	qpush jobs a b
	qpop -L 1h -r receipt jobs >/dev/null
	damage record msg 0000000000000001
	found 'message 1 is damaged (its state record)' 'the counter of bytes is 2'
	repairs '2 messages, 0 of them set aside'
	is "$(qpop -L 1h -r second jobs)" a
	fails 1 'lease lost: delivered again' qack jobs "$(cat receipt)"
	qack jobs "$(cat second)"
	is "$(qpop jobs)" b
}

@test "of delayed messages that share a damaged state, a repair makes none ready before its time" {
	seq 70 | qpush -l -d 1h jobs
	seq 71 80 | qpush -l -d 2h jobs
	seq 81 90 | qpush -l jobs
	damage record msg 0000000000000001
	damage record msg 0000000000000047
	damage record msg 0000000000000051
	found 'message 1 is damaged (its state record)' 'message 71 is damaged' \
		'message 81 is damaged'
	[[ $output != *balance* ]]
	repairs '90 messages, 0 of them set aside'
	counts jobs ready=10 delayed=80
	is "$(qpop -n all -l jobs)" "$(seq 81 90)"
	is "$(SHIM_WALL=3700 preloaded shim-time qpop -n all -l jobs)" "$(seq 70)"
	is "$(SHIM_WALL=7300 preloaded shim-time qpop -n all -l jobs)" "$(seq 71 80)"
}

@test "a message that a take has set aside is no new finding" {
	qpush jobs a
	damage record body 0000000000000001
	fails 65 'set aside' qpop jobs
	has "$(qctl check jobs)" 'sound: 1 message, 1 B; 1 damaged message set aside as dead'
}

@test "of a state that a take finds damaged, what was pushed is known, and no receipt fits" {
	qpush -p 7 jobs 'what was pushed'
	qpush jobs b
	qpop -L 1h -r receipt jobs >/dev/null
	damage record msg 0000000000000001
	SHIM_BOOT=3601 run preloaded shim-time qpop --id 999 jobs
	counts jobs dead=1 bytes=16
	has "$(qctl check jobs)" 'sound: 2 messages, 16 B; 1 damaged message set aside'
	qctl redrive jobs 1
	is "$(qpop -L 1h -r second jobs)" 'what was pushed'
	fails 1 'nothing changed' qack jobs "$(cat receipt)"
	qack jobs "$(cat second)"
}

@test "a damaged meta record is found, and made again" {
	local key

	qpush jobs a b c
	qpop jobs >/dev/null
	qctl set jobs max-attempts=7
	cp "$Q_ROOT/jobs/data.mdb" whole
	for key in format uuid config counters boot next pause; do
		cp whole "$Q_ROOT/jobs/data.mdb"
		damage record meta "$(printf %s "$key" | od -An -tx1 | tr -d ' ')"
		found "meta record '$key' is damaged"
		repairs '2 messages, 0 of them set aside'
		is "$(qctl get jobs max-attempts)" \
			"max-attempts $([ "$key" = config ] && echo 20 || echo 7)"
		qpush jobs d
		# an id is given once
		[ "$(qstat --list --json jobs | jq .id | sort -n | tail -n 1)" -gt 3 ]
		is "$(qpop -n all -l jobs)" $'b\nc\nd'
	done
}

@test "a newer format is refused, not repaired" {
	qpush jobs x
	damage format 2
	fails 3 'format 2 is newer than this program knows' qctl check jobs
	fails 3 'format 2 is newer' qctl check --repair --yes jobs
	damage format 1
	is "$(qpop jobs)" x
}

@test "the file of a large body that is missing, short or changed is found" {
	local how

	qpush jobs small
	head -c 2M /dev/zero | qpush jobs
	cp "$Q_ROOT/jobs/blob/2" file
	cp "$Q_ROOT/jobs/data.mdb" whole
	for how in 'rm' 'truncate -s 1M' 'dd if=/dev/urandom bs=1 count=1 conv=notrunc status=none of='; do
		cp whole "$Q_ROOT/jobs/data.mdb"
		cp file "$Q_ROOT/jobs/blob/2"
		if [[ $how == *= ]]; then
			$how"$Q_ROOT/jobs/blob/2"
		else
			# shellcheck disable=SC2086 # words
			$how "$Q_ROOT/jobs/blob/2"
		fi
		found 'message 2 is damaged (the file of its body)'
		repairs '2 messages, 1 of them set aside as dead'
		is "$(qpop -n all -l jobs)" small
		# what is left of it stays
		[ "$how" = rm ] || [ -e "$Q_ROOT/jobs/blob/2" ]
	done
}

@test "a directory of large bodies that is missing is damage, and made again by a repair" {
	local i

	qctl create --mode=0770 jobs inline=4K
	for i in 1 2; do head -c 5000 /dev/zero | qpush jobs; done
	qpush -p -1 jobs small
	rm -r "$Q_ROOT/jobs/blob"
	fails 65 'message 1: its file is missing' qpop jobs
	fails 65 "its directory blob is missing; run 'qctl check'" qpush -f /bin/sh jobs
	fails 65 "its directory blob is missing; run 'qctl check'" qstat jobs
	run --separate-stderr -65 qctl check jobs
	is "$(head -n 1 <<<"$output")" 'directory blob is missing'
	is "$(grep -c 'message [12] is damaged (the file of its body)' <<<"$output")" 2
	qctl check --repair --yes jobs
	is "$(stat -c %a "$Q_ROOT/jobs/blob")" 2770
	qctl check jobs
	counts jobs ready=1 dead=2
	is "$(qpop jobs)" small
	head -c 5000 /dev/zero | qpush jobs
	is "$(qpop jobs | wc -c)" 5000
}

@test "a data file that was cut is found, and repaired as far as it goes" {
	local size used

	mixed_queue
	used=$(damage pages)
	for size in $((used * 2048)) $((used * 4096 - 4096)); do
		fresh_copy
		truncate -s "$size" "$Q_ROOT/jobs/data.mdb"
		found 'data.mdb is cut short'
		qctl check --repair --yes jobs >/dev/null
		is_sound jobs
		balances jobs
	done
}

@test "of a file that is no database at all, an empty queue is made" {
	qpush jobs x
	head -c 100K /dev/urandom >"$Q_ROOT/jobs/data.mdb"
	found 'meta page 0 is damaged' 'meta page 1 is damaged'
	repairs '0 messages'
	qpush jobs y
	is "$(qpop jobs)" y
}

@test "with any page lost, a repair leaves a sound queue that gives what was pushed" {
	local n pages was

	mixed_queue
	pages=$(damage pages)
	[ "$pages" -gt 10 ]
	for ((n = 0; n < pages; n++)); do
		fresh_copy
		damage zero "$n"
		qctl check jobs >list 2>&1 && was=0 || was=$?
		qctl check --repair --yes jobs >/dev/null 2>err
		is_sound jobs
		balances jobs
		qpop -n all -0 jobs 2>/dev/null | tr '\0' '\n' | sort >given
		is "page $n: $(comm -23 given "$BATS_FILE_TMPDIR/wanted" | grep -v '^2 and')" "page $n: "
		# (with a meta page lost, the last transaction may be: a lease, of 2)
		# nothing is missing but what is set aside; without damage, nothing at all
		[ "$was" = 0 ] || [ "$was" = 65 ]
		if [ "$was" = 0 ]; then
			is "page $n: $(diff given "$BATS_FILE_TMPDIR/wanted" | cut -c 1-80)" "page $n: "
		fi
		[ $(($(count jobs dead) + $(count jobs delayed) + $(count jobs leased) + \
			$(count jobs done))) -ge 204 ]
	done
}

@test "with any bit flipped, a repair leaves a sound queue that gives what was pushed" {
	local seed

	mixed_queue
	for seed in {1..60}; do
		fresh_copy
		damage flip "$seed"
		qctl check --repair --yes jobs >list 2>err
		is_sound jobs
		qpop -n all -0 jobs 2>/dev/null | tr '\0' '\n' | sort >given
		is "seed $seed: $(comm -23 given "$BATS_FILE_TMPDIR/wanted")" "seed $seed: "
	done
}

@test "a push whose meta page is lost is found again" {
	local n

	for n in 0 1; do
		qpush jobs a b
		qpop jobs >/dev/null
		qpush -d 1h jobs late
		seq 300 | sed 's/$/ and some text/' | qpush -l --atomic jobs
		damage zero "$n"
		found "meta page $n is damaged"
		repairs '302 messages, 0 of them set aside'
		is "$(qpop -n all -l jobs)" "b
$(seq 300 | sed 's/$/ and some text/')"
		counts jobs delayed=1
		rm -r "$Q_ROOT/jobs"
	done
}

@test "with both meta pages lost, all bodies are found again, as dead" {
	seq 500 | qpush -l jobs
	qpop -n 100 -l jobs >/dev/null
	damage zero 0
	damage zero 0
	found 'meta page 0' 'meta page 1'
	qctl check --repair --yes jobs >/dev/null
	is_sound jobs
	balances jobs
	for i in {101..500}; do
		qstat jobs "$i" >/dev/null
	done
	counts jobs ready=0
}

@test "a message that is damaged while it is delayed is no empty queue when it is due" {
	qpush -d 300ms jobs a
	damage record msg 0000000000000001
	sleep 0.4
	fails 65 'message 1 is damaged' qpop jobs
	is_silent 1 qpop jobs
	counts jobs dead=1 ready=0
	qpush -d 300ms jobs b
	damage record msg 0000000000000002
	qpush jobs c
	sleep 0.4
	is "$(qpop jobs)" c
	counts jobs dead=2 ready=0
}
