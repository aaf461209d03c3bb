#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl: create queues, set, get and list; what is refused is refused before anything is
# changed.

load lib

mode() {
	stat -c %a "$1"
}

# ---- create ----

@test "a queue is made, empty, and for its owner alone" {
	is_silent 0 qctl create jobs
	counts jobs pushed=0 ready=0
	is "$(mode "$Q_ROOT/jobs")" 700
	is "$(mode "$Q_ROOT/jobs/data.mdb")" 600
}

@test "a queue is made at a path" {
	qctl create ./here
	counts ./here pushed=0
	fails 3 'No such file or directory' qctl create ./missing/there
}

@test "options are in force from the beginning" {
	qctl create jobs max-messages=1 max-body=2K backoff=90s
	is "$(qctl get jobs max-messages max-body backoff)" 'max-messages 1
max-body 2K
backoff 90s'
	qpush jobs a
	fails 75 'queue is full' qpush jobs b
}

@test "a shared queue has its mode and group, whatever the umask" {
	umask 077
	qctl create --mode=0770 --group="$(id -g)" jobs
	is "$(mode "$Q_ROOT/jobs")" 2770
	is "$(mode "$Q_ROOT/jobs/data.mdb")" 660
	is "$(stat -c %g "$Q_ROOT/jobs/data.mdb")" "$(id -g)"
}

@test "a group may be given by name" {
	qctl create --group="$(id -gn)" jobs
	is "$(stat -c %G "$Q_ROOT/jobs")" "$(id -gn)"
}

@test "a queue that exists is left as it is" {
	qctl create jobs max-body=1M
	qpush jobs a
	fails 3 'qctl: jobs: it exists already' qctl create jobs max-body=2M
	is "$(qctl get jobs max-body)" 'max-body 1M'
	counts jobs ready=1
}

@test "what is there and no queue is left as it is, too" {
	mkdir -p "$Q_ROOT/dir" && touch "$Q_ROOT/dir/file"
	fails 3 'exists already' qctl create dir
	[ -e "$Q_ROOT/dir/file" ]
}

@test "a wrong value makes no queue" {
	fails 2 'max-attempts: 0 is not between 1 and 1000000' \
		qctl create jobs max-body=1M max-attempts=0
	fails 2 "--mode: '9' is not an octal mode" qctl create --mode=9 jobs
	fails 2 "--mode: '01777' is not an octal mode" qctl create --mode=01777 jobs
	fails 2 '--mode: a queue that everybody may write' qctl create --mode=0777 jobs
	fails 2 '--mode: the owner must' qctl create --mode=0070 jobs
	fails 2 "--group: there is no group 'no such group'" \
		qctl create --group='no such group' jobs
	is_silent 0 qctl ls
}

@test "a name that is none is a usage error" {
	fails 2 'not digits alone' qctl create 42
	fails 2 'does not begin with' qctl create .hidden
	fails 2 'the name of a queue is' qctl create 'a b'
	fails 2 'empty' qctl create ''
}

# ---- set and get ----

@test "an option that is set is in force for the next message" {
	qpush jobs a
	is_silent 0 qctl set jobs max-messages=1
	fails 75 'queue is full' qpush jobs b
	qctl set jobs max-messages=2
	qpush jobs b
}

@test "several options are set together" {
	qctl create jobs
	qctl set jobs backoff=1s backoff-max=2h30m
	is "$(qctl get jobs backoff-max backoff)" $'backoff-max 150m\nbackoff 1s'
}

@test "get shows every option, as set reads it again" {
	qctl create a max-messages=7 max-bytes=0 max-body=3000 inline=8K \
		backoff=1500ms backoff-max=36h remember=0
	qctl create b
	qctl get a | while read -r name value; do
		qctl set b "$name=$value"
	done
	is "$(qctl get b)" "$(qctl get a)"
	is "$(qctl get a | awk '{ print $2 }' | xargs)" '7 0 3000 8K 20 1500ms 36h 0 0 0 0 skip asked 1h 0'
}

@test "get --json has exact numbers: bytes, and seconds" {
	qctl create jobs max-body=3K backoff=1500ms
	is "$(qctl get --json jobs max-body backoff)" \
		'{"queue":"jobs","max_body":3072,"backoff":1.5}'
	is "$(qctl get --json jobs | jq 'keys | length')" 16
}

@test "a wrong value among good ones sets none" {
	qctl create jobs
	before=$(qctl get jobs)
	fails 2 "max-body: '1.5x' is not a size" qctl set jobs inline=8K max-body=1.5x
	fails 2 "backoff: 'soon' is not a duration" qctl set jobs inline=8K backoff=soon
	fails 2 'backoff: 366d is not between 0 and 365d' qctl set jobs inline=8K backoff=366d
	fails 2 'inline: 1G is not between 4K and 64M' qctl set jobs max-body=1M inline=1G
	fails 2 "max-attempts: 'many' is not a number" qctl set jobs inline=8K max-attempts=many
	fails 2 "'max-body' is not OPTION=VALUE" qctl set jobs inline=8K max-body
	fails 2 'inline is given twice' qctl set jobs inline=8K inline=16K
	is "$(qctl get jobs)" "$before"
}

@test "an unknown option is refused with the one it may be, or the list of those there are" {
	qctl create jobs
	for what in 'set jobs max-boby=1' 'get jobs max-boby' 'create new max-boby=1'; do
		# shellcheck disable=SC2086 # words
		fails 2 "unknown option 'max-boby'; did you mean 'max-body'?" qctl $what
	done
	fails 2 "unknown option 'retention'; there are max-messages, max-bytes," \
		qctl set jobs retention=1d
	fails 2 ', result-keep, log' qctl set jobs =1
}

@test "an option that there is no use for is refused with the reason" {
	fails 2 "there is no option 'lease': who takes a message says for how long" \
		qctl create jobs lease=5m
	fails 2 "there is no option 'sync': what is stored is on disk" qctl create jobs sync=off
	fails 2 "there is no option 'mode': give it as --mode=MODE" qctl create jobs mode=0770
	fails 2 "there is no option 'group': give it as --group" qctl create jobs group=adm
	[ ! -e "$Q_ROOT/jobs" ]
}

@test "a misspelt subcommand is refused with the one it may be" {
	fails 2 "unknown subcommand 'creaet'; did you mean 'create'?" qctl creaet jobs
	fails 2 "unknown subcommand 'pruge'; did you mean 'purge'?" qctl pruge jobs
	fails 2 "unknown subcommand 'lss'; did you mean 'ls'?" qctl lss
	fails 2 "unknown subcommand ''; there are backup," qctl ''
	fails 2 "unknown subcommand 'vacuum'; there are backup," qctl vacuum jobs
	[ ! -e "$Q_ROOT" ]
}

@test "a queue that does not exist is not made by set or get" {
	fails 3 "qctl: jobs: no such queue; qpush or 'qctl create' makes one" \
		qctl set jobs inline=8K
	fails 3 'no such queue' qctl get jobs
	[ ! -e "$Q_ROOT/jobs" ]
}

# ---- ls ----

@test "ls prints the names of the queues, sorted" {
	qctl create b
	qctl create a
	mkdir "$Q_ROOT/other"
	is "$(qctl ls)" $'a\nb'
}

@test "ls of no root prints nothing" {
	is_silent 0 qctl ls
}

@test "ls of a root that is no directory is an error" {
	touch "$Q_ROOT"
	fails 3 "qctl: $Q_ROOT: Not a directory" qctl ls
}

# ---- usage ----

@test "what is missing or too much is a usage error" {
	fails 2 'no subcommand given; there are backup, cancel, check,' qctl
	fails 2 "unknown subcommand 'jobs'; there are backup," qctl jobs
	fails 2 'no queue given' qctl create
	fails 2 'no queue given' qctl get
	fails 2 'no OPTION=VALUE given' qctl set jobs
	fails 2 'too many operands for ls' qctl ls jobs
	fails 2 '--mode is not for set' qctl set --mode=0770 jobs inline=8K
	fails 2 '--json is not for ls' qctl ls --json
}
