#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl rerun: what failed, again, and the message as it was.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that are started
load lib

@test "the command runs again with the same body and environment" {
	cat >work <<-'X'
		#!/bin/sh
		echo "$1 $Q_QUEUE $Q_ID $Q_ATTEMPT $Q_H_NAME"
		cat
		exit 7
	X
	chmod +x work
	qpush -m 1 -H name=value jobs body
	run -4 --separate-stderr qpop jobs -- ./work 'with {} in it'
	first=$output
	before=$(qstat --json jobs 1)
	run --separate-stderr -7 qctl rerun jobs 1
	is "$output" 'with body in it jobs 1 1 value
body'
	is "$output" "$first"
	is "$(qstat --json jobs 1)" "$before"
}

@test "a wrapper comes before the command" {
	qpush -m 1 jobs body
	run -4 qpop -I MARK jobs -- sh -c 'echo "$0"; exit 3' 'a MARK {}'
	run --separate-stderr -3 qctl rerun jobs 1 -- env EXTRA=1 sh -c 'echo wrapped; exec "$@"' -
	is "$output" $'wrapped\na body {}'
}

@test "what the command was is shown with its failure" {
	qpush -m 1 jobs body
	run -4 qpop jobs -- sh -c 'exit 3' 'two words'
	is "$(qstat --json jobs 1 | jq -c '.failures[0].command')" '["sh","-c","exit 3","two words"]'
}

@test "a large body is the stdin, and the receipt is of no delivery" {
	seq 300000 >large
	qpush -m 1 jobs <large
	run -4 qpop jobs -- sh -c 'cat >copy; echo "$Q_RECEIPT" >receipt; exit 1'
	rm copy receipt
	run -1 qctl rerun jobs 1
	cmp copy large
	run --separate-stderr -1 qack jobs "$(cat receipt)"
	counts jobs dead=1
}

@test "what cannot be run again is said" {
	qpush jobs a
	fails 1 'jobs: 1: it has not failed' qctl rerun jobs 1
	qack --dead jobs "$(qpop -L 1h -r r jobs >/dev/null && cat r)"
	fails 1 'jobs: 1: which command failed is not known' qctl rerun jobs 1
	fails 1 'jobs: 77: no such message' qctl rerun jobs 77
	fails 2 'no ID given' qctl rerun jobs
	fails 2 "is not a number" qctl rerun jobs x
	printf '#!/bin/sh\nexit 1\n' >gone
	chmod +x gone
	qpush -m 1 jobs b
	run -4 qpop jobs -- ./gone
	rm gone
	fails 3 './gone: No such file' qctl rerun jobs 2
}

@test "a command of many words is not kept, nor that of a batch" {
	qpush -m 1 jobs a b
	run -4 qpop jobs -- sh -c 'exit 1' "$(printf '%3000s' x)"
	run -4 qpop -B 1 jobs -- false
	fails 1 'is not known' qctl rerun jobs 1
	fails 1 'is not known' qctl rerun jobs 2
}

# A queue with one dead message, whose body and command are these JSON texts.
failed_with() {
	qpush -m 1 made x
	run -4 qpop made -- false
	qctl dump made | jq -c "if .id then .body = $1 | .failures[0].command = $2 else . end" |
		qctl load -q jobs
	qctl rm --yes made
}

@test "a command that is not whole, or whose body cannot be an argument, is not run" {
	failed_with '"x"' '"{}\u0000sh"'
	fails 1 'jobs: 1: which command failed is not known' qctl rerun jobs 1
	qctl rm --yes jobs
	failed_with '"x"' '"{}\u0000"'
	fails 65 'jobs: 1: the command has no words' qctl rerun jobs 1
	qctl rm --yes jobs
	failed_with '"a\u0000b"' '"{}\u0000echo\u0000<{}>\u0000"'
	fails 3 'jobs: 1: the body cannot be an argument' qctl rerun jobs 1
	qctl rm --yes jobs
	failed_with '"ab"' '"{}\u0000echo\u0000<{}>\u0000"'
	is "$(qctl rerun jobs 1)" '<ab>'
}

@test "the command of a message that is leased again has the receipt of that lease" {
	qctl create jobs backoff=0
	qpush jobs body
	run -4 qpop jobs -- sh -c 'echo "$Q_RECEIPT"; exit 3'
	qpop -L 1h -r receipt jobs >/dev/null
	run --separate-stderr -3 qctl rerun jobs 1
	is "$output" "$(cat receipt)"
}

@test "what is damaged is not run again" {
	head -c 2M /dev/zero | qpush -m 1 jobs
	qpush -m 1 jobs b
	run -4 qpop -n 2 jobs -- false
	echo >>"$Q_ROOT/jobs/blob/1"
	fails 65 'jobs: 1: ' qctl rerun jobs 1
	damage record body 0000000000000002
	fails 65 'jobs: 2: is damaged' qctl rerun jobs 2
}
