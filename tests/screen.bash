# shellcheck shell=bash
# What the files about the board share: qwatch in a real pseudo-terminal, as a person sees
# it.

# shellcheck disable=SC2034 # socket is for those that load this

setup() {
	command -v tmux >/dev/null || skip "no tmux"
	setup_root
	socket=qwatch-$$-$BATS_TEST_NUMBER
	unset TMUX TERM_PROGRAM
}

teardown() {
	tm kill-server 2>/dev/null || :
	end_started
	if [ -n "${public:-}" ]; then
		rm -rf "$public"
	fi
}

tm() {
	SHELL=/bin/bash tmux -L "$socket" -f /dev/null "$@"
}

# Another terminal, of a server of its own: the old one may take its time to end.
another() {
	tm kill-server
	socket+=-next
	rm -f status
}

# pane WIDTH HEIGHT SHELL-COMMANDS: a terminal of that size in which they run.
pane() {
	tm new-session -d -x "$1" -y "$2" "$3; exec cat"
}

# watch [WIDTH HEIGHT [OPERAND...]]: the board in a terminal; its status goes to the file
# status.
watch() {
	local width=${1:-100} height=${2:-24}

	shift $(($# < 2 ? $# : 2))
	pane "$width" "$height" "qwatch $*; echo \$? >status"
}

picture() {
	tm capture-pane -p
}

has_line() {
	picture | grep -Eq -- "$1"
}

lacks_line() {
	! picture | grep -Eq -- "$1"
}

# sees REGEX: a line of the screen, soon.
sees() {
	eventually has_line "$1" || {
		picture >&2
		return 1
	}
}

sees_no() {
	eventually lacks_line "$1" || {
		picture >&2
		return 1
	}
}

types() {
	tm send-keys "$@"
}

# The names of the queues, from the top.
rows() {
	picture | awk '/^QUEUE/ { inside = 1; next } /^$/ { inside = 0 }
		inside { printf "%s ", $1 }'
}

rows_are() {
	[ "$(rows)" = "$1" ]
}

# The process of the board.
watcher() {
	pgrep -P "$(tm display-message -p '#{pane_pid}')" qwatch
}

quits() {
	types q
	eventually test -s status
	is "$(cat status)" "${1:-0}"
}

kill_dead() {
	qpop -n all "$1" -- sh -c 'exit 65' 2>/dev/null || :
}
