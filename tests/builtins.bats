#!/usr/bin/env bats
# qpush, qpop and qack as builtins of bash: what is special about them. That they are the
# commands otherwise is for the tests of the commands, which builtins-test runs with them.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
# shellcheck disable=SC2016 # scripts are for another bash to expand
load lib

setup() {
	[ -z "${SAN:-}" ] || skip "sanitizers want to be first in the process"
	[ -f "$BIN/qutils.so" ] || skip "$BIN/qutils.so was not built: make builtins does"
	setup_root
	# Errors and loops: times as many with CALLS, in builtins-test.
	: "${CALLS:=5000}"
	export CALLS
}

# Run a script, in ./script, in which the commands are builtins.
with_builtins() {
	{
		echo 'enable -f "$BIN/qutils.so" qpush qpop qack || exit 99'
		cat
	} >script
	PATH=$BIN:$PATH bash script "$@"
}

# What the shell has, in words that must be the same before and after calls.
snapshot='snapshot() {
	echo /proc/$$/fd/*
	# read by the shell itself: it blocks signals while it makes a child
	mapfile -t status </proc/$$/status
	printf "%s\n" "${status[@]}" | grep "^Sig[BIC]"
	trap
	umask
	pwd
}'

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

@test "an error ends the call, and not the shell" {
	run -0 --separate-stderr with_builtins <<-'END'
		qpush; echo $?
		qpush jobs ''; echo $?
		qpush --bad; echo $?
		qpop none; echo $?
		qpush -f absent jobs; echo $?
		qpush jobs x; qpop -o /nonexistent/file jobs; echo $?
		qack jobs nonsense; echo $?
		qpush -J jobs <<<'{'; echo $?
		echo still here, $(qpop jobs)
	END
	is "$output" $'2\n2\n2\n3\n3\n3\n2\n2\nstill here, x'
	run -3 with_builtins <<-'END'
		set -e
		qpop none || echo caught
		if ! qpop none; then echo caught; fi
		qpop none
		echo not reached
	END
	is "$(grep -v none <<<"$output")" $'caught\ncaught'
}

@test "whatever becomes of a call, the shell has what it had before" {
	echo "$snapshot" >functions
	with_builtins <<-'END'
		. ./functions
		exec 5>/dev/null
		trap 'echo int' INT
		trap '' HUP
		round() {
			qpush jobs a b c
			head -c 3M /dev/zero | qpush jobs
			qpush --help
			qpush -f absent jobs
			qpush -f /etc/passwd -f absent jobs
			qpush -f / jobs
			qpush --expire 0 jobs x
			qpush -H a=b -H wrong jobs x
			qpush -J jobs <<<'{"body":"x","headers":{"a":"b"}}{'
			qpop -j jobs
			qpop -o out jobs
			qpop -o /nonexistent/out jobs
			qpop -L 1m -r receipt jobs
			qack jobs "$(cat receipt)"
			qack -j jobs - <receipt
			qack jobs - <<<nonsense
			qack jobs 1.1.aaaaa nonsense
			qpop -n all jobs
			qpop -w0.01s jobs
			qpop none
			qpush jobs x >&-
			qpop jobs >&-
			qpop jobs >/dev/full
			qpop --help >/dev/full
			qpop -n all jobs -- true
			qpush --from-command jobs -- false
			qpush --call=1ms jobs x
		} >/dev/null 2>&1
		snapshot >before
		round # bash itself catches more signals from its first child and trap on
		snapshot >before
		round
		round
		snapshot >after
	END
	diff before after
}

@test "memory does not grow with the number of calls" {
	with_builtins <<-'END'
		data() {
			local line
			while read -r line; do
				[[ $line != VmData:* ]] || set -- ${line//[^0-9]/}
			done </proc/$$/status
			size=$1
		}
		calls() {
			for ((i = 0; i < $1; i++)); do
				qpush --header a=b --bad 2>/dev/null
				qpush -f /etc/passwd -f absent --priority 1000 jobs 2>/dev/null
				qpop none 2>/dev/null
				qpop jobs
				qack jobs 5.1.aaaaa 2>/dev/null
				qack jobs 5.1.aaaaa - 2>/dev/null
				((i % 20)) && continue
				qpush -J jobs <<<'{"body":"x","headers":{"a":"b"},"x":{' 2>/dev/null
				qpush jobs x
				qpush -f /etc/passwd -f absent jobs 2>/dev/null
				qpop -o /nonexistent/file jobs 2>/dev/null
				qpop -j -n all jobs >/dev/null
			done
		}
		qctl create jobs
		calls 200
		data; before=$size
		calls "$CALLS"
		data; after=$size
		echo "$before KiB, then $after KiB"
		((after - before <= 256))
	END
}

@test "what is forgotten leaves nothing behind, and can be loaded again" {
	with_builtins <<-'END'
		for i in {1..30}; do
			qpush jobs "$i"
			qpop jobs >/dev/null
			enable -d qpush qpop qack
			mapfile -t maps </proc/$$/maps
			((i > 2)) || first=${#maps[@]}
			enable -f "$BIN/qutils.so" qpush qpop qack
		done
		echo "$first mappings, then ${#maps[@]}"
		[[ ${maps[*]} != *qutils.so* ]]
		((${#maps[@]} <= first))
	END
}

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

@test "a queue that is damaged is reported, and the shell goes on" {
	qpush jobs x
	qpush other y
	truncate -s 5000 "$Q_ROOT/jobs/data.mdb"
	cp -r "$Q_ROOT/other" "$Q_ROOT/zeros"
	dd if=/dev/zero of="$Q_ROOT/zeros/data.mdb" bs=4096 seek=2 count=200 conv=notrunc status=none
	echo "$snapshot" >functions
	run -0 --separate-stderr with_builtins <<-'END'
		. ./functions
		/bin/true
		snapshot >before
		snapshot >before # bash catches more signals from its first trap on
		for i in 1 2 3; do
			qpop jobs; echo $?
			qpush jobs z; echo $?
			qpop zeros; echo $?
		done
		snapshot >after
		qpop other
	END
	is "$output" "$(yes 65 | head -n 9)"$'\ny'
	diff before after
}

@test "a fault inside the store ends the call, frees the lock and keeps the shell" {
	seq 2000 | qpush -l jobs
	echo "$snapshot" >functions
	# Pages of the tree are changed until one makes LMDB give up in its own way.
	with_builtins <<-'END' 2>errors
		. ./functions
		/bin/true
		snapshot >before
		snapshot >before
		cp -r "$Q_ROOT/jobs" sound
		pages=$("$BIN/tool/damage" sound/data.mdb pages)
		for ((n = 2; n < pages; n++)); do
			cp sound/data.mdb "$Q_ROOT/jobs/data.mdb"
			"$BIN/tool/damage" "$Q_ROOT/jobs/data.mdb" zero "$n"
			qpop -n all jobs >/dev/null
			echo "$?" >>statuses
			flock -n "$Q_ROOT/jobs/data.mdb" true || echo locked
		done
		snapshot >after
		cp sound/data.mdb "$Q_ROOT/jobs/data.mdb"
		qpop -n all -l jobs >out
	END
	diff before after
	grep -qx 65 statuses
	run ! grep -qvxE '0|1|65' statuses
	seq 2000 | cmp - out
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

# ---- what would break them is seen when it is written ----

archives() {
	local lib

	for lib in liblmdb libjansson; do
		"${CC:-cc}" -print-file-name=$lib.a
	done
}

# The objects that the builtins are made of.
parts() {
	local f

	readelf -sW "$BIN/qutils.so" | awk '$4 == "FILE" { print $8 }' | sort -u >sources
	for f in "$BIN"/{bash,cmd,libq}/*.o; do
		! grep -qx "$(basename "$f" .o).c" sources || echo "$f"
	done
}

# Names they use and do not define.
used() {
	{
		parts
		archives
	} | xargs nm -u 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u
}

@test "every function that allocates, opens or ends goes through cmd/bash" {
	local name

	used >names
	grep -qx malloc names
	while read -r name; do
		nm "$BIN/qutils.so" | grep -q " __wrap_$name\$" || {
			echo "not wrapped: $name" >&2
			return 1
		}
	done < <(grep -xE '(m|c|re|reallocarr|pv|v|aligned_)alloc|reallocarray|memalign|posix_memalign|v?asprintf|str(n)?dup|getline|getdelim|realpath|getcwd|scandir|open(64|at|at64)?|creat|mk[d]?o?stemp(64)?|memfd_create|tmpfile|f(d|re)?open(64)?|fopencookie|open_memstream|(fd)?opendir|_?exit|quick_exit|raise|signal|sigaction|mmap(64)?|std(in|out|err)' names)
	# and none writes to the shell's stream without naming it
	run ! grep -xE '(v|__v|__)?printf(_chk)?|puts|putchar' <(
		nm -u "$BIN"/bash/*.o "$BIN"/cmd/{opt,diag,feed,deliver,emit,out,settled,json}.o |
			awk '{ print $2 }')
}

@test "variables that keep their values between calls are known to be harmless" {
	# Set anew by each call, or a buffer for a text that is used up at once.
	printf '%s\n' at buf damage_head damage_tail opt_choice caught count error error error \
		flush_error kept known large last left message opt_arg opt_command opt_common \
		opt_noperands opt_operands prog used why | sort >expected
	parts | xargs objdump -t | awk '/[[:space:]]\.(t?bss|t?data|data\.rel\.local)[[:space:]]/ && $NF !~ /^\./ {
		sub(/\.[0-9]+$/, "", $NF); print $NF }' | sort >found
	diff expected found
}
