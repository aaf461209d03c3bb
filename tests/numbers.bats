#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The numbers qstat shows of the past and says of the future: exact, whatever happens.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# The same command at a moment: WALL and BOOT seconds after one on those clocks. They
# stand still meanwhile, so that numbers do not depend on how fast a test runs.
at() {
	SHIM_STILL=1 SHIM_WALL=$((1800000000 + $1)) SHIM_BOOT=$((5000 + $2)) \
		preloaded shim-time "${@:3}"
}

# Values of the JSON of a queue, after so many seconds: values SECONDS EXPRESSION
values() {
	at "$1" "$1" qstat --json jobs | jq -c "[$2]"
}

# damage_history NAME: of one of the records
damage_history() {
	damage record meta "$(printf %s "$1" | od -An -tx1 | tr -d ' ')"
}

# 120 messages in two minutes, half of them done, each 3 s after its delivery.
two_minutes() {
	local i r

	for ((i = 0; i < 120; i += 4)); do
		seq 4 | at "$i" "$i" qpush -l jobs
		at "$i" "$i" qpop -L 1h -n 2 -l jobs >/dev/null
		for r in $(at "$i" "$i" qstat --list --state leased --json jobs | jq .id); do
			r=$(at "$i" "$i" qstat --json jobs "$r" | jq -r .receipt)
			at $((i + 3)) $((i + 3)) qack jobs "$r"
		done
	done
}

# ---- exactness ----

@test "every message is counted once in each history, by however many processes" {
	local workers=() i

	qctl create jobs
	qctl set jobs backoff=0
	for i in 1 2 3; do
		start bash -c 'for ((j = 0; j < 40; j++)); do qpush jobs '"$i"'.$j; done'
		workers+=("$pid")
		# shellcheck disable=SC2016 # the command's
		start qpop -n all -w60s --idle-exit 2s jobs -- sh -c 'test "$Q_ATTEMPT" -gt 1'
		workers+=("$pid")
	done
	seq 80 | qpush -l jobs
	for i in "${workers[@]}"; do
		eventually gone "$i"
	done
	counts jobs pushed=200 done=200 delivered=400 retried=200 failed=200 released=0 \
		lapsed=0 died=0 wait.count=200 total.count=200 service.count=400 gap.count=199
	balances jobs
}

@test "what was not worked on has no service time" {
	qpush jobs a b c
	qack --release jobs "$(qpop -L 1h jobs | head -n 1)"
	qpop -L 1ms jobs >/dev/null
	eventually has_count jobs ready=3
	qpop -L 1h jobs >/dev/null
	counts jobs service.count=0 wait.count=1 released=1 lapsed=1 retried=2
	qack --dead jobs "$(qstat --json jobs 1 | jq -r .receipt)"
	counts jobs service.count=1 total.count=0 died=1
}

@test "a push that is refused, and a key that is known, count nowhere" {
	qctl create jobs
	qctl set jobs max-messages=2
	qpush -k a jobs x
	qpush -k a jobs x
	qpush jobs y
	run -75 qpush jobs z
	counts jobs pushed=2 gap.count=1 bytes_in=2
	run ! grep -q refused <(qstat --json jobs)
}

@test "a wait begins when a delay that was asked for ends" {
	at 0 0 qpush -d 1h jobs x
	at 3630 3630 qpop jobs >/dev/null
	is "$(values 3630 '.wait.count, .wait.mean_seconds, .total.mean_seconds')" \
		'[1,30,3630]'
}

# ---- clocks ----

@test "rates and times are those of what happened" {
	two_minutes
	is "$(values 119 '(.rate_in_1m - 1 | fabs < 0.05), (.rate_in_5m * 119 | round),
		(.rate_out_1m - 0.5 | fabs < 0.04), (.rate_out_15m * 119 | round),
		.service.count, .service.mean_seconds, .gap.count, (.gap.mean_seconds * 119 | round),
		.wait.count, .wait.mean_seconds, .total.mean_seconds, .leased_most')" \
		'[true,120,true,60,60,3,119,116,60,30,33,2]'
	is "$(values 700 '.rate_in_1m, .rate_in_5m, (.rate_in_15m * 700 | round), .leased_most')" \
		'[0,0,120,2]'
	is "$(values 1200 '.rate_in_15m, .leased_most')" '[0,0]'
}

@test "a wall clock that is set bends no rate, gap or service time" {
	local r

	for wall in -600 600 100000000 -100000000; do
		rm -rf "$Q_ROOT/jobs"
		seq 100 | at 0 0 qpush -l jobs
		r=$(at 0 0 qpop -L 1h jobs | head -n 1)
		# Ten seconds later by the clock that cannot be set:
		at $((wall + 10)) 10 qpush jobs x
		at $((wall + 10)) 10 qack jobs "$r"
		is "$(at $((wall + 20)) 20 qstat --json jobs |
			jq -c '[.rate_in_1m, .gap.count, .service.mean_seconds]')" '[0.1,99,10]'
	done
}

@test "a reboot begins the rates anew, and keeps the histories" {
	local up

	# Seconds after the boot, less those of the first one: also when it is up for longer.
	for up in -4990 200; do
		rm -rf "$Q_ROOT/jobs"
		seq 100 | at 0 0 qpush -l jobs
		is "$(at 6000 "$up" qstat --json jobs | jq -c '[.rate_in_15m, .gap.count]')" \
			'[0,99]'
		at 6000 "$up" qpush jobs x
		is "$(at 6010 $((up + 10)) qstat --json jobs |
			jq -c '[.rate_in_15m, .gap.count]')" '[0.1,99]'
	done
}

# ---- damage ----

@test "a damaged history is said, begins anew, and stops no queue" {
	for record in wait service total gap rates; do
		rm -rf "$Q_ROOT/jobs"
		qpush jobs a b c
		qpop jobs >/dev/null
		damage_history "$record"
		run --separate-stderr -65 qstat --json jobs
		has "$stderr" 'qstat: jobs: its times and rates are damaged'
		is "$(jq -c '[.history_damaged, .history_since, .ready]' <<<"$output")" \
			'[true,null,2]'
		run --separate-stderr -65 qstat jobs
		has "$(xargs <<<"$output")" 'jobs 2 0 0 0 0'
		qpush jobs d
		is "$(qpop jobs)" b
		qack jobs "$(qpop -L 1h jobs | head -n 1)"
		run --separate-stderr -0 qstat -v --json jobs
		has "$stderr" 'qstat: jobs: its times or rates were damaged, and are counted since'
		is "$(jq -c '[.history_damaged, .history_since != null, .done]' <<<"$output")" \
			'[false,true,3]'
		balances jobs
	done
}

@test "a history that is damaged is unknown to a check, and not fine" {
	qpush jobs a
	damage_history rates
	run --separate-stderr -3 qstat --check 'in>1000' jobs
	[[ $output == 'QSTAT UNKNOWN - jobs: in is damaged |'* ]]
	run -2 qstat --check 'in>1000' 'ready>0' jobs
	run -0 qstat --check 'ready>5' jobs
}

@test "a history that is damaged meets no condition, nor takes back an alert" {
	qpush jobs a
	is_silent 0 qwatch --until 'in<1000' --timeout 0 jobs
	damage_history rates
	is_silent 1 qwatch --until 'in<1000' --timeout 0 jobs
	is_silent 1 qwatch --until 'in>=0' --timeout 0 jobs
	is_silent 0 qwatch --until 'ready==1' --timeout 0 jobs
	is_silent 1 qwatch --alert 'load<1000' -n 1 --timeout 0 jobs -- echo raised
}

# ---- the table and the forecast ----

@test "the table has rates, times and the load, in at most 100 columns" {
	two_minutes
	run --separate-stderr -0 at 119 119 qstat jobs
	[ "${#lines[0]}" -le 100 ]
	is "$(xargs <<<"${lines[1]}")" 'jobs 60 0 0 0 0 59 s 1.00 0.53 30.3 s 66.3 s 3.00 s 1.50 +28/min'
}

@test "a forecast says what is measured and what is a model" {
	two_minutes
	run --separate-stderr -0 at 119 119 qstat --forecast --workers 10 --target-wait 1s jobs
	has "${lines[0]}" 'jobs at 20'
	for line in 'arrivals .*/s  measured' 'service time, mean .* s  measured' \
		'workers  *10  given' 'utilisation .*%  model' 'chance of waiting .*  model' \
		'wait, 95th percentile .*  model' "by Little's law .*  model" \
		'growing a minute by .*  model' 'workers to keep up .*  model' \
		'workers for the target .*  model .*no longer than 1.00 s'; do
		grep -q -e "$line" <<<"$output" || { echo "$line"; echo "$output"; false; }
	done
	is "$(at 119 119 qstat --forecast --json --workers 10 jobs |
		jq -c '[(.model.offered_load - 3 | fabs < 0.2), .measured.workers,
		(.model.utilisation - 0.3 | fabs < 0.02), .model.workers_enough,
		.model.workers_target, .measured.waiting]')" '[true,10,true,4,null,60]'
	run ! grep 'No forecast' <<<"$output"
}

@test "there is no forecast of fewer than thirty observations" {
	seq 14 | qpush -l jobs
	qpop -n 14 jobs >/dev/null
	run --separate-stderr -0 qstat --forecast jobs
	has "$output" 'only 14 messages in 15 min'
	seq 15 | qpush -l jobs
	qpop -n 15 jobs >/dev/null
	run --separate-stderr -0 qstat --forecast jobs
	has "$output" '29 messages in 1 min'
	has "$output" 'No forecast of fewer than 30'
	is "$(qstat --forecast --json jobs | jq -c '[.model | .offered_load, .wait_seconds,
		.workers_enough]')" '[null,null,null]'
	is "$(qstat jobs | tail -n 1 | awk '{ print $(NF - 1), $(NF - 2), $(NF - 3) }')" '- - -'
}

# ---- checks ----

@test "--check answers as a plugin: one line with numbers, and its own statuses" {
	qpush jobs a b c
	run --separate-stderr -0 qstat --check 'ready>5' 'oldest>5m' jobs
	is "${#lines[@]}" 1
	[[ $output =~ ^'QSTAT OK - 1 queue as wanted | '"'jobs ready'=3;;5;0 'jobs oldest'="[0-9.]+'s;;300;0'$ ]]
	run --separate-stderr -2 qstat --check 'ready>2' --warning 'ready>1' jobs
	is "$output" "QSTAT CRITICAL - jobs: ready 3 > 2, ready 3 > 1 | 'jobs ready'=3;1;2;0"
	run --separate-stderr -1 qstat --check 'ready > 5' --warning 'ready>=3' jobs
	is "$output" "QSTAT WARNING - jobs: ready 3 >= 3 | 'jobs ready'=3;3;5;0"
	run --separate-stderr -0 qstat --check 'ready<3' jobs
	is "$output" "QSTAT OK - 1 queue as wanted | 'jobs ready'=3;;3:;0"
	run -0 qstat --check empty jobs
	qpop -n all jobs >/dev/null
	run -2 qstat --check empty jobs
	run --separate-stderr -0 qstat --check 'wait99>1d' jobs
	has "$output" "'jobs wait99'=U;;86400;0"
}

@test "--check looks at all queues without operands, and names those that matter" {
	qpush a x
	qpush b x y
	run --separate-stderr -2 qstat --check 'ready>1'
	[[ $output == "QSTAT CRITICAL - b: ready 2 > 1 | 'a ready'=1;;1;0 'b ready'=2;;1;0" ]]
}

@test "what cannot be answered is unknown, never fine" {
	qpush jobs x
	run --separate-stderr -3 qstat --check 'ready>5' jobs nope
	has "$output" "QSTAT UNKNOWN - nope: no such queue"
	has "$output" "| 'jobs ready'=1"
	run --separate-stderr -3 qstat --check 'redi>5' jobs
	is "${#lines[@]}" 1
	has "$output" "QSTAT UNKNOWN - 'redi' is not one of ready, delayed"
	run -2 qstat --check 'ready>0' ./nope jobs --warning 'dead>0'
	run -3 qstat --check 'ready>5' ./nope jobs --warning 'ready>0'
	rm -r "$Q_ROOT/jobs"
	run --separate-stderr -3 qstat --check 'ready>5'
	has "$output" 'QSTAT UNKNOWN - no queues'
}

@test "a queue's name cannot forge the numbers of a check" {
	qpush "./a|b'c=1" x
	run --separate-stderr -2 qstat --check 'ready>0' "./a|b'c=1"
	is "$output" "QSTAT CRITICAL - ./a_b'c=1: ready 1 > 0 | './a_b_c_1 ready'=1;;0;0"
}

# ---- metrics ----

@test "promtool accepts the metrics, the rules and every expression of the dashboard" {
	qpush jobs a b c
	qpop jobs >/dev/null
	qctl create empty
	qpush $'./q"\\\e[31m' x
	qstat --openmetrics jobs empty $'./q"\\\e[31m' >metrics
	promtool check metrics <metrics
	is "$(tail -n 1 metrics)" '# EOF'
	grep -qxF 'qutils_messages{queue="jobs",state="ready"} 2' metrics
	grep -qxF 'qutils_pushed_total{queue="jobs"} 3' metrics
	grep -qxF 'qutils_wait_seconds_count{queue="jobs"} 1' metrics
	grep -qxF 'qutils_wait_seconds_bucket{queue="jobs",le="+Inf"} 1' metrics
	grep -qxF 'qutils_up{queue="./q\"\\\\x1b[31m"} 1' metrics
	qstat --alert-rules >rules.yml
	promtool check rules rules.yml
	qstat --grafana-dashboard >dashboard.json
	[ "$(jq '.panels | length' dashboard.json)" -ge 8 ]
	# As rules, its expressions are parsed.
	jq '{groups: [{name: "x", rules: [.panels[].targets[].expr |
		{record: "x:y", expr: gsub("\\$queue"; ".*")}]}]}' dashboard.json >panels.yml
	promtool check rules --lint=none panels.yml
	# Each metric that is named there exists.
	cat rules.yml dashboard.json | grep -o 'qutils_[a-z_]*[a-z]' | sort -u |
		grep -v 'qutils_$' | while read -r name; do
		grep -q "^$name{" metrics || { echo "$name"; exit 1; }
	done
}

@test "buckets of the metrics are cumulative, and end with the count" {
	seq 500 | qpush -l jobs
	qpop -n 400 jobs >/dev/null
	qstat --openmetrics jobs | awk -F '[ {]' '
		/_bucket/ {
			if ($1 == last && $NF + 0 < n)
				exit 1
			last = $1
			n = $NF + 0
		}
		/_count/ { if ($NF + 0 != n) exit 1; seen++ }
		END { exit seen != 4 }'
}

@test "the rules fire for what they are about" {
	qstat --alert-rules >rules.yml
	cat >test.yml <<'END'
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'qutils_messages{queue="x",state="ready"}'
        values: '2000+10x60'
      - series: 'qutils_delivered_total{queue="x"}'
        values: '5x60'
      - series: 'qutils_died_total{queue="x"}'
        values: '0x5 1x55'
      - series: 'qutils_up{queue="y"}'
        values: '0x60'
    alert_rule_test:
      - alertname: QutilsStalled
        eval_time: 30m
        exp_alerts:
          - exp_labels: { severity: critical, queue: x, state: ready }
            exp_annotations: { summary: 'Nobody takes the messages of x' }
      - alertname: QutilsDead
        eval_time: 10m
        exp_alerts:
          - exp_labels: { severity: warning, queue: x }
            exp_annotations: { summary: 'Messages of x became dead' }
      - alertname: QutilsDead
        eval_time: 40m
        exp_alerts: []
      - alertname: QutilsUnreadable
        eval_time: 6m
        exp_alerts:
          - exp_labels: { severity: critical, queue: y }
            exp_annotations: { summary: 'Queue y cannot be read' }
      - alertname: QutilsGrowing
        eval_time: 59m
        exp_alerts:
          - exp_labels: { severity: warning, queue: x, state: ready }
            exp_annotations: { summary: 'The backlog of x grows' }
END
	promtool test rules test.yml
}

@test "a file of metrics is replaced at once, and readable for all" {
	qpush jobs x
	(umask 077 && qstat --openmetrics -o q.prom jobs)
	is "$(stat -c %a q.prom)" 644
	promtool check metrics <q.prom
	cp q.prom before
	exec 7<q.prom
	qpush jobs y
	qstat --openmetrics --output=q.prom jobs
	cmp before - <&7
	grep -qxF 'qutils_pushed_total{queue="jobs"} 2' q.prom
	is "$(echo q.prom*)" q.prom
	is "$(qstat --openmetrics -o /dev/stdout jobs | tail -n 1)" '# EOF'
	ln -s /proc/self/fd/1 stdout
	qstat --openmetrics -o stdout jobs >got
	is "$(readlink stdout) $(tail -n 1 got)" '/proc/self/fd/1 # EOF'
	ln -s q.prom link
	qpush jobs z
	qstat --openmetrics -o link jobs
	is "$(readlink link)" q.prom
	grep -qxF 'qutils_pushed_total{queue="jobs"} 3' q.prom
}

@test "a file of metrics that cannot be written is an error, and the old one stays" {
	qpush jobs x
	echo old >q.prom
	fails 3 'q.prom: File too large' bash -c 'ulimit -f 1; qstat --openmetrics -o q.prom jobs'
	is "$(cat q.prom)" old
	is "$(echo q.prom*)" q.prom
	fails 3 'nowhere/q.prom: No such file' qstat --openmetrics -o nowhere/q.prom jobs
	fails 3 '/dev/full: No space' qstat --openmetrics -o /dev/full jobs
	ln -s loop loop
	fails 3 'loop: Too many levels' qstat --openmetrics -o loop jobs
	[ -L loop ]
}

@test "a queue that is named twice is in the metrics once" {
	qpush jobs x
	qctl create empty
	qstat --openmetrics jobs empty jobs nope empty nope >metrics || [ $? -eq 3 ]
	is "$(grep -c '^qutils_up{' metrics)" 3
	is "$(grep -v '^#' metrics | sed 's/}.*/}/' | sort | uniq -d)" ''
}

@test "a queue that cannot be read is down in the metrics of the others" {
	qpush jobs x
	run --separate-stderr -3 qstat --openmetrics jobs nope
	has "$output" 'qutils_up{queue="jobs"} 1'
	has "$output" 'qutils_up{queue="nope"} 0'
	promtool check metrics <<<"$output"
	run ! grep '{queue="nope"' <(grep -v qutils_up <<<"$output")
	rm -r "$Q_ROOT/jobs"
	qstat --openmetrics | promtool check metrics
}
