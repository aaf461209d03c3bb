#!/bin/sh
# Debian has LMDB and Jansson as archives for glibc alone. Whether programs over musl can
# hold them is found out when they are built, from the installed files:
#
#	check.sh headers DIR	links in DIR to the headers that musl's compiler has to find
#	check.sh archives	fails unless both libraries agree on all that is exchanged
#	check.sh flags FLAG...	fails unless the above, and what is compiled with these links
#
# CC is the compiler for glibc, MUSL_CC the one for musl.
set -eu
export LC_ALL=C
here=$(dirname "$0")

die() {
	echo "musl: $*" >&2
	exit 1
}

# where HEADER: its path for glibc's compiler
where() {
	echo "#include <$1>" | $CC -M -x c - | tr -s ' ' '\n' | grep "/$1\$" ||
		die "<$1> is missing"
}

# One by one: with all of glibc's directory to look in, a header that musl lacks would be
# taken from glibc without a word.
headers() {
	mkdir -p "$1"
	for header in lmdb.h jansson.h jansson_config.h xxhash.h xxh3.h; do
		path=$(where $header)
		ln -sf "$path" "$1"
	done
	for header in linux/magic.h asm/types.h asm-generic/types.h; do
		path=$(where $header)
		rm -f "$1/${header%/*}"
		ln -s "${path%/*}" "$1/${header%/*}"
	done
}

# numbers COMPILER: what abi.c says by its headers
numbers() {
	$1 -D_GNU_SOURCE -O1 -S -o - "$here/abi.c" | grep '^->'
}

# wanted ARCHIVE: the names it does not have itself
wanted() {
	nm -P "$1" | awk '$2 == "U" { want[$1] } $2 ~ /^[A-TV-Z]$/ { have[$1] }
		END { for (name in want) if (!(name in have)) print name }'
}

archives() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	numbers "$CC" >"$work/glibc"
	numbers "$MUSL_CC" >"$work/musl"
	[ -s "$work/glibc" ] || die "abi.c says nothing"
	diff "$work/glibc" "$work/musl" >&2 ||
		die "glibc (<) and musl (>) differ: LMDB's archive cannot be used"
	for library in lmdb jansson; do
		path=$($CC -print-file-name=lib$library.a)
		wanted "$path" >"$work/wanted"
		[ -s "$work/wanted" ] || die "$path asks for nothing"
		grep -v '^#' "$here/symbols" | tr -s ' \n' '\n' >"$work/known"
		! grep -vxFf "$work/known" "$work/wanted" >&2 ||
			die "$path asks for these, which libq/musl/symbols does not know"
	done
}

# Sanitizers, coverage and others need what musl does not have. What they do not look
# into they do not link.
flags() {
	archives
	headers "$work/include"
	echo 'int main(int n, char **v) { return v[n + n] != 0; }' >"$work/f.c"
	$MUSL_CC "$@" -fno-pie -static -no-pie -o "$work/f" "$work/f.c" 2>"$work/errors" || {
		tail -n 1 "$work/errors" >&2
		die "not with these flags: qpush, qpop and qack are made over glibc"
	}
}

case ${1:-} in
headers) headers "$2" ;;
archives) archives ;;
flags) shift && flags "$@" ;;
*)
	echo "usage: check.sh headers DIR | archives | flags FLAG..." >&2
	exit 2
	;;
esac
