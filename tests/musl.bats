#!/usr/bin/env bats
# Commands over musl and over glibc: one queue for both, and what is verified before LMDB's
# archive, which is for glibc, goes into a program over musl.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr and status
load lib

setup() {
	[ -z "${SAN:-}" ] || skip "sanitizers are for glibc"
	command -v "${MUSL_CC:=musl-gcc}" >/dev/null || skip "$MUSL_CC is not installed"
	[ -x "$BIN/musl/qpush" ] || skip "$BIN/musl was not built: make test does"
	setup_root
}

musl() {
	"$BIN/musl/$1" "${@:2}"
}

glibc() {
	LD_LIBRARY_PATH=$BIN "$BIN/api/$1" "${@:2}"
}

check() {
	CC=${CC:-cc} MUSL_CC=$MUSL_CC sh "$SRC/libq/musl/check.sh" "$@"
}

@test "what is called musl has no glibc in it, and the other way round" {
	local command

	for command in qpush qpop qack; do
		run ! grep -q GLIBC_ "$BIN/musl/$command"
		grep -q GLIBC_ "$BIN/api/$command"
		run ! ldd "$BIN/musl/$command"
		ldd "$BIN/api/$command" | grep -q 'libc\.so\.6'
	done
}

@test "what one library pushes the other takes, and acknowledges, by turns" {
	local receipt

	musl qpush -p 1 -H a=b jobs one
	glibc qpush -p 1 jobs two
	seq 5 | musl qpush -l jobs
	seq 6 9 | glibc qpush -l jobs
	receipt=$(glibc qpop -L 1h jobs | head -n 1)
	musl qack jobs "$receipt"
	receipt=$(musl qpop -L 1h jobs | head -n 1)
	glibc qack jobs "$receipt"
	is "$(glibc qpop jobs)" 1
	is "$(musl qpop jobs)" 2
	is "$(glibc qpop -l -n 3 jobs)" $'3\n4\n5'
	is "$(musl qpop -l -n all jobs)" $'6\n7\n8\n9'
	counts jobs pushed=11 done=11 ready=0
	balances jobs
}

@test "large bodies and attributes are the same to both" {
	head -c 3M /dev/urandom >large
	musl qpush -H name=value -p 7 jobs <large
	glibc qpush -H name=value -p 7 jobs <large
	glibc qpop -j jobs >first
	musl qpop -j jobs >second
	is "$(jq -c '[.priority, .headers, .size]' first)" \
		"$(jq -c '[.priority, .headers, .size]' second)"
	jq -r .body_base64 first | base64 -d | cmp - large
	jq -r .body_base64 second | base64 -d | cmp - large
}

@test "a lease held by one is seen by the other, until its process is dead" {
	local n

	for n in musl glibc; do
		qpush "$n" x
		mkfifo "go.$n"
	done
	start "$BIN/musl/qpop" musl -- cat go.musl
	LD_LIBRARY_PATH=$BIN start "$BIN/api/qpop" glibc -- cat go.glibc
	eventually has_count musl leased=1
	eventually has_count glibc leased=1
	is_silent 1 glibc qpop musl
	is_silent 1 musl qpop glibc
	for n in musl glibc; do
		: >"go.$n"
	done
	eventually has_count musl done=1
	eventually has_count glibc done=1
}

# user LIBRARY NAME: pushes 40 messages, each in its process, and takes as many.
user() {
	local i

	for ((i = 1; i <= 40; i++)); do
		"$1" qpush jobs "$2 $i" && echo "$2 $i" >>"pushed.$2"
		"$1" qpop -l -w20 jobs >>"popped.$2"
	done
}

@test "eight processes of each library on one queue: every message exactly once" {
	local i

	qctl create jobs
	for i in {1..8}; do
		user musl "m$i" 2>>errors 3>&- &
		user glibc "g$i" 2>>errors 3>&- &
	done
	wait
	is "$(cat errors)" ''
	sort pushed.* >pushed
	is "$(wc -l <pushed)" 640
	sort popped.* | cmp - pushed
	counts jobs pushed=640 done=640 ready=0 leased=0
	balances jobs
	mdb_stat -n "$Q_ROOT/jobs/data.mdb" >/dev/null
}

# ---- what is verified when they are built ----

@test "the archives of this system agree with musl" {
	check archives
}

@test "a layout that differs is refused, and named" {
	MUSL_CC="$MUSL_CC -fpack-struct=1" run -1 check archives
	has "$output" 'offsetof(struct flock, l_start)'
	has "$output" "glibc (<) and musl (>) differ: LMDB's archive cannot be used"
}

@test "an archive that asks for a name nobody has looked at is refused" {
	local name

	for name in lmdb jansson; do
		cp "$("${CC:-cc}" -print-file-name=lib$name.a)" .
	done
	echo 'int f(void); int g(void); int f(void) { return g(); }' >f.c
	"${CC:-cc}" -c f.c
	ar r libjansson.a f.o
	cat >cc <<-EOF
		#!/bin/sh
		case \$1 in
		-print-file-name=*) echo "$PWD/\${1#*=}" ;;
		*) exec "${CC:-cc}" "\$@" ;;
		esac
	EOF
	chmod +x cc
	CC=$PWD/cc run -1 check archives
	is "${lines[0]}" g
	has "$output" "libjansson.a asks for these, which libq/musl/symbols does not know"
}

@test "a header that is missing is named" {
	printf '#!/bin/sh\nexec "%s" -nostdinc "$@"\n' "${CC:-cc}" >cc
	chmod +x cc
	CC=$PWD/cc run -1 check headers include
	is "${lines[-1]}" "musl: <lmdb.h> is missing"
}

@test "musl's compiler finds its own headers first, and of others those that are linked" {
	check headers include
	is "$(ls include)" "$(printf '%s\n' asm asm-generic jansson.h jansson_config.h linux lmdb.h \
		xxh3.h xxhash.h)"
	echo '#include <error.h>' >f.c # of glibc alone
	run ! "$MUSL_CC" -isystem include -c f.c
	echo '#include <stdio.h>' >f.c
	"$MUSL_CC" -isystem include -M f.c | grep -q musl/stdio.h
}

@test "flags that need what musl has not are refused, and what is done instead is said" {
	check flags -O2 -flto
	run -1 check flags -O2 -fsanitize=undefined
	is "${lines[-1]}" "musl: not with these flags: qpush, qpop and qack are made over glibc"
}

# chosen ARGUMENT...: the library that make takes for qpush.
chosen() {
	rm -rf b
	env -u MAKEFLAGS -u MAKELEVEL -u LIBC -u CC -u CFLAGS -u LDFLAGS \
		make -n -C "$SRC" B="$PWD/b" "$@" "$PWD/b/qpush" 2>errors |
		sed -n "s|^ln -f $PWD/b/\([a-z]*\)/qpush .*|\1|p"
}

@test "make takes musl where it can, and glibc where that is asked for or needed" {
	is "$(chosen)" musl
	is "$(chosen LIBC=glibc)" glibc
	is "$(chosen LIBC=musl)" musl
	is "$(chosen SAN=1)" glibc
	is "$(chosen STATIC=)" glibc
	is "$(chosen CC=clang)" glibc
	is "$(chosen MUSL_CC=no-such-compiler)" glibc
	is "$(chosen CFLAGS=-fsanitize=undefined)" glibc
	grep -q 'not with these flags' errors
	is "$(chosen LIBC=musl MUSL_CC=no-such-compiler)" ''
	grep -q 'LIBC=musl needs no-such-compiler' errors
	is "$(chosen LIBC=newlib)" ''
	grep -q 'LIBC=newlib: musl, or glibc' errors
}
