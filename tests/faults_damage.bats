#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Damaged files and records: every command ends, and says so; the other messages are given.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

@test "a data file that was cut is damage, never empty and never new" {
	local used size

	seq 200 | qpush -l jobs
	used=$(damage pages)
	cp "$Q_ROOT/jobs/data.mdb" whole
	for size in 0 1 100 4095 4096 8191 8192 12288 $((used * 2048)) $((used * 4096 - 4096)); do
		cp whole "$Q_ROOT/jobs/data.mdb"
		truncate -s "$size" "$Q_ROOT/jobs/data.mdb"
		all_fail 65 "data.mdb is damaged"
		is "$(stat -c %s "$Q_ROOT/jobs/data.mdb")" "$size"
	done
	cp whole "$Q_ROOT/jobs/data.mdb"
	is "$(drain jobs)" "$(seq 200)"
}

@test "other files and other databases are not a queue" {
	qpush jobs x
	head -c 100K /dev/urandom >"$Q_ROOT/jobs/data.mdb"
	all_fail 65 "data.mdb is damaged"
	head -c 100K /dev/zero >"$Q_ROOT/jobs/data.mdb"
	all_fail 65 "data.mdb is damaged"
}

# each_alone N: messages of which no two after one another share rows.
each_alone() {
	local i

	for ((i = 0; i < $1; i++)); do
		printf '{"body":"message %d of some length","priority":%d}\n' "$i" $((i % 2))
	done | qpush -J jobs
}

@test "what LMDB asserts of its pages is damage, told in one line" {
	each_alone 1000
	qpop -L 1h -n 1000 -l jobs >/dev/null
	# where the next leaf is to be, after the first, there is a page of another kind
	python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/jobs/data.mdb" '^root of leased.* itself'
	run --separate-stderr -65 qstat jobs
	is "$stderr" "qstat: jobs: data.mdb is damaged (SIGBUS while reading it); run 'qctl check jobs'"
}

@test "a root that is no page of rows is damage, and nobody looks for one there for ever" {
	seq 3 | qpush -l jobs
	# of the meta page in force, the root of the tables: its kind, and how many rows it has
	perl -e 'open F, "+<", $ARGV[0] or die; read F, $d, 8192;
		@m = sort { $b->[0] <=> $a->[0] } map { [unpack("Q", substr $d, $_ * 4096 + 144, 8),
			unpack("Q", substr $d, $_ * 4096 + 128, 8)] } 0, 1;
		seek F, $m[0][1] * 4096 + 10, 0; print F pack "S3", 0xe7, 0, 0' \
		"$Q_ROOT/jobs/data.mdb"
	all_fail 65 "data.mdb is damaged (a root)"
}

@test "a page that LMDB would search for ever is damage, as root of a table or below" {
	[ -z "${SAN:-}" ] || skip "a sanitizer keeps the signals that damage may raise"
	run -0 python3 -B "$SRC/tests/crash/damage.py" --shape crafted --scale 4 \
		--only "is searched for ever"
	has "$output" violations
	# these say so as soon as they come there, and change nothing
	each_alone 3000
	for page in 'root of ready' 'leaf of ready' 'root of msg' 'lone leaf of meta'; do
		cp -r "$Q_ROOT/jobs" "$Q_ROOT/copy"
		python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/copy/data.mdb" \
			"^$page.* is searched for ever"
		run --separate-stderr -65 timeout 10 qpop copy
		is "$output" ''
		has "$stderr" "qpop: copy: data.mdb is damaged (page "
		rm -r "$Q_ROOT/copy"
	done
}

@test "what shows or takes over all messages says so if damage hides some" {
	local page how what

	each_alone 1000
	qpop -L 1h -n 20 -l jobs >/dev/null
	qctl create whole
	is "$(qctl copy jobs whole)" 'copied 980 messages'
	for page in root leaf; do
		for how in 'body, .* one row' 'body, .* order' 'msg, .* one row' 'msg, .* order'; do
			cp -r "$Q_ROOT/jobs" "$Q_ROOT/copy"
			python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/copy/data.mdb" "^$page of $how$"
			qctl create other
			for what in 'qstat --list' 'qctl dump' 'qctl copy'; do
				run --separate-stderr -65 $what copy $([ "$what" != 'qctl copy' ] || echo other)
				has "$stderr" damaged
			done
			run --separate-stderr -65 qstat --list --state leased copy
			run --separate-stderr -65 qctl purge --yes copy
			rm -r "$Q_ROOT/copy" "$Q_ROOT/other"
		done
	done
}

@test "a message that damage hides is neither done nor unknown" {
	local page id what receipt

	each_alone 1000
	id=$(qpop -j jobs | jq .id)
	receipt=$(qpop -L 1h --id 3 jobs | head -n 1)
	is_silent 0 qwatch --until "done $id" --timeout 0 jobs
	fails 1 'no such message' qpop --id "$id" jobs
	for page in root leaf; do
		cp -r "$Q_ROOT/jobs" "$Q_ROOT/copy"
		python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/copy/data.mdb" "^$page of body, .* one row$"
		python3 -B "$SRC/tests/crash/craft.py" "$Q_ROOT/copy/data.mdb" "^$page of msg, .* one row$"
		for what in 'qwatch copy 3' 'qwatch --until "done 3" copy' 'qstat copy 3' \
			'qpop --id 3 copy' 'qctl cancel --yes copy 3' "qack copy $receipt"; do
			run --separate-stderr -65 eval "$what"
			has "$stderr" damaged
		done
		for id in $(seq 3 2 999); do
			run ! qwatch --until "done $id" --timeout 0 copy
		done
		rm -r "$Q_ROOT/copy"
	done
}

@test "a signal that somebody sends is no damage" {
	local sig

	qctl create jobs
	for sig in BUS ABRT SEGV; do
		[[ $sig != SEGV || -z ${SAN:-} ]] || continue # the sanitizer's own
		start qpop -w jobs 2>err
		eventually has_open "$pid"
		kill -s "$sig" "$pid"
		ended $((128 + $(kill -l "$sig")))
		is "$(cat err)" ''
	done
}

# A small queue with messages of every state, kept as $BATS_FILE_TMPDIR/whole; the bodies
# that a drain of it gives are in wanted.
small_queue() {
	local i

	if [ ! -e "$BATS_FILE_TMPDIR/whole" ]; then
		for i in {1..30}; do
			printf 'message %d %*d' "$i" $((i * 40)) 0 | qpush jobs
		done
		head -c 9000 /dev/zero | tr '\0' y | qpush -H name=value jobs
		qpush -d 1000h jobs delayed
		qpush -e 1000h jobs expires
		qpush -p 5 -m 1 jobs dead leased
		qpop -L 1000h jobs >/dev/null
		qpop -L 1ms jobs >/dev/null
		eventually has_count jobs dead=1
		run -1 qpop --id 999 jobs
		cp -r "$Q_ROOT/jobs" "$BATS_FILE_TMPDIR/whole"
		drain jobs | sort >"$BATS_FILE_TMPDIR/wanted"
		is "$(wc -l <"$BATS_FILE_TMPDIR/wanted")" 32
	fi
	rm -rf "$Q_ROOT"
	mkdir "$Q_ROOT"
	cp -r "$BATS_FILE_TMPDIR/whole" "$Q_ROOT/jobs"
}

# What every command does with a damaged copy: it ends, and in one of the ways it says. If
# anything is missing of what can be taken, somebody said so; what is given is exact.
survives() {
	local what=$1 i status said=0

	: >given
	timeout 10 qstat --json jobs >/dev/null 2>err && status=0 || status=$?
	is "$what: qstat $((status == 0 || status == 65 ? 0 : status))" "$what: qstat 0"
	for i in {1..8}; do
		timeout 10 qpop -n all -0 jobs 2>err | tr '\0' '\n' >>given &&
			status=${PIPESTATUS[0]} || status=${PIPESTATUS[0]}
		case $status in
		0 | 1) ;;
		65) said=1 ;;
		*) is "$what: qpop $status $(cat err)" "$what: no such status" ;;
		esac
		[ "$status" != 1 ] || break
	done
	timeout 10 qpush jobs new 2>err && status=0 || status=$?
	is "$what: qpush $((status == 0 || status == 65 ? 0 : status))" "$what: qpush 0"
	sort given >sorted
	is "$what: $(comm -23 sorted "$BATS_FILE_TMPDIR/wanted")" "$what: "
	[ "$said" = 1 ] || is "$what: $(comm -13 sorted "$BATS_FILE_TMPDIR/wanted")" "$what: "
}

@test "with any page lost, every command ends, and what is given is what was pushed" {
	local n pages

	small_queue
	pages=$(damage pages)
	[ "$pages" -gt 10 ]
	for ((n = 0; n < pages; n++)); do
		cp "$BATS_FILE_TMPDIR/whole/data.mdb" "$Q_ROOT/jobs/data.mdb"
		damage zero "$n"
		survives "page $n"
	done
}

@test "with any bit flipped, every command ends, and what is given is what was pushed" {
	local seed

	small_queue
	for seed in {1..200}; do
		cp "$BATS_FILE_TMPDIR/whole/data.mdb" "$Q_ROOT/jobs/data.mdb"
		damage flip "$seed"
		survives "seed $seed"
	done
}

@test "a damaged message is set aside, and the others are given" {
	qpush jobs a b c
	damage record body 0000000000000002
	is "$(qpop jobs)" a
	fails 65 "qpop: jobs: message 2 is damaged (checksum); set aside; run 'qctl check" \
		qpop jobs
	is "$(qpop jobs)" c
	counts jobs dead=1 ready=0 done=2
	balances jobs
}

@test "a damaged state is set aside, and the others are given" {
	for body in a b c; do qpush jobs $body; done
	damage record msg 0000000000000002
	is "$(qpop jobs)" a
	fails 65 "message 2 is damaged" qpop jobs
	is "$(qpop jobs)" c
	counts jobs dead=1 ready=0
}

@test "a message whose state is damaged while it is printed was not done" {
	head -c 300000 /dev/zero | tr '\0' x | qpush jobs
	set +e
	qpop jobs 2>err | {
		read -rn 1 # then it has taken it, and the pipe does not hold the rest
		damage record msg 0000000000000001
		cat >/dev/null
	}
	is "${PIPESTATUS[0]}" 65
	set -e
	is "$(cat err)" "qpop: jobs: a message cannot be read any more; run 'qctl check'"
	counts jobs done=0
}

@test "of messages that share a damaged state, one is set aside and the others are given" {
	qpush jobs a b c
	qpush jobs d
	damage record msg 0000000000000001
	fails 65 "message 1 is damaged" qpop jobs
	is "$(qpop -n all -l jobs)" $'b\nc\nd'
	counts jobs dead=1 ready=0 done=3
	qctl redrive --all jobs
	is "$(qpop jobs)" a
	balances jobs
}

# What is due by the clock WALL or BOOT is due; a take that meets damage may say so.
in_an_hour() {
	local -x "SHIM_$1=3601"

	run preloaded shim-time qpop --id 999 jobs
	[ "$status" -eq 65 ] || [ "$status" -eq 1 ]
}

@test "of delayed messages that share a damaged state, the others are given when they are due" {
	qpush -d 1h jobs a b c
	damage record msg 0000000000000001
	in_an_hour WALL
	counts jobs dead=1 delayed=0
	is "$(qpop -n all -l jobs)" $'b\nc'
	balances jobs
}

@test "leased messages that share a damaged state are set aside: somebody may be at work" {
	qpush jobs a b c
	qpop -L 1h -n 3 -l jobs >/dev/null
	damage record msg 0000000000000001
	in_an_hour BOOT
	counts jobs dead=3 leased=0
	balances jobs
}

@test "a damaged state of a delayed message does not hold up the others for ever" {
	qpush -d 1h jobs a
	qpush jobs b c
	damage record msg 0000000000000001
	in_an_hour WALL
	is "$(qpop jobs)" b
	qpush jobs d
	is "$(qpop -n all -l jobs)" $'c\nd'
	counts jobs dead=1
	balances jobs
}

@test "a damaged state of a leased message does not hold up the others for ever" {
	qpush jobs a b c
	qpop -L 1h jobs >/dev/null
	damage record msg 0000000000000001
	in_an_hour BOOT
	is "$(qpop jobs)" b
	qpush jobs d
	is "$(qpop -n all -l jobs)" $'c\nd'
	counts jobs dead=1
	balances jobs
}

@test "a damaged meta record is damage" {
	local key

	qpush jobs x
	cp "$Q_ROOT/jobs/data.mdb" whole
	for key in format uuid config counters boot next pause; do
		cp whole "$Q_ROOT/jobs/data.mdb"
		damage record meta "$(printf %s "$key" | od -An -tx1 | tr -d ' ')"
		all_fail 65 "meta record '$key' is damaged"
	done
}

@test "a newer format is refused by name, not taken for damage" {
	qpush jobs x
	damage format 2
	all_fail 3 "format 2 is newer than this program knows (1); upgrade qutils"
	damage format 4294967295
	all_fail 3 "format 4294967295 is newer"
	damage format 1
	is "$(qpop jobs)" x
}
