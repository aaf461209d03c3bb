# shellcheck shell=sh
# What one push and one take cost in flushes, system calls and memory: not a matter of time.
# shellcheck disable=SC2034,SC2154 # trace, tools, dir, ...: of run.sh and peer.sh

cost_runs=5

# Attach strace to the server of TOOL, if it has one: fails where that is not allowed.
tracer_start() {
	case $1 in
	beanstalkd) server=$beanstalkd_pid ;;
	redis) server=$redis_pid ;;
	nats) server=$nats_pid ;;
	*) server='' && return 0 ;;
	esac
	strace -f -o "$dir/trace.server" -p "$server" 2>"$dir/tracer" &
	tracer_pid=$!
	until_true grep -q -e attached -e not "$dir/tracer"
	grep -q attached "$dir/tracer"
}

tracer_stop() {
	[ -n "${tracer_pid:-}" ] || return 0
	kill "$tracer_pid" 2>/dev/null || :
	wait "$tracer_pid" 2>/dev/null || :
	tracer_pid=
}

# cost_trace TOOL VERB: flushes and system calls of a run, of client and server together.
cost_trace() {
	: >"$dir/trace.client"
	: >"$dir/trace.server"
	if tracer_start "$1"; then
		trace=$dir/trace.client
		case $2 in
		push) push "$1" $cost_runs 1 ;;
		take) take "$1" $cost_runs 1 ;;
		esac
		trace=
		tracer_stop
		read -r flushes calls <<-EOF
			$(awk -v runs=$cost_runs -f "$here/strace.awk" \
				"$dir/trace.client" "$dir/trace.server")
		EOF
		sample cost "flushes a $2" "$1" "$flushes" flushes
		sample cost "system calls a $2" "$1" "$calls" calls
	else
		tracer_stop
	fi
}

cost_memory() {
	push "$1" 3 1
	sample cost 'memory of a push' "$1" "$rss" KiB
	take "$1" 3 1
	sample cost 'memory of a take' "$1" "$rss" KiB
	case $1 in
	beanstalkd) server=$beanstalkd_pid ;;
	redis) server=$redis_pid ;;
	nats) server=$nats_pid ;;
	*) return 0 ;;
	esac
	sample cost 'memory of the server' "$1" \
		"$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$server/status")" KiB
}

cost_objects() {
	case $1 in
	qutils) program=$qpush ;;
	qutils-*) program=$other/qpush ;;
	beanstalkd) program=$bs ;;
	sqlite3) program=$sqlite3 ;;
	redis) program=$redis ;;
	nats) program=$nats ;;
	rabbitmq) program=$(command -v amqp-publish) ;;
	esac
	! has ldd || sample cost 'shared objects loaded' "$1" \
		"$(ldd "$program" 2>/dev/null | grep -c -v -e vdso -e 'not a dynamic')" objects
}

cost_measure() {
	for tool in $tools; do
		# its server is not one process to be watched
		if has strace && [ "$tool" != rabbitmq ]; then
			cost_trace "$tool" push
			cost_trace "$tool" take
		fi
		cost_memory "$tool"
		cost_objects "$tool"
	done
	has strace || echo "strace is not installed: flushes and system calls are not counted."
	timed_ok 3 1 "$floor" empty
	sample cost 'memory of a push' 'floor: spawn' "$rss" KiB
}
