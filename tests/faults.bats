#!/usr/bin/env bats
# What goes wrong around a queue: crashes, damage, full disks, limits and other users.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

setup_file() {
	export NOBODY=65534
}

# Where an ordinary user may work: commands, and a directory of his own, in $public.
as_ordinary_user() {
	public=$(mktemp -d)
	cp "$BIN"/q{push,pop,ack,stat,ctl} "$public"
	mkdir "$public/own"
	if [ "$(id -u)" = 0 ]; then
		chmod 755 "$public"
		chown "$NOBODY" "$public/own"
	fi
	cd "$public/own" || return 1
	export Q_ROOT=$public/own/root PATH=$public:$PATH
}

user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups -- "$@"
	else
		"$@"
	fi
}

teardown() {
	end_started
	if [ -n "${public:-}" ]; then
		chmod -R u+rwX "$public"
		rm -rf "$public"
	fi
}

damage() {
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" "$@"
}

# Every command refuses the queue with STATUS and TEXT.
all_fail() {
	fails "$1" "$2" timeout 10 qpop jobs
	fails "$1" "$2" timeout 10 qpop -n all -l jobs
	fails "$1" "$2" timeout 10 qpush jobs x
	fails "$1" "$2" timeout 10 qstat --json jobs
	fails "$1" "$2" timeout 10 qack jobs 1.1.00000
}

# ---- creation ----

@test "a queue whose creators are killed at random is absent or whole" {
	local i pids

	for _ in {1..40}; do
		pids=()
		for i in 1 2 3 4; do
			timeout --foreground -s KILL "0.00$((RANDOM % 10))" qpush jobs "$i" 2>/dev/null &
			pids+=("$!")
		done
		wait "${pids[@]}" || :
		if [ -e "$Q_ROOT/jobs" ]; then
			qpush jobs whole
			balances jobs
			rm -r "$Q_ROOT/jobs"
		fi
	done
	qpush jobs last
	is "$(qpop jobs)" last
	# what the dead left was removed by the one that came next (timeout waited for each:
	# a process that is still dying has its lock)
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "of many creators at once each stores its message in the same queue" {
	local i

	for i in {1..16}; do
		qpush jobs "$i" &
	done
	wait
	is "$(drain jobs | sort -n)" "$(seq 16)"
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "a creator in the making is not disturbed by another's sweep" {
	local i

	for _ in {1..10}; do
		for i in {1..8}; do
			qpush "q$((i % 2))" "$i" &
		done
		wait
		is "$(drain q0 | sort)" $'2\n4\n6\n8'
		is "$(drain q1 | sort)" $'1\n3\n5\n7'
		rm -r "$Q_ROOT"
	done
}

# flushed DIRECTORY COMMAND...: it succeeds, and has flushed the names in DIRECTORY.
flushed() {
	rm -f record
	RECORD=$PWD/record RECORD_DEV=$(stat -c %d .) preloaded shim-record "${@:2}" &&
		grep -qax "S $(stat -c %i "$1") 0" record
}

@test "the name of a queue whose creator died is flushed before anything is stored" {
	qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
	run ! flushed "$Q_ROOT" qpush jobs x
	chmod +t "$Q_ROOT/jobs/data.mdb"
	flushed "$Q_ROOT" qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
	chmod +t "$Q_ROOT/jobs/data.mdb"
	# who only looks leaves it
	counts jobs ready=3
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 1600
	flushed "$Q_ROOT" qpop jobs
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 600
}

@test "a creator flushes the name of a directory another one may have made and died" {
	mkdir "$Q_ROOT"
	flushed . qpush jobs x
	rm -r "$Q_ROOT"
	flushed . qpush jobs x
}

@test "a queue whose name cannot be flushed is not made, and its push fails" {
	local n

	mkdir "$Q_ROOT"
	for n in {1..12}; do
		SHIM_SYNC=$n run --separate-stderr preloaded shim-sync qctl create jobs
		[ "$status" -eq 3 ] || break
		has "$stderr" "Input/output error"
		is "$(ls -A "$Q_ROOT")" ''
	done
	is "$status" 0
	[ "$n" -gt 5 ]
	chmod +t "$Q_ROOT/jobs/data.mdb"
	SHIM_SYNC=1 fails 3 "the directory of the queue: Input/output error" \
		preloaded shim-sync qpush jobs x
	is "$(stat -c %a "$Q_ROOT/jobs/data.mdb")" 1600
	counts jobs pushed=0
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

# ---- planted files ----

@test "a symbolic link in place of data.mdb is refused" {
	qpush jobs x
	mv "$Q_ROOT/jobs/data.mdb" other
	ln -s "$PWD/other" "$Q_ROOT/jobs/data.mdb"
	cp other before
	all_fail 3 "data.mdb is a symbolic link; refused"
	cmp other before
}

@test "a FIFO in place of data.mdb is refused, and nobody waits for it" {
	qpush jobs x
	rm "$Q_ROOT/jobs/data.mdb"
	mkfifo "$Q_ROOT/jobs/data.mdb"
	all_fail 3 "data.mdb is not a regular file; refused"
}

@test "a second link to data.mdb is refused" {
	qpush jobs x
	ln "$Q_ROOT/jobs/data.mdb" other
	all_fail 3 "data.mdb has a second link; refused"
	rm other
	is "$(qpop jobs)" x
}

@test "a symbolic link, a FIFO or a second link in place of hold is refused" {
	qpush jobs x
	rm "$Q_ROOT/jobs/hold"
	echo other >other
	ln -s "$PWD/other" "$Q_ROOT/jobs/hold"
	fails 3 "hold is a symbolic link; refused" qpop jobs
	rm "$Q_ROOT/jobs/hold"
	mkfifo "$Q_ROOT/jobs/hold"
	fails 3 "hold is not a regular file; refused" timeout 10 qpop jobs
	rm "$Q_ROOT/jobs/hold"
	ln other "$Q_ROOT/jobs/hold"
	fails 3 "hold has a second link; refused" qpop jobs
	rm "$Q_ROOT/jobs/hold"
	is "$(qpop jobs)" x
	is "$(cat other)" other
}

@test "a symbolic link in place of a large body is not followed" {
	head -c 2M /dev/zero | qpush jobs
	mv "$Q_ROOT/jobs/blob/1" other
	ln -s "$PWD/other" "$Q_ROOT/jobs/blob/1"
	run --separate-stderr qpop jobs
	[ "$status" -eq 3 ] || [ "$status" -eq 65 ]
	is "$output" ''
	has "$stderr" "blob/1 is not its file"
}

@test "a symbolic link in place of the directory of large bodies is refused" {
	qpush jobs x
	rmdir "$Q_ROOT/jobs/blob"
	mkdir elsewhere
	echo precious >elsewhere/7
	ln -s "$PWD/elsewhere" "$Q_ROOT/jobs/blob"
	head -c 2M /dev/zero >large
	fails 3 "blob" qpush jobs <large
	is "$(ls elsewhere)" 7
	is "$(qpop jobs)" x
}

@test "a queue that others may write to is refused" {
	qpush jobs x
	chmod o+w "$Q_ROOT/jobs"
	all_fail 3 "writable by others; refused"
	chmod o-w "$Q_ROOT/jobs"
	chmod o+w "$Q_ROOT/jobs/data.mdb"
	all_fail 3 "writable by others; refused"
	chmod o-w "$Q_ROOT/jobs/data.mdb"
	is "$(qpop jobs)" x
}

# ---- damage ----

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

@test "of delayed messages that share a damaged state, the others are given when they are due" {
	qpush -d 1h jobs a b c
	damage record msg 0000000000000001
	SHIM_WALL=3601 run preloaded shim-time qpop --id 999 jobs
	[ "$status" -eq 65 ] || [ "$status" -eq 1 ]
	counts jobs dead=1 delayed=0
	is "$(qpop -n all -l jobs)" $'b\nc'
	balances jobs
}

@test "leased messages that share a damaged state are set aside: somebody may be at work" {
	qpush jobs a b c
	qpop -L 1h -n 3 -l jobs >/dev/null
	damage record msg 0000000000000001
	SHIM_BOOT=3601 run preloaded shim-time qpop --id 999 jobs
	[ "$status" -eq 65 ] || [ "$status" -eq 1 ]
	counts jobs dead=3 leased=0
	balances jobs
}

@test "a damaged state of a delayed message does not hold up the others for ever" {
	qpush -d 1h jobs a
	qpush jobs b c
	damage record msg 0000000000000001
	# the take that meets it may say so, the ones after it give what there is
	SHIM_WALL=3601 run preloaded shim-time qpop --id 999 jobs
	[ "$status" -eq 65 ] || [ "$status" -eq 1 ]
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
	SHIM_BOOT=3601 run preloaded shim-time qpop --id 999 jobs
	[ "$status" -eq 65 ] || [ "$status" -eq 1 ]
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

# ---- files that go away ----

@test "a queue deleted while in use is an error, and says how much was stored" {
	mkfifo pipe
	qctl create jobs
	exec 7<>pipe
	start qpush -l jobs <pipe 2>err
	echo one >&7
	eventually has_count jobs ready=1
	rm "$Q_ROOT/jobs/data.mdb"
	echo two >&7
	ended 3
	has "$(cat err)" "the queue was deleted or replaced while in use; 1 stored"
}

@test "a queue replaced while in use is left alone" {
	mkfifo pipe
	qpush other theirs
	qctl create jobs
	exec 7<>pipe
	start qpush -l jobs <pipe 2>err
	echo one >&7
	eventually has_count jobs ready=1
	mv "$Q_ROOT/other/data.mdb" "$Q_ROOT/jobs/data.mdb"
	echo two >&7
	ended 3
	has "$(cat err)" "deleted or replaced while in use; 1 stored"
	is "$(drain jobs)" theirs
}

@test "who waits on a queue that is removed is told" {
	qpush -d 1h jobs x
	start qpop -w jobs 2>err
	eventually has_open "$pid"
	rm -rf "$Q_ROOT/jobs" # what he makes there may be gone when rm gets to it
	ended 3
	has "$(cat err)" "deleted or replaced while in use"
}

@test "a held message is not given away because somebody deleted hold" {
	head -c 500K /dev/zero | qpush jobs
	qpush jobs next
	mkfifo pipe
	exec 7<>pipe
	start qpop jobs >pipe
	eventually has_count jobs leased=1
	rm "$Q_ROOT/jobs/hold"
	is "$(qpop jobs)" next
	is_silent 1 qpop jobs
	[ -f "$Q_ROOT/jobs/hold" ]
	is "$(stat -c %a "$Q_ROOT/jobs/hold")" 600
	counts jobs leased=1
	# the one that holds it can still finish it
	cat <&7 >/dev/null &
	started+=("$!")
	ended 0
	counts jobs leased=0 done=2
}

@test "a copy made under the lock is a queue of its own" {
	seq 100 | qpush -l jobs
	flock -s "$Q_ROOT/jobs/data.mdb" cp -r "$Q_ROOT/jobs" copy
	is "$(drain ./copy)" "$(seq 100)"
	is "$(drain jobs)" "$(seq 100)"
}

# ---- permissions ----

@test "who may not write is told so, and who may read may look" {
	as_ordinary_user
	user qpush jobs x
	user chmod 400 root/jobs/data.mdb
	fails 3 "ermission denied" user qpush jobs y
	fails 3 "ermission denied" user qpop jobs
	is "$(user qstat --json jobs | jq .ready)" 1
	user chmod 000 root/jobs/data.mdb
	fails 3 "ermission denied" user qpop jobs
	fails 3 "ermission denied" user qstat --json jobs
	user chmod 600 root/jobs/data.mdb
	user chmod 000 root/jobs
	fails 3 "ermission denied" user qpop jobs
	user chmod 700 root/jobs
	is "$(user qpop jobs)" x
}

@test "a directory that cannot be written stops no small message" {
	as_ordinary_user
	user qpush jobs x
	user chmod 500 root/jobs root/jobs/blob
	user qpush jobs y
	is "$(user qpop -n all -l jobs)" $'x\ny'
	head -c 2M /dev/zero >large
	fails 3 "ermission denied" user qpush jobs <large
}

@test "a queue cannot be made where one may not write" {
	as_ordinary_user
	user mkdir root
	user chmod 500 root
	fails 3 "ermission denied" user qpush jobs x
	is "$(ls -A root)" ''
}

@test "without Q_ROOT a user's queues are below XDG_STATE_HOME or HOME" {
	as_ordinary_user
	user env -u Q_ROOT HOME="$PWD/home" XDG_STATE_HOME="$PWD/state" qpush jobs a
	user env -u Q_ROOT -u XDG_STATE_HOME HOME="$PWD/home" qpush jobs b
	[ -f state/qutils/jobs/data.mdb ]
	[ -f home/.local/state/qutils/jobs/data.mdb ]
	fails 2 "neither Q_ROOT nor HOME is set" user env -u Q_ROOT -u HOME qpush jobs c
}

# ---- limits of the process ----

@test "a limit on file size is an error, not a death" {
	local blocks

	run --separate-stderr bash -c 'ulimit -f 64; qpush jobs x'
	[ "$status" -eq 3 ] || [ "$status" -eq 75 ]
	[ -n "$stderr" ]
	is "$(ls -A "$Q_ROOT")" ''
	qpush jobs x
	head -c 3M /dev/zero >large
	fails 75 "nothing stored" bash -c 'ulimit -f 2048; qpush jobs <large'
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	head -c 3M /dev/zero | tr '\0' '\n' | sed s/^/0123456789/ >lines
	run -75 --separate-stderr bash -c 'ulimit -f 2048; qpush -l jobs <lines'
	has "$stderr" 'File too large'
	for blocks in 0 8 64; do # none of a write, or a part
		# shellcheck disable=SC2016 # its pipe
		run -75 bash -c 'ulimit -f '$blocks'; qpop jobs 2>&1 | cat; exit "${PIPESTATUS[0]}"'
		is "$output" 'qpop: jobs: commit: File too large'
	done
	is "$(qpop jobs)" x
	balances jobs
}

@test "a limit on descriptors is an error, and loses nothing" {
	[ -z "${BUILTINS:-}" ] || skip "a shell needs descriptors of its own"
	local n stored=0 failed=0 status

	for n in {3..14}; do
		bash -c "ulimit -n $n; exec qpush jobs $n" 2>err && status=0 || status=$?
		case $status in
		0) stored=$((stored + 1)) ;;
		127) ;; # too few to load the program
		*)
			is "$n: $status" "$n: 3"
			failed=$((failed + 1))
			# as glibc and as musl say it
			grep -qE 'Too many open files|No file descriptors available' err
			;;
		esac
	done
	[ "$stored" -gt 0 ]
	[ "$failed" -gt 0 ]
	counts jobs ready="$stored"
	is "$(ls -A "$Q_ROOT")" jobs
}

@test "a limit on memory is an error, and loses nothing" {
	[ -z "${SAN:-}" ] || skip "sanitizers need address space of their own"
	local mb stored=0 failed=0 status

	for mb in 4 8 16 32 64 96 128 192 256 512 1024; do
		bash -c "ulimit -v $((mb * 1024)); exec qpush jobs $mb" 2>err && status=0 ||
			status=$?
		case $status in
		0) stored=$((stored + 1)) ;;
		3)
			failed=$((failed + 1))
			has "$(cat err)" qpush:
			;;
		*) has "$(cat err)" "shared" ;; # too little to load libc
		esac
	done
	[ "$stored" -gt 3 ]
	counts jobs ready="$stored"
	is "$(drain jobs | wc -l)" "$stored"
}

# ---- locks ----

@test "a stopped process that has the lock is named, after --lock-wait" {
	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	kill -STOP "$pid"
	eventually grep -q '^State:.T' "/proc/$pid/status"
	fails 75 "another process (pid $pid, stopped) has held the queue for" \
		timeout 10 qpush --lock-wait 300ms jobs y
	has "$stderr" " ms; nothing done"
	fails 75 "(pid $pid, stopped)" timeout 10 qpop --lock-wait=300ms jobs
	fails 75 "(pid $pid, stopped)" timeout 10 qstat --lock-wait 0 --json jobs
	kill -CONT "$pid"
	fails 75 "another process (pid $pid) has held the queue" \
		timeout 10 qpop --lock-wait 10ms jobs
	kill "$pid"
	ended 143
	is "$(drain jobs)" x
}

@test "who looks is not kept out by others who look" {
	qpush jobs x
	start flock -s -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	counts jobs ready=1
	fails 75 "has held the queue" qpop --lock-wait 10ms jobs
}

@test "a signal ends the wait for the lock" {
	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	eventually is_locked jobs
	start qpop --lock-wait 1h jobs
	eventually has_open "$pid"
	kill -TERM "$pid"
	ended 143
}

# ---- disks ----

# Run the script on stdin in mount namespace of its own, with 3 MB of disk at ./disk.
on_small_disk() {
	local flags=-m

	[ "$(id -u)" = 0 ] || flags=-rm
	unshare "$flags" true 2>/dev/null || skip "this user may not mount a file system"
	mkdir disk
	{
		echo "set -eEuo pipefail; trap 'echo failed: \$BASH_COMMAND >&2' ERR"
		echo "mount -t tmpfs -o size=3m none disk; export Q_ROOT=\$PWD/disk"
		declare -f is has fails count counts balances drain
		cat
	} >script
	unshare "$flags" bash script 3>&-
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
		balances jobs
		rm disk/fill
		qpush jobs again
		is "$(qpop jobs)" again
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
		balances jobs
		qctl check jobs
		rm disk/fill
		qpush jobs again
		is "$(qpop jobs)" again
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

@test "a flush that fails is a failed push, and nothing more is tried" {
	local n

	qpush jobs x
	seq 70000 >in
	for n in 1 2; do
		SHIM_SYNC=$n run --separate-stderr preloaded shim-sync qpush -l jobs <in
		is "$status" 3
		has "$stderr" "Input/output error"
		if [ "$n" = 1 ]; then
			has "$stderr" "nothing stored"
			counts jobs pushed=1
		else
			has "$stderr" "32768 stored, the rest was not"
			counts jobs pushed=32769
		fi
	done
	balances jobs
	is "$(qpop jobs)" x
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
