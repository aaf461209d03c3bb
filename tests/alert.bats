#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Commands that run when a queue comes to meet a condition.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# alarm OPTION... -- COMMAND: in the background, waiting before this returns.
alarm() {
	start qwatch "$@" >output 2>errors
	watcher=$pid
	eventually is_waiting "$watcher"
}

# shellcheck disable=SC2016 # for the shell that is run
show='echo "$Q_QUEUE $Q_ALERT $Q_CONDITION $Q_VALUE"'

@test "a command runs when the condition is met, and again only after it was not" {
	qctl create jobs
	alarm --alert 'ready>1' -n 2 jobs -- sh -c "$show"
	qpush jobs a
	qpush jobs b
	eventually has_lines output 1
	qpush jobs c
	eventually is_waiting "$watcher"
	is "$(wc -l <output)" 1
	qwatch --until 'ready==3' jobs
	qpop -n all jobs >/dev/null
	sees_change
	qpush -l jobs <<<$'d\ne\nf\ng'
	ended 0 "$watcher"
	is "$(cat output)" 'jobs raised ready>1 2
jobs raised ready>1 4'
	is "$(cat errors)" ''
}

# The watcher has looked since.
sees_change() {
	local before after

	before=$(looks)
	eventually has_looked
}

looks() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$watcher/status"
}

has_looked() {
	after=$(looks)
	((after > before + 4))
}

@test "a condition that is met at the start is a crossing" {
	qpush jobs x
	run -0 qwatch --alert 'ready>0' -n 1 jobs -- sh -c "$show"
	is "$output" 'jobs raised ready>0 1'
}

@test "with --clear, it is not over before that is met, and then the command runs, too" {
	qctl create jobs
	alarm --alert 'ready>=3' --clear 'ready<=1' -n 3 jobs -- sh -c "$show"
	qpush -l jobs <<<$'a\nb\nc'
	eventually has_lines output 1
	qpop jobs >/dev/null
	sees_change
	qpush jobs d
	sees_change
	is "$(wc -l <output)" 1
	qpop -n 2 jobs >/dev/null
	eventually has_lines output 2
	qpush -l jobs <<<$'e\nf'
	ended 0 "$watcher"
	is "$(cat output)" 'jobs raised ready>=3 3
jobs cleared ready<=1 1
jobs raised ready>=3 3'
}

@test "a condition of time is met though nobody changes the queue" {
	qpush jobs x
	run -0 qwatch --alert 'oldest>300ms' -n 1 jobs -- sh -c 'echo "$Q_CONDITION"'
	is "$output" 'oldest>300ms'
}

@test "several queues are looked at" {
	qctl create jobs
	qctl create mail
	alarm --alert 'ready>0' -n 2 jobs mail -- sh -c "$show"
	qpush mail x
	eventually has_lines output 1
	qpush jobs x
	ended 0 "$watcher"
	is "$(cut -d ' ' -f 1 output | xargs)" 'mail jobs'
}

@test "without operands, queues that are made later are looked at, too" {
	qctl create jobs
	start qwatch --alert 'ready>0' -n 1 -- sh -c 'echo "$Q_QUEUE"' >out 2>errors
	eventually has_open "$pid"
	qctl create mail
	eventually grep -qx 'qwatch: mail: is new' errors
	qpush mail x
	ended 0
	is "$(cat out)" mail
}

@test "more queues are looked at than a process can map at their greatest" {
	local i

	qctl create q1
	for i in {2..260}; do
		cp -r "$Q_ROOT/q1" "$Q_ROOT/q$i"
	done
	qpush q260 x
	is "$(qwatch --alert 'ready>0' -n 1 -- sh -c 'echo "$Q_QUEUE"')" q260
}

@test "a command that fails is told of, and does not end the watch" {
	qpush jobs x
	qpush mail x
	run --separate-stderr -4 qwatch --alert 'ready>0' -n 2 jobs mail -- \
		sh -c '[ "$Q_QUEUE" = mail ] || exit 7'
	is "$stderr" "qwatch: jobs: 'sh' exited 7"
	run --separate-stderr -4 qwatch --alert 'ready>0' -n 1 jobs -- sh -c 'kill -9 $$'
	is "$stderr" "qwatch: jobs: 'sh' killed by SIGKILL"
	# nor does it count for less than that the time is over
	run --separate-stderr -4 qwatch --alert 'ready>0' -n 2 -T 0.1 jobs -- false
}

@test "a command has nothing on stdin, and a script without #! is the shell's" {
	qpush jobs x
	printf 'cat; echo "$1"\n' >script
	chmod +x script
	run -0 qwatch --alert 'ready>0' -n 1 jobs -- ./script word <<<input
	is "$output" word
}

@test "a queue that is removed and made again is watched on" {
	qctl create jobs
	alarm --alert 'ready>0' -n 2 jobs -- sh -c "$show"
	qpush jobs x
	eventually has_lines output 1
	qctl rm --yes jobs
	eventually grep -q removed errors
	qctl create jobs
	eventually grep -q again errors
	sees_change # nothing is ready there
	qpush jobs x
	ended 0 "$watcher"
	is "$(wc -l <output)" 2
}

@test "a time that is over is no error, unless runs were asked for" {
	qctl create jobs
	is_silent 0 qwatch --alert 'ready>0' --timeout 10ms jobs -- true
	is_silent 1 qwatch --alert 'ready>0' -n 1 --timeout 10ms jobs -- true
}

@test "a signal ends the watch, and the command that runs" {
	qpush jobs x
	start qwatch --alert 'ready>0' jobs -- sh -c 'echo $$ >started; exec sleep 1000'
	watcher=$pid
	eventually test -s started
	kill -TERM "$watcher"
	ended 143 "$watcher"
	eventually gone "$(cat started)"
}

@test "a command that is not there is found out before anything is watched" {
	qctl create jobs
	fails 3 'qwatch: ./nope: no such file' qwatch --alert 'ready>0' jobs -- ./nope
}

@test "what cannot be asked of alerts is said" {
	qctl create jobs
	fails 2 "--alert needs a COMMAND: put '--' before it" qwatch --alert 'ready>0' jobs
	fails 2 "--alert needs a COMMAND" qwatch --alert 'ready>0' jobs --
	fails 2 'a COMMAND is for --alert' qwatch jobs -- true
	for option in --events --json; do
		fails 2 '--events and --json are not for --alert' \
			qwatch --alert 'ready>0' "$option" jobs -- true
	done
	fails 2 '--alert, --until and ID exclude each other' \
		qwatch --alert 'ready>0' jobs 1 -- true
	fails 2 'exclude each other' qwatch --alert 'ready>0' --until empty jobs -- true
	fails 2 '--clear is for --alert' qwatch --clear 'ready>0' jobs
	fails 2 "--alert: 'full' is not a condition" qwatch --alert full jobs -- true
	fails 2 "--clear: 'full' is not a condition" \
		qwatch --alert 'ready>0' --clear full jobs -- true
	fails 2 '--events and --json are not for --alert' \
		qwatch -j --alert 'ready>0' jobs -- true
	fails 2 '--alert, --until and ID exclude each other' \
		qwatch --alert 'ready>0' --until empty jobs -- true
	fails 3 'jbos: no such queue' qwatch --alert 'ready>0' jbos -- true
}
