#!/usr/bin/env bats
# Neighbours who plant files, swap them, write where they should not, stop, or fill the
# disk; and places where a queue cannot be.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

NOBODY=65534

teardown() {
	end_started
	[ -z "${public:-}" ] || rm -rf "$public"
}

is_root() {
	[ "$(id -u)" = 0 ] || skip "only root can give files to others"
}

# What is planted in place of a file; to what a link points is in ./victim.
plant() {
	rm -rf "$2"
	case $1 in
	link) ln -s "$PWD/victim" "$2" ;;
	dangling) ln -s "$PWD/nowhere" "$2" ;;
	directory) mkdir "$2" ;;
	fifo) mkfifo "$2" ;;
	socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
		"${2#"$PWD/"}" ;;
	device) mknod "$2" c 1 5 ;; # /dev/zero
	foreign)
		cp victim "$2"
		chown "$NOBODY" "$2"
		;;
	esac
}

plants() {
	local kind=(link dangling directory fifo socket)

	[ "$(id -u)" != 0 ] || ! mknod probe c 1 5 2>/dev/null || kind+=(device)
	echo "${kind[@]}"
}

# A queue with a small message, a large one and a lease.
a_queue() {
	rm -rf "$Q_ROOT"
	qpush jobs small
	head -c 1100000 /dev/zero | qpush jobs
	qpush jobs leased
	qpop --id 3 -L 1h -r receipt jobs >/dev/null
	qpop -w1ms --id 9 jobs || : # which makes ctl
	echo precious >victim
}

# Each command, bounded in time, is one that ends by a documented status.
each_command() {
	local rc=0 command

	for command in 'qpush jobs x' 'qpop -w10ms -n 2 jobs' 'qack jobs - <receipt' \
		'qstat --json jobs' 'qstat --list --json --body jobs' 'qctl check jobs' \
		'qctl set jobs remember=5m' 'qctl compact jobs' 'qpop -n all jobs -- true' \
		'qctl check --repair --yes jobs'; do
		rc=0
		timeout 20 sh -c "$command" >out 2>err || rc=$?
		case $rc in
		0 | 1 | 3 | 4 | 65 | 75) ;;
		*)
			echo "$1: $command: status $rc: $(cat err)" >&2
			return 1
			;;
		esac
	done
}

# ---- planted files ----

@test "whatever is planted in place of data.mdb is refused by every command" {
	local kind

	for kind in $(plants); do
		a_queue
		plant "$kind" "$Q_ROOT/jobs/data.mdb"
		fails 3 "data.mdb" timeout 10 qpush jobs x
		fails 3 "data.mdb" timeout 10 qpop jobs
		fails 3 "data.mdb" timeout 10 qack jobs "$(cat receipt)"
		fails 3 "data.mdb" timeout 10 qstat --json jobs
		fails 3 "data.mdb" timeout 10 qctl set jobs remember=5m
		is "$(cat victim)" precious
		[ ! -e nowhere ]
	done
}

@test "whatever is planted in place of hold stops who would hold a lease, and nobody waits" {
	local kind

	for kind in $(plants); do
		a_queue
		plant "$kind" "$Q_ROOT/jobs/hold"
		fails 3 "hold" timeout 10 qpop jobs
		timeout 10 qpush jobs x
		timeout 10 qack jobs "$(cat receipt)"
		each_command "$kind"
		is "$(cat victim)" precious
		[ ! -e nowhere ]
	done
}

@test "whatever is planted in place of ctl is done without, or replaced" {
	local kind

	for kind in $(plants); do
		a_queue
		plant "$kind" "$Q_ROOT/jobs/ctl"
		timeout 10 qpush jobs x
		is "$(timeout 10 qpop -w10ms jobs)" small
		counts jobs ready=2 leased=1
		each_command "$kind"
		is "$(cat victim)" precious
		[ ! -e nowhere ]
	done
}

@test "whatever is planted in place of a large body is no body, and others are given" {
	local kind

	for kind in $(plants); do
		a_queue
		plant "$kind" "$Q_ROOT/jobs/blob/2"
		is "$(timeout 10 qpop jobs)" small
		run --separate-stderr timeout 10 qpop jobs
		[ "$status" -eq 3 ] || [ "$status" -eq 65 ]
		is "$output" ''
		qpush jobs next
		each_command "$kind"
		is "$(cat victim)" precious
		[ ! -e nowhere ]
	done
}

@test "whatever is planted in place of the directory of large bodies, small ones go on" {
	local kind

	for kind in link dangling fifo; do
		a_queue
		qpop --id 2 jobs >/dev/null
		plant "$kind" "$Q_ROOT/jobs/blob"
		fails 3 "blob" timeout 10 qpush jobs < <(head -c 1100000 /dev/zero)
		is "$(timeout 10 qpop jobs)" small
		qpush jobs next
		each_command "$kind"
		is "$(cat victim)" precious
	done
}

# ---- other users ----

@test "files of another owner than their directory are refused" {
	is_root
	a_queue
	chown "$NOBODY" "$Q_ROOT/jobs/data.mdb"
	fails 3 "different owners" qpop jobs
	fails 3 "different owners" qpush jobs x
	fails 3 "different owners" qstat --json jobs
	chown "$NOBODY" "$Q_ROOT/jobs"
	chown 0 "$Q_ROOT/jobs/data.mdb"
	fails 3 "different owners" qpop jobs
}

@test "what root makes in the queue of a user is the user's" {
	is_root
	public=$(mktemp -d)
	cp "$BIN/qpush" "$public"
	mkdir "$public/root"
	chmod 755 "$public"
	chown "$NOBODY" "$public/root"
	export Q_ROOT=$public/root
	setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups -- "$public/qpush" jobs x
	rm -f "$Q_ROOT/jobs/hold"
	head -c 1100000 /dev/zero | qpush jobs
	is "$(qpop -w1ms jobs)" x
	is "$(find "$Q_ROOT/jobs" ! -uid "$NOBODY")" ''
}

# ---- files that are swapped between check and use ----

# swapped SCRIPT COMMAND...: run COMMAND once for each of its system calls, SCRIPT before it;
# for every third of them, below scale 1. Whatever comes of it, it ends as documented, and
# nothing outside of the queue is touched.
swapped() {
	local script=$1 calls n step=3

	shift
	a_queue
	qctl create other
	qpush other theirs
	rm -rf whole
	cp -a "$Q_ROOT" whole
	"$BIN/tool/trace" -r report -- "$@" >/dev/null 2>&1
	calls=$(cut -d' ' -f1 report)
	[ "$calls" -gt 20 ]
	case ${CRASH_SCALE:-0} in
	0 | 0.*) ;;
	*) step=1 ;;
	esac
	for ((n = 8; n <= calls; n += step)); do
		rm -rf "$Q_ROOT"
		cp -a whole "$Q_ROOT"
		"$BIN/tool/trace" -t 20 -x "$n:cd $Q_ROOT/jobs; $script" -r report -- "$@" \
			>out 2>err
		case $(cut -d' ' -f5- report) in
		'exit 0' | 'exit 1' | 'exit 3' | 'exit 65' | 'exit 75') ;;
		*)
			echo "$script; $*: call $n: $(cat report err)" >&2
			return 1
			;;
		esac
		is "$n $(cat victim)" "$n precious"
		# no other queue's message is given as one of ours, unless the whole is theirs
		[ ! -s out ] || grep -qaE '^(small|theirs)' out
	done
}

@test "a file that is swapped before any system call of a push lets nothing out" {
	[ -z "${SAN:-}" ] || skip "a sanitizer cannot be traced"
	swapped "ln -sf $PWD/victim new && mv new data.mdb" qpush --lock-wait 1s jobs y
	swapped "ln -sf $PWD/victim new && mv new ctl" qpush --lock-wait 1s jobs y
	swapped 'mv ../other/data.mdb .' qpush --lock-wait 1s jobs y
	swapped "rm -r blob; ln -s $PWD blob" sh -c \
		'head -c 1100000 /dev/zero | qpush --lock-wait 1s jobs'
}

@test "a file that is swapped before any system call of a take lets nothing out" {
	[ -z "${SAN:-}" ] || skip "a sanitizer cannot be traced"
	swapped "ln -sf $PWD/victim new && mv new data.mdb" qpop --lock-wait 1s jobs
	swapped "ln -sf $PWD/victim new && mv new hold" qpop --lock-wait 1s jobs
	swapped "rm -f hold; mkfifo hold" qpop --lock-wait 1s jobs
	swapped "ln -sf $PWD/victim new && mv new blob/2" qpop --lock-wait 1s -n 2 -o taken jobs
}

# ---- neighbours in the shared memory ----

@test "with strangers who write all over ctl nothing is lost, and nothing is there twice" {
	local i n workers=()

	qctl create jobs max-attempts=1000
	qpop -w1ms jobs || :
	for i in 1 2; do
		"$BIN/tool/scribble" "$Q_ROOT/jobs/ctl" "$i$$" 3>&- &
		started+=("$!")
	done
	for i in {1..6}; do
		for n in {1..60}; do
			timeout 60 qpush --lock-wait 50s jobs "$i $n" || echo "$i $n: $?" >>failed
		done 3>&- &
		workers+=("$!")
		for n in {1..40}; do
			timeout 60 qpop --lock-wait 50s -n 2 -l jobs >>"out.$i" || [ $? = 1 ] ||
				echo "pop $?" >>failed
		done 3>&- &
		workers+=("$!")
	done
	wait "${workers[@]}"
	kill -9 "${started[@]}"
	[ ! -e failed ] || is "$(cat failed)" ''
	qpop -n all -l jobs >out.rest || [ $? = 1 ]
	for i in {1..6}; do seq -f "$i %g" 60; done | sort >wanted
	sort out.* | cmp - wanted
	counts jobs pushed=360 done=360
	balances jobs
	qctl check jobs
}

@test "a peer that stops with the request of others is waited for, and named" {
	local other

	qpush jobs x
	start flock -F "$Q_ROOT/jobs/data.mdb" sleep 1000
	other=$pid
	eventually is_locked jobs
	kill -STOP "$other"
	eventually grep -q '^State:.T' "/proc/$other/status"
	fails 75 "(pid $other, stopped)" timeout 20 qpush --lock-wait 100ms jobs y
	fails 75 "(pid $other, stopped)" timeout 20 qack --lock-wait 100ms jobs 1.1.00000
	fails 75 "(pid $other, stopped)" timeout 20 qctl set --lock-wait 100ms jobs remember=5m
	kill -KILL "$other"
	ended 137 "$other"
	counts jobs ready=1 pushed=1
}

@test "of very many that wait, as many are woken as there are messages" {
	local n=200 i

	case ${CRASH_SCALE:-0} in # as many as the machine has memory for
	0 | 0.*) ;;
	*) n=$(awk '/MemAvailable/ { print ($2 > 12000000 ? 10000 : 2000) }' /proc/meminfo) ;;
	esac
	qctl create jobs
	for ((i = 0; i < n; i++)); do
		qpop -w600 jobs >>given 2>>errors 3>&- &
	done
	for i in {1..50}; do qpush jobs "$i"; done
	eventually has_count jobs done=50
	is "$(wc -l < <(jobs -r))" $((n - 50))
	for ((i = 50; i < n; i++)); do echo "$((i + 1))"; done | qpush -l jobs
	wait
	is "$(count jobs done)" "$n"
	[ ! -s errors ]
}

# ---- terminals ----

@test "bodies, names and reasons cannot act on a terminal" {
	local evil=$'\e]0;owned\a\e[2J\r\x9b31mred\x7f'

	command -v script >/dev/null || skip "script is not installed"
	mkdir "$Q_ROOT"
	qpush "./$evil" body
	qpush jobs "$evil"
	qpush -H "name=$evil" -g "${evil//$'\x9b'/}" -k "${evil//$'\x9b'/}" jobs "$evil"
	qpop -L 1h -r receipt jobs >/dev/null
	qack --fail --delay 1h --reason "$evil" jobs "$(cat receipt)"
	# what the terminal gets, of each that prints for people
	{
		script -qec "qstat --list jobs; qstat jobs 1; qstat jobs 2; qstat" /dev/null
		script -qec "qstat './$evil'; qpop './$evil/none'; qctl check './$evil'" /dev/null
		script -qec "qpop jobs --id 'x$evil'; qack jobs '$evil'; qpush jobs -d '$evil' x" \
			/dev/null
	} </dev/null >shown 2>&1 || :
	grep -q body shown || grep -q jobs shown
	# colours of our own are no harm
	sed -E 's/\x1b\[[0-9;]*m//g' shown >plain
	run ! grep -qaP '\x1b|\x07|\x7f|\x9b(?=31m)|\r(?!\n|$)' plain
}

# ---- places where a queue cannot be ----

@test "a queue on a read-only file system can be looked at" {
	qpush jobs a b
	mounting <<-'END'
		refused() {
			status=0
			timeout 10 "$@" >out 2>err || status=$?
			is "$* $status" "$* 3"
			has "$(cat err)" "ead-only file system"
			is "$(cat out)" ''
		}
		mount --bind "$Q_ROOT" "$Q_ROOT"
		mount -o remount,bind,ro "$Q_ROOT"
		counts jobs ready=2
		is "$(qstat --list --json jobs | wc -l)" 2
		refused qpush jobs x
		refused qpop jobs
		refused qpop jobs -- true
		refused qack jobs 1.1.00000
		refused qctl set jobs remember=5m
		refused qpush fresh x
		qctl check jobs
	END
	is "$(drain jobs)" $'a\nb'
}

@test "a queue on a network file system is refused, but not with --force" {
	command -v bindfs >/dev/null || skip "bindfs is not installed"
	[ -c /dev/fuse ] || skip "there is no FUSE here"
	qpush jobs x
	mkdir far
	mounting <<-'END'
		bindfs "$Q_ROOT" far 2>err || { cat err; exit 77; }
		export Q_ROOT=$PWD/far
		for command in 'qpush jobs y' 'qpop jobs' 'qstat --json jobs' 'qack jobs 1.1.00000' \
			'qctl set jobs remember=5m' 'qctl create fresh'; do
			status=0
			timeout 10 $command >out 2>err || status=$?
			is "$command $status" "$command 3"
			has "$(cat err)" "queues need a local file system (this is fuse)"
		done
		is "$(ls far)" jobs
		qpush --force jobs y
		is "$(qpop --force jobs)" x
		qctl create --force fresh
		umount far
	END
	is "$(drain jobs)" y
}

@test "each file system known to be remote is refused by its name" {
	local row

	qpush jobs x
	for row in 6969:nfs fe534d42:smb2 ff534d42:cifs 517b:smb 1021997:9p 65735546:fuse \
		5346414f:afs c36400:ceph bd00bd0:lustre 47504653:gpfs; do
		SHIM_FS=${row%%:*} fails 3 "(this is ${row##*:})" preloaded shim-fs qpush jobs y
		SHIM_FS=${row%%:*} fails 3 "(this is ${row##*:})" preloaded shim-fs qpush fresh y
	done
	SHIM_FS=ef53 preloaded shim-fs qpush jobs y
	counts jobs ready=2
	is "$(ls "$Q_ROOT")" jobs
}

@test "on a full disk of a common kind pushes are refused, and all that is stored is given" {
	[ "$(id -u)" = 0 ] || skip "only root can use a loop device"
	truncate -s 12M image
	mkfs.ext4 -q -m0 -O ^has_journal image 2>/dev/null || skip "mkfs.ext4 is not installed"
	mkdir disk
	unshare -m mount -o loop image disk 2>/dev/null || skip "there is no loop device"
	mounting <<-'END'
		mount -o loop image disk
		export Q_ROOT=$PWD/disk/root
		seq 200 | sed 's/$/ some words to fill the line/' | qpush -l jobs
		head -c 1100000 /dev/zero | qpush jobs
		# somebody else fills it while pushes go on
		n=0
		while qpush jobs "more $n" 2>err; do
			n=$((n + 1))
			[ "$n" != 20 ] || cat /dev/zero >disk/fill 2>/dev/null || :
			[ "$n" -lt 5000 ]
		done
		has "$(cat err)" "no space left on device"
		has "$(cat err)" "nothing stored"
		is "$(count jobs pushed)" $((201 + n))
		head -c 1100000 /dev/zero >large
		status=0
		qpush jobs <large 2>err || status=$?
		is "$status" 75
		qpop -n 200 -l jobs | cmp - <(seq 200 | sed 's/$/ some words to fill the line/')
		qpop -o taken jobs
		cmp taken large
		qpop -L 1h -r receipt jobs >/dev/null
		qack jobs "$(cat receipt)"
		qpop -n all -l jobs | wc -l >rest || :
		is "$(cat rest)" $((n - 1))
		is_whole_with_room
	END
}

# ---- limits ----

@test "a limit on the size of files is an error of every command, and harms nothing" {
	local blocks command rc

	a_queue
	cp -a "$Q_ROOT" whole
	for blocks in 0 1 8 64; do
		for command in 'qpush jobs x' 'qpush fresh x' 'qpop jobs' 'qpop -L 1h jobs' \
			'qack jobs - <receipt' 'qstat --json jobs' 'qctl set jobs remember=5m' \
			'qctl create fresh' 'qctl compact jobs' 'qctl purge --yes jobs' \
			'qpop jobs -- cat' 'qctl check jobs'; do
			rm -rf "$Q_ROOT"
			cp -a whole "$Q_ROOT"
			rc=0
			timeout 20 bash -c "ulimit -f $blocks; exec $command" 2>err | cat >out || :
			rc=${PIPESTATUS[0]}
			case $rc in
			0 | 3 | 75) ;;
			*)
				echo "$blocks blocks: $command: status $rc: $(cat err)" >&2
				return 1
				;;
			esac
			qctl check jobs >/dev/null
			balances jobs
		done
	done
}
