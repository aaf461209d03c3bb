# shellcheck shell=bash
# What the bats files share: a root of its own for each test, bounded waits, and background
# processes that end with the test.

bats_require_minimum_version 1.5.0

# With BUILTINS, qpush, qpop and qack are those of build/qutils.so: see builtin.sh.
: "${SRC:=$(cd "${BATS_TEST_DIRNAME:?}/.." && pwd)}" "${BIN:=$SRC/build}"
export SRC BIN PATH="${BUILTINS:+$BIN/bash/bin:}$BIN:$PATH" LC_ALL=C.UTF-8

# In an empty directory, with queues below it.
setup_root() {
	export Q_ROOT=$BATS_TEST_TMPDIR/root
	unset XDG_STATE_HOME TMPDIR NO_COLOR
	cd "$BATS_TEST_TMPDIR" || return 1
	started=()
}

end_started() {
	local p

	for p in "${started[@]}"; do
		[[ $p =~ ^[1-9][0-9]*$ ]] || continue # -1 would be everybody
		kill -9 "$p" 2>/dev/null || :
		kill -CONT "$p" 2>/dev/null || :
	done
	wait
}

setup() {
	setup_root
}

teardown() {
	end_started
}

# Run in the background, with the stdin it is given and the signals of a foreground
# process; its id is in $pid. Descriptor 7, the tests' end of a FIFO, stays ours.
start() {
	env --default-signal=HUP,INT,QUIT "$@" <&0 3>&- 7>&- &
	pid=$!
	started+=("$pid")
}

gone() {
	[[ ! -e /proc/$1 || $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == [ZX] ]]
}

# Wait for a started process, and see that it ends with STATUS.
ended() {
	local want=$1 rc=0

	eventually gone "${2:-$pid}"
	wait "${2:-$pid}" || rc=$?
	is "$rc" "$want"
}

# ended_saying STATUS OUTPUT ERROR PID: what it wrote to the files output and errors; ERROR is
# a part of one line, '' is none.
ended_saying() {
	ended "$1" "$4"
	is "$(cat output)" "$2"
	if [ -z "$3" ]; then
		is "$(cat errors)" ''
	else
		has "$(cat errors)" "$3"
		is "$(wc -l <errors)" 1
	fi
}

# A process whose stdin is a pipe: descriptor 7 is the end to write to.
fed() {
	mkfifo pipe
	exec 7<>pipe
	start "$@" <pipe 2>err
}

# Where a process is blocked writing to a pipe: descriptor 7 is the end nobody reads.
blocked_writer() {
	mkfifo pipe
	exec 7<>pipe
	start "$@" >pipe
	eventually grep -qs pipe_write "/proc/$pid/wchan" ||
		eventually has_count jobs leased=1
}

# preloaded SHIM COMMAND...: with a library between it and the system. Ours are then those
# that are linked dynamically, whatever the others are.
preloaded() {
	PATH=$BIN/api:$PATH LD_LIBRARY_PATH=$BIN LD_PRELOAD=$BIN/tool/$1 \
		ASAN_OPTIONS=verify_asan_link_order=0 "${@:2}"
}

# Repeat COMMAND until it succeeds.
eventually() {
	local end=$((SECONDS + 20))

	until "$@"; do
		if ((SECONDS >= end)); then
			echo "never came true: $*" >&2
			return 1
		fi
		sleep 0.01
	done
}

# Whether somebody holds the transaction lock of a queue.
is_locked() {
	! flock -n "$Q_ROOT/$1/data.mdb" true
}

# Whether N processes wait in slots of a queue.
waits_in_slots() {
	[ "$(od -An -v -t u4 -j 4096 "$Q_ROOT/$2/ctl" |
		awk '(NR - 1) % 256 == 0 && $1 % 8 == 1' | wc -l)" = "$1" ]
}

# Whether a process has opened a queue.
has_open() {
	[[ $(readlink "/proc/$1/fd/"*) == */data.mdb* ]]
}

# Whether a process sleeps on a word of ctl.
is_asleep() {
	[[ $(cat "/proc/$1/wchan") == futex* ]]
}

# Or where nothing wakes it but its time.
is_waiting() {
	[[ $(cat "/proc/$1/wchan") == @(futex|hrtimer_nanosleep|do_nanosleep)* ]]
}

# A file has so many lines.
has_lines() {
	[ "$(wc -l <"$1")" -ge "$2" ]
}

is() {
	if [ "$1" != "$2" ]; then
		printf 'is:     %q\nwanted: %q\n' "$1" "$2" >&2
		return 1
	fi
}

has() {
	if [[ $1 != *"$2"* ]]; then
		printf 'is:          %q\nlacks: %q\n' "$1" "$2" >&2
		return 1
	fi
}

# fails STATUS TEXT COMMAND...: with STATUS, TEXT on stderr, and nothing on stdout.
fails() {
	local want=$1 text=$2

	shift 2
	run --separate-stderr "-$want" "$@"
	is "${output:-}" ''
	has "${stderr:-}" "$text"
}

# As fails, and silently.
is_silent() {
	run --separate-stderr "-$1" "${@:2}"
	is "${output:-}${stderr:-}" ''
}

# A number of qstat: count QUEUE NAME, "ready" for instance.
count() {
	qstat --json "$1" | jq -r ".$2"
}

# counts QUEUE NAME=NUMBER...
counts() {
	local json pair

	json=$(qstat --json "$1")
	shift
	for pair; do
		is "$pair" "${pair%%=*}=$(jq -r ".${pair%%=*}" <<<"$json")"
	done
}

has_count() {
	[ "$(count "$1" "${2%%=*}")" = "${2#*=}" ]
}

# Every message that was pushed is in one state, or ended.
balances() {
	qstat --json "$1" | jq -e '.pushed == .ready + .delayed + (.blocked // 0) +
	    .leased + .dead + .done + .expired + .purged' >/dev/null || {
		qstat --json "$1" >&2
		return 1
	}
}

# Damage the data file of the queue jobs: see tool/damage.c.
damage() {
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" "$@"
}

# all_fail STATUS TEXT: so does every command, with the queue jobs.
all_fail() {
	fails "$1" "$2" timeout 10 qpop jobs
	fails "$1" "$2" timeout 10 qpop -n all -l jobs
	fails "$1" "$2" timeout 10 qpush jobs x
	fails "$1" "$2" timeout 10 qstat --json jobs
	fails "$1" "$2" timeout 10 qack jobs 1.1.00000
}

# The body, attempt and delivery of the next message, which is acknowledged.
next() {
	qpop --json "$1" | jq -r '"\(.body) \(.attempt) \(.delivery)"'
}

# All bodies of a queue, NUL-terminated ones shown one a line.
drain() {
	qpop -n all -0 "$1" | tr '\0' '\n'
}

# The same in one word.
qpop_all() {
	drain "$1" | tr -d '\n'
}

# Take messages, all of whose commands fail.
failing() {
	qpop "$@" -- false 2>/dev/null || is $? 4
}

# On a disk that was full: nothing is wrong, and with room again all goes on.
is_whole_with_room() {
	balances jobs
	qctl check jobs
	rm disk/fill
	qpush jobs again
	is "$(qpop jobs)" again
}

# Run the script on stdin in a mount namespace of its own.
mounting() {
	local flags=-m

	[ "$(id -u)" = 0 ] || flags=-rm
	unshare "$flags" true 2>/dev/null || skip "this user may not mount a file system"
	{
		echo "set -eEuo pipefail; trap 'echo failed: \$BASH_COMMAND >&2' ERR"
		echo "export Q_ROOT=$Q_ROOT"
		declare -f is has fails counts count balances drain is_whole_with_room
		cat
	} >script
	unshare "$flags" bash script 3>&-
}
