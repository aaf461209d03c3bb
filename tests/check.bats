#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl check: a sound queue is sound, whatever it went through; damage is found and named;
# a repair loses nothing that can be read, and what it leaves is sound.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

damage() {
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" "$@"
}

# A sound queue: one line, and nothing else.
is_sound() {
	run --separate-stderr -0 qctl check "$1"
	is "${#lines[@]}" 1
	has "$output" "$1: sound: "
	is "$stderr" ''
}

# found TEXT...: qctl check exits 65, and its list has each TEXT.
found() {
	local text

	run --separate-stderr -65 qctl check jobs
	for text; do
		has "$output" "$text"
	done
	has "$stderr" "qctl: jobs: ${#lines[@]} finding"
}

# repairs TEXT: check --repair says TEXT, and the queue is sound then.
repairs() {
	run --separate-stderr -0 qctl check --repair --yes jobs
	has "$stderr" "qctl: jobs: repaired: $1"
	[ "${#lines[@]}" -gt 0 ]
	is_sound jobs
	balances jobs
}

# Messages in every state, with failures, memories and a large body; kept as whole, and
# what a drain gives as wanted.
mixed_queue() {
	if [ ! -e "$BATS_FILE_TMPDIR/whole" ]; then
		qctl create jobs backoff=0
		seq 200 | sed 's/$/ and some text, so that there are more pages/' | qpush -l jobs
		head -c 9000 /dev/zero | tr '\0' y | qpush -H name=value jobs
		head -c 2M /dev/zero | qpush jobs
		qpush -d 1000h jobs delayed
		qpush -e 1000h jobs expires
		qpush -p 5 -m 1 jobs poison
		run -4 qpop jobs -- false
		run -4 qpop jobs -- false
		qack jobs "$(qpop -L 1h -r receipt jobs >/dev/null && cat receipt)"
		qpop -L 1000h jobs >/dev/null
		is_sound jobs
		cp -r "$Q_ROOT/jobs" "$BATS_FILE_TMPDIR/whole"
		qpop -n all -0 jobs | tr '\0' '\n' | sort >"$BATS_FILE_TMPDIR/wanted"
	fi
	fresh_copy
}

fresh_copy() {
	rm -rf "$Q_ROOT"
	mkdir "$Q_ROOT"
	cp -r "$BATS_FILE_TMPDIR/${1:-whole}" "$Q_ROOT/jobs"
}

# ---- sound queues ----

@test "a new queue is sound" {
	qctl create jobs
	is_sound jobs
	is "$(qctl check jobs)" 'jobs: sound: 0 messages, 0 B'
}

@test "a queue with messages of every kind is sound, and check says how many" {
	mixed_queue
	is "$(qctl check jobs)" 'jobs: sound: 204 messages, 2.0 MiB, 1 large body'
	is "$(qctl check --json jobs | jq -c '[.queue, .found, .messages, .blobs]')" \
		'["jobs",0,204,1]'
}

@test "a queue is sound whatever was done to it, by many at once" {
	local i

	qctl create jobs backoff=0
	for i in {1..8}; do
		seq 300 | qpush -l -p "$i" jobs &
		seq 50 | qpush -l -d 1s -e 2s jobs &
		qpop -n 100 jobs -- sh -c 'exit $(($$ % 2))' 2>/dev/null &
		qpop -L 10ms -n 20 -l jobs >/dev/null &
	done
	for i in {1..5}; do
		is_sound jobs
	done
	wait
	is_sound jobs
	drain jobs >/dev/null
	is_sound jobs
}

@test "check may look at what it may only read, and changes nothing" {
	mixed_queue
	cp "$Q_ROOT/jobs/data.mdb" before
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	is_sound jobs
	cmp before "$Q_ROOT/jobs/data.mdb"
}

@test "a file of an ended message is no damage, and goes with a repair" {
	qpush jobs x
	echo left >"$Q_ROOT/jobs/blob/77"
	echo left >"$Q_ROOT/jobs/blob/1-2-3.tmp"
	is "$(qctl check jobs)" 'jobs: sound: 1 message, 1 B; 2 files of ended messages'
	is "$(qctl check --repair --yes jobs)" \
		'jobs: sound: 1 message, 1 B; 2 files of ended messages'
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	is "$(ls "$Q_ROOT/jobs")" $'blob\ndata.mdb\nhold'
	is "$(qpop jobs)" x
}

@test "what is no queue is not checked" {
	fails 3 'no such queue' qctl check jobs
	mkdir -p "$Q_ROOT/dir"
	fails 3 'not a queue' qctl check dir
	fails 2 'no queue given' qctl check
	fails 2 'too many operands for check' qctl check jobs more
	fails 2 '--repair is not for get' qctl get --repair jobs
}

# ---- damage ----

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

# ---- the repair itself ----

@test "a repair says what it would do, and without --yes does nothing" {
	qpush jobs a
	damage record body 0000000000000001
	cp "$Q_ROOT/jobs/data.mdb" before
	run --separate-stderr -2 qctl check --repair jobs
	has "$output" 'message 1 is damaged'
	has "$stderr" 'qctl: jobs: would build the queue again of what can be read; repeat with --yes'
	cmp before "$Q_ROOT/jobs/data.mdb"
}

@test "the damaged file is kept, whole, and the new one has its mode" {
	qctl create --mode=0770 jobs
	qpush jobs a
	damage record body 0000000000000001
	cp "$Q_ROOT/jobs/data.mdb" before
	qctl check --repair --yes jobs >/dev/null
	cmp before "$Q_ROOT"/jobs/data.mdb.damaged-*
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 660
	is "$(find "$Q_ROOT/jobs" -name '*repair*')" ''
}

@test "a repair that is killed changes nothing, or all" {
	local n

	mixed_queue
	for n in {1..15}; do
		fresh_copy
		damage record body 0000000000000020
		timeout -s KILL "0.0$((n / 3))$((n % 3 * 3))" qctl check --repair --yes jobs >/dev/null 2>&1 || :
		qctl check --repair --yes jobs >/dev/null
		is_sound jobs
		is "$(find "$Q_ROOT/jobs" -name '*repair*')" ''
	done
}

@test "a repair without room on the disk changes nothing" {
	mixed_queue
	damage record body 0000000000000020
	cp "$Q_ROOT/jobs/data.mdb" before
	run --separate-stderr bash -c 'ulimit -f 64; qctl check --repair --yes jobs'
	[ "$status" -eq 75 ] || [ "$status" -eq 3 ]
	cmp before "$Q_ROOT/jobs/data.mdb"
	is "$(ls "$Q_ROOT/jobs")" $'blob\ndata.mdb\nhold'
}

@test "who may only read is told so, and repairs nothing" {
	[ "$(id -u)" != 0 ] || skip "the superuser may write everything"
	qpush jobs a
	damage record body 0000000000000001
	chmod 400 "$Q_ROOT/jobs/data.mdb"
	fails 3 'ermission denied' qctl check --repair --yes jobs
}

# ---- groups, keys and results ----

# Two groups, of which a has its first message leased; keys; and results, one a file.
grouped_queue() {
	if [ ! -e "$BATS_FILE_TMPDIR/grouped" ]; then
		qctl create jobs backoff=0 results=all inline=4K
		qpush -g a jobs a1
		qpop -L 1000h -r receipt jobs >/dev/null
		seq 2 60 | sed 's/^/a/' | qpush -l -g a jobs
		seq 1 60 | sed 's/^/b/' | qpush -l -g b jobs
		qpush -k here jobs keyed
		qctl set jobs window=1h
		qpush -k gone -p 9 jobs x
		qpop jobs -- true
		qpush -p 9 jobs y
		qpop jobs -- head -c 5000 /dev/zero
		is_sound jobs
		cp -r "$Q_ROOT/jobs" "$BATS_FILE_TMPDIR/grouped"
		cp receipt "$BATS_FILE_TMPDIR"
	fi
	fresh_copy grouped
}

# What is left comes, and each group in its order, after what the lease of a1 held up.
gives_groups_in_order() {
	local group

	qpop -n all -l jobs >given 2>/dev/null || :
	qack -q jobs "$(cat "$BATS_FILE_TMPDIR/receipt")" 2>/dev/null || :
	while qpop -l jobs >>given 2>/dev/null; do :; done
	for group in a b; do
		is "$1: $(grep "^$group" given)" "$1: $(grep "^$group" given | sort -t "$group" -k 2n)"
	done
}

@test "a group whose row is lost, or of which a second message goes on, is put in order" {
	local row

	grouped_queue
	damage state 10 1
	found 'message 10 is not listed in table ready' \
		'the group of message 1 has messages that are not blocked'
	repairs '121 messages, 0 of them set aside'
	counts jobs blocked=118
	gives_groups_in_order two
	is "$(wc -l <given)" 120

	fresh_copy grouped
	damage state 1 3
	found 'the group of message 1 has only blocked messages'
	repairs '121 messages, 0 of them set aside'
	gives_groups_in_order none
	is "$(wc -l <given)" 121
}

@test "a damaged state in a group costs nothing, neither a message nor the order" {
	local id

	grouped_queue
	for id in 1 2 30 61; do
		fresh_copy grouped
		damage record msg "$(printf %016x "$id")"
		found "message $id is damaged (its state record)"
		repairs '121 messages, 0 of them set aside'
		gives_groups_in_order "$id"
	done
}

@test "a key that is lost is its message's again; one of a finished message is kept" {
	grouped_queue
	damage record msg 0000000000000079
	qctl check --repair --yes jobs >/dev/null 2>&1
	is_sound jobs
	is "$(qpush -i -k here jobs again)" 121
	is "$(qpush -i -k gone jobs again)" 122
}

@test "a damaged result is found; its file goes, and nothing else" {
	grouped_queue
	damage record result 000000000000007b
	found 'message 123 is damaged (its result)'
	repairs '121 messages, 0 of them set aside'
	is "$(ls "$Q_ROOT/jobs/blob" | wc -l)" 1
	qctl check --repair --yes jobs >/dev/null
	gives_groups_in_order result
}

@test "the file of an output that is damaged is found, and noted as lost" {
	grouped_queue
	echo more >>"$Q_ROOT/jobs/blob/123.out"
	found 'message 123 is damaged (the file of its output)'
	repairs '121 messages, 0 of them set aside'
}

@test "with any page lost, a repair keeps the order of groups" {
	local n pages

	grouped_queue
	pages=$(damage pages)
	[ "$pages" -gt 10 ]
	for ((n = 0; n < pages; n++)); do
		fresh_copy grouped
		damage zero "$n"
		qctl check --repair --yes jobs >list 2>err || is "page $n: $(cat err)" sound
		is_sound jobs
		balances jobs
		gives_groups_in_order "page $n"
	done
}
