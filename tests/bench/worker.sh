# shellcheck shell=sh
# Commands run for messages, beside the tools that run commands: /bin/true each.
# shellcheck disable=SC2034,SC2154 # input, seconds, dir, ...: of run.sh, rows.sh and peer.sh

# Those of nq and task-spooler include the process that queues each job: they have no
# other way in. xargs and nq keep nothing, or nothing that a power cut leaves.
worker_missing=''

worker_prepare() {
	awk -v n="$jobs" 'BEGIN { for (i = 0; i < n; i++) print i }' >"$dir/jobs"
	head -n "$few_jobs" "$dir/jobs" >"$dir/few-jobs"
	for tool in nq tsp fspl; do
		has $tool || worker_missing="$worker_missing $tool"
	done
	[ -z "$worker_missing" ] || echo "Workers not installed, left out:$worker_missing."
}

# worker_run TOOL JOBS PARALLEL COMMAND...
worker_run() {
	tool=$1 count=$2 parallel=$3
	shift 3
	settle
	timed_ok 1 1 "$@"
	sample worker "/bin/true for each, $parallel at once" "$tool" \
		"$(rate "$count" "$seconds")" 'jobs/s'
}

worker_qutils() {
	"$qpush" -l jobs <"$dir/jobs"
	worker_run qutils "$jobs" "$1" "$qpop" -n all -P "$1" jobs -- /bin/true
}

worker_xargs() {
	input=$dir/jobs
	worker_run xargs "$jobs" "$1" xargs -n1 -P "$1" /bin/true
	input=
}

# shellcheck disable=SC2016 # for the sh that runs it
worker_tsp() {
	export TMPDIR="$dir" TS_SOCKET="$dir/tsp.sock" TS_SLOTS="$1"
	tsp -S "$1"
	worker_run task-spooler "$few_jobs" "$1" sh -c \
		'while read -r n; do tsp -n /bin/true; done <"$dir/few-jobs" && tsp -w'
	tsp -K
	unset TMPDIR TS_SOCKET TS_SLOTS
}

# shellcheck disable=SC2016
worker_nq() {
	export NQDIR="$dir/nq"
	worker_run nq "$few_jobs" 1 sh -c \
		'while read -r n; do nq -q /bin/true; done <"$dir/few-jobs" && nq -q -w'
	rm -rf "$NQDIR"
	unset NQDIR
}

worker_fspl() {
	fspl queue-init -q "$dir/fspl" && echo 1 >"$dir/fspl.seq"
	while read -r _; do
		fspl prepare -s "$dir/fspl.seq" </dev/null | fspl queue-write -q "$dir/fspl"
	done <"$dir/few-jobs"
	worker_run filespooler "$few_jobs" 1 fspl -l ERROR queue-process -q "$dir/fspl" /bin/true
	rm -rf "$dir/fspl" "$dir/fspl.seq" "$dir/fspl.seq.lock"
}

row_worker() {
	for parallel in 1 2; do
		worker_xargs "$parallel"
		worker_qutils "$parallel"
		! has tsp || worker_tsp "$parallel"
	done
	! has nq || worker_nq
	! has fspl || worker_fspl
}
