#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a COMMAND of qpop gets: the body, arguments, environment, descriptors and signals.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# commands are for the shells that workers start
load lib
load worker

# ---- the body ----

@test "the body is the command's stdin, byte for byte" {
	head -c 3000 /dev/urandom >in
	qpush jobs <in
	qpop jobs -- cat >out
	cmp in out
	counts jobs done=1 leased=0
}

@test "an empty body is an empty stdin" {
	qpush --allow-empty jobs ''
	is "$(qpop jobs -- wc -c)" 0
	qpush --allow-empty jobs ''
	is "$(qpop jobs -- echo '[{}]')" '[]'
	counts jobs done=2
}

@test "a large body is a file, at its start" {
	head -c 2M /dev/urandom >in
	qpush jobs <in
	qpop jobs -- sh -c '[ "$(stat -Lc %F /proc/self/fd/0)" = "regular file" ] && exec cat' >out
	cmp in out
	counts jobs done=1
	is "$(ls "$Q_ROOT/jobs/blob")" ''
}

@test "a command need not read its stdin, however much there is" {
	qpush jobs x
	head -c 500K /dev/zero | qpush jobs
	head -c 3M /dev/zero | qpush jobs
	is_silent 0 qpop -n all jobs -- true
	is_silent 1 qpop jobs -- true
	counts jobs done=3
}

@test "a damaged large body is dead, its command does not run, and others do" {
	head -c 2M /dev/zero | qpush jobs
	qpush jobs fine
	printf x | dd of="$Q_ROOT/jobs/blob/1" bs=1 seek=1234567 conv=notrunc status=none
	run --separate-stderr qpop -n all jobs -- sh -c 'cat >>ran'
	((status != 0))
	has "$stderr" damaged
	is "$(cat ran)" fine
	counts jobs dead=1 done=1
}

# ---- arguments ----

@test "{} is the body, wherever it is in an argument, and however often" {
	qpush jobs abc
	is "$(qpop jobs -- printf '<%s>' {} '-{}-' '{}{}' '{' '}' x)" '<abc><-abc-><abcabc><{><}><x>'
}

@test "a body in an argument is one argument, and no shell reads it" {
	local body=$' a  b\t"c" \'d\' $(touch bad) `touch bad` ; * \\ \n second line'

	qpush jobs "$body"
	qpop jobs -- sh -c 'echo "$#"; printf %s "$1"' sh {} >out
	is "$(cat out)" $'1\n'"$body"
	[ ! -e bad ]
}

@test "one newline at the end of the body is not in the argument" {
	echo abc | qpush jobs
	printf 'abc\n\n' | qpush jobs
	printf '\n' | qpush jobs
	is "$(qpop -n all jobs -- printf '<%s>' {})" $'<abc><abc\n><>'
}

@test "-I names another mark, and then {} is itself" {
	qpush jobs abc def
	is "$(qpop -I % jobs -- echo '%,{},a%b%')" 'abc,{},aabcbabc'
	is "$(qpop --replace=BODY jobs -- echo '{} BODY')" '{} def'
	fails 2 "the mark is empty" qpop -I '' jobs -- echo x
}

@test "the name of the command is not replaced" {
	qpush jobs true
	fails 3 "no such file; nothing taken" qpop jobs -- '{}'
	counts jobs ready=1
}

@test "a body with a mark in it is not replaced again" {
	qpush jobs '{}{}'
	is "$(qpop jobs -- echo 'x{}')" 'x{}{}'
}

@test "a body that cannot be an argument is dead with the reason, and the others are run" {
	printf 'a\0b' | qpush jobs
	head -c 131072 /dev/zero | tr '\0' x | qpush jobs
	head -c 2M /dev/zero | tr '\0' x | qpush jobs
	qpush jobs fine
	run -4 --separate-stderr qpop -n all jobs -- echo {}
	is "$output" fine
	has "$stderr" "qpop: jobs: 1: the body cannot be an argument"
	counts jobs dead=3 done=1 ready=0 delayed=0
	for i in 1 2 3; do
		has "$(reason jobs "$i")" "cannot be an argument"
		is "$(field jobs "$i" attempt)" 1
	done
}

@test "a body just short of 128 KiB can be an argument; with more beside it, it is dead" {
	head -c 131071 /dev/zero | tr '\0' x >in
	qpush jobs <in
	is "$(qpop jobs -- sh -c 'echo "${#1}"' sh {})" 131071
	qpush jobs <in
	fails 4 "Argument list too long" qpop jobs -- echo 'x{}'
	counts jobs done=1 dead=1
}

@test "a body that cannot be an argument need not be one" {
	printf 'a\0b' | qpush jobs
	is "$(qpop jobs -- wc -c)" 3
}

# ---- the environment ----

@test "Q_QUEUE, Q_ID, Q_RECEIPT and Q_ATTEMPT tell of the delivery" {
	qctl create jobs backoff=0
	qpush jobs other mine
	qpop jobs
	run -4 --separate-stderr qpop jobs -- sh -c 'echo "$Q_QUEUE $Q_ID $Q_ATTEMPT"; exit 1'
	is "$output" "jobs 2 1"
	run -0 qpop jobs -- sh -c 'echo "$Q_QUEUE $Q_ID $Q_ATTEMPT $Q_RECEIPT"'
	[[ $output =~ ^jobs\ 2\ 2\ 2\.2\.[0-9a-z]{5}$ ]]
	qpush ./here x
	is "$(qpop ./here -- sh -c 'echo "$Q_QUEUE"')" ./here
}

@test "headers are Q_H_NAME, upper-cased, with _ for - and ." {
	qpush -H content-type=text/plain -H 'a.b_C=x = y' -H 'n=' jobs x
	is "$(qpop jobs -- env | grep ^Q_H_ | sort)" $'Q_H_A_B_C=x = y\nQ_H_CONTENT_TYPE=text/plain\nQ_H_N='
}

@test "variables of an outer worker do not leak into an inner one" {
	qpush -H only-outer=1 -H both=outer outer x
	qpush -H both=inner inner y
	qpop outer -- qpop inner -- env >out
	is "$(grep ^Q_ out | grep -v -e ^Q_ROOT= -e ^Q_RECEIPT= | sort)" \
		$'Q_ATTEMPT=1\nQ_H_BOTH=inner\nQ_ID=1\nQ_QUEUE=inner'
	is "$(grep -c ^Q_RECEIPT= out)" 1
	counts outer done=1
	counts inner done=1
}

@test "other variables are passed on" {
	qpush jobs x
	is "$(MINE='a b' qpop jobs -- sh -c 'echo "$MINE"')" 'a b'
}

# ---- descriptors and signals ----

@test "a command has stdin, stdout, stderr and its lease, which it can only read" {
	qpush jobs x
	(
		close_others
		exec qpop -P 3 jobs -- sh -c 'ls -l /proc/$$/fd' >out
	)
	is "$(grep -c -- '->' out)" 4
	is "$(grep -c -- '-> .*/jobs/hold$' out)" 1
	[[ $(grep '/jobs/hold$' out) == lr-x* ]]
	run ! grep data.mdb out
}

@test "a command has default signals, and none blocked" {
	qpush jobs x
	env --block-signal=USR1 --ignore-signal=PIPE qpop jobs -- grep ^Sig /proc/self/status >out
	is "$(awk '/^SigBlk/ { print $2 }' out)" 0000000000000000
	# SIGPIPE and SIGXFSZ; TERM, INT and HUP are as they were for us
	is "$((0x$(awk '/^SigIgn/ { print $2 }' out) & (1 << 12 | 1 << 24)))" 0
	qpush jobs x
	is "$(qpop jobs -- sh -c 'yes | head -n 1; echo end')" $'y\nend'
}

@test "stdout of the command is ours" {
	qpush jobs a b
	is "$(qpop -n all jobs -- sed 's/$/!/')" $'a!b!'
}

@test "stderr of the command reaches ours as it is written" {
	qpush jobs x
	start qpop jobs -- sh -c "echo early >&2; $staying echo late >&2" 2>err
	eventually grep -q early err
	run ! grep late err
	touch go
	ended 0
	is "$(cat err)" $'early\nlate'
}

@test "much on stderr is passed on whole" {
	qpush jobs x
	seq 200000 >want
	qpop jobs -- sh -c 'cat want >&2' 2>err
	cmp want err
}

@test "what is kept of stderr is whole, also with a NUL in it" {
	qpush -m 1 jobs x
	start qpop jobs -- sh -c 'printf "one\0two\n" >&2; exit 1' 2>err
	ended 4
	has "$(tr -d '\0' <err)" "dead after 1 attempt: exited 1"
	is "$(qstat --json jobs 1 | jq -c '.failures[0].stderr')" '"one\u0000two\n"'
	has "$(qstat jobs 1)" 'stderr: one\x00two'
}

@test "a command that floods stderr is ended at its time all the same" {
	qpush jobs x
	start timeout -s KILL 20 qpop -T 200ms jobs -- sh -c 'exec yes >&2' 2>/dev/null
	ended 4
}

@test "a command that floods a stderr of which little is read is ended at its time, too" {
	qpush jobs x
	start timeout -s KILL 10 qpop -T 200ms jobs -- sh -c 'exec cat /dev/zero >&2' \
		2> >(exec 3>&-; while [ "$(head -c 4096 | wc -c)" -gt 0 ]; do :; done)
	ended 4
}
