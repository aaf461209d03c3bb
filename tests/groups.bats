#!/usr/bin/env bats
# Order within a group, keys, and the limits all takers share.

load lib

failing() {
	qpop "$@" -- false 2>/dev/null || is $? 4
}

qpop_all() {
	drain "$1" | tr -d '\n'
}

@test "of a group one message is ready, the others are blocked" {
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpush -g b jobs 3
	qpush jobs 4
	counts jobs ready=3 blocked=1 pushed=4
	is "$(qstat --list --state blocked --json jobs | jq -r '"\(.id) \(.group)"')" '2 a'
	is "$(qpop_all jobs)" 1342
	counts jobs ready=0 blocked=0 done=4
	balances jobs
}

@test "a group is delivered in order, one at a time" {
	local r1 r2

	printf '%s\n' 1 2 3 | while read -r n; do qpush -g a jobs "$n"; done
	r1=$(qpop -L 1m jobs | head -1)
	is_silent 1 qpop jobs
	counts jobs ready=0 leased=1 blocked=2
	qack jobs "$r1"
	r2=$(qpop -L 1m -r receipt jobs)
	is "$r2" 2
	qack --release jobs "$(cat receipt)"
	is "$(qpop jobs)" 2
	is "$(qpop jobs)" 3
	balances jobs
}

@test "a message that waits for its next attempt keeps its group waiting" {
	qctl create jobs backoff=1h
	qpush -g a jobs 1
	qpush -g a jobs 2
	failing jobs
	counts jobs delayed=1 blocked=1 ready=0
	is_silent 1 qpop jobs
	balances jobs
}

@test "delays count from their turn in the group" {
	qpush -g a -d 1h jobs first
	qpush -g a jobs second
	counts jobs delayed=1 blocked=1
	is_silent 1 qpop jobs
	qpush -g b jobs head
	qpush -g b -d 1h jobs later
	is "$(qpop jobs)" head
	counts jobs delayed=2 blocked=1 ready=0
}

@test "a dead message lets its group go on, or holds it: group-on-dead" {
	for how in skip hold; do
		qctl create $how group-on-dead=$how max-attempts=1
		qpush -g a $how 1
		qpush -g a $how 2
		failing $how
	done
	counts skip dead=1 ready=1 blocked=0
	counts hold dead=1 ready=0 blocked=1
	is_silent 1 qpop hold
	# Set to skip, those held up go on at once.
	qctl set hold group-on-dead=skip
	counts hold dead=1 ready=1 blocked=0
	is "$(qpop hold)" 2
	balances hold
}

@test "a message given up holds or frees its group as well" {
	local r

	qpush -g a jobs 1
	qpush -g a jobs 2
	r=$(qpop -L 1m jobs | head -1)
	qack --dead --reason no jobs "$r"
	is "$(qpop jobs)" 2
	balances jobs
}

@test "a lease that runs out gives the same message of the group again" {
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpop -L 1ms jobs >/dev/null
	eventually has_count jobs ready=1
	is "$(qpop jobs)" 1
	is "$(qpop jobs)" 2
}

# spoil TABLE ID: of the queue jobs.
spoil() {
	damage "$Q_ROOT/jobs/data.mdb" record "$1" "$(printf '%016x' "$2")"
}

@test "a damaged message does not stop its group, whatever it was" {
	local table

	PATH=$BIN/tool:$PATH
	for table in msg body; do
		rm -rf "$Q_ROOT"
		seq 6 | while read -r n; do qpush -g a -k "$n" -e 1d jobs "$n"; done
		spoil $table 1 # ready
		spoil $table 3 # blocked
		fails 65 'message 1 is damaged' qpop -g a jobs
		is "$(qpop -g a jobs)" 2
		qpop -L 1m -r receipt -o body jobs || qpop -L 1m -r receipt -o body jobs
		is "$(cat body)" 4
		spoil $table 4 # leased
		qack jobs "$(cat receipt)" || [ $? -eq 65 ]
		spoil $table 5
		balances jobs
	done
}

@test "a damaged message that is delayed or leased does not stop its group" {
	PATH=$BIN/tool:$PATH
	printf '{"body":"%s","group":"a","delay":"%s"}\n' 1 100ms 2 0 | qpush -J jobs
	spoil msg 1
	# Who pops sets it aside only if it was ready by then.
	is "$(qpop -w20 -g a jobs || qpop -w20 -g a jobs)" 2
	qpush -g b jobs 3
	qpush -g b jobs 4
	qpop -L 10ms jobs >/dev/null
	spoil msg 3
	is "$(qpop -w20 -g b jobs)" 4
	counts jobs dead=2 done=2 blocked=0
	balances jobs
}

@test "a damaged dead message does not hold its group once it shall not" {
	PATH=$BIN/tool:$PATH
	qctl create jobs group-on-dead=hold max-attempts=1
	qpush -g a jobs 1
	qpush -g a jobs 2
	failing jobs
	spoil msg 1
	qctl set jobs group-on-dead=skip
	is "$(qpop jobs)" 2
	balances jobs
}

@test "a damaged message that is asked for by its id is set aside" {
	PATH=$BIN/tool:$PATH
	qpush jobs 1
	qpush jobs 2
	spoil msg 2
	fails 65 'message 2 is damaged (checksum); set aside' qpop --id 2 jobs
	is_silent 1 qpop --id 2 jobs
	counts jobs ready=1 dead=1
}

@test "asked for by its id, one of those that share a damaged record is set aside alone" {
	PATH=$BIN/tool:$PATH
	qpush -p 3 -m 7 jobs 1 2 3
	spoil msg 1
	fails 65 'message 2 is damaged (checksum); set aside' qpop --id 2 jobs
	counts jobs ready=2 dead=1
	is "$(qstat --json jobs 3 | jq -c '[.priority, .max_attempts, .attempt]')" '[3,7,0]'
	is "$(qpop -n all -l jobs)" $'1\n3'
	balances jobs
}

# A queue of two messages of a group, the first of which is dead: its lease ran out.
lapse_dead() {
	qctl create jobs max-attempts=1 group-on-dead="$1"
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpop -L 1ms -r receipt jobs >/dev/null
	eventually has_count jobs dead=1
}

@test "a dead message that is given back late waits for its group" {
	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	qack -q --release jobs "$(cat receipt)"
	counts jobs dead=0 leased=1 blocked=1 ready=0
	is_silent 1 qpop jobs
	balances jobs
	qack jobs "$(cat second)"
	is "$(qpop jobs)" 1
	balances jobs
}

@test "a dead message that is given back late and for later waits out both" {
	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	qack -q --release -d 1h jobs "$(cat receipt)"
	counts jobs blocked=1 delayed=0
	qack jobs "$(cat second)"
	counts jobs blocked=0 delayed=1
	balances jobs
}

@test "the lease of a dead message is not extended once its group has gone on" {
	local late='lease was over'

	lapse_dead skip
	qpop -L 1m -r second jobs >/dev/null
	fails 1 'nothing changed' qack --extend 1m jobs "$(cat receipt)"
	counts jobs dead=1 leased=1 blocked=0
	qack jobs "$(cat second)"
	run --separate-stderr -0 qack --extend 1m jobs "$(cat receipt)"
	has "$stderr" "$late"
	qpush -g a jobs 3
	counts jobs leased=1 blocked=1
	qack jobs "$(cat receipt)"
	is "$(qpop jobs)" 3
	balances jobs
}

@test "a dead message that holds its group is given back, extended or acknowledged late" {
	lapse_dead hold
	qack -q --release jobs "$(cat receipt)"
	counts jobs ready=1 blocked=1
	is "$(qpop_all jobs)" 12
	qctl set jobs max-attempts=1
	qpush -g b jobs 3
	qpush -g b jobs 4
	qpop -L 1ms -r receipt jobs >/dev/null
	eventually has_count jobs dead=1
	is_silent 1 qpop jobs
	qack -q --extend 1m jobs "$(cat receipt)"
	counts jobs leased=1 blocked=1
	qack jobs "$(cat receipt)"
	is "$(qpop jobs)" 4
	balances jobs
}

@test "a redriven message waits for its group" {
	local how

	for how in skip hold; do
		rm -rf "$Q_ROOT"
		lapse_dead $how
		[ $how = hold ] || qpop -L 1m -r second jobs >/dev/null
		qctl redrive jobs 1
		if [ $how = skip ]; then
			counts jobs leased=1 blocked=1
			qack jobs "$(cat second)"
		fi
		is "$(qpop jobs)" 1
		balances jobs
	done
	is "$(qpop jobs)" 2
}

@test "an expired head of a group lets the next one go" {
	qpush -g a -e 1ms jobs 1
	qpush -g a jobs 2
	eventually has_count jobs expired=1
	is "$(qpop jobs)" 2
	counts jobs expired=1 done=1 blocked=0
	balances jobs
}

@test "a blocked message can expire" {
	qpush -g a jobs 1
	qpush -g a -e 1ms jobs 2
	qpush -g a jobs 3
	eventually has_count jobs expired=1
	is "$(qpop_all jobs)" 13
	counts jobs expired=1 done=2 blocked=0
	balances jobs
}

@test "qpop -g takes from that group alone" {
	qpush jobs other
	qpush -g a jobs 1
	qpush -g a jobs 2
	qpush -g b jobs 3
	is "$(qpop -g a jobs)" 1
	is "$(qpop -n all -g a jobs)" 2
	is_silent 1 qpop -g a jobs
	is_silent 1 qpop -g nobody jobs
	is "$(qpop -n all -g b jobs -- cat)" 3
	is "$(qpop jobs)" other
}

@test "priority goes between groups, not within one" {
	qpush -g a jobs a1
	qpush -g a -p 50 jobs a2
	qpush -g b -p 10 jobs b1
	is "$(qpop_all jobs)" b1a1a2
}

@test "many groups worked on by several workers stay in order" {
	local g

	for ((i = 0; i < 60; i++)); do
		printf '{"body":"%d\\n","group":"g%d"}\n' "$i" $((i % 5))
	done | qpush -J jobs
	export OUT=$PWD
	for ((w = 0; w < 3; w++)); do
		start qpop -n all -P 3 jobs -- sh -c 'read -r n; echo "$n" >>"$OUT/g$((n % 5))"'
	done
	eventually has_count jobs done=60
	for ((g = 0; g < 5; g++)); do
		is "$(cat g$g)" "$(seq $g 5 59)"
	done
	balances jobs
}

@test "a group of a damaged or odd name is refused" {
	fails 2 '--group: must have 1 to 1024 bytes' qpush -g '' jobs x
	fails 2 '--group: must have 1 to 1024 bytes' qpush -g "$(printf '%01025d' 0)" jobs x
	fails 2 '--group: is not UTF-8' qpush -g $'\xff' jobs x
	fails 2 '--group: must have 1 to 1024 bytes' qpop -g '' jobs
	fails 2 '--id and --group exclude each other' qpop -g a --id 1 jobs
	[ ! -e "$Q_ROOT/jobs" ]
	qpush -g "$(printf '%01024d' 0)" jobs x
	is "$(qpop -g "$(printf '%01024d' 0)" jobs)" x
}

@test "a key that waits or is leased is not added again" {
	local r

	is "$(qpush -i -k nightly jobs 1)" 1
	is "$(qpush -i -k nightly jobs 2)" 1
	is "$(qpush -i -k other jobs 3)" 2
	counts jobs ready=2 pushed=2
	r=$(qpop -L 1m jobs | head -1)
	is "$(qpush -i -k nightly jobs 4)" 1
	qack jobs "$r"
	is "$(qpush -i -k nightly jobs 5)" 3
	balances jobs
}

@test "--json says whether the key was known" {
	is "$(qpush -j -k a jobs 1)" '{"id":1,"duplicate":false}'
	is "$(qpush -i -j -k a jobs 1)" '{"id":1,"duplicate":true}'
	is "$(qpush --json jobs 1)" '{"id":2,"duplicate":false}'
	is "$(qstat --list --json jobs | jq -r .key)" $'a\nnull'
}

@test "a delayed or blocked message has its key, a dead or expired one has not" {
	qctl create jobs max-attempts=1
	qpush -d 1h -k delayed jobs x
	qpush -g g jobs x
	qpush -g g -k blocked jobs x
	is "$(qpush -i -k delayed jobs x)" 1
	is "$(qpush -i -k blocked jobs x)" 3
	qpush -p 1 -k dead jobs x
	failing jobs
	is "$(qpush -i -k dead jobs x)" 5
	qpush -e 1ms -k expired jobs x
	eventually has_count jobs expired=1
	is "$(qpush -i -k expired jobs x)" 7
	balances jobs
}

@test "the key of a finished message is known for the window" {
	qctl create jobs window=1h
	qpush -k a jobs x
	qpop jobs >/dev/null
	is "$(qpush -j -k a jobs y)" '{"id":1,"duplicate":true}'
	counts jobs ready=0 pushed=1
	qctl set jobs window=1ms
	qpush -k b jobs x
	qpop jobs >/dev/null
	sleep 0.01
	is "$(qpush -j -k b jobs y)" '{"id":3,"duplicate":false}'
}

@test "a known key needs no room in a full queue" {
	qctl create jobs max-messages=1
	qpush -k a jobs x
	is "$(qpush -i -k a jobs y)" 1
	fails 75 'queue is full (1 messages)' qpush -k b jobs z
}

@test "a key that is repeated in one push needs room once" {
	local how

	printf '{"body":"%s","key":"%s"}\n' 1 a 2 a 3 b 4 a 5 c >lines
	for how in '' --atomic; do
		qctl create jobs max-messages=3
		is "$(qpush $how -iJ jobs <lines)" $'1\n1\n2\n1\n3'
		counts jobs ready=3
		balances jobs
		rm -r "$Q_ROOT"
	done
	qctl create jobs max-messages=2
	fails 75 'queue is full (2 messages); nothing stored' qpush --atomic -J jobs <lines
	run --separate-stderr -75 qpush -J jobs <lines
	has "$stderr" 'queue is full (2 messages); 4 stored, the rest was not'
	counts jobs ready=2
}

@test "a key whose record is damaged keeps its message out, and no other" {
	qpush -k a jobs 1
	"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" record unique "$(
		flock -s "$Q_ROOT/jobs/data.mdb" mdb_dump -n -s unique "$Q_ROOT/jobs/data.mdb" |
			sed -n '/HEADER=END/{n;s/ //p;}')"
	printf '{"body":"%s","key":"%s"}\n' 2 b 3 a 4 c >lines
	run --separate-stderr -65 qpush -iJ jobs <lines
	is "$output" 2
	has "$stderr" 'the record of a key is damaged; 1 stored, the rest was not'
	fails 65 'the record of a key is damaged; nothing stored' qpush -k a jobs x
	balances jobs
	# Its end frees the key.
	is "$(qpop -n 2 -l jobs)" $'1\n2'
	is "$(qpush -ik a jobs x)" 3
}

@test "keys and groups travel as JSON" {
	qpush -k k -g g jobs body
	qpop --json jobs | qpush -J other
	is "$(qpop --json other | jq -r '.key + .group + .body')" kgbody
	printf '%s\n' '{"body":"1","key":"a"}' '{"body":"2","key":"a"}' | qpush -iJ third
	counts third pushed=1
	fails 2 'stdin line 1: key: not a string' qpush -J jobs <<<'{"body":"x","key":1}'
	fails 2 'stdin line 1: group: not 1 to 1024 bytes without NUL' \
		qpush -J jobs <<<'{"body":"x","group":""}'
	fails 2 'stdin line 1: key: not 1 to 1024 bytes without NUL' \
		qpush -J jobs <<<'{"body":"x","key":"a\u0000b"}'
}

@test "a key is for one message" {
	fails 2 '--key is for one message' qpush -k a jobs 1 2
	fails 2 '--key is for one message' qpush -k a -l jobs
	fails 2 '--key is for one message' qpush -k a -f x jobs y
	fails 2 '--key: must have 1 to 1024 bytes' qpush -k '' jobs x
	fails 2 '--key: is not UTF-8' qpush -k $'a\xff' jobs x
	echo file >x
	is "$(qpush -ik a -f x jobs)" 1
}

@test "sixty-four pushers of one key store one message" {
	for ((i = 0; i < 64; i++)); do
		qpush -k once jobs "$i" &
	done
	wait
	counts jobs pushed=1
}

@test "max-leased bounds the leases of all takers" {
	local r

	qctl create jobs max-leased=2
	seq 5 | qpush -l jobs
	is "$(qpop -n all -L 1m -j jobs | wc -l)" 2
	is_silent 1 qpop jobs
	run --separate-stderr -1 qpop -v jobs
	has "$stderr" '2 messages are leased, as many as the queue allows'
	is_silent 1 qpop -n all jobs -- true
	counts jobs leased=2 ready=3
	qctl set jobs max-leased=3
	is "$(qpop jobs)" 3
	qctl set jobs max-leased=0
	is "$(qpop_all jobs)" 45
	qctl set jobs max-leased=1
	fails 2 'max-leased' qctl set jobs max-leased=x
	balances jobs
}

@test "a worker waits for its turn under max-leased" {
	qctl create jobs max-leased=1
	seq 6 | qpush -l jobs
	cat >job <<-'END'
		#!/bin/sh
		mkdir "$Q_ROOT/lock" || exit 9
		rmdir "$Q_ROOT/lock"
	END
	chmod +x job
	start qpop -n all -w -P 4 jobs -- ./job
	start qpop -n all -w -P 4 jobs -- ./job
	eventually has_count jobs done=6
	counts jobs failed=0
}

@test "the lease of a dead holder makes room under max-leased" {
	qctl create jobs max-leased=1
	qpush jobs 1
	local child

	start qpop jobs -- sleep 60
	eventually has_count jobs leased=1
	child=$(pgrep -P "$pid")
	kill -9 "$pid" "$child"
	is "$(qpop -w20 jobs)" 1
}

# The clock of the queue is the machine's: what is counted is that less goes than there is.
@test "a rate is shared by all takers" {
	qctl create jobs rate=1
	seq 9 | qpush -l jobs
	is "$(qpop jobs)" 1
	is_silent 1 qpop jobs
	run --separate-stderr -1 qpop -v -n all jobs
	has "$stderr" 'the rate allows no more for now'
	counts jobs ready=8
	qctl set jobs rate=0
	is "$(qpop -n 2 jobs)" 23
	is "$(qpop -n 2 -l jobs)" $'4\n5'
}

@test "a worker with a rate goes on when it may, and drains" {
	seq 5 | qpush -l jobs
	is "$(qpop -n all -R 50/s jobs -- cat)" 12345
	qpush jobs x
	qpush jobs y
	is "$(qpop -R 1/d jobs -- cat)" x
	start qpop -n all -R 1/d jobs -- touch never
	eventually has_open "$pid"
	counts jobs ready=1
	kill "$pid"
	ended 1
	[ ! -e never ]
}

@test "a worker with a slow rate does not hold up one with a faster" {
	seq 3 | qpush -l jobs
	is "$(qpop -R 1/d jobs -- cat)" 1
	is "$(qpop -n all -R 50/s jobs -- cat)" 23
	qpush jobs 4
	start qpop -R 1/d jobs -- touch never
	eventually has_open "$pid"
	is "$(qpop jobs)" 4
	kill "$pid"
	ended 1
	[ ! -e never ]
}

@test "the slow rate of one taker leaves the others the queue's" {
	qctl create jobs rate=1000
	seq 3 | qpush -l jobs
	is "$(qpop -R 1/d jobs -- cat)" 1
	is "$(qpop -n all -R 1000000 jobs -- cat)" 23
}

@test "rates that are none are refused" {
	for rate in 0 x 10/ 10/w -1 1.5 1000001 ''; do
		fails 2 "--rate: '$rate' is not a rate" qpop -R "$rate" jobs -- true
	done
	fails 2 'for a COMMAND' qpop -R 1 jobs
}
