#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl move, copy and redrive --to: each message is taken over once, whatever happens.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

teardown() {
	local q

	for q in a b; do
		if [ -e "$Q_ROOT/$q" ]; then
			qctl check "$q"
			balances "$q"
		fi
	done
	end_started
}

ids() {
	qstat --list --json "$@" | jq .id | xargs
}

@test "move takes all messages over, in order, but those that are leased" {
	qctl create b
	seq 1200 | qpush -l a
	qpop -L 1h a >/dev/null
	is "$(qctl move a b)" 'moved 1199 messages'
	counts a ready=0 dead=0 leased=1 purged=1199
	is "$(qpop -n all -l b | md5sum)" "$(seq 2 1200 | md5sum)"
}

@test "all that was said of a message is taken along, and its attempts are not" {
	local want

	qctl create b
	qctl create a max-attempts=7
	qpush -p 5 -k key -g group -H name=value -m 9 -e 1h a x
	qpush -d 1h a later
	qpush a plain
	qack --fail a "$(qpop -L 1h -r r a >/dev/null && cat r)"
	want='[.state, .priority, .key, .group, .headers, .max_attempts, .attempt, (.expires != null)]'
	qctl move a b
	is "$(qstat --list --json b | jq -c "$want")" \
		'["ready",5,"key","group",{"name":"value"},9,0,true]
["delayed",0,null,null,{},20,0,false]
["ready",0,null,null,{},20,0,false]'
}

@test "messages are moved by id, state, age and reason, and so many" {
	qctl create b
	qctl create a max-attempts=1
	seq 6 | qpush -l a
	qpush -d 1h a 7
	qack --dead --reason 'no customer' a "$(qpop -L 1h -r r a >/dev/null && cat r)"
	is "$(qctl move a b 3 5)" 'moved 2 messages'
	is "$(qctl move --state delayed a b)" 'moved 1 message'
	is "$(qctl move --reason '*customer' a b)" 'moved 1 message'
	is "$(qctl move --older-than 1h a b)" 'moved 0 messages'
	is "$(qctl move -n 1 a b)" 'moved 1 message'
	is "$(ids a)" '4 6'
	is "$(qstat --list b | awk 'NR > 1 { print $NF }' | xargs)" '3 5 7 1 2'
}

@test "a large message that is taken while others are copied is not called damaged" {
	[ "$(uname -m)" = x86_64 ] || skip "trace is for x86-64"
	local n=1 what='' ended

	qctl create a inline=4K
	qctl create b
	head -c 5000 /dev/zero >body
	until [[ $what == none ]]; do
		qpush a -f body body
		ASAN_OPTIONS=detect_leaks=0 "$BIN/tool/trace" -a getdents64 -r report -x \
			"$n:qpop -n all --lock-wait 10ms a >/dev/null 2>&1; :" -- qctl copy -q a b
		read -r _ _ what _ ended <report
		is "$ended" 'exit 0'
		qpop -n all a >/dev/null || :
		n=$((n + 3))
	done
	[ "$n" -gt 10 ]
}

@test "after a move that came to nothing, a lease that is over is settled late" {
	qctl create b
	qctl pause b in
	qpush a x y
	qpop -L 10 -r x a >/dev/null
	qpop -L 1h -r y a >/dev/null
	qack --fail -d 0 a "$(cat y)"
	export SHIM_WALL=60 SHIM_BOOT=60
	run -75 preloaded shim-time qctl move a b
	run --separate-stderr -0 preloaded shim-time qack a "$(cat x)"
	has "$stderr" 'nobody had taken it; done'
	preloaded shim-time qack --fail a "$(cat y)"
	counts a ready=1 done=1 dead=0
}

@test "of a group, a move of one state leaves those it lets go on" {
	qctl create b
	qpush -g g a 1
	seq 1000 | qpush -l -d 1h a
	qpush -g g a 2
	is "$(qctl move --state ready a b)" 'moved 1 message'
	is "$(ids a | awk '{ print $NF }')" 1002
	counts a ready=1 delayed=1000
}

@test "a message that waits for its group takes its delay along" {
	qctl create b
	qctl create c
	qpush -g g a 1
	qpush -g g -d 1h a 2
	qctl copy a b
	qctl move a c 2
	is "$(qpop b)" 1
	counts b ready=0 delayed=1
	counts c ready=0 delayed=1
}

@test "a copy finds what nobody has noticed yet that it is free" {
	qctl create b
	qpush a x
	qpush -e 10 a y
	qpop -L 10 a >/dev/null
	SHIM_WALL=60 SHIM_BOOT=60 preloaded shim-time qctl copy a b
	is "$(qpop -n all -l b)" x
	counts a leased=1
}

@test "what cannot be moved is said, and the others are" {
	qctl create b
	qpush a x y
	qpop -L 1h a >/dev/null
	run --separate-stderr -1 qctl move a b 1 2 77
	is "$output" 'moved 1 message'
	has "$stderr" '1: is of another state, or leased'
	has "$stderr" '77: no such message'
	fails 2 "b: it is the queue itself" qctl move b b
	fails 2 'no second QUEUE given' qctl move a
	fails 3 'none: no such queue' qctl move a none
	fails 2 "'x' is not a number" qctl move a b x
	fails 2 'messages of that state are not for this' qctl move --state leased a b
}

@test "an id that is given twice is of one message, which is moved and counted once" {
	qctl create b
	seq 3 | qpush -l a
	run --separate-stderr -1 qctl move a b 1 2 1
	is "$output" 'moved 2 messages'
	has "$stderr" 'qctl: a: 1: is of another state'
	counts a purged=2
	counts b pushed=2
}

@test "copy leaves everything, and copies a message once" {
	qctl create b
	seq 5 | qpush -l a
	qpop -L 1h a >/dev/null
	is "$(qctl copy a b)" 'copied 4 messages'
	counts a ready=4 leased=1 pushed=5
	is "$(qctl copy --state leased a b)" 'copied 1 message'
	is "$(qctl copy a b)" 'copied 0 messages, 4 were there already'
	is "$(qpop -n all -l b | xargs)" '2 3 4 5 1'
	qctl copy a b
	counts b pushed=5
	# a move is something else
	is "$(qctl move a b)" 'moved 4 messages'
	counts b pushed=9
	# and so is a key that is known there
	qpush -k same a x
	qpush -k same b y
	is "$(qctl copy a b)" 'copied 0 messages, 1 was there already'
	counts b pushed=10
}

@test "the dead are redriven into another queue" {
	qctl create b
	qpush a x y z
	for _ in 1 2; do
		qack --dead a "$(qpop -L 1h -r r a >/dev/null && cat r)"
	done
	fails 2 'say which messages' qctl redrive --to b a
	is "$(qctl redrive --to b a 2)" 'made ready again 1 message'
	is "$(qctl redrive --to b --all a)" 'made ready again 1 message'
	is "$(qpop -n all -l b | xargs)" 'y x'
	counts a ready=1 dead=0
}

@test "large bodies go from file to file" {
	qctl create b
	seq 400000 >large
	qpush a <large
	qpush a small
	is "$(qctl move a b)" 'moved 2 messages'
	qpop b | cmp - large
	is "$(ls "$Q_ROOT/a/blob" "$Q_ROOT/b/blob" | grep -c '^[0-9]')" 0
}

@test "what the other queue refuses stays as it was" {
	qctl create b max-messages=2 max-body=5
	qpush -g g a 1 2
	qpush -d 1h a 3
	qpush a 4
	before=$(qstat --list --json a | jq -c 'del(.changed)')
	run --separate-stderr -75 qctl move a b
	is "$output" 'moved 2 messages'
	has "$stderr" 'b: queue is full (2 messages)'
	is "$(qstat --list --json a | jq -c 'del(.changed)')" "$(tail -n 2 <<<"$before")"
	qpop -n all b >/dev/null
	qpush a 'too long'
	run --separate-stderr -3 qctl move a b
	has "$stderr" "over the queue's limit"
	qctl pause b
	run --separate-stderr -75 qctl move a b
	has "$stderr" 'b: paused'
	is "$(ids a)" 5
	is "$(qpop a)" 'too long'
}

@test "what is wrong with one of the queues is said of that one" {
	qctl create b
	qpush a x
	head -c 2M /dev/zero | qpush a
	rmdir "$Q_ROOT/b/blob"
	fails 65 'qctl: b: its directory blob is missing' qctl move a b 2
	fails 65 'qctl: b: its directory blob is missing' qctl copy a b 2
	mkdir -m 700 "$Q_ROOT/b/blob"
	exec 8<"$Q_ROOT/b/data.mdb"
	flock 8
	fails 75 'qctl: b: another process ' qctl move --lock-wait 0.1 a b
	exec 8<&-
	truncate -s 4096 "$Q_ROOT/b/data.mdb"
	fails 65 'qctl: b: data.mdb is damaged' qctl move a b
	rm -r "$Q_ROOT/b"
	counts a ready=2 dead=0
	is "$(qpop -n all a | wc -c)" 2097153
}

@test "a message whose key is another's there already is not moved, and not lost" {
	qpush -k same b theirs
	qpush -k same a ours
	qpush a 2
	qpush -d 1h -k same a ignored
	run --separate-stderr -1 qctl move a b
	is "$output" 'moved 1 message'
	is "$stderr" 'qctl: a: 1 left; there are others of their keys in b'
	is "$(qpop -n all -l b | xargs)" 'theirs 2'
	is "$(qctl move a b)" 'moved 1 message' # its key is free there now
	is "$(qpop -n all -l b)" ours
}

@test "a damaged message stays, and is named or counted" {
	qctl create b
	qpush a x y
	"$BIN/tool/damage" "$Q_ROOT/a/data.mdb" record body 0000000000000001
	run --separate-stderr -65 qctl copy a b 1 99
	has "$stderr" 'qctl: a: 1: '
	has "$stderr" 'qctl: a: 99: no such message'
	run --separate-stderr -65 qctl move a b
	is "$output" 'moved 1 message'
	is "$stderr" 'qctl: a: 1 damaged; left'
	is "$(qpop b)" y
	qctl purge -y a || :
	rm -r "$Q_ROOT/a"
}

# Neither lost nor twice, wherever it is killed; and nobody gets it meanwhile from both.
@test "killed anywhere, a message is moved once when it is moved again" {
	local n seen

	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT"
		qpush -g g a x y
		qctl create b
		"$BIN/tool/trace" -a flock -k "$n" -r report -- qctl move a b >/dev/null 2>&1 || :
		grep -q 'signal 9' report || break
		seen=$(qpop -n all -l a || :)
		qctl move a b >/dev/null
		is "$(sort <<<"$seen$(qpop -n all -l b)" | xargs)" 'x y'
		counts a ready=0 dead=0 blocked=0
		qctl check -q a >/dev/null
		qctl check -q b >/dev/null
	done
	[ "$n" -gt 60 ]
}

@test "killed anywhere, a large message is copied once when it is copied again" {
	local n

	head -c 1200000 /dev/zero >large
	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT"
		qpush a <large
		qctl create b
		"$BIN/tool/trace" -a flock -k "$n" -r report -- qctl copy a b >/dev/null 2>&1 || :
		grep -q 'signal 9' report || break
		qctl copy a b >/dev/null
		counts b pushed=1 ready=1
	done
	[ "$n" -gt 40 ]
}

# The push of the other queue has committed, the end here has not.
half_moved() {
	local n

	[ -e "$Q_ROOT/c" ] || qctl create c
	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT/a" "$Q_ROOT/b"
		qpush a x
		qctl create b
		"$BIN/tool/trace" -a flock -k "$n" -r report -- qctl move a b >/dev/null 2>&1 || :
		[ "$(count b ready)$(count a dead)" = 11 ] && return
		grep -q 'signal 9' report || return 1 # it came to its end
	done
}

@test "what is on its way is nobody else's until the move is done again" {
	half_moved
	is "$(qstat --json a 1 | jq -c '[.state, .moving]')" '["dead",true]'
	qstat a 1 >detail
	grep -q 'dead, on its way to another queue' detail
	run --separate-stderr -1 qctl redrive a 1
	has "$stderr" 'on its way to another queue'
	EDITOR=true fails 1 'a: 1: is on its way to another queue' qctl edit a 1
	is "$(qctl move a c)" 'moved 0 messages'
	is "$(qctl copy a c)" 'copied 0 messages'
	is "$(qctl move a b)" 'moved 1 message'
	counts b pushed=1
	counts a dead=0
}

@test "who waits for a message on its way is not told that it is dead" {
	half_moved
	is_silent 1 qwatch --timeout 0 a 1
	is_silent 1 qwatch --until 'done 1' --timeout 0 a
	qctl move a b >/dev/null
	fails 1 'no result is kept' qwatch --timeout 0 a 1
}

@test "what is on its way can be had back by force" {
	half_moved
	is "$(qctl redrive --force a 1)" 'made ready again 1 message'
	is "$(qpop a)" x
	half_moved
	is "$(qctl move --force a c)" 'moved 1 message'
	is "$(qpop c)" x
}
