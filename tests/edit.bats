#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl edit: another body, or nothing at all.

# shellcheck disable=SC2154,SC2016 # bats and lib.bash set output, stderr, status and pid;
# editors are for the shell that qctl starts
load lib

setup() {
	setup_root
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	unset VISUAL EDITOR
}

teardown() {
	if [ -e "$Q_ROOT/jobs" ]; then
		qctl check jobs
		balances jobs
	fi
	end_started
}

leaves_no_file() {
	is "$(ls "$TMPDIR")" ''
}

@test "a dead message gets another body, and keeps the rest" {
	qctl create jobs max-attempts=1
	qpush -k key -g group -p 3 -H name=value jobs 'helo'
	run -4 qpop jobs -- sh -c 'echo why >&2; exit 3'
	before=$(qstat --json jobs 1 | jq -c 'del(.id, .body, .size)')
	is "$(EDITOR='sed -i s/lo/llo/' qctl edit jobs 1)" 'replaced by message 2'
	is "$(qstat --json jobs 2 | jq -c 'del(.id, .body, .size)')" "$before"
	counts jobs dead=1 purged=1
	qctl redrive -q jobs 2
	is "$(qpop jobs)" hello
	leaves_no_file
}

@test "a message whose key is another's is edited, and not taken for that one" {
	local window

	for window in 0 1h; do
		qctl create jobs window=$window
		qpush -k key jobs helo
		qctl dead -q jobs 1
		qpush -k key jobs other
		qctl redrive -q jobs 1
		[ $window = 0 ] || is "$(qpop --id 2 jobs)" other
		is "$(EDITOR='sed -i s/lo/llo/' qctl edit jobs 1)" 'replaced by message 3'
		# the key is still that of the other
		is "$(qpush -i -k key jobs again)" 2
		[ $window != 0 ] || is "$(qpop jobs)" other
		is "$(qpop jobs)" hello
		counts jobs pushed=3 done=2 purged=1
		qctl check jobs
		qctl rm -y jobs
	done
}

@test "VISUAL goes before EDITOR, and either may have arguments" {
	qpush jobs a
	EDITOR=false VISUAL='sh -c "echo b c >\"\$0\""' qctl edit -q jobs 1
	is "$(qpop jobs)" 'b c'
}

@test "a message whose time has come, or whose lease is over, can be edited" {
	qpush -d 10 jobs later
	qpush jobs leased
	qpop -L 10 jobs >/dev/null
	export SHIM_WALL=60 SHIM_BOOT=60
	EDITOR='sed -i s/l/L/' preloaded shim-time qctl edit -q jobs 1
	EDITOR='sed -i s/l/L/' preloaded shim-time qctl edit -q jobs 2
	is "$(preloaded shim-time qpop -n all -l jobs | xargs)" 'Later Leased'
	leaves_no_file
}

@test "a message that waits keeps its state and key" {
	qpush -d 1h -k key jobs later
	EDITOR='sed -i s/l/L/' qctl edit -q jobs 1
	counts jobs delayed=1 pushed=2
	is "$(qstat --json jobs 2 | jq -r .body)" Later
	qpush -k key jobs other
	counts jobs pushed=2
}

@test "what is unchanged is left, also if the editor adds a newline" {
	qpush jobs a
	run --separate-stderr -0 env EDITOR=true qctl edit jobs 1
	is "$output" ''
	has "$stderr" 'jobs: 1: unchanged'
	EDITOR='sh -c "echo >>\$0"' qctl edit -q jobs 1
	counts jobs pushed=1
	is "$(qpop jobs)" a
	leaves_no_file
}

@test "an editor that fails, or leaves nothing, changes nothing" {
	qpush jobs a
	fails 4 'jobs: 1: the editor failed; nothing changed' env EDITOR=false qctl edit jobs 1
	fails 4 'the editor failed' env EDITOR='sh -c "echo b >\$0; kill -9 \$\$"' qctl edit jobs 1
	fails 4 'the editor failed' env EDITOR=./none qctl edit -q jobs 1
	fails 1 'the text is empty; nothing changed' env EDITOR='truncate -s 0' qctl edit jobs 1
	leaves_no_file
	fails 3 'nothing changed' env EDITOR='rm' qctl edit jobs 1
	counts jobs pushed=1
	is "$(qpop jobs)" a
}

@test "a message that is leased meanwhile stays, and the text is kept" {
	qpush jobs a
	fails 1 'jobs: 1: it was leased or settled meanwhile; your text is in' \
		env EDITOR='sh -c "qpop -L 1h jobs >/dev/null; echo text >\$0"' qctl edit jobs 1
	is "$(cat "$TMPDIR"/qctl-1-*)" text
	counts jobs leased=1 pushed=1
	fails 1 'jobs: 1: is leased' env EDITOR=false qctl edit jobs 1
	qpush jobs b
	fails 1 'no such message' env EDITOR='sh -c "qpop jobs >/dev/null; echo text >\$0"' \
		qctl edit jobs 2
}

@test "a text that cannot be stored is kept" {
	qctl create jobs max-body=5
	qpush jobs a
	fails 3 'your text is in' env EDITOR='sh -c "echo 1234567 >\$0"' qctl edit jobs 1
	is "$(cat "$TMPDIR"/qctl-1-*)" 1234567
	is "$(qpop jobs)" a
}

@test "a text whose queue cannot be opened any more is kept, and said where" {
	qpush jobs x
	run --separate-stderr -3 env EDITOR='sh -c "qctl rm -qy jobs; echo new >\"\$1\"" sh' \
		qctl edit jobs 1
	has "$stderr" 'no such queue'
	has "$stderr" 'your text is in '
	is "$(cat "${stderr##*your text is in }")" new
}

@test "a full or paused queue can be edited" {
	qctl create jobs max-messages=1
	qpush jobs a
	qctl pause jobs
	EDITOR='sed -i s/a/b/' qctl edit -q jobs 1
	qctl resume jobs
	is "$(qpop jobs)" b
}

@test "large bodies can be edited, and become small, and the other way" {
	seq 300000 | qpush jobs
	EDITOR='sed -i 1s/1/one/' qctl edit -q jobs 1
	is "$(ls "$Q_ROOT/jobs/blob")" 2
	EDITOR='sed -i 2,\$d' qctl edit -q jobs 2
	is "$(ls "$Q_ROOT/jobs/blob")" ''
	EDITOR='sh -c "seq 300000 >\$0"' qctl edit -q jobs 3
	is "$(qpop jobs | md5sum)" "$(seq 300000 | md5sum)"
}

@test "killed anywhere, there is one message, the old or the new" {
	local n

	export EDITOR='sed -i s/a/b/'
	for ((n = 1; ; n++)); do
		rm -rf "$Q_ROOT"
		qpush jobs a
		"$BIN/tool/trace" -a flock -k "$n" -r report -- qctl edit -q jobs 1 2>/dev/null || :
		grep -q 'signal 9' report || break
		counts jobs ready=1
		[[ $(qpop jobs) == [ab] ]]
	done
	[ "$n" -gt 40 ]
}

@test "without TMPDIR the text is in /tmp, and a newline that was there stays" {
	printf 'a\n' | qpush jobs
	export EDITOR='sh -c "echo \$0 >path; sed -i s/a/b/ \$0"'
	TMPDIR='' qctl edit -q jobs 1
	has "$(cat path)" /tmp/qctl-1-
	is "$(qpop jobs | od -An -c | xargs)" 'b n'
	printf 'a\n' | qpush jobs
	(unset TMPDIR && qctl edit -q jobs 3)
	has "$(cat path)" /tmp/qctl-3-
	# without it now, and with text where there was none
	qpush --allow-empty jobs ''
	EDITOR='sh -c "printf x >\$0"' qctl edit -q jobs 5
	is "$(qpop -n all -l jobs | xargs)" 'b x'
}

@test "what cannot be edited is said" {
	qpush jobs a
	fails 1 '77: no such message' qctl edit jobs 77
	fails 2 'no ID given' qctl edit jobs
	fails 2 'too many operands' qctl edit jobs 1 2
	damage record body 0000000000000001
	fails 65 '1: is damaged' qctl edit jobs 1
	head -c 2M /dev/zero | qpush jobs
	echo >>"$Q_ROOT/jobs/blob/2"
	fails 65 'jobs: 2: ' qctl edit jobs 2
	rm -r "$Q_ROOT/jobs"
}
