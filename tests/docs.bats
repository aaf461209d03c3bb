#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The pages say what the programs do: option tables, examples, statuses, functions.

bats_require_minimum_version 1.5.0

setup() {
	: "${SRC:?the source folder}" "${BIN:?the folder of the build}"
	cd "$BATS_TEST_TMPDIR" || exit 1
	man=$SRC/man
	CC=${CC:-cc}
}

# The commands that have a page.
commands() {
	local page
	for page in "$man"/q*.1; do
		basename "$page" .1
	done
}

# The commands there are.
installed() {
	sed -n 's/^COMMANDS := //p' "$SRC/Makefile"
}

# The literal blocks of a page's section EXAMPLES, as they are read.
examples() {
	awk '
	/^\.Sh/ { inside = /^\.Sh EXAMPLES/ }
	inside && /^\.Bd -literal/ { block = 1; next }
	/^\.Ed/ { block = 0 }
	block {
		gsub(/\\&/, ""); gsub(/\\\(aq/, "\047"); gsub(/\\\(dq/, "\""); gsub(/\\\(ga/, "`")
		gsub(/\\\(ha/, "^"); gsub(/\\\(ti/, "~"); gsub(/\\-/, "-"); gsub(/\\e/, "\\")
		print
	}' "$1"
}

# "-d,--delay=duration" of each option that a command's table has.
table_options() {
	"$BIN/$1" --options | awk -F '\t' '{
		letter = $2 == "-" ? "" : "-" $2 ","
		value = $5 == "-" ? "" : "=" tolower($5)
		if ($4 ~ /\?/)
			value = "[" value "]"
		print letter "--" $3 value
	}'
}

# The same from the lines ".It Fl d , Fl Fl delay Ns = Ns Ar duration" of its page.
page_options() {
	sed -n '/^\.Sh DESCRIPTION/,/^\.Sh /s/^\.It \(Fl .*\)/\1/p' "$man/$1.1" | awk '{
		text = ""
		tail = ""
		for (i = 1; i <= NF; i++) {
			if ($i == "Fl" && $(i + 1) == "Fl") {
				text = text "--"
				i++
			} else if ($i == "Fl") {
				text = text "-"
			} else if ($i == "Oo") {
				text = text "["
			} else if ($i == "Op") {
				text = text "["
				tail = "]"
			} else if ($i == "Oc") {
				text = text "]"
			} else if ($i !~ /^(Ns|Ar|Cm|Li|No)$/) {
				text = text $i
			}
		}
		gsub(/\\-/, "-", text)
		eq = index(text, "=")
		if (eq > 0)
			text = substr(text, 1, eq) tolower(substr(text, eq + 1))
		print text tail
	}'
}

# Page text, without its layout.
words() {
	mandoc -Tascii "$1" | col -bx | tr -s ' \n' '  '
}

# The statuses a page lists.
statuses() {
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh [^E]/s/^\.It \(Li \|Cm \|Sy \)\{0,1\}\([0-9][0-9]*\)$/\2/p' "$1" |
		sort -n | tr '\n' ' '
}

# q.h without comments and what it includes.
bare_header() {
	grep -v '^#include' "$SRC/libq/q.h" | "$CC" -E -P -x c -
}

# Names of the functions that q.h declares.
declared() {
	bare_header | grep -o 'q_[a-z_]* *(' | tr -d ' (' | sort -u
}

# "d delay qack qpush": a letter, its name, and the commands that have it so.
letters() {
	local c
	for c in $(installed); do
		"$BIN/$c" --options
	done | awk -F '\t' '$2 != "-" { print $2, $3, $1 }' | LC_ALL=C sort |
		awk '{
			pair = $1 " " $2
			printf "%s", pair == last ? " " $3 : (NR > 1 ? "\n" : "") $0
			last = pair
		}
		END { print "" }'
}

@test "every command of the Makefile has a page" {
	for c in $(installed); do
		[ -f "$man/$c.1" ] || { echo "$c.1 is missing"; false; }
	done
}

@test "every page is clean" {
	for page in "$man"/*.[1-9]; do
		run -0 mandoc -Tlint -W warning "$page"
		[ -z "$output" ]
	done
	# what man-db renders pages with, on a terminal of 80 columns
	command -v groff >/dev/null || skip "groff is not installed"
	for page in "$man"/*.[1-9]; do
		run -0 --separate-stderr groff -P-cbou -mandoc -t -Tascii -rLL=78n -ww "$page"
		[ -z "$stderr" ] || { echo "$page: $stderr"; false; }
		awk 'length > 80 { print; long = 1 } END { exit long }' <<<"$output"
	done
}

@test "a page describes the options of its command, in the order of the table" {
	for c in $(commands); do
		table_options "$c" >table
		page_options "$c" >page
		diff table page || { echo "$c"; false; }
	done
}

@test "a summary of options prints the table" {
	for c in $(commands); do
		"$BIN/$c" --help >help
		"$BIN/$c" --options | cut -f 3 | while read -r name; do
			grep -q -e " --$name" help || { echo "$c --$name"; exit 1; }
		done
		[ -z "$(awk 'length > 80' help)" ]
	done
}

@test "a page refers only to pages there are" {
	for page in "$man"/*.[1-9]; do
		sed -n 's/^\.Xr \(q[a-z]*\) \([1-9]\).*/\1.\2/p' "$page" | sort -u | while read -r p; do
			[ -f "$man/$p" ] || { echo "$page: $p"; exit 1; }
		done
	done
}

@test "a page lists the exit statuses of its command" {
	[ "$(statuses "$man/qpush.1")" = "0 1 2 3 4 65 75 124 " ]
	[ "$(statuses "$man/qpop.1")" = "0 1 2 3 4 65 75 " ]
	[ "$(statuses "$man/qack.1")" = "0 1 2 3 65 75 " ]
	[ "$(statuses "$man/qstat.1")" = "0 1 2 3 65 75 " ]
	[ "$(statuses "$man/qwatch.1")" = "0 1 2 3 4 65 75 " ]
	[ "$(statuses "$man/qctl.1")" = "0 1 2 3 4 65 75 " ]
	[ "$(statuses "$man/q.7")" = "0 1 2 3 4 65 75 124 " ]
}

@test "a page has the sections, in their order" {
	for c in $(commands); do
		printf '%s\n' NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES \
			'SEE ALSO' CAVEATS >want
		grep -Fxv CAVEATS want >short
		sed -n 's/^\.Sh //p' "$man/$c.1" | grep -Fxf want >sections
		diff want sections || diff short sections || { echo "$c"; false; }
	done
}

@test "the table of option letters is that of the commands" {
	letters >table
	sed -n 's/^\.It Fl \([^ ]*\) Ta \([^ ]*\) Ta \(.*\)/\1 \2 \3/p' "$man/q.7" |
		sed "s/ all$/ $(installed | tr ' ' '\n' | sort | paste -sd ' ')/" |
		LC_ALL=C sort >page
	diff table page
}

@test "a letter is one long option everywhere, but for those known" {
	letters >table
	cut -d ' ' -f 1 table | uniq -d >twice
	printf '%s\n' n >known # at most so many: --count of qpop, --limit of qstat
	diff known twice
}

@test "the examples of the commands run" {
	for c in $(commands); do
		mkdir "$c" "$c/root"
		examples "$man/$c.1" >"$c.sh"
		[ -s "$c.sh" ]
		# who follows the page may not have set it
		run -1 grep Q_ROOT "$c.sh"
		(
			cd "$c" || exit 1
			PATH=$BIN:$PATH Q_ROOT=$PWD/root sh -eu "../$c.sh" </dev/null
		) || { echo "$c.1"; cat "$c.sh"; false; }
	done
}

@test "the examples of q(5) and q(7) run" {
	command -v flock mdb_stat mdb_dump >/dev/null || skip "no flock or mdb_stat"
	for page in q.5 q.7; do
		mkdir "$page"
		examples "$man/$page" >"$page.sh"
		[ -s "$page.sh" ]
		(
			cd "$page" || exit 1
			PATH=$BIN:$PATH sh -eu "../$page.sh" </dev/null
		)
	done
}

@test "the program of q(3) compiles, runs and leaves no message" {
	examples "$man/q.3" >example.c
	"$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror ${SAN:+-fsanitize=address,undefined} \
		-I"$SRC/libq" -o example example.c "$BIN/libq.a" -llmdb
	run -0 ./example
	[ "$output" = hello ]
	run -1 "$BIN/qpop" ./jobs
}

@test "q.h, the map and q(3) have the same functions" {
	declared >header
	[ -s header ]
	sed -n 's/^[[:space:]]*\(q_[a-z_]*\);$/\1/p' "$SRC/libq/libq.map" | sort >map
	diff header map
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.F[no] \(q_[a-z_]*\).*/\1/p' "$man/q.3" |
		sort >page
	diff header page
	# What the synopsis only lists is not described.
	sed -n '/^\.Sh DESCRIPTION/,$s/^\.Fn \(q_[a-z_]*\).*/\1/p' "$man/q.3" | sort -u >described
	diff header described
}

@test "the prototypes of q(3) are those of q.h" {
	bare_header | tr '\n' ' ' | tr ';' '\n' | grep -o 'q_[a-z_]*([^)]*)$' |
		tr -d ' \t' | sort >header
	[ "$(wc -l <header)" -eq "$(declared | wc -l)" ]
	mandoc -Tascii "$man/q.3" | col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' |
		tr '\n' ' ' | tr ';' '\n' | grep -o 'q_[a-z_]*([^)]*)$' | tr -d ' ' | sort >page
	diff header page
}

@test "every code is in q(3), and no other" {
	sed -n '/^enum q_code/,/^};/p' "$SRC/libq/q.h" | grep -o '\bQ_[A-Z]* *=' | tr -d ' =' |
		grep -v Q_CODES | sort >header
	[ -s header ]
	sed -n '/^\.Sh ERRORS/,/^\.Sh S/s/^\.It Dv \(Q_[A-Z]*\)$/\1/p' "$man/q.3" | sort >page
	diff header page
}

@test "every flag, verb and state of q.h is in q(3) or q(7)" {
	{
		words "$man/q.3"
		words "$man/q.7"
	} >text
	for name in Q_CREATE Q_EXCL Q_RDONLY Q_FORCE Q_PARENTS Q_ATOMIC Q_ACK Q_RELEASE \
		Q_EXTEND Q_FAIL Q_KILL; do
		grep -q "\\b$name\\b" "$SRC/libq/q.h"
		grep -q "\\b$name\\b" text || { echo "$name"; false; }
	done
	for name in $(sed -n 's/^\t*\(Q_M[AI][XN]_[A-Z]*\) = .*/\1/p' "$SRC/libq/q.h"); do
		grep -q "\\b$name\\b" text || { echo "$name"; false; }
	done
}

@test "limits and options are in q(7) as they are" {
	sed -n 's/^\t*\(Q_M[AI][XN]_[A-Z]*\) = \(-\{0,1\}[0-9]*\),.*/\1 \2/p' "$SRC/libq/q.h" |
		sort >header
	[ -s header ]
	sed -n 's/^\.It Dv \(Q_M[AI][XN]_[A-Z]*\) Ta \([^ ]*\) Ta .*/\1 \2/p' "$man/q.7" |
		sed 's/\\-/-/; s/,//g' | sort >page
	diff header page
	cat >options.c <<'END'
#include <q.h>
#include <stdio.h>
int main(void)
{
	for (int i = 0; i < Q_OPTIONS; i++)
		puts(q_option_info((enum q_option)i)->name);
	return (0);
}
END
	"$CC" ${SAN:+-fsanitize=address,undefined} -I"$SRC/libq" -o options options.c \
		"$BIN/libq.a" -llmdb
	./options >table
	sed -n '/^\.Ss Options of a queue/,/^\.S[hs] [^O]/s/^\.It Cm \([a-z-]*\) Ta .*/\1/p' "$man/q.7" >page
	diff table page
}
