#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A real Prometheus: it scrapes the file of qstat, loads the rules and answers every
# expression of the dashboard.

load lib

setup() {
	command -v prometheus >/dev/null || skip "no prometheus"
	setup_root
	mkdir www
}

# Two ports that nobody listens on.
free_ports() {
	python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(x.getsockname()[1] for x in s))'
}

api() {
	curl -sfG "http://127.0.0.1:$port/api/v1/$1" "${@:2}"
}

# answers EXPRESSION: its values, one a line.
answers() {
	api query --data-urlencode "query=$1" | jq -r '.data.result[].value[1]'
}

scraped() {
	[ "$(answers 'qutils_messages{queue="jobs",state="ready"}' 2>/dev/null)" = "$1" ]
}

firing() {
	api alerts | jq -e --arg name "$1" \
		'any(.data.alerts[]; .labels.alertname == $name and .labels.queue == "jobs")' >/dev/null
}

@test "Prometheus scrapes the numbers, evaluates the rules and answers the dashboard" {
	local expr

	read -r port files < <(free_ports)
	qctl create jobs max-attempts=1
	qpush jobs a b c
	qstat --openmetrics -o www/metrics jobs
	qstat --alert-rules >rules.yml
	cat >prometheus.yml <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		rule_files: [rules.yml]
		scrape_configs:
		  - job_name: qutils
		    static_configs: [targets: ["127.0.0.1:$files"]]
	END
	start python3 -m http.server --bind 127.0.0.1 --directory www "$files" >/dev/null 2>&1
	start prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
		--web.listen-address="127.0.0.1:$port" >log 2>&1
	eventually scraped 3
	is "$(answers 'qutils_up{queue="jobs"}')" 1
	# every rule is loaded, and is in order
	is "$(api rules | jq '[.data.groups[].rules[]] | length')" "$(grep -c 'alert:' rules.yml)"
	is "$(api rules | jq -r '[.data.groups[].rules[].health] | unique | join(" ")')" ok
	# numbers change, and an alert comes of a message that dies
	run -4 qpop jobs -- false
	qstat --openmetrics -o www/metrics jobs
	eventually scraped 2
	eventually firing QutilsDead
	# no expression of the dashboard is refused
	qstat --grafana-dashboard | jq -r '.. | .expr? // empty' >expressions
	[ "$(wc -l <expressions)" -ge 8 ]
	while read -r expr; do
		api query --data-urlencode "query=${expr//\$queue/.*}" | jq -e '.status == "success"' >/dev/null
	done <expressions
	[ "$(answers 'sum by (queue, state) (qutils_messages{queue=~".*"})' | wc -l)" -ge 4 ]
}
