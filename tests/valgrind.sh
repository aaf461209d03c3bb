#!/bin/sh
# SPDX-License-Identifier: ISC
# A run of each command under valgrind: an error or a leak fails. BIN is the build.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
BIN=$(cd "${BIN:-$here/../build}" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
export Q_ROOT="$tmp/root" LD_LIBRARY_PATH="$BIN" LC_ALL=C.UTF-8
number=0
status=0

# LMDB stores pages as they are: what lies between their rows was never written. It is the
# only one to write from the file mdb.c, and the only one to write that way.
cat >suppressions <<'END'
{
   the rest of a page
   Memcheck:Param
   pwrite64(buf)
   ...
   fun:mdb_*
}
{
   the rest of a page
   Memcheck:Param
   pwritev(vector[0])
   ...
   fun:mdb_*
}
{
   the rest of a page
   Memcheck:Param
   writev(vector[0])
   ...
   fun:mdb_*
}
END

# A command that ends has no need to free what it still uses: a leak is what nobody points
# to any more.
#
# check STATUS COMMAND...: it ends so, and valgrind has nothing to say. The commands are
# those that are linked dynamically: in others it does not see what is allocated.
check() {
	wanted=$1
	shift
	number=$((number + 1))
	command=$1
	shift
	rc=0
	timeout 120 valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite --show-leak-kinds=definite --suppressions=suppressions --log-file=log.%p \
		"$BIN/api/$command" "$@" <in >out 2>err || rc=$?
	# Lines that begin otherwise are of valgrind itself: it does not know all of Linux.
	said=$(cat log.* 2>/dev/null | grep '^==')
	rm -f log.*
	if [ "$rc" = "$wanted" ] && [ -z "$said" ]; then
		echo "ok $number - $command $*"
	else
		echo "not ok $number - $command $*: status $rc, not $wanted"
		{
			cat err
			echo "$said"
		} | sed 's/^/# /'
		status=1
	fi
}

: >in
check 0 qpush jobs a b c
seq 100 >in
check 0 qpush -l -i jobs
echo '{"body":"x","headers":{"a":"b"},"priority":3,"group":"g","key":"k"}' >in
check 0 qpush -J jobs
head -c 2000000 /dev/zero >in
check 0 qpush jobs
check 0 qpush -l -d 1h -e 1d jobs
: >in
check 0 qpush -e 1ms jobs mortal
check 2 qpush -p 1000 jobs x
check 2 qpush --nothing jobs
check 3 qpush -C nowhere x
check 0 qpop jobs
check 0 qpop -n 3 --json jobs
check 0 qpop -L 1h -n 2 --json jobs
"$BIN/qpop" -L 1h -r receipt jobs >body
check 0 qack --extend 2h jobs "$(cat receipt)"
check 0 qack --fail --reason why --delay 0 jobs "$(cat receipt)"
check 0 qack --fail jobs "$(cat receipt)"
check 1 qack jobs 1.9.00000
check 2 qack jobs nonsense
check 1 qpop --id 99999 jobs
check 0 qpop -n 5 -P 2 jobs -- true
check 4 qpop jobs -- sh -c 'echo no >&2; exit 3'
check 0 qpop -n 4 -B 2 jobs -- cat
check 0 qctl create next
check 1 qpop -w10ms next
check 0 qpop -n 1 --to next jobs -- cat
check 0 qstat
check 0 qstat --json
check 0 qstat --list --json --body jobs
check 0 qstat --list jobs
check 0 qstat jobs 50
check 0 qstat --forecast jobs
check 0 qstat --openmetrics jobs
check 0 qstat --check 'ready>100000' jobs
check 3 qstat nowhere
check 0 qctl get jobs
check 0 qctl set jobs remember=7m
check 0 qctl ls
check 0 qctl check jobs
check 0 qctl pause jobs
check 75 qpush jobs refused
check 0 qctl resume jobs
check 0 qctl compact jobs
check 0 qctl backup jobs copy
check 0 qctl purge --yes jobs
check 0 qctl rm --yes jobs
seq 5000 | "$BIN/qpush" -l bad
for page in 20 30 40; do
	dd if=/dev/zero of=root/bad/data.mdb bs=4096 seek="$page" count=1 conv=notrunc 2>/dev/null
done
check 65 qctl check bad
check 0 qctl check --repair --yes bad
echo "1..$number"
exit "$status"
