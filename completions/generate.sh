#!/bin/sh
# SPDX-License-Identifier: ISC
# Write the completions of a shell, beside this script, from what the commands say of
# themselves: generate.sh bash|zsh|fish BINDIR COMMAND...
set -eu
shell=$1 bin=$2
shift 2
here=$(dirname "$0")

# The tables, and from each usage line, as rows of the same form: "@sub", the words of
# its first operand, if it is no queue; "@runs", if a command follows "--"; "@many", if
# each operand is a queue.
describe() {
	for cmd; do
		"$bin/$cmd" --help | awk -v OFS='\t' -v cmd="$cmd" '
		NR == 1 || /^ / { # the usage, of several lines
			sub(/^ +/, usage ~ /[a-z]\|$/ ? "" : " ")
			usage = usage $0
			next
		}
		{
			$0 = usage
			for (i = 3; i <= NF; i++) {
				if ($i ~ /^[a-z]+(\|[a-z]+)*$/)
					sub_ = sub_ "|" $i
				if ($i ~ /^\[?--$/)
					print cmd, "@runs"
				if ($i ~ /^\[?QUEUE\.\.\./)
					print cmd, "@many"
			}
			gsub(/\|/, " ", sub_)
			if (sub_ != "")
				print cmd, "@sub", substr(sub_, 2)
			exit
		}'
		"$bin/$cmd" --options
	done
}

# Sets for a row of a table: what kind its value is, whether it must be given, and which
# words can be: those in lower case of a placeholder like "N|all".
# shellcheck disable=SC2016 # the fields are awk's
row='
function quote(s) {
	gsub(/\047/, "\047\\\047\047", s)
	return "\047" s "\047"
}
BEGIN { FS = "\t" }
$2 !~ /^@/ {
	kind = $4
	gsub(/[?*]/, "", kind)
	needs = kind != "none" && $4 !~ /\?/
	n = split($5, part, "|")
	words = kind == "state" ? "ready delayed blocked leased dead" : ""
	if (kind == "condition") # of which the rest is to be quoted
		words = "empty ready delayed blocked leased dead pending oldest bytes disk in out wait50 wait99 service load"
	for (i = 1; n > 1 && i <= n; i++)
		if (part[i] ~ /^[a-z]/)
			words = words (words == "" ? "" : " ") part[i]
	if (words != "")
		kind = "words"
}'

bash_tables() {
	echo 'declare -gA _qutils_value _qutils_options _qutils_shape _qutils_sub'
	awk "$row"'
	function add(name) {
		list[$1] = list[$1] " " name
		if (kind != "none")
			print "_qutils_value[" quote($1 " " name) "]=" \
			    quote(kind (needs ? "" : "?") " " words)
	}
	$2 == "@sub" { print "_qutils_sub[" $1 "]=" quote($3) }
	$2 ~ /^@(runs|many)$/ { shape[$1] = shape[$1] " " substr($2, 2) }
	$2 !~ /^@/ {
		if ($2 != "-")
			add("-" $2)
		add("--" $3)
	}
	END {
		for (cmd in list) {
			print "_qutils_options[" cmd "]=" quote(substr(list[cmd], 2))
			print "_qutils_shape[" cmd "]=" quote(substr(shape[cmd], 2))
		}
	}' | LC_ALL=C sort
	echo "complete -F _qutils $*"
}

zsh_tables() {
	awk "$row"'
	function plain(s) {
		gsub(/\\|\[|\]|:/, "\\\\&", s)
		return s
	}
	function action() {
		if (kind == "file")
			return "_files"
		if (kind == "dir")
			return "_files -/"
		if (kind == "queue")
			return "_qutils_queues"
		return kind == "words" ? "(" words ")" : " "
	}
	function spec(name, attached, value) {
		value = kind == "none" ? "" : (needs ? ":" : "::") plain($5) ":" action()
		print "\t\t" quote(again name (kind == "none" ? "" : attached) \
		    "[" plain($6) "]" value)
	}
	function operands() {
		if (sub_ != "") {
			print "\t\t" quote("1:command:(" sub_ ")")
			print "\t\t" quote("2:queue:{_qutils_operand 0}")
			print "\t\t" quote("3: :{_qutils_operand 1}")
		} else {
			print "\t\t" quote((many ? "*" : "1") ":queue:_qutils_queues")
		}
		if (!many)
			print "\t\t" quote("*: : ")
		print "\t)"
		print "\t" "runs=" runs
		print "\t;;"
	}
	BEGIN { print "case $service in" }
	$1 != cmd {
		if (cmd != "")
			operands()
		cmd = $1
		sub_ = ""
		runs = many = 0
		print cmd ")\n\tspecs=("
	}
	$2 == "@sub" { sub_ = $3 }
	$2 == "@runs" { runs = 1 }
	$2 == "@many" { many = 1 }
	$2 !~ /^@/ {
		other = $2 == "-" ? "" : "(-" $2 " --" $3 ")"
		again = $4 ~ /\*/ ? "*" : other
		if ($2 != "-")
			spec("-" $2, needs ? "+" : "-")
		spec("--" $3, needs ? "=" : "=-")
	}
	END {
		operands()
		print "esac\n_qutils_arguments"
	}'
}

fish_tables() {
	awk "$row"'
	function plain(s) {
		gsub(/\\/, "&&", s)
		gsub(/\047/, "\\\047", s)
		return "\047" s "\047"
	}
	function argument() {
		if (kind == "file" && needs)
			return " -r -F"
		if (kind == "dir" && needs)
			return " -x -a \047(__fish_complete_directories)\047"
		if (kind == "queue" && needs)
			return " -x -a \047(__qutils_queues)\047"
		if (kind == "words" && needs)
			return " -x -a \047" words "\047"
		return needs ? " -x" : ""
	}
	function operand(test, what) {
		print "complete -c " cmd " -n \047__qutils_operand " test needing "\047 -a \047" what "\047"
	}
	function behind(place, subs, what) {
		print "complete -c " cmd " -n \047__qutils_behind " place " " subs needing "\047 " what
	}
	function operands() {
		if (runs)
			print "complete -c " cmd " -n __qutils_after_dashes -a \047(__qutils_command)\047"
		if (sub_ == "") {
			operand(many ? "-ge 0" : "-eq 0", "(__qutils_queues)")
			return
		}
		operand("-eq 0", sub_)
		n = split(sub_, part, " ")
		list = ""
		for (i = 1; i <= n; i++)
			if (part[i] != "ls")
				list = list (list == "" ? "" : ",") part[i]
		behind(1, list, "-a \047(__qutils_queues)\047")
		behind(2, "copy,move", "-a \047(__qutils_queues)\047")
		behind(2, "backup", "-a \047(__fish_complete_directories)\047")
		behind(2, "load", "-F")
		behind(2, "pause,resume", "-a \047in out\047")
	}
	$1 != cmd {
		if (cmd != "")
			operands()
		cmd = $1
		sub_ = needing = ""
		runs = many = 0
		print "complete -c " cmd " -e\ncomplete -c " cmd " -f"
	}
	$2 == "@sub" { sub_ = $3 }
	$2 == "@runs" { runs = 1 }
	$2 == "@many" { many = 1 }
	$2 !~ /^@/ {
		if (needs)
			needing = needing " --" $3 ($2 == "-" ? "" : " -" $2)
		print "complete -c " cmd " -n \047not __qutils_after_dashes\047"\
		    ($2 == "-" ? "" : " -s " $2) \
		    " -l " $3 argument() " -d " plain($6)
	}
	END { operands() }'
}

case $shell in
bash) file=qutils.bash ;;
zsh) file=_qutils ;;
fish) file=qutils.fish ;;
*)
	echo "generate.sh: '$shell' is not one of bash, zsh, fish" >&2
	exit 2
	;;
esac
rows=$(describe "$@")
new=$here/$file.new
trap 'rm -f "$new"' EXIT
{
	if [ "$shell" = zsh ]; then
		echo "#compdef $*"
	fi
	echo '# SPDX-License-Identifier: ISC'
	echo '# Written by completions/generate.sh from the option tables; do not edit.'
	echo
	cat "$here/$shell.in"
	printf '%s\n' "$rows" | "${shell}_tables" "$@"
} >"$new"
mv "$new" "$here/$file"
