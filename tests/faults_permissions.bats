#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Queues and directories that an ordinary user may only read, or not even that.

load lib

setup_file() {
	export NOBODY=65534
}

# Where an ordinary user may work: commands, and a directory of his own, in $public.
as_ordinary_user() {
	public=$(mktemp -d)
	cp "$BIN"/q{push,pop,ack,stat,ctl} "$public"
	mkdir "$public/own"
	if [ "$(id -u)" = 0 ]; then
		chmod 755 "$public"
		chown "$NOBODY" "$public/own"
	fi
	cd "$public/own" || return 1
	export Q_ROOT=$public/own/root PATH=$public:$PATH
}

user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups -- "$@"
	else
		"$@"
	fi
}

teardown() {
	end_started
	if [ -n "${public:-}" ]; then
		chmod -R u+rwX "$public"
		rm -rf "$public"
	fi
}

@test "who may not write is told so, and who may read may look" {
	as_ordinary_user
	user qpush jobs x
	user chmod 400 root/jobs/data.mdb
	fails 3 "ermission denied" user qpush jobs y
	fails 3 "ermission denied" user qpop jobs
	is "$(user qstat --json jobs | jq .ready)" 1
	user chmod 000 root/jobs/data.mdb
	fails 3 "ermission denied" user qpop jobs
	fails 3 "ermission denied" user qstat --json jobs
	user chmod 600 root/jobs/data.mdb
	user chmod 000 root/jobs
	fails 3 "ermission denied" user qpop jobs
	user chmod 700 root/jobs
	is "$(user qpop jobs)" x
}

@test "a directory that cannot be written stops no small message" {
	as_ordinary_user
	user qpush jobs x
	user chmod 500 root/jobs root/jobs/blob
	user qpush jobs y
	is "$(user qpop -n all -l jobs)" $'x\ny'
	head -c 2M /dev/zero >large
	fails 3 "ermission denied" user qpush jobs <large
}

@test "a queue cannot be made where one may not write" {
	as_ordinary_user
	user mkdir root
	user chmod 500 root
	fails 3 "ermission denied" user qpush jobs x
	is "$(ls -A root)" ''
}

@test "without Q_ROOT a user's queues are below XDG_STATE_HOME or HOME" {
	as_ordinary_user
	user env -u Q_ROOT HOME="$PWD/home" XDG_STATE_HOME="$PWD/state" qpush jobs a
	user env -u Q_ROOT -u XDG_STATE_HOME HOME="$PWD/home" qpush jobs b
	[ -f state/qutils/jobs/data.mdb ]
	[ -f home/.local/state/qutils/jobs/data.mdb ]
	fails 2 "neither Q_ROOT nor HOME is set" user env -u Q_ROOT -u HOME qpush jobs c
}

@test "an owner whom /proc hides is not taken for dead" {
	local hidden='mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65533 \
		--regid 65534 --clear-groups -- qpop jobs'

	[ "$(id -u)" = 0 ] || skip "only root has two users"
	as_ordinary_user
	user mkdir -m 770 root
	user qctl create --mode 0770 jobs
	user qpush jobs x
	setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups -- sleep 60 3>&- &
	started+=("$!")
	user qpop -L 1h --owner "$!" jobs >/dev/null
	run -1 unshare -m bash -c "$hidden"
	kill "$!"
	wait "$!" || :
	is "$(unshare -m bash -c "$hidden")" x
}
