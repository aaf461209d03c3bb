#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The log of a queue: who did what to which message, long after.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# "EVENT ID" of each event there is: logged QUEUE
logged() {
	qwatch --since 1h -j "$1" | jq -r '"\(.event) \(.id // "-")"'
}

# At a moment: WALL seconds after one. The clock stands still meanwhile.
at() {
	SHIM_STILL=1 SHIM_WALL=$((1800000000 + $1)) SHIM_BOOT=$((5000 + $1)) \
		preloaded shim-time "${@:2}"
}

rows() {
	flock -s "$Q_ROOT/jobs/data.mdb" mdb_stat -n -s log "$Q_ROOT/jobs/data.mdb" |
		sed -n 's/ *Entries: //p'
}

@test "the log tells who did what to which message, when nobody watched" {
	qctl create jobs log=7d
	qpush -k a jobs x
	r=$(qpop -L 1m jobs | head -n 1)
	qack --fail --reason 'no such photo' jobs "$r"
	qctl dead --reason 'not today' jobs 1
	qctl pause jobs in
	is "$(logged jobs)" $'pushed 1\ndelivered 1\nfailed 1\ndead 1\npaused -'
	[ ! -e "$Q_ROOT/jobs/ctl" ]
	is "$(qwatch --since 1h -j jobs | jq -r .command | xargs)" 'qpush qpop qack qctl qctl'
	is "$(qwatch --since 1h -j jobs | jq -r .uid | sort -u)" "$(id -u)"
	is "$(qwatch --since 1h -j jobs | jq -r '.reason // empty')" $'no such photo\nnot today'
	[[ $(qwatch --since 1h jobs | tail -n 1) == *' jobs - paused by=qctl '*gate=in ]]
	qctl check jobs
}

@test "the log has what those who watch have seen" {
	qctl create jobs log=7d
	start qwatch -j -n 5 jobs >live
	eventually is_asleep "$pid"
	seq 3 | qpush -l jobs
	qpop jobs >/dev/null
	ended 0
	qwatch --since 1h -j jobs | cmp - live
}

@test "the log is read from a time on" {
	at 0 qctl create jobs log=7d
	at 10 qpush jobs a
	at 20 qpush jobs b
	at 30 qpush jobs c
	is "$(at 40 qwatch --since 20s -j jobs | jq .id | xargs)" '2 3'
	is "$(at 40 qwatch --since @1800000030 -j jobs | jq .id | xargs)" 3
	is "$(at 40 qwatch --since 2020-01-01 -j jobs | jq .id | xargs)" '1 2 3'
	is_silent 0 at 40 qwatch --since 5s jobs
	is_silent 0 at 40 qwatch --since 2100-01-01 jobs
}

@test "the log is read and then followed, without a gap and without repetition" {
	local i

	qctl create jobs log=7d
	for i in 1 2 3 4; do
		start sh -c 'for i in $(seq 50); do qpush jobs "$i"; done'
	done
	eventually has_pushed
	run -0 qwatch --since 1h --events -j -n 200 jobs
	is "$(jq -r '"\(.event) \(.id)"' <<<"$output")" "$(seq -f 'pushed %g' 200)"
	is "$(logged jobs | wc -l)" 200
}

has_pushed() {
	[ "$(count jobs pushed)" -ge 20 ]
}

@test "what is older than the log keeps goes with later changes, a bounded number each" {
	at 0 qctl create jobs log=60s
	seq 1000 | at 10 qpush -l jobs
	at 80 qpush jobs x
	is "$(rows)" $((1001 - 66))
	for i in {81..98}; do
		at "$i" qpush jobs x
	done
	is "$(at 99 qwatch --since 2h -j jobs | jq .id | xargs)" "$(seq 1001 1019 | xargs)"
	qctl check jobs
}

@test "a log that is turned off goes, and is an error then" {
	qctl create jobs log=7d
	qpush jobs x
	qctl set jobs log=0
	fails 3 'qwatch: jobs: it keeps no log; set its option log' qwatch --since 1h jobs
	is "$(rows)" 0
	qctl check jobs
}

@test "the log takes part in a backup and in a repair" {
	qctl create jobs log=7d
	seq 5 | qpush -l jobs
	qctl backup jobs copy
	is "$(logged ./copy)" "$(seq -f 'pushed %g' 5)"
	damage record msg 0000000000000001
	run -65 qctl check jobs
	qctl check --repair --yes jobs >/dev/null 2>&1 || is $? 65
	qctl check jobs
	is "$(logged jobs)" "$(seq -f 'pushed %g' 5)"
}

@test "a damaged row of the log is found, told of, and keeps nobody from his work" {
	at 0 qctl create jobs log=7d
	seq 3 | at 10 qpush -l jobs
	damage record log "$(printf '%016x%016x' 1800000010000000000 2)"
	run --separate-stderr -65 at 20 qwatch --since 1h -j jobs
	is "$(jq -c '[.id, .event]' <<<"$output" | xargs)" \
		'[1,pushed] [null,damaged] [3,pushed]'
	is "$stderr" \
		"qwatch: jobs: a row of the log is damaged, and left out; run 'qctl check jobs'"
	# neither does it count as an event, nor end what is to go on
	run --separate-stderr -65 at 20 qwatch --since 1h --events -n 2 jobs
	is "$(cut -d ' ' -f 3 <<<"$output" | xargs)" '1 3'
	run --separate-stderr -65 at 20 qwatch --since 1h -n 3 jobs
	is "$(cut -d ' ' -f 3 <<<"$output" | xargs)" '1 3'
	run -65 qctl check jobs
	has "$output" 'a row of table log is damaged'
	is "$(at 30 qpop jobs)" 1
	at 40 qpush jobs x
	qctl check --repair --yes jobs >/dev/null 2>&1 || is $? 65
	qctl check jobs
	is "$(at 50 qwatch --since 1h -j jobs | jq -r '"\(.event) \(.id)"' | xargs)" \
		'pushed 1 missed null pushed 3 delivered 1 acknowledged 1 pushed 4'
}

@test "many damaged rows are counted, and the others of all queues are printed" {
	at 0 qctl create jobs log=7d
	at 0 qctl create mail log=7d
	seq 5 | at 10 qpush -l jobs
	at 10 qpush mail x
	for i in 1 2 5; do
		damage record log "$(printf '%016x%016x' 1800000010000000000 $i)"
	done
	run --separate-stderr -65 at 20 qwatch --since 1h jobs mail
	is "$(cut -d ' ' -f 2-4 <<<"$output")" $'jobs 3 pushed\njobs 4 pushed\nmail 1 pushed'
	is "${stderr##*$'\n'}" 'qwatch: 3 rows of logs are damaged'
	is "$(wc -l <<<"$stderr")" 2
}

@test "what cannot be asked of the log is said" {
	qctl create jobs
	fails 3 'it keeps no log' qwatch --since 1h jobs
	fails 2 '--since is for events' qwatch --since 1h --until empty jobs
	fails 2 '--since is for events' qwatch --since 1h jobs 1
	fails 2 '--since is for events' qwatch --since 1h --alert empty jobs -- true
	fails 2 "--since: 'then' is not a time" qwatch --since then jobs
}
