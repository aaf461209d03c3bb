# shellcheck shell=sh
# The tools compared: their servers, and how each is told to push, take, fill and drain.
# shellcheck disable=SC2154 # dir, bulk, here: of run.sh

found='' missing='' tools=qutils trace=''
batch=10000 # messages a peer takes at once

has() {
	command -v "$1" >/dev/null
}

# Wait until the command succeeds: at most ten seconds.
until_true() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -le 100 ] || { echo "bench: never came true: $*" >&2; exit 3; }
		sleep 0.1
	done
}

beanstalkd_start() {
	mkdir "$dir/beanstalkd"
	beanstalkd -l "unix:$dir/bs.sock" -b "$dir/beanstalkd" -f0 >"$dir/bs.log" 2>&1 &
	beanstalkd_pid=$!
	until_true test -S "$dir/bs.sock"
	found="$found $(beanstalkd -v | tr ' ' -) -f0,"
}

redis_start() {
	mkdir "$dir/redis"
	redis-server --port 0 --unixsocket "$dir/rd.sock" --dir "$dir/redis" --save '' \
		--appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 \
		--daemonize no >"$dir/rd.log" 2>&1 &
	redis_pid=$!
	until_true redis-cli -s "$dir/rd.sock" ping
	found="$found redis-$(redis-cli --version | cut -d' ' -f2) appendfsync always,"
}

sqlite3_start() {
	db=$dir/sqlite3.db
	sqlite3 "$db" 'PRAGMA journal_mode = WAL; CREATE TABLE q(body TEXT)' >/dev/null
	case $(sqlite3 "$db" 'PRAGMA synchronous') in
	2) ;;
	*) printf 'PRAGMA synchronous = FULL;\n' >"$dir/.sqliterc" ;;
	esac
	found="$found sqlite3-$(sqlite3 --version | cut -d' ' -f1) WAL FULL,"
}

peer_is_here() {
	case $1 in
	redis) has redis-server && has redis-cli ;;
	nats) has nats-server ;;
	rabbitmq) [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && has amqp-publish ;;
	*) has "$1" ;;
	esac
}

# What the table calls TOOL. Those that are not durable are no measure of those that are.
name_of() {
	case $1 in
	nats | rabbitmq) echo "$1, not durable" ;;
	*) echo "$1" ;;
	esac
}

# Messages that TOOL is given in bulk: those that are slow at it get fewer.
amount_of() {
	case $1 in
	beanstalkd) echo $((bulk / 50)) ;;
	rabbitmq) echo $((bulk / 1000)) ;;
	*) echo "$bulk" ;;
	esac
}

peers_start() {
	for libc in glibc musl; do
		if [ -x "$BIN/$libc/qpush" ] && ! cmp -s "$BIN/qpush" "$BIN/$libc/qpush"; then
			other=$BIN/$libc
			tools="$tools qutils-$libc"
		fi
	done
	for peer in beanstalkd sqlite3 redis nats rabbitmq; do
		if ! peer_is_here $peer; then
			missing="$missing $peer"
			continue
		fi
		"${peer}_start"
		tools="$tools $peer"
	done
	found=${found%,}
	qpush=$BIN/qpush qpop=$BIN/qpop bs=$BIN/tool/bench-beanstalk
	sqlite3=$(command -v sqlite3 || :) redis=$(command -v redis-cli || :)
	export qpush qpop bs sqlite3 redis other dir
}

peers_stop() {
	for pid in ${beanstalkd_pid:-} ${redis_pid:-} ${nats_pid:-} ${rabbitmq_pid:-} \
		${tracer_pid:-}; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	brokers_stop
}

# timed COUNT PROCESSES COMMAND...: sets seconds, ok, failed, median, worst (ms), rss (KiB).
# Reads $input; under strace if $trace names a file.
timed() {
	timed_count=$1 timed_processes=$2
	shift 2
	[ -z "$trace" ] || set -- strace -f -A -o "$trace" "$@"
	# shellcheck disable=SC2034
	read -r seconds ok failed median worst rss <<-EOF
		$("$BIN/tool/bench-spawn" "$timed_count" "$timed_processes" "$@" \
			<"${input:-/dev/null}" 2>"$dir/errors")
	EOF
	[ -n "$seconds" ] || { cat "$dir/errors" >&2; exit 3; }
}

# The same for what has to succeed each time.
timed_ok() {
	timed "$@"
	[ "$failed" -eq 0 ] && return
	echo "bench: $failed of $((ok + failed)) runs failed: $*" >&2
	head -n 5 "$dir/errors" >&2
	exit 3
}

# push TOOL COUNT PROCESSES: one process a message, 100 bytes each.
push() {
	# shellcheck disable=SC2086 # $amqp is two words
	case $1 in
	qutils) timed "$2" "$3" "$qpush" jobs '{}' ;;
	qutils-*) timed "$2" "$3" "$other/qpush" other '{}' ;;
	beanstalkd) timed "$2" "$3" "$bs" "$dir/bs.sock" put '{}' ;;
	sqlite3) timed "$2" "$3" "$sqlite3" -cmd '.timeout 60000' "$db" \
		"INSERT INTO q VALUES ('{}')" ;;
	redis) timed "$2" "$3" "$redis" -s "$dir/rd.sock" RPUSH q '{}' ;;
	nats) timed "$2" "$3" "$nats" "$nats_port" put '{}' ;;
	rabbitmq) timed "$2" "$3" amqp-publish $amqp -p -r jobs -b '{}' ;;
	esac
}

# take TOOL COUNT PROCESSES: one process a message, taken and gone for good.
take() {
	# shellcheck disable=SC2086 # $amqp is two words
	case $1 in
	qutils) timed_ok "$2" "$3" "$qpop" jobs ;;
	qutils-*) timed_ok "$2" "$3" "$other/qpop" other ;;
	beanstalkd) timed_ok "$2" "$3" "$bs" "$dir/bs.sock" take ;;
	sqlite3) timed_ok "$2" "$3" "$sqlite3" -cmd '.timeout 60000' "$db" \
		'DELETE FROM q WHERE rowid = (SELECT min(rowid) FROM q) RETURNING body' ;;
	redis) timed_ok "$2" "$3" "$redis" -s "$dir/rd.sock" LPOP q ;;
	nats) timed_ok "$2" "$3" "$nats" "$nats_port" take ;;
	rabbitmq) timed_ok "$2" "$3" amqp-get $amqp -q jobs ;;
	esac
}

# Commands for sh -c: they see the variables exported above.
# shellcheck disable=SC2016
fill_command() {
	case $1 in
	qutils) echo 'cat "$dir/lines" | "$qpush" -l jobs' ;;
	qutils-*) echo 'cat "$dir/lines" | "$other/qpush" -l other' ;;
	beanstalkd) echo 'cat "$dir/few" | "$bs" "$dir/bs.sock" fill' ;;
	sqlite3) echo 'cat "$dir/lines" | "$sqlite3" "$dir/sqlite3.db" ".import /dev/stdin q"' ;;
	redis) echo 'cat "$dir/rpush" | "$redis" -s "$dir/rd.sock" --pipe' ;;
	nats) echo 'cat "$dir/lines" | "$nats" "$nats_port" fill' ;;
	rabbitmq) echo 'cat "$dir/fewest" | amqp-publish $amqp -p -r jobs -l' ;;
	esac
}

# shellcheck disable=SC2016
drain_command() {
	case $1 in
	qutils) echo '"$qpop" -n all -l jobs' ;;
	qutils-*) echo '"$other/qpop" -n all -l other' ;;
	beanstalkd) echo '"$bs" "$dir/bs.sock" drain' ;;
	sqlite3) echo '"$sqlite3" "$dir/sqlite3.db" <"$dir/delete"' ;;
	redis) echo '"$redis" -s "$dir/rd.sock" <"$dir/lpop"' ;;
	nats) echo '"$nats" "$nats_port" drain' ;;
	rabbitmq) echo "timeout 120 amqp-consume \$amqp -q jobs -c $(amount_of rabbitmq) -- cat" ;;
	esac
}

# Empty the queue of TOOL, of what push() says it has stored; every body on stdout.
drain() {
	# shellcheck disable=SC2086 # $amqp is two words
	case $1 in
	qutils) "$qpop" -n all -l jobs || [ $? -eq 1 ] ;;
	qutils-*) "$other/qpop" -n all -l other || [ $? -eq 1 ] ;;
	beanstalkd) "$bs" "$dir/bs.sock" drain ;;
	sqlite3) "$sqlite3" "$db" 'DELETE FROM q RETURNING body' ;;
	redis) "$redis" -s "$dir/rd.sock" LRANGE q 0 -1 &&
		"$redis" -s "$dir/rd.sock" DEL q >/dev/null ;;
	nats) "$nats" "$nats_port" drain ;;
	rabbitmq) timeout 120 amqp-consume $amqp -q jobs -c "$ok" -- awk 1 ;;
	esac
}

# Input of fill and drain.
peers_input() {
	awk -v n="$bulk" 'BEGIN {
		pad = sprintf("%88s", ""); gsub(/ /, "x", pad)
		for (i = 0; i < n; i++) printf "%011d.%s\n", i, pad
	}' >"$dir/lines"
	head -n "$(amount_of beanstalkd)" "$dir/lines" >"$dir/few"
	head -n "$(amount_of rabbitmq)" "$dir/lines" >"$dir/fewest"
	sed 's/^/RPUSH q /' "$dir/lines" >"$dir/rpush"
	awk -v n="$bulk" -v batch=$batch -v dir="$dir" 'BEGIN {
		for (i = 0; i < n; i += batch) {
			print "LPOP q " batch >dir "/lpop"
			print "DELETE FROM q WHERE rowid IN (SELECT rowid FROM q" \
				" ORDER BY rowid LIMIT " batch ") RETURNING body;" >dir "/delete"
		}
	}'
}
