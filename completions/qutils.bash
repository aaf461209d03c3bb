# SPDX-License-Identifier: ISC
# Written by completions/generate.sh from the option tables; do not edit.

# shellcheck shell=bash

# Names below the root that have a queue. A name that the commands would refuse is not
# offered, so that nothing needs quoting.
_qutils_queues() {
	local root=${Q_ROOT:-} file name

	if [[ ! $root && $EUID == 0 ]]; then
		root=/var/spool/qutils
	elif [[ ! $root ]]; then
		root=${XDG_STATE_HOME:-$HOME/.local/state}/qutils
	fi
	for file in "$root"/*/data.mdb; do
		name=${file%/data.mdb}
		name=${name##*/}
		if [[ $name == "$1"* && $name != *[!A-Za-z0-9._-]* && $name == *[!0-9]* &&
			$name != [.-]* && -e $file ]]; then
			COMPREPLY+=("$name")
		fi
	done
}

# What begins with $1 as compgen finds it: -f files, -d directories, -c commands.
_qutils_find() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$2" -- "${1//\\/}")
}

_qutils_words() {
	local cur=$1 word

	shift
	for word; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("$word")
	done
}

# _qutils_complete CURRENT KIND [WORD...]: a value of that kind.
_qutils_complete() {
	case $2 in
	file) _qutils_find "$1" -f ;;
	dir) _qutils_find "$1" -d ;;
	words) _qutils_words "$1" "${@:3}" ;;
	queue)
		if [[ $1 == */* || $1 == '~'* ]]; then
			_qutils_find "$1" -d
		else
			_qutils_queues "$1"
		fi
		;;
	esac
}

# The option whose argument the word after $2 is, if it needs one: sets needs.
_qutils_needs() {
	local value letters=${2#-}

	needs=
	if [[ $2 == --* ]]; then
		value=${_qutils_value["$1 $2"]-}
		[[ $value && $value != *\?* ]] && needs=$2
		return
	fi
	for ((; ${#letters} > 0; )); do
		value=${_qutils_value["$1 -${letters:0:1}"]-}
		if [[ $value ]]; then
			[[ ${#letters} == 1 && $value != *\?* ]] && needs=-$letters
			return
		fi
		letters=${letters:1}
	done
}

# Read the words before the current one: sets operands, the first, needs and dashes.
_qutils_read() {
	local cmd=$1 i word

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $needs ]]; then
			[[ $word == = ]] || needs= # Bash makes "--count=5" three words
		elif [[ $word == -- ]]; then
			dashes=$i
			return
		elif [[ $word == = && ${COMP_WORDS[i - 1]} == --* ]]; then
			needs=${COMP_WORDS[i - 1]}
		elif [[ $word == -?* ]]; then
			_qutils_needs "$cmd" "$word"
		else
			((operands++ > 0)) || first=$word
		fi
	done
}

# _qutils_operand CURRENT: the next one, behind the subcommand "first", if there is any.
_qutils_operand() {
	case $first:$operands in
	ls:*) ;;
	copy:1 | move:1) _qutils_complete "$1" queue ;;
	backup:1) _qutils_complete "$1" dir ;;
	load:1) _qutils_complete "$1" file ;;
	pause:1 | resume:1) _qutils_words "$1" in out ;;
	*)
		if ((operands == 0)) || [[ $shape == *many* ]]; then
			_qutils_complete "$1" queue
		fi
		;;
	esac
}

_qutils() {
	local cmd=${1##*/} cur=${COMP_WORDS[COMP_CWORD]} operands=0 first='' needs='' dashes=0
	local shape=${_qutils_shape[${1##*/}]-}
	local -a words

	COMPREPLY=()
	cur=${cur#[\"\']} # readline closes what was opened
	_qutils_read "$cmd"
	if [[ $cur == = && ${COMP_WORDS[COMP_CWORD - 1]} == --* ]]; then
		needs=${COMP_WORDS[COMP_CWORD - 1]}
		cur=
	fi
	if [[ $needs ]]; then
		read -ra words <<<"${_qutils_value["$cmd $needs"]-}"
		_qutils_complete "$cur" "${words[0]%\?}" "${words[@]:1}"
	elif ((dashes > 0)); then
		[[ $shape == *runs* ]] || return 0
		if ((COMP_CWORD == dashes + 1)); then
			_qutils_find "$cur" -c
		else
			_qutils_find "$cur" -f
		fi
	elif [[ $cur == -* ]]; then
		read -ra words <<<"${_qutils_options[$cmd]-}"
		_qutils_words "$cur" "${words[@]}"
	else
		read -ra words <<<"${_qutils_sub[$cmd]-}"
		((${#words[@]} > 0)) || first=
		if ((${#words[@]} > 0 && operands-- == 0)); then
			_qutils_words "$cur" "${words[@]}"
		else
			_qutils_operand "$cur"
		fi
	fi
}

declare -gA _qutils_value _qutils_options _qutils_shape _qutils_sub
_qutils_options[qack]='--release --fail --dead --extend -d --delay --reason --strict -j --json --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_options[qctl]='--mode --group --repair --all --state --older-than --reason --to -n --limit --timeout -j --json -y --yes --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_options[qpop]='-L --lease -n --count -w --wait -g --group --id -l --lines -0 --null -j --json -o --output -r --receipt --owner -P --parallel -B --batch --each-status -I --replace -T --timeout --kill-after -R --rate --dead-on --backoff --backoff-max --to --to-lines --stop-on-failure --idle-exit --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_options[qpush]='-l --lines -0 --null -J --json-lines -f --file -d --delay --at -e --expire -p --priority -m --max-attempts -k --key -g --group -H --header -i --print-id -j --json -w --wait -C --no-create --atomic --call --allow-empty --from-command --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_options[qstat]='--list --state -n --limit --older-than -g --group -H --header --body --sizes --holders --forecast --workers --target-wait --check --warning --openmetrics -o --output --alert-rules --grafana-dashboard -j --json --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_options[qwatch]='--events --since -j --json -n --count --until --alert --clear -T --timeout --interval --lock-wait --force -q --quiet -v --verbose -h --help -V --version'
_qutils_shape[qack]=''
_qutils_shape[qctl]=''
_qutils_shape[qpop]='runs'
_qutils_shape[qpush]='runs'
_qutils_shape[qstat]='many many'
_qutils_shape[qwatch]='many many runs'
_qutils_sub[qctl]='backup cancel check compact copy create dead drain dump edit get load move pause purge redrive rerun release resume rm set ls'
_qutils_value['qack --delay']='time '
_qutils_value['qack --extend']='time '
_qutils_value['qack --lock-wait']='time '
_qutils_value['qack --reason']='text '
_qutils_value['qack -d']='time '
_qutils_value['qctl --group']='text '
_qutils_value['qctl --limit']='count '
_qutils_value['qctl --lock-wait']='time '
_qutils_value['qctl --mode']='text '
_qutils_value['qctl --older-than']='time '
_qutils_value['qctl --reason']='text '
_qutils_value['qctl --state']='words ready delayed blocked leased dead'
_qutils_value['qctl --timeout']='time '
_qutils_value['qctl --to']='queue '
_qutils_value['qctl -n']='count '
_qutils_value['qpop --backoff']='time '
_qutils_value['qpop --backoff-max']='time '
_qutils_value['qpop --batch']='count '
_qutils_value['qpop --count']='words all'
_qutils_value['qpop --dead-on']='text '
_qutils_value['qpop --group']='text '
_qutils_value['qpop --id']='count '
_qutils_value['qpop --idle-exit']='time '
_qutils_value['qpop --kill-after']='time '
_qutils_value['qpop --lease']='time '
_qutils_value['qpop --lock-wait']='time '
_qutils_value['qpop --output']='file '
_qutils_value['qpop --owner']='count '
_qutils_value['qpop --parallel']='count '
_qutils_value['qpop --rate']='text '
_qutils_value['qpop --receipt']='file '
_qutils_value['qpop --replace']='text '
_qutils_value['qpop --timeout']='time '
_qutils_value['qpop --to']='queue '
_qutils_value['qpop --wait']='time? '
_qutils_value['qpop -B']='count '
_qutils_value['qpop -I']='text '
_qutils_value['qpop -L']='time '
_qutils_value['qpop -P']='count '
_qutils_value['qpop -R']='text '
_qutils_value['qpop -T']='time '
_qutils_value['qpop -g']='text '
_qutils_value['qpop -n']='words all'
_qutils_value['qpop -o']='file '
_qutils_value['qpop -r']='file '
_qutils_value['qpop -w']='time? '
_qutils_value['qpush --at']='time '
_qutils_value['qpush --call']='time? '
_qutils_value['qpush --delay']='time '
_qutils_value['qpush --expire']='time '
_qutils_value['qpush --file']='file '
_qutils_value['qpush --group']='text '
_qutils_value['qpush --header']='text '
_qutils_value['qpush --key']='text '
_qutils_value['qpush --lock-wait']='time '
_qutils_value['qpush --max-attempts']='count '
_qutils_value['qpush --priority']='count '
_qutils_value['qpush --wait']='time? '
_qutils_value['qpush -H']='text '
_qutils_value['qpush -d']='time '
_qutils_value['qpush -e']='time '
_qutils_value['qpush -f']='file '
_qutils_value['qpush -g']='text '
_qutils_value['qpush -k']='text '
_qutils_value['qpush -m']='count '
_qutils_value['qpush -p']='count '
_qutils_value['qpush -w']='time? '
_qutils_value['qstat --group']='text '
_qutils_value['qstat --header']='text '
_qutils_value['qstat --limit']='count '
_qutils_value['qstat --lock-wait']='time '
_qutils_value['qstat --older-than']='time '
_qutils_value['qstat --output']='file '
_qutils_value['qstat --state']='words ready delayed blocked leased dead'
_qutils_value['qstat --target-wait']='time '
_qutils_value['qstat --warning']='words empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load'
_qutils_value['qstat --workers']='count '
_qutils_value['qstat -H']='text '
_qutils_value['qstat -g']='text '
_qutils_value['qstat -n']='count '
_qutils_value['qstat -o']='file '
_qutils_value['qwatch --alert']='words empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load'
_qutils_value['qwatch --clear']='words empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load'
_qutils_value['qwatch --count']='count '
_qutils_value['qwatch --interval']='time '
_qutils_value['qwatch --lock-wait']='time '
_qutils_value['qwatch --since']='time '
_qutils_value['qwatch --timeout']='time '
_qutils_value['qwatch --until']='words empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load'
_qutils_value['qwatch -T']='time '
_qutils_value['qwatch -n']='count '
complete -F _qutils qpush qpop qack qstat qwatch qctl
