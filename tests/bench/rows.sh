# shellcheck shell=sh
# The rows of the table that are measured in every round, all tools in turn.
# shellcheck disable=SC2154 # one, each, loops, depths, ...: of run.sh and peer.sh

floor=$BIN/tool/bench-floor
lost=0

wanted() {
	case " $rows " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# sample ROW WHAT TOOL VALUE UNIT
sample() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(name_of "$3")" "$4" "$5" >>"$samples"
}

rate() {
	awk -v n="$1" -v s="$2" 'BEGIN { printf "%.1f", n / s }'
}

# What earlier tools left to write back is not the next one's cost.
settle() {
	sync -f "$dir"
}

prepare() {
	peers_input
	dd if=/dev/urandom of="$dir/large1" bs=1M count=1 2>/dev/null
	dd if=/dev/urandom of="$dir/large64" bs=1M count=64 2>/dev/null
	dd if=/dev/zero of="$dir/page" bs=4k count=1 2>/dev/null
	for tool in $tools; do
		push "$tool" 3 1
		drain "$tool" >/dev/null
	done
	! wanted depth || for depth in $depths; do
		"$BIN/tool/bench-depth" "$dir/depth/$depth" "$depth" 1 >/dev/null
	done
	settle
}

floors() {
	timed_ok "$one" 1 "$floor" empty
	sample "$1" "$2" 'floor: spawn' "$median" ms
	timed_ok "$one" 1 "$floor" page "$dir/page"
	sample "$1" "$2" 'floor: spawn + flush' "$median" ms
	timed_ok "$one" 1 "$floor" grow "$dir/grow"
	sample "$1" "$2" 'floor: spawn + flush, growing' "$median" ms
}

row_push_take() {
	for tool in $tools; do
		push "$tool" "$one" 1
		[ "$failed" -eq 0 ] || { cat "$dir/errors" >&2; exit 3; }
		! wanted push || sample push 'one process a push' "$tool" "$median" ms
		take "$tool" "$one" 1
		! wanted take || sample take 'one process a take and ack' "$tool" "$median" ms
	done
	! wanted push || floors push 'one process a push'
	! wanted take || floors take 'one process a take and ack'
}

# loop NAME PATH [COMMAND]: a message of a line a push, in one bash, which runs COMMAND first.
loop() {
	settle
	# shellcheck disable=SC2016
	timed_ok 1 1 env PATH="$2:$PATH" bash -c \
		"${3:-:}"'; while read -r line; do qpush "$0" "$line" || exit; done <"$1"' \
		loop "$dir/loop-lines"
	sample loop 'a push in a loop of bash' "$1" \
		"$(awk -v n="$loop_pushes" -v s="$seconds" 'BEGIN { print s / n * 1000 }')" ms
	"$qpop" -n all -l loop | cmp - "$dir/loop-lines"
}

row_loop() {
	head -n "$loop_pushes" "$dir/lines" >"$dir/loop-lines"
	loop qutils "$BIN"
	case " $tools " in
	*' qutils-'*) loop "qutils-${other##*/}" "$other" ;;
	esac
	[ ! -f "$BIN/qutils.so" ] ||
		loop 'qutils, builtin' "$BIN" "enable -f '$BIN/qutils.so' qpush"
	# shellcheck disable=SC2016
	timed_ok 1 1 bash -c 'while read -r line; do "$1" empty; done <"$0"' \
		"$dir/loop-lines" "$floor"
	sample loop 'a push in a loop of bash' 'floor: spawn' \
		"$(awk -v n="$loop_pushes" -v s="$seconds" 'BEGIN { print s / n * 1000 }')" ms
}

# bulk_out TOOL MESSAGES NAME TARGET: target is where sh sends the bodies.
bulk_out() {
	settle
	timed_ok 1 1 sh -c "$(drain_command "$1") $4"
	! wanted bulk-out || sample bulk-out "$3" "$1" "$(rate "$2" "$seconds")" 'msg/s'
}

bulk_in() {
	settle
	timed_ok 1 1 sh -c "$(fill_command "$1")"
	! wanted bulk-in ||
		sample bulk-in 'lines through a pipe' "$1" "$(rate "$2" "$seconds")" 'msg/s'
}

bulk_floors() {
	rm -f "$dir/copy"
	settle
	timed_ok 1 1 sh -c "cat $dir/lines | $floor copy $dir/copy"
	! wanted bulk-in || sample bulk-in 'lines through a pipe' 'floor: cat + flush' \
		"$(rate "$bulk" "$seconds")" 'msg/s'
	for target in '>/dev/null' '| cat >/dev/null'; do
		timed_ok 1 1 sh -c "$floor pass $dir/page <$dir/lines $target"
		what='to /dev/null'
		[ "$target" = '>/dev/null' ] || what='to a pipe'
		! wanted bulk-out || sample bulk-out "$what" 'floor: cat + flush' \
			"$(rate "$bulk" "$seconds")" 'msg/s'
	done
}

row_bulk() {
	for tool in $tools; do
		n=$(amount_of "$tool")
		bulk_in "$tool" "$n"
		bulk_out "$tool" "$n" 'to /dev/null' '>/dev/null'
		bulk_in "$tool" "$n"
		# wc for cat: as cheap, and it shows that nothing is missing.
		# shellcheck disable=SC2016
		bulk_out "$tool" "$n" 'to a pipe' '| wc -l >"$dir/count"'
		if [ "$(grep -c . "$dir/count")" -ne 1 ] || [ "$(cat "$dir/count")" -ne "$n" ]; then
			echo "bench: $tool gave $(cat "$dir/count") of $n messages" >&2
			exit 3
		fi
	done
	bulk_floors
}

row_pushers() {
	pushers 16
	pushers 64
}

row_takers() {
	takers 16
	takers 64
}

takers() {
	what="$1 processes at once"
	for tool in $tools; do
		[ "$tool $1" != 'rabbitmq 64' ] || continue
		push "$tool" "$each" "$1"
		settle
		take "$tool" "$each" "$1"
		sample takers "$what" "$tool" "$(rate "$ok" "$seconds")" 'msg/s'
		sample takers "$what, slowest take" "$tool" "$worst" ms
	done
	timed_ok "$each" "$1" "$floor" empty
	sample takers "$what" 'floor: spawn' "$(rate "$ok" "$seconds")" 'msg/s'
}

pushers() {
	what="$1 processes at once"
	for tool in $tools; do
		# a process a message is how it would be emptied: minutes
		[ "$tool $1" != 'rabbitmq 64' ] || continue
		settle
		push "$tool" "$each" "$1"
		drain "$tool" >"$dir/bodies"
		gone=$((ok - $(sort -u "$dir/bodies" | wc -l)))
		twice=$(sort "$dir/bodies" | uniq -d | wc -l)
		sample pushers "$what" "$tool" "$(rate "$ok" "$seconds")" 'msg/s'
		sample pushers "$what, slowest push" "$tool" "$worst" ms
		sample pushers "$what, refused" "$tool" "$failed" pushes
		sample pushers "$what, stored twice" "$tool" "$twice" messages
		sample pushers "$what, exit 0 but lost" "$tool" "$gone" messages
		case $tool in
		qutils*) lost=$((lost + gone)) ;;
		esac
	done
	timed_ok "$each" "$1" "$floor" empty
	sample pushers "$what" 'floor: spawn' "$(rate "$ok" "$seconds")" 'msg/s'
	timed_ok "$each" "$1" "$floor" page "$dir/page"
	sample pushers "$what" 'floor: spawn + flush' "$(rate "$ok" "$seconds")" 'msg/s'
}

# What combining is worth: without, a directory stands where the shared memory would be.
writers() {
	read -r rate median p99 worst <<-EOF
		$(LD_PRELOAD="$BIN/tool/shim-sync" SHIM_SYNC_DELAY="$4" \
			"$BIN/tool/bench-writers" "$dir/writers/$2$1" "$1" "$run")
	EOF
	sample writers "$1 resident$3" "$2" "$rate" 'msg/s'
	sample writers "$1 resident$3, 99th percentile" "$2" "$p99" ms
	sample writers "$1 resident$3, slowest" "$2" "$worst" ms
}

row_writers() {
	for n in 1 16 64; do
		mkdir -p "$dir/writers"
		"$BIN/qctl" create "$dir/writers/alone$n" 2>/dev/null || :
		mkdir -p "$dir/writers/alone$n/ctl"
		for tool in qutils alone; do
			settle
			writers "$n" "$tool" '' 0
			writers "$n" "$tool" ', 2 ms more a flush' 2000
		done
	done
}

# wake NAME PATH: of the commands there. The floor is a push that nobody waits for.
wake() {
	read -r alone alone99 _ <<-EOF
		$("$BIN/tool/bench-wake" "$2/qpush" "$2/qpop" alone 0 "$loops")
	EOF
	for n in 1 64; do
		read -r median p99 _ <<-EOF
			$("$BIN/tool/bench-wake" "$2/qpush" "$2/qpop" wake "$n" "$loops")
		EOF
		title="from push to taker, $n waiting"
		sample wake "$title" "$1" "$median" ms
		sample wake "$title" "floor: the push, $1" "$alone" ms
		sample wake "$title, 99th percentile" "$1" "$p99" ms
		sample wake "$title, 99th percentile" "floor: the push, $1" "$alone99" ms
	done
}

row_wake() {
	"$BIN/qctl" create wake 2>/dev/null || :
	"$BIN/qctl" create alone 2>/dev/null || :
	wake qutils "$BIN"
	case " $tools " in
	*' qutils-'*) wake "qutils-${other##*/}" "$other" ;;
	esac
}

row_depth() {
	for depth in $depths; do
		read -r push_us push_cpu take_us take_cpu <<-EOF
			$("$BIN/tool/bench-depth" "$dir/depth/$depth" "$depth" "$loops")
		EOF
		sample depth "push, $depth waiting" qutils "$push_us" us
		sample depth "push, $depth waiting" 'processor time alone' "$push_cpu" us
		sample depth "take and ack, $depth waiting" qutils "$take_us" us
		sample depth "take and ack, $depth waiting" 'processor time alone' "$take_cpu" us
	done
}

# large SIZE COUNT: MiB of each of COUNT bodies, in and out.
large() {
	input=$dir/large$1
	settle
	timed_ok "$2" 1 "$qpush" jobs
	sample large "push of $1 MiB" qutils "$median" ms
	rm -f "$dir/copy"
	settle
	timed_ok "$2" 1 "$floor" copy "$dir/copy"
	sample large "push of $1 MiB" 'floor: cat + flush' "$median" ms
	timed_ok "$2" 1 "$qpop" jobs
	sample large "take of $1 MiB" qutils "$median" ms
	timed_ok "$2" 1 "$floor" pass "$dir/page"
	sample large "take of $1 MiB" 'floor: cat + flush' "$median" ms
	"$qpush" jobs <"$input"
	"$qpop" jobs | cmp - "$input"
	input=
}

row_large() {
	"$BIN/qctl" create jobs 2>/dev/null || :
	large 1 20
	large 64 3
}

rows_round() {
	if wanted push || wanted take; then
		row_push_take
	fi
	! wanted loop || row_loop
	if wanted bulk-in || wanted bulk-out; then
		row_bulk
	fi
	! wanted pushers || row_pushers
	! wanted takers || row_takers
	! wanted worker || row_worker
	! wanted writers || row_writers
	! wanted wake || row_wake
	! wanted depth || row_depth
	! wanted large || row_large
	! wanted scale || row_scale
}
