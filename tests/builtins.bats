#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush, qpop and qack as builtins of bash: they do what the programs do. What else the
# programs do is for their own tests, which builtins-test runs with builtins.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
# shellcheck disable=SC2016 # scripts are for another bash to expand
load lib
load builtins

@test "a call costs no process" {
	with_builtins <<-'END'
		for i in {1..50}; do qpush jobs "$i"; done
		qpop jobs >/dev/null
		qpop -L 1m jobs >file
		read -r receipt <file
		qack jobs "$receipt"
		qpush -l jobs <file
		qpop -j -n all jobs >/dev/null
		qpop jobs || qpush --nonsense || :
	END
	PATH=$BIN:$PATH strace -f -qq -e trace=clone,clone3,fork,vfork -o forks \
		bash script </dev/null 2>/dev/null
	[ ! -s forks ]
	counts jobs pushed=104 done=104
}

@test "they are enabled by the name of the file, where bash looks for them" {
	mkdir lib
	cp "$BIN/qutils.so" lib
	BASH_LOADABLES_PATH=$PWD/lib bash -c 'enable -f qutils.so qpush qpop qack &&
		qpush jobs found && qpop jobs && type -t qack' >out
	is "$(cat out)" foundbuiltin
	has "$(bash -c 'enable -f lib/qutils.so qpop; help qpop')" 'qpop [OPTION...] QUEUE'
	bash -c 'enable -f "$BIN/qutils.so" qpush; enable -d qpush; type -t qpush' >out
	is "$(cat out)" file
}

@test "they say and do what the programs do, byte for byte" {
	local i

	cat >calls <<-'END'
		qpush --help
		qpop --version
		qack --options
		qpush
		qpush jobs ""
		qpush --delay soon jobs x
		qpush --priority 5 -ij -H a=b jobs one
		qpush --nonsense jobs x
		qpush -f /nonexistent jobs
		qpush -i jobs two three
		qpush -C none x
		qpop none
		qpop --bacth jobs
		qpop -v -j jobs
		qpop jobs extra
		qpop -n all -l jobs
		qpop jobs
		qpop -v jobs
		qpop -w0.01s jobs
		qpop --lock-wait
		qack jobs foo
		qack jobs 9.1.k3jx9
		qack --json jobs 9.1.k3jx9
		qpop -P 2 jobs
		qpush --from-command jobs
		qpush --call=10ms jobs x
	END
	for i in program builtin; do
		while read -r call; do
			echo "--- $call"
			Q_ROOT=$PWD/$i bash -c "
				[ $i = program ] || enable -f '$BIN/qutils.so' qpush qpop qack
				$call
				echo \"status \$?\"" </dev/null 2>&1
		done <calls | sed -E 's/"pushed":"[^"]*"/"pushed":0/; s/"changed":"[^"]*"/"changed":0/; s/"pid":[0-9]+/"pid":0/' >"out.$i"
	done
	diff out.program out.builtin
	is "$(grep -c '^status' out.builtin)" 26
}

@test "redirections, pipes, substitutions and subshells are the shell's" {
	with_builtins >out <<-'END'
		echo body >in
		qpush jobs <in
		qpush jobs < <(echo from process)
		echo piped | qpush jobs
		{ qpush -l jobs; } <<<$'l1\nl2'
		qpop jobs >taken
		cat taken
		qpop jobs | tr a-z A-Z
		echo "<$(qpop jobs)>"
		(qpop -l jobs; qpop -l jobs) &
		wait $!
		qpop none 2>&1 >/dev/null | cut -c 1-10
		qpush jobs x >&-
		qpop jobs >&- 2>errors
		echo $?
		cat errors
	END
	is "$(cat out)" "$(printf '%s\n' body 'FROM PROCESS' '<piped>' l1 l2 'qpop: none' 3 \
		'qpop: stdout: Bad file descriptor; put back')"
}

@test "of a script that comes on stdin, the rest is there to be pushed" {
	printf '%s\n' 'enable -f "$BIN/qutils.so" qpush' 'echo before' 'qpush -l jobs' \
		a b c >in
	bash <in >out
	is "$(cat out)" before
	is "$(qpop -n all -l jobs)" $'a\nb\nc'
	bash < <(cat in) >out
	is "$(qpop -n all -l jobs | tr '\n' ' ')" 'a b c '
}

@test "variables count as for a program: exported, or given for the call" {
	with_builtins >out <<-'END'
		Q_ROOT=$PWD/one qpush only-there a b
		qpop -l only-there 2>/dev/null || echo $?
		Q_ROOT=$PWD/one qpop -l only-there
		Q_ROOT=$PWD/one
		export -n Q_ROOT
		qpop -l only-there 2>/dev/null || echo $?
		export Q_ROOT
		qpop -l only-there
	END
	is "$(xargs <out)" '3 a 3 b'
}

@test "a COMMAND is run by the program, whose status and set -e are as ever" {
	run -4 with_builtins <<-'END'
		qpush jobs a b c
		qpop jobs -- sh -c 'cat; echo " by $(ps -o comm= $PPID)"'
		set -e
		if qpop jobs -- false 2>/dev/null; then exit 9; fi
		qpop jobs -- false 2>/dev/null || echo "status $?"
		qpush --from-command jobs -- echo '$HOME "two  words"' '*'
		A=given qpop jobs -- sh -c 'cat; echo "$A"'
		qpush jobs d
		qpop jobs -- cat >redirected
		cat redirected
		trap 'echo "end $?"' EXIT
		qpush --from-command jobs -- false 2>/dev/null
		echo not reached
	END
	is "$output" "$(printf '%s\n' 'a by qpop' 'status 4' '$HOME "two  words" *' given 'dend 4')"
}

@test "without the program a COMMAND is refused, and nothing is taken" {
	with_builtins <<-'END'
		qpush jobs x
		PATH=/nonexistent
		qpop jobs -- true 2>errors
		echo $? >status
	END
	is "$(cat status)" 127
	is "$(cat errors)" "qpop: a command after '--' needs the program qpop in PATH"
	counts jobs ready=1 leased=0
}

@test "builtins and programs use one queue at once, and nothing is lost" {
	local i

	with_builtins <<<:
	cat >>script <<-'END'
		for i in {1..40}; do qpush jobs "$1-$i" || exit; done
	END
	for i in 1 2 3; do
		PATH=$BIN:$PATH start bash script "$i"
	done
	for i in {1..40}; do qpush jobs "program-$i"; done
	for i in "${started[@]}"; do
		ended 0 "$i"
	done
	counts jobs pushed=160
	qpop -n all -l jobs | sort | uniq -c | awk '$1 != 1 { exit 1 } END { exit NR != 160 }'
	balances jobs
}

@test "a large body and a million bytes of lines go through the shell's descriptors" {
	head -c 5M /dev/urandom >large
	seq 100000 >lines
	with_builtins <<-'END'
		qpush jobs <large
		qpush -l jobs <lines
		qpop jobs >back
		qpop -l -n all jobs >>back
	END
	cat large lines | cmp - back
}
