# shellcheck shell=sh
# How the cost of an operation grows: with messages waiting, queues, processes and the size
# of bodies; and how much of the disk a queue has while it is filled and drained. What is
# called "push @ 10 queues" is a point of a curve: curve.awk draws it.
# shellcheck disable=SC2034,SC2154 # dir, median, quick, ...: of run.sh and peer.sh

scale_rounds=2 # at most; its steps are far more than what rounds differ by
scale_waiting='1000 10000 100000 1000000'
scale_queues='1 10 100 1000'
scale_processes='1 2 4 8 16 32 64'
scale_bodies='10 100 1000 10000 100000 1000000 10000000 67108864'
scale_loops=300 scale_step=20000 scale_seconds=1
if [ -n "$quick" ]; then
	scale_rounds=1
	scale_waiting='1000 10000 100000' scale_queues='1 10 100' scale_processes='1 4 16 64'
	scale_bodies='10 1000 100000 10000000'
	scale_loops=100 scale_step=4000 scale_seconds=0.3
fi
if [ -n "${BENCH_BIG:-}" ]; then
	scale_waiting="$scale_waiting 10000000" scale_queues="$scale_queues 10000"
	scale_processes="$scale_processes 128 256"
	scale_bodies="$scale_bodies 268435456 1073741824"
fi
scale_waiting=${BENCH_WAITING:-$scale_waiting}

scale_point_waiting() {
	read -r push_us _ take_us _ <<-EOF
		$("$BIN/tool/bench-depth" "$dir/scale/waiting" "$1" "$scale_loops")
	EOF
	sample scale-waiting "push @ $1 messages waiting" qutils "$push_us" us
	sample scale-waiting "take and ack @ $1 messages waiting" qutils "$take_us" us
	# The same for a command, of which there is a process each time.
	timed_ok 30 1 "$qpush" "$dir/scale/waiting" '{}'
	sample scale-waiting "qpush, a process @ $1 messages waiting" qutils \
		"$(us "$median")" us
	timed_ok 30 1 "$qpop" "$dir/scale/waiting"
	sample scale-waiting "qpop, a process @ $1 messages waiting" qutils "$(us "$median")" us
}

us() {
	awk -v ms="$1" 'BEGIN { print ms * 1000 }'
}

scale_point_queues() {
	read -r push_us take_us <<-EOF
		$("$BIN/tool/bench-queues" "$dir/scale/queues" "$1" "$scale_loops")
	EOF
	sample scale-queues "open and push @ $1 queues" qutils "$push_us" us
	sample scale-queues "take, ack and close @ $1 queues" qutils "$take_us" us
	timed_ok 1 1 env Q_ROOT="$dir/scale/queues" "$BIN/qstat"
	sample scale-queues "qstat of all, a queue @ $1 queues" qutils \
		"$(awk -v s="$seconds" -v n="$1" 'BEGIN { print s * 1e6 / n }')" us
}

scale_point_processes() {
	pushes=$((640 / $1))
	[ -z "$quick" ] || pushes=$((pushes / 4))
	[ "$pushes" -ge 5 ] || pushes=5
	timed_ok "$pushes" "$1" "$qpush" processes '{}'
	sample scale-processes "push @ $1 processes" qutils "$(rate "$ok" "$seconds")" 'msg/s'
	timed_ok "$pushes" "$1" "$qpop" processes
	sample scale-processes "take and ack @ $1 processes" qutils \
		"$(rate "$ok" "$seconds")" 'msg/s'
	timed_ok "$pushes" "$1" "$floor" empty
	sample scale-processes "nothing @ $1 processes" 'floor: spawn' \
		"$(rate "$ok" "$seconds")" 'msg/s'
	read -r rate _ <<-EOF
		$("$BIN/tool/bench-writers" "$dir/scale/writers" "$1" "$scale_seconds")
	EOF
	rm -rf "$dir/scale/writers"
	sample scale-processes "push, resident @ $1 processes" qutils "$rate" 'msg/s'
}

# A run at a time, for each reads the file from its beginning.
scale_point_body() {
	head -c "$1" /dev/urandom >"$dir/body"
	runs=5
	[ "$1" -lt 67108864 ] || runs=1
	input=$dir/body
	while [ $runs -gt 0 ]; do
		settle
		timed_ok 1 1 "$qpush" "$dir/scale/bodies"
		sample scale-body "push @ $1 bytes a body" qutils "$median" ms
		rm -f "$dir/copy"
		settle
		timed_ok 1 1 "$floor" copy "$dir/copy"
		sample scale-body "push @ $1 bytes a body" 'floor: cat + flush' "$median" ms
		settle
		timed_ok 1 1 "$qpop" -o "$dir/copy" "$dir/scale/bodies"
		sample scale-body "take to a file @ $1 bytes a body" qutils "$median" ms
		cmp "$dir/copy" "$dir/body"
		runs=$((runs - 1))
	done
	input=''
	rm -f "$dir/copy" "$dir/body"
}

# Live bodies and what the disk gives for them, after each step.
scale_space_point() {
	scale_steps=$((scale_steps + 1))
	live=$("$BIN/qstat" --json "$dir/scale/space" | sed 's/.*"ready":\([0-9]*\).*/\1/')
	live=$((live * 500))
	sample scale-space "bodies waiting @ $scale_steps steps" qutils "$(mib "$live")" MiB
	sample scale-space "on disk @ $scale_steps steps" qutils \
		"$(mib "$(du -s --block-size=1 "$dir/scale/space" | cut -f 1)")" MiB
}

mib() {
	awk -v n="$1" 'BEGIN { printf "%.2f", n / 1048576 }'
}

# Ten steps up and ten down, twice, and a compaction.
scale_space() {
	scale_steps=0
	awk -v n="$scale_step" 'BEGIN {
		pad = sprintf("%488s", ""); gsub(/ /, "x", pad)
		for (i = 0; i < n; i++) printf "%011d.%s\n", i, pad
	}' >"$dir/space-lines"
	for cycle in 1 2; do
		for step in 1 2 3 4 5 6 7 8 9 10; do
			"$qpush" -l "$dir/scale/space" <"$dir/space-lines"
			scale_space_point
		done
		for step in 1 2 3 4 5 6 7 8 9 10; do
			"$qpop" -n "$scale_step" "$dir/scale/space" >/dev/null
			scale_space_point
		done
	done
	: "$cycle $step"
	"$BIN/qctl" -q compact "$dir/scale/space" >/dev/null
	scale_space_point
	rm -rf "$dir/scale/space" "$dir/space-lines"
}

# Queues are made before anything is measured; 1 MiB each is why there may be too many.
scale_prepare() {
	mkdir -p "$dir/scale"
	free=$(df --output=avail -k "$dir" | tail -n 1)
	kept=''
	for n in $scale_queues; do
		if [ $((n * 2048)) -lt "$free" ]; then
			kept="$kept $n"
		else
			echo "scale: $n queues need $((n / 512)) GiB of disk to spare: left out."
		fi
	done
	scale_queues=$kept
}

# Of rising numbers: each is what the one before has left, and more.
row_scale() {
	[ "$round" -le "$scale_rounds" ] || return 0
	rm -rf "$dir/scale/waiting" "$dir/scale/queues"
	for n in $scale_waiting; do
		scale_point_waiting "$n"
	done
	rm -rf "$dir/scale/waiting"
	for n in $scale_queues; do
		scale_point_queues "$n"
	done
	rm -rf "$dir/scale/queues"
	for n in $scale_processes; do
		scale_point_processes "$n"
	done
	for n in $scale_bodies; do
		scale_point_body "$n"
	done
	[ "$round" -gt 1 ] || scale_space
}
