#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What happens to queues, as qwatch tells it: each event once, in order, with who did it.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# watch OPTION... QUEUE...: in the background; what it prints is in files.
watch() {
	: >events
	start qwatch "$@" >events 2>errors
	watcher=$pid
	eventually is_waiting "$watcher"
}

# told "EVENT ID..."...: the events of the watcher, of which it is to print so many.
told() {
	ended 0 "$watcher"
	is "$(jq -r '"\(.event) \(.id // "-")"' events)" "$(printf '%s\n' "$@")"
	is "$(cat errors)" ''
}

# One field of each event.
field() {
	jq -r ".$1" events
}

# As a user that has nothing to do with us.
other() {
	setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}

teardown() {
	end_started
	[ -z "${public:-}" ] || rm -r "$public"
}

receipt() {
	qpop -L 1m "$1" | head -n 1
}

@test "what edit and load store is pushed, as anything else" {
	qctl create jobs log=1h
	qpush -k a jobs helo
	watch -j -n 3 jobs
	EDITOR='sed -i s/lo/llo/' qctl edit -q jobs 1
	qpush other x
	qctl dump other | qctl load -q jobs
	told 'purged 1' 'pushed 2' 'pushed 3'
	is "$(qwatch --since 1h -j jobs | jq -r '"\(.event) \(.id) \(.key)"' | xargs)" \
		'pushed 1 a purged 1 null pushed 2 a pushed 3 null'
}

@test "each command's event is seen once and in order" {
	qctl create jobs
	watch -j -n 16 jobs
	qpush jobs x
	qpop jobs >/dev/null
	qpush -k a jobs y
	qpush -k a jobs y
	r=$(receipt jobs)
	qack --extend 1m jobs "$r"
	qack --release jobs "$r"
	r=$(receipt jobs)
	qack --fail --reason 'no such photo' jobs "$r"
	qctl release jobs 2
	qctl dead --reason 'not today' jobs 2
	qctl redrive jobs 2
	qctl purge --yes jobs >/dev/null
	qctl pause jobs
	qctl set jobs backoff=50ms
	told 'pushed 1' 'delivered 1' 'acknowledged 1' \
		'pushed 2' 'delivered 2' 'extended 2' 'released 2' 'delivered 2' 'failed 2' \
		'released 2' 'dead 2' 'redriven 2' 'purged 2' 'paused -' 'paused -' 'set -'
	is "$(jq -r 'select(.event == "failed") | .reason' events)" 'no such photo'
	is "$(jq -r 'select(.event == "dead") | .reason' events)" 'not today'
	is "$(jq -r 'select(.event == "pushed") | .key' events | xargs)" 'null a'
	is "$(jq -r 'select(.event == "paused") | .gate' events | xargs)" 'in out'
	is "$(jq -r 'select(.event == "set") | .option' events)" backoff=50ms
	is "$(jq -r 'select(.event == "failed") | .due > .time' events)" true
	is "$(jq -r 'select(.event == "extended") | .until > .time' events)" true
}

@test "a message that is moved is told of in the queue it left, with where it went" {
	qctl create jobs
	qctl create "./a queue"
	qpush jobs x y z
	watch -j -n 3 jobs
	qctl move jobs "./a queue" 2 >/dev/null
	qctl dead jobs 1
	qctl redrive --to "./a queue" --all jobs >/dev/null
	told 'moved 2' 'dead 1' 'moved 1'
	is "$(jq -r 'select(.event == "moved") | .to' events | uniq)" 'a queue'
	is "$(jq -r 'select(.event == "moved") | .command' events | uniq)" qctl
	watch -n 1 jobs
	qctl move jobs "./a queue" >/dev/null
	ended 0 "$watcher"
	[[ $(cat events) == *' jobs 3 moved by=qctl '*' to=a queue' ]]
	counts jobs purged=3 pushed=3 ready=0
}

@test "the name of the queue a message went to is cut" {
	long=$(printf 'n%.0s' {1..200})
	qctl create jobs
	qctl create "$long"
	qpush jobs x
	watch -j -n 1 jobs
	qctl move jobs "$long" >/dev/null
	told 'moved 1'
	is "$(field to)" "${long:0:68}"
}

@test "what time does is told, and nobody is named" {
	qctl create jobs
	watch -j -n 4 jobs
	qpush -m 1 jobs x
	qpop -L 10ms jobs >/dev/null
	eventually has_count jobs dead=1
	qctl release --all jobs # finds what is over, and nothing else to do
	told 'pushed 1' 'delivered 1' 'lapsed 1' 'dead 1'
	is "$(jq -r 'select(.event == "dead") | "\(.reason) \(.uid) \(.pid)"' events)" \
		'lease ran out null null'
	is "$(jq -r 'select(.event == "lapsed") | "\(.reason) \(.uid) \(.command)"' events)" \
		'lease ran out null null'
	watch -j -n 3 jobs
	qpush -d 10ms jobs y
	eventually has_count jobs ready=1
	run -1 qpop --id 9 jobs
	eventually has_lines events 2
	qctl dead jobs 2
	told 'pushed 2' 'ready 2' 'dead 2'
	is "$(jq -r 'select(.event == "ready") | "\(.pid) \(.uid) \(.command)"' events)" \
		'null null null'
	watch -j -n 2 jobs
	qpush -e 10ms jobs z
	eventually has_count jobs expired=1
	run -1 qpop jobs
	told 'pushed 3' 'expired 3'
}

@test "an event says who did it" {
	qctl create jobs
	watch -j -n 3 jobs
	start qpush jobs x
	pusher=$pid
	ended 0 "$pusher"
	qpop jobs >/dev/null
	told 'pushed 1' 'delivered 1' 'acknowledged 1'
	is "$(field command | xargs)" 'qpush qpop qpop'
	is "$(field pid | head -n 1)" "$pusher"
	is "$(field uid | sort -u)" "$(id -u)"
	is "$(field attempt | xargs)" '0 1 1'
	is "$(field queue | sort -u)" jobs
}

@test "requests that share a transaction have each their own name" {
	local pids=()

	qctl create jobs
	watch -j -n 4 jobs
	exec 7<"$Q_ROOT/jobs/data.mdb"
	flock 7
	for i in 1 2 3 4; do
		start qpush jobs "$i"
		pids+=("$pid")
		eventually is_waiting "$pid"
	done
	exec 7<&-
	for i in "${pids[@]}"; do
		ended 0 "$i"
	done
	ended 0 "$watcher"
	is "$(field pid | sort)" "$(printf '%s\n' "${pids[@]}" | sort)"
	is "$(field command | sort -u)" qpush
	is "$(field time | sort -u | wc -l)" 1
}

@test "what is refused is not told" {
	qctl create jobs max-messages=2
	watch -j -n 2 jobs
	run -75 qpush --atomic -l jobs <<<$'a\nb\nc'
	run -1 qpop jobs
	qpush jobs x
	run -1 qack --strict jobs 1.1.zzzzz
	qpush jobs y
	told 'pushed 1' 'pushed 2'
}

@test "a line has time, queue, id and event, and then what else is known" {
	qctl create jobs
	watch -n 3 jobs
	start qpush -k 'a key' jobs x
	pusher=$pid
	ended 0 "$pusher"
	r=$(receipt jobs)
	qack --dead --reason $'no\nsuch \e[31mphoto' jobs "$r"
	ended 0 "$watcher"
	is "$(cut -d ' ' -f 2- events | sed -n 1p)" \
		"jobs 1 pushed by=qpush pid=$pusher uid=$(id -u) key=a key"
	[[ $(sed -n 1p events) =~ ^20[0-9-]+T[0-9:.]+Z\ jobs ]]
	[[ $(sed -n 2p events) =~ \ jobs\ 1\ delivered\ attempt=1\ until=20 ]]
	[[ $(sed -n 3p events) == *' dead attempt=1 by=qack '*'reason=no\x0asuch \x1b[31mphoto' ]]
	is "$(wc -l <events)" 3
}

@test "several queues are watched, and all of them" {
	qctl create jobs
	qctl create mail
	watch -j -n 2 jobs mail
	qpush mail x
	eventually has_lines events 1
	qpush jobs x
	ended 0 "$watcher"
	is "$(field queue | xargs)" 'mail jobs'
	watch -j -n 2
	qpush jobs x
	eventually has_lines events 1
	qpush mail x
	ended 0 "$watcher"
	is "$(field queue | xargs)" 'jobs mail'
}

@test "without operands, queues that are made later are watched, too" {
	qctl create jobs
	watch -j -n 3
	qpush jobs x
	qctl create mail
	eventually grep -q created events
	qpush mail x
	eventually has_lines events 3
	qpush jobs y
	ended 0 "$watcher"
	is "$(jq -r '"\(.queue) \(.event)"' events)" \
		$'jobs pushed\nmail created\nmail pushed\njobs pushed'
	is "$(cat errors)" 'qwatch: mail: is new'
}

@test "a queue that is made later and cannot be watched ends nothing" {
	qctl create jobs log=7d
	watch -j -n 1 --since 1h --events
	qctl create mail
	eventually has_lines errors 1
	qpush jobs x
	ended 0 "$watcher"
	is "$(jq -r '"\(.queue) \(.event)"' events)" 'jobs pushed'
	is "$(cat errors)" 'qwatch: mail: it keeps no log; set its option log, to 7d for instance'
}

@test "queues that are named are all that are watched" {
	qctl create jobs
	watch -j -n 2 jobs
	qpush mail x
	qpush jobs x
	eventually has_lines events 1
	qpush jobs y
	told 'pushed 1' 'pushed 2'
}

@test "more queues are watched than there are descriptors by default" {
	local i

	for i in {1..30}; do
		qctl create "q$i"
	done
	start bash -c 'ulimit -Sn 40; exec qwatch -j -n 2' >events 2>errors
	watcher=$pid
	eventually is_waiting "$watcher"
	qpush q1 x
	eventually has_lines events 1
	qpush q30 x
	told 'pushed 1' 'pushed 1'
	is "$(field queue | xargs)" 'q1 q30'
	# what is not allowed is said as it is
	run --separate-stderr -3 bash -c 'ulimit -n 40; exec qwatch --events'
	has "$stderr" 'Too many open files'
	# and a command has the limit that we had
	run -0 bash -c 'ulimit -Sn 40; exec qwatch --alert "ready>=0" -n 1 -- sh -c "ulimit -Sn"'
	is "$output" 40
}

@test "a watcher that is too slow is told how many it missed" {
	qctl create jobs
	watch -j -n 4096 jobs
	kill -STOP "$watcher"
	seq 5000 | qpush -l jobs
	kill -CONT "$watcher"
	ended 0 "$watcher"
	is "$(head -n 1 events)" '{"queue":"jobs","event":"missed","count":904}'
	is "$(tail -n +2 events | jq .id)" "$(seq 905 5000)"
	is "$(cat errors)" 'qwatch: jobs: 904 events are missed'
}

@test "a queue that is removed and made again is watched on" {
	qctl create jobs
	watch -j -n 2 jobs
	qpush jobs x
	eventually has_lines events 1
	qctl rm --yes jobs
	eventually grep -q removed events
	qctl create jobs
	eventually grep -q created events
	eventually is_waiting "$watcher"
	qpush jobs y
	ended 0 "$watcher"
	is "$(field event | xargs)" 'pushed removed created pushed'
	is "$(cat errors)" "qwatch: jobs: the queue was removed or replaced; waiting for another
qwatch: jobs: there is a queue again"
}

@test "events go on when ctl is deleted or moved, and that some are missed is said" {
	local act
	qctl create jobs
	for act in rm 'mv -t .'; do
		watch -j -n 2 jobs
		qpush jobs x
		eventually has_lines events 1
		$act "$Q_ROOT/jobs/ctl"
		eventually test -e "$Q_ROOT/jobs/ctl"
		qpush jobs y
		ended 0 "$watcher"
		is "$(jq -c '[.event, .count]' events | xargs)" \
			'[pushed,null] [missed,null] [pushed,null]'
		is "$(cat errors)" 'qwatch: jobs: events are missed, nobody knows how many'
	done
}

@test "who reads the events and leaves ends the watch, though nothing more happens" {
	qctl create jobs
	mkfifo fifo
	exec 7<>fifo
	start qwatch jobs >fifo
	watcher=$pid
	eventually is_waiting "$watcher"
	qpush jobs x
	read -r line <&7
	has "$line" ' jobs 1 pushed '
	exec 7<&-
	ended 0 "$watcher"
}

@test "a signal ends the watch, and what was seen is printed" {
	local sig

	qctl create jobs
	for sig in INT TERM; do
		watch jobs
		qpush jobs x
		eventually has_lines events 1
		kill -$sig "$watcher"
		ended $((128 + $(kill -l $sig))) "$watcher"
		has "$(cat events)" pushed
		is "$(cat errors)" ''
	done
}

@test "a time that is over is no error, unless events were asked for" {
	qctl create jobs
	is_silent 0 qwatch --events --timeout 10ms jobs
	is_silent 1 qwatch -n 1 --timeout 10ms jobs
}

@test "who may only read sees events where there is a ctl" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	public=$(mktemp -d)
	chmod 755 "$public"
	cp "$BIN/qwatch" "$public"
	export Q_ROOT=$public/root
	qctl create --mode 0755 jobs
	chmod 755 "$Q_ROOT"
	fails 3 'its events cannot be seen: there is no file ctl' \
		other "$public/qwatch" --events jobs
	qwatch --timeout 0 jobs # it makes one
	start setpriv --reuid 65534 --regid 65534 --clear-groups "$public/qwatch" -j -n 1 \
		jobs >events 2>errors
	watcher=$pid
	eventually is_waiting "$watcher"
	qpush jobs x
	told 'pushed 1'
}

@test "what cannot be asked of events is said" {
	qctl create jobs
	fails 2 'exclude each other' qwatch --until empty jobs 1
	fails 2 '--events, --json and --count are not for --until' qwatch -j --until empty jobs
	fails 2 '--events and --count are not for an ID' qwatch --events jobs 1
	fails 2 '--events and --count are not for an ID' qwatch -n 1 jobs 1
	fails 2 "--count: " qwatch -n 0 jobs
	fails 3 'jbos: no such queue' qwatch jobs jbos
	Q_ROOT=$PWD/nowhere fails 2 'no queue given, and there is none' qwatch
}

@test "events that cannot be written are an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	qctl create jobs
	start qwatch -n 1 jobs >/dev/full 2>errors
	eventually is_waiting "$pid"
	qpush jobs x
	ended 3
	has "$(cat errors)" 'qwatch: stdout: No space left on device'
}
