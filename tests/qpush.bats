#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qpush: its command line, and the names and places of queues.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# ---- the command line ----

@test "no queue is a usage error" {
	fails 2 "qpush: no queue given" qpush
	has "$stderr" "Try 'qpush --help'."
	fails 2 "qpush: no queue given" qpush -l
}

@test "a misspelt option gets a suggestion, an abbreviated one an explanation" {
	fails 2 "qpush: unknown option '--dealy'; did you mean '--delay'?" \
		qpush --dealy 5 jobs x
	fails 2 "qpush: '--prio' is not an option; options are not abbreviated ('--priority')" \
		qpush --prio 5 jobs x
	fails 2 "unknown option '--xyzzy'" qpush --xyzzy jobs x
	fails 2 "unknown option '-Z'" qpush -Z jobs x
}

@test "options need and take the arguments they have" {
	fails 2 "option '--delay' needs an argument" qpush jobs x -d
	fails 2 "option '--delay' needs an argument" qpush jobs x --delay
	fails 2 "option '--delay' needs an argument" qpush jobs x --delay --
	fails 2 "option '--lines' takes no argument" qpush --lines=5 jobs
	fails 2 "option '--delay' is given twice" qpush -d 5 --delay=6 jobs x
}

@test "options may stand after operands, and in groups" {
	qpush jobs a -p 5 b -i >ids
	is "$(cat ids)" $'1\n2'
	printf 'c\n' | qpush jobs -liCp7
	is "$(qpop --json -n all jobs | jq -c '[.body, .priority]')" \
		$'["c",7]\n["a",5]\n["b",5]'
}

@test "-l, -0, -J and -f exclude each other and operands" {
	fails 2 "qpush: -l, -0, -J and -f exclude each other" qpush -l -0 jobs
	fails 2 "exclude each other" qpush -J -f x jobs
	fails 2 "messages come from stdin with -l: 'x' is one too many" qpush -l jobs x
	fails 2 "messages come from stdin with -J" qpush -J jobs x
}

@test "--help is on stdout and names every option" {
	local name

	run -0 --separate-stderr qpush --help
	is "$stderr" ''
	has "$output" "Usage: qpush "
	for name in lines null json-lines file delay at expire priority max-attempts header \
		print-id wait no-create atomic allow-empty from-command lock-wait force \
		quiet verbose help version; do
		has "$output" "--$name"
	done
	is "$(qpush -h)" "$output"
	run -0 qpush --version
	has "$output" "qpush (qutils) "
	is "$(qpush -V)" "$output"
}

@test "help that cannot be written is an error" {
	run -3 --separate-stderr bash -c 'qpush --help >/dev/full'
	has "$stderr" "qpush: stdout: No space left on device"
	run -3 bash -c 'qpush --help >&-'
}

# ---- names and places ----

@test "a queue's name is letters, digits, '.', '_' and '-'" {
	local name

	for name in .. . .hidden '' 'a b' $'a\nb' 123 0 'a*' é; do
		fails 2 "the name of a queue" qpush "$name" x
	done
	fails 2 "bytes; the most is 255" qpush "$(printf 'a%.0s' {1..256})" x
	fails 2 "unknown option '-o'" qpush -jobs x
	[ ! -e "$Q_ROOT" ]
	for name in a A.b_c-9 0x 1.5 _ "$(printf 'a%.0s' {1..255})"; do
		qpush "$name" "$name"
		is "$(qpop "$name")" "$name"
	done
}

@test "what terminals obey is shown, not sent, in messages" {
	fails 2 'qpush: a\x1b[31m\x0a: the name' qpush $'a\e[31m\n' x
}

@test "a URL names an engine that does not exist" {
	fails 3 "there is no engine for 'nats'" qpush nats://host/jobs x
	fails 3 "there is no engine for 'scheme'" qpush scheme://x x
}

@test "a path may be anything" {
	mkdir 'a b'
	qpush './a b/-1' x
	qpush ./.hidden/ y
	qpush "$PWD/7" z
	is "$(qpop './a b/-1')$(qpop ./.hidden)$(qpop ./7)" xyz
	[ ! -e "$Q_ROOT" ]
}

@test "directories above a named queue are made, above a path they are not" {
	Q_ROOT=$PWD/x/y/z qpush jobs a
	[ -f x/y/z/jobs/data.mdb ]
	fails 3 "No such file or directory" qpush ./no/such/q x
	[ ! -e no ]
}

@test "a new queue is private, whatever the umask" {
	(umask 0; qpush a x)
	(umask 177; qpush b x)
	is "$(stat -c %a "$Q_ROOT"/{a,b} "$Q_ROOT"/{a,b}/blob)" $'700\n700\n700\n700'
	is "$(stat -c %a "$Q_ROOT"/{a,b}/{data.mdb,hold})" $'600\n600\n600\n600'
}

@test "-C does not create a queue" {
	fails 3 "no such queue; qpush or 'qctl create' makes one" qpush -C jobs x
	[ ! -e "$Q_ROOT/jobs" ]
	qpush jobs a
	qpush --no-create jobs b
	is "$(drain jobs)" $'a\nb'
}

@test "what is not a queue is refused and left alone" {
	mkdir dir
	echo text >file
	fails 3 "not a queue (no data.mdb)" qpush ./dir x
	fails 3 "not a queue (not a directory)" qpush ./file x
	is "$(cat file)$(ls dir)" text
}
