#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Workers and commands that die, are stopped or outlive each other.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

@test "worker and command killed: a consumer that waits has the message within a second" {
	local before after worker

	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	worker=$pid
	eventually running 1
	start qpop -w20 jobs -- sh -c 'date +%s%N >when; echo "$Q_ATTEMPT" >attempt'
	eventually has_open "$pid"
	before=$(date +%s%N)
	kill -9 "$worker" "$(cat running)"
	ended 0
	after=$(cat when)
	((after - before < 1000000000))
	is "$(cat attempt)" 2
	is "$(count jobs "done")" 1
	balances jobs
}

@test "a killed worker counts as an attempt, up to the last" {
	local i

	qpush -m 2 jobs x
	for i in 1 2; do
		rm -f running
		start qpop -w20 jobs -- sh -c "$staying"
		eventually running 1
		kill -9 "$pid" "$(cat running)"
		ended 137
	done
	is_silent 1 qpop -w300ms jobs -- true
	counts jobs dead=1
	is "$(reason jobs 1)" "worker died"
}

@test "of what a killed worker took together, only that comes back of which no command lives" {
	local n

	qpush jobs a b c d
	start qpop -n 4 -P 4 jobs -- sh -c 'echo $$ >"$Q_ID.new"; mv "$Q_ID.new" "$Q_ID"
		exec sleep 1000'
	for n in 1 2 3 4; do
		eventually [ -e $n ]
		started+=("$(cat $n)")
	done
	kill -9 "$pid"
	kill -9 "$(cat 2)" "$(cat 3)"
	eventually gone "$pid"
	eventually gone "$(cat 2)"
	eventually gone "$(cat 3)"
	counts jobs ready=2 leased=2
	is "$(qpop -n all -j jobs | jq -r '"\(.body) \(.attempt)"')" $'b 2\nc 2'
	counts jobs ready=0 leased=2 done=2
	kill -9 "$(cat 1)"
	eventually gone "$(cat 1)"
	is "$(qpop -n all -l jobs)" a
	counts jobs ready=0 leased=1 done=3
	qctl check jobs
}

@test "while the command of a killed worker lives, no second one runs" {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	kill -9 "$pid"
	ended 137
	is_silent 1 qpop jobs -- touch second
	is_silent 1 qpop -w300ms jobs -- touch second
	[ ! -e second ]
	counts jobs leased=1
	start qpop -w20 jobs -- sh -c 'echo "$Q_ATTEMPT" >second'
	touch go
	ended 0
	is "$(cat second)" 2
}

@test "a worker that is stopped keeps its messages" {
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	kill -STOP "$pid"
	is_silent 1 qpop jobs -- true
	touch go
	eventually gone "$(cat running)"
	is_silent 1 qpop jobs -- true
	kill -CONT "$pid"
	ended 0
	counts jobs done=1
}

@test "what a command leaves behind in the background blocks nothing" {
	qctl create jobs backoff=0
	seq 3 | qpush -l jobs
	run -0 timeout 15 qpop -n all jobs -- sh -c 'sleep 1000 >/dev/null & echo $! >>left'
	counts jobs done=3 leased=0
	qpush jobs fails
	run -4 qpop jobs -- sh -c 'sleep 1000 >/dev/null & echo $! >>left; exit 1'
	is_silent 0 qpop jobs -- true
	counts jobs done=4
	while read -r p; do kill "$p"; done <left
}

@test "a reboot frees what workers held" {
	local up

	up=$(cut -d. -f1 /proc/uptime)
	cat /proc/sys/kernel/random/uuid >boot_id
	qpush jobs x
	start qpop jobs -- sh -c "$staying"
	eventually running 1
	is_silent 1 qpop jobs
	[ -e "$BIN/tool/shim-time" ] || skip "needs tool/shim-time"
	is "$(SHIM_BOOT_ID=$PWD/boot_id SHIM_WALL=60 SHIM_BOOT=$((10 - up)) \
		preloaded shim-time qpop jobs -- sh -c 'echo "$Q_ATTEMPT"')" 2
	touch go
	ended 0
}

@test "with workers and commands killed at random nothing is lost or run twice at once" {
	bash "$SRC/tests/soak.sh" 300
}
