#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Builtins of bash: signals that interrupt a call.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
# shellcheck disable=SC2016 # scripts are for another bash to expand
load lib
load builtins

@test "a wait is interrupted, and the shell's trap decides" {
	qctl create jobs
	mkfifo out
	exec 7<>out
	with_builtins <<<: # writes the script's first line
	cat >>script <<-'END'
		trap 'echo trapped' INT TERM
		qpop -w jobs
		echo "status $?"
		qpop -w "$1"
		echo "status $?"
		qpush after x
	END
	PATH=$BIN:$PATH start bash script jobs 7>&- >out
	eventually has_open "$pid"
	kill -INT "$pid"
	read -r -u 7 line
	is "$line" trapped
	read -r -u 7 line
	is "$line" 'status 130'
	eventually has_open "$pid"
	kill -TERM "$pid"
	read -r -u 7 line
	is "$line" trapped
	read -r -u 7 line
	is "$line" 'status 143'
	ended 0
	is "$(qpop after)" x
}

@test "without a trap the signal that interrupts a wait ends the script" {
	local signal

	qctl create jobs
	with_builtins <<<:
	cat >>script <<-'END'
		trap 'echo bye >bye' EXIT
		qpop -w jobs
		qpush jobs 'not reached'
	END
	for signal in INT TERM HUP; do
		rm -f bye
		PATH=$BIN:$PATH start bash script
		eventually has_open "$pid"
		kill -"$signal" "$pid"
		ended $((128 + $(kill -l "$signal")))
	done
	counts jobs pushed=0
}

@test "what is interrupted has told how much is stored, and keeps it" {
	mkfifo in
	exec 7<>in
	with_builtins <<<:
	echo 'trap : INT; qpush -l jobs <in; echo "status $?" >status' >>script
	PATH=$BIN:$PATH start bash script 2>errors
	echo one >&7
	eventually has_count jobs pushed=1
	kill -INT "$pid"
	ended 0
	is "$(cat status)" 'status 130'
	has "$(cat errors)" 'qpush: jobs: interrupted; 1 stored, the rest was not'
	is "$(qpop jobs)" one
}

@test "receipts on stdin are interrupted, too" {
	qctl create jobs
	mkfifo in
	exec 7<>in
	with_builtins <<<:
	echo 'trap : INT; qack jobs - <in; echo "status $?" >status' >>script
	PATH=$BIN:$PATH start bash script 2>/dev/null
	eventually has_open "$pid"
	kill -INT "$pid"
	ended 0
	is "$(cat status)" 'status 130'
}
