#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# make install and uninstall: what others find, and that it is all there is.

load lib

setup() {
	setup_root
	[ -z "${BUILTINS:-}" ] || skip "that is not another way to install"
	case $BIN in
	*/build) ;;
	*) skip "the files of one build are enough" ;;
	esac
}

# Into ./dest, below a prefix the programs were not built with.
install_to() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$SRC" "$1" DESTDIR="$PWD/dest" PREFIX=/opt/q >/dev/null
}

found() {
	PKG_CONFIG_LIBDIR=dest/opt/q/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/dest \
		pkg-config "$@" libq
}

@test "what is installed works where it is, and is removed again" {
	install_to install
	is "$(dest/opt/q/bin/qpush -i jobs hello)" 1
	is "$(dest/opt/q/bin/qpop jobs)" hello
	[ -f dest/opt/q/share/man/man1/qpush.1 ]
	[ -f dest/opt/q/share/bash-completion/completions/qpush ]
	is "$(find dest -type f -perm /022)" ''
	install_to uninstall
	is "$(find dest ! -type d)" ''
}

@test "what is installed has blanks in its path" {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$SRC" install DESTDIR="$PWD/a dest" PREFIX=/opt/q >/dev/null
	is "$('a dest/opt/q/bin/qpush' -i jobs hello)" 1
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$SRC" uninstall DESTDIR="$PWD/a dest" PREFIX=/opt/q >/dev/null
	is "$(find . -name dest -o -path './a dest/*' ! -type d)" ''
}

@test "the archive has the names of libq.map and no others" {
	install_to install
	is "$(nm -g --defined-only dest/opt/q/lib/libq.a | awk 'NF == 3 { print $3 }' | sort)" \
		"$(sed -n 's/^[[:space:]]*\(q_[a-z_]*\);$/\1/p' "$SRC/libq/libq.map" | sort)"
}

@test "a program finds the library by pkg-config, shared and static, also from C++" {
	command -v pkg-config >/dev/null || skip "pkg-config is not installed"
	install_to install
	cat >program.c <<-'END'
		#include <q.h>
		#include <stdio.h>
		int main(void)
		{
			struct q_open open = {};
			struct q *q = NULL;

			open.flags = Q_CREATE;
			if (q_open("./jobs", &open, &q) != 0)
				return (1);
			q_close(q);
			puts(q_version());
			return (0);
		}
	END
	is "$(found --variable=prefix)" "$PWD/dest/opt/q"
	# shellcheck disable=SC2046 # words
	cc -o shared program.c $(found --cflags --libs)
	is "$(LD_LIBRARY_PATH=dest/opt/q/lib ./shared)" "$(found --modversion)"
	# shellcheck disable=SC2046
	cc -static -o static program.c $(found --static --cflags --libs)
	is "$(./static)" "$(found --modversion)"
	command -v c++ >/dev/null || skip "there is no C++ compiler"
	# shellcheck disable=SC2046
	c++ -Wall -Wextra -pedantic -Werror -x c++ -o plus program.c -x none $(found --cflags --libs)
	is "$(LD_LIBRARY_PATH=dest/opt/q/lib ./plus)" "$(found --modversion)"
}
