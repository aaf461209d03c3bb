#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What bash, zsh and fish offer, asked of the shells themselves.

load lib

# Two queues, what is none, and names that no shell may act on.
setup() {
	local name

	setup_root
	export HOME=$BATS_TEST_TMPDIR/home
	for name in mail main 123 -dash .hidden 'a b' ';touch hit' '$(touch hit)' '`touch hit`' \
		$'new\nline'; do
		mkdir -p "$Q_ROOT/$name"
		touch "$Q_ROOT/$name/data.mdb"
	done
	mkdir -p "$HOME" "$Q_ROOT/made-of-nothing" work/sub/{dir,'$(touch hit)'}
	cd work || return 1
	touch sub/{file,'file;touch hit'}
}

teardown() {
	[ ! -e hit ] && [ ! -e ../hit ] || return 1
	end_started
}

in_bash() {
	bash --norc -c '
		. "$0"
		line=${1//=/ = }
		[[ $1 != *= ]] || line=${line% }
		read -ra COMP_WORDS <<<"$line"
		[[ $line != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_qutils "${COMP_WORDS[0]}"
		((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
	' "$SRC/completions/qutils.bash" "$1"
}

# An interactive zsh on a terminal of its own: the line is typed, then the tab key.
in_zsh() {
	ln -sf "$SRC/completions/_qutils" "$BATS_TEST_TMPDIR"
	cat >"$BATS_TEST_TMPDIR/.zshrc" <<-'EOF'
		PROMPT= fpath=($ZDOTDIR $fpath)
		setopt no_auto_list
		autoload -Uz compinit && compinit -u -D
		zstyle ':completion:*' format ''
		compadd() {
			local -a found
			[[ " ${@[1,(i)(-|--)]} " == *' -'[OAD]' '* ]] ||
				{ builtin compadd -A found "$@"; print -rl -- $found >&3 }
			builtin compadd "$@"
		}
		offer() {
			LBUFFER=$LINE
			exec 3>/dev/null
			zle complete # twice: what is loaded by the first use works again
			LBUFFER=$LINE
			exec 3>$ZDOTDIR/offered
			zle complete
			exit
		}
		zle -C complete complete-word _main_complete
		zle -N offer
		bindkey '^I' offer
	EOF
	LINE=$1 ZDOTDIR=$BATS_TEST_TMPDIR timeout 20 zsh -f -c '
		zmodload zsh/zpty
		zpty shell TERM=dumb zsh -i
		zpty -w -n shell $'"'\t'"'
		while zpty -r shell; do :; done >/dev/null
	' 3>&-
	cat "$BATS_TEST_TMPDIR/offered"
}

in_fish() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
		"$SRC/completions/qutils.fish" "$1" | cut -f 1
}

# The last part of each path, as zsh tells them, without what the shells add: the option
# before a '=', the slash behind a directory, quoting.
plain() {
	sed 's/^--[a-z-]*=//; s/\\//g; s/\/$//; s/.*\///; /^$/d' | LC_ALL=C sort -u
}

# offers SHELL LINE [CANDIDATE...]: for the last word of LINE; no more and no less.
offers() {
	local shell=$1 line=$2

	shift 2
	is "$("in_$shell" "$line" | plain)" "$(printf '%s\n' "$@" | plain)"
}

all_offer() {
	local shell

	for shell in bash zsh fish; do
		command -v "$shell" >/dev/null || continue
		offers "$shell" "$@" || {
			echo "$shell: $1" >&2
			return 1
		}
	done
}

# The commands of the Makefile, in the order of the completions.
commands() {
	sed -n 's/^COMMANDS := //p' "$SRC/Makefile"
}

@test "the completions are what generate.sh writes" {
	local shell

	mkdir new
	cp "$SRC"/completions/{generate.sh,*.in} new
	for shell in bash zsh fish; do
		# shellcheck disable=SC2046 # a list
		sh new/generate.sh "$shell" "$BIN" $(commands)
	done
	diff -r new "$SRC/completions"
}

@test "nothing is written if a command cannot be asked" {
	mkdir new
	cp "$SRC"/completions/{generate.sh,*.in} new
	run ! sh new/generate.sh bash "$PWD/nowhere" qpush
	run ! sh new/generate.sh tcsh "$BIN" qpush
	diff <(ls new) <(cd "$SRC/completions" && ls generate.sh ./*.in | sed 's,^./,,' | sort)
}

@test "every long option of every command is offered" {
	local c

	for c in $(commands); do
		"$BIN/$c" --options | cut -f 3 | sed 's/^/--/' >"$c.long"
		mapfile -t long <"$c.long"
		all_offer "$c --" "${long[@]}"
	done
}

@test "letters are offered as well" {
	local c shell

	for c in $(commands); do
		mapfile -t all < <("$BIN/$c" --options | awk '{ print "--" $3 } $2 != "-" { print "-" $2 }')
		offers bash "$c -" "${all[@]}"
		"$BIN/$c" --options | awk '$2 != "-" { print "-" $2 }' >letters
		for shell in zsh fish; do
			command -v "$shell" >/dev/null || continue
			"in_$shell" "$c -" >offered
			run ! grep -Fxv -f offered letters
		done
	done
}

@test "a long option is completed from its beginning" {
	all_offer 'qpop --co' --count
	all_offer 'qpop mail --co' --count
	all_offer 'qpop --nothing-of-the-kind'
}

@test "the first operand is a queue, of those with a valid name" {
	all_offer 'qpop ' mail main
	all_offer 'qpop mai' mail main
	all_offer 'qpush mail' mail
	all_offer 'qack x'
	all_offer 'qpop mail '
}

@test "names are those below the default root if Q_ROOT is not set" {
	mkdir -p "$HOME/.local/state" state
	if [ "$(id -u)" -eq 0 ]; then
		skip "root has /var/spool/qutils"
	fi
	mv "$Q_ROOT" "$HOME/.local/state/qutils"
	unset Q_ROOT
	all_offer 'qpop ' mail main
	mv "$HOME/.local/state/qutils" state
	XDG_STATE_HOME=$PWD/state all_offer 'qpop ' mail main
}

@test "a root that does not exist has no names" {
	Q_ROOT=$PWD/nowhere all_offer 'qpop '
	Q_ROOT=$PWD/nowhere all_offer 'qctl cr' create
}

@test "a queue with a slash is a directory" {
	all_offer 'qpop sub/d' sub/dir
	all_offer 'qpop ./su' ./sub
}

@test "an option's argument is no operand" {
	all_offer 'qpop -n 5 ma' mail main
	all_offer 'qpop -ln 5 ma' mail main
	all_offer 'qpop -n5 ma' mail main
	all_offer 'qpop --count 5 ma' mail main
	all_offer 'qpop --count=5 ma' mail main
	all_offer 'qpop --count=5 mail ma'
	all_offer 'qpop -w ma' mail main
	all_offer 'qpop --wait=5s ma' mail main
	all_offer 'qpop -L '
}

@test "values are offered by their kind" {
	all_offer 'qpop -n ' all
	all_offer 'qpop --count a' all
	all_offer 'qpop --count=a' all
	all_offer 'qstat --state ' ready delayed blocked leased dead
	all_offer 'qstat --state=le' leased
	all_offer 'qpush -f sub/fil' sub/file 'sub/file;touch hit'
	all_offer 'qpush --file sub/fil' sub/file 'sub/file;touch hit'
	all_offer 'qpush --delay '
}

@test "conditions are offered by the names there are" {
	local names

	run --separate-stderr -3 "$BIN/qstat" --check 'x>1' ./nowhere
	names=${output##*is not one of }
	mapfile -t names < <(printf 'empty, %s' "$names" | tr -s ', ' '\n\n')
	[ "${#names[@]}" -gt 10 ]
	all_offer 'qwatch --until ' "${names[@]}"
	all_offer 'qwatch --alert=pe' pending
	all_offer 'qwatch --clear em' empty
	all_offer 'qstat --warning wait' wait50 wait99
}

@test "qwatch takes more than one queue, and a command" {
	all_offer 'qwatch mail ma' mail main
	all_offer 'qwatch --events ma' mail main
}

@test "qstat takes more than one queue" {
	all_offer 'qstat mail ma' mail main
}

@test "qctl has commands before the queue" {
	mapfile -t subs < <("$BIN/qctl" --help | sed '/^Admin/,$d; s/.*OPTION//' | grep -o '\<[a-z]*\>')
	[ ${#subs[@]} -ge 4 ]
	all_offer 'qctl ' "${subs[@]}"
	all_offer 'qctl g' get
	all_offer 'qctl get mai' mail main
	all_offer 'qctl -j get mai' mail main
	all_offer 'qctl ls '
}

@test "behind its queue, a command of qctl has what it takes" {
	all_offer 'qctl copy mail ma' mail main
	all_offer 'qctl move -n 5 mail ma' mail main
	all_offer 'qctl move mail main ma'
	all_offer 'qctl get mail ma'
	all_offer 'qctl pause mail ' in out
	all_offer 'qctl resume mail o' out
	all_offer 'qctl backup mail sub/d' sub/dir
	all_offer 'qctl load mail sub/fil' sub/file 'sub/file;touch hit'
	all_offer 'qpop ls ma'
}

@test "a command follows the dashes, and then its own arguments" {
	printf '#!/bin/sh\n' >process-mail
	chmod +x process-mail
	export PATH=$PWD:$PATH
	all_offer 'qpop mail -- process-ma' process-mail
	all_offer 'qpop mail -n 5 -- process-mail sub/di' sub/dir
	all_offer 'qack -- --jso'
}
