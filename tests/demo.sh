#!/bin/sh
# A real flow through a queue: every file of a documentation tree is checksummed by four
# consumers at once, some attempts fail on purpose, and at the end it is proved that
# each was done as often as it should be. Prints what it does: read it to learn.
#
#	sh tests/demo.sh [DIRECTORY]	(qpush and the others on PATH)
set -eu

top=${1:-/usr/share/doc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export Q_ROOT="$work/queues"
mkdir "$work/done" "$work/failed"

say() { printf '\n# %s\n' "$*"; }
show() {
	printf '$ %s\n' "$*"
	eval "$*"
}

say "1. Every file under $top becomes a message: its path. No set-up, no daemon."
show "find '$top' -type f -print0 | qpush -v -0 docs"
total=$(qstat --json docs | sed 's/.*"ready": *\([0-9]*\).*/\1/')
show "qstat docs"

say "2. Three more that cannot work: no such file. Each is tried twice, then it is dead."
show "qpush --max-attempts 2 --header kind=bad docs /nowhere/a /nowhere/b /nowhere/c"

say "3. One that matters more, so it goes first."
show "qpush --priority 10 --print-id docs /etc/hostname"
show "qstat --list --limit 3 docs"

say "4. Four consumers at once. Each takes up to 500 messages under a lease, does the
#    work, and acknowledges what succeeded, all in one commit. What fails is given back,
#    to be tried again after a tenth of a second. Some attempts fail on purpose."
cat >"$work/consumer" <<'EOF'
#!/bin/sh
# consumer NAME: until the queue has nothing more to give
set -eu
while qpop --lease 60s --count 500 --lines --wait=1s docs >"$1.batch"; do
	: >"$1.ok"; : >"$1.bad"
	while IFS="$(printf '\t')" read -r receipt path; do
		id=${receipt%%.*} attempt=${receipt#*.} attempt=${attempt%%.*}
		# one message in 50 fails its first attempt, whatever the file says
		if [ $((id % 50)) -eq 0 ] && [ "$attempt" -eq 1 ] || ! [ -f "$path" ]; then
			echo "$receipt" >>"$1.bad"
			echo "$id" >>"$1.failures"
		else
			echo "$receipt" >>"$1.ok"
			printf '%s\0' "$path" >>"$1.paths"
			echo "$id $attempt" >>"$1.acked"
		fi
	done <"$1.batch"
	[ ! -s "$1.paths" ] || xargs -0 cksum <"$1.paths" >>"$1.sums"
	rm -f "$1.paths"
	[ ! -s "$1.ok" ] || qack docs - <"$1.ok"
	[ ! -s "$1.bad" ] || qack --fail --delay 100ms --reason "demo: failed" docs - <"$1.bad"
done
EOF
show "sed -n '3,\$p' $work/consumer"
show "for i in 1 2 3 4; do sh $work/consumer $work/done/\$i & done; wait"

say "5. What is left: nothing but the dead, with their reasons."
show "qstat docs"
show "qstat --list --state dead docs"
id=$(qstat --json --list --state dead docs | sed -n '1s/.*"id": *\([0-9]*\).*/\1/p')
show "qstat docs $id"

say "6. The proof."
sort -n "$work"/done/*.acked >"$work/acked"
cut -d' ' -f1 "$work/acked" | uniq -d >"$work/twice"
retried=$(awk '$2 == 2' "$work/acked" | wc -l)
count=$(wc -l <"$work/acked")
sums=$(cat "$work"/done/*.sums | wc -l)
failures=$(cat "$work"/done/*.failures | wc -l)
injected=$(awk '$1 % 50 == 0' "$work/acked" | wc -l)
echo "pushed:                   $((total + 1)) files and 3 that cannot work"
echo "acknowledged:             $count, $(wc -l <"$work/twice") of them twice"
echo "checksums written:        $sums"
echo "failed once on purpose:   $injected, of which $retried succeeded the second time"
echo "failed attempts in all:   $failures = $injected + 2 attempts of each of the 3"
dead=$(qstat --json docs | sed 's/.*"dead": *\([0-9]*\).*/\1/')
if [ "$count" -ne $((total + 1)) ] || [ "$sums" -ne "$count" ] || [ -s "$work/twice" ] ||
	[ "$retried" -ne "$injected" ] || [ "$failures" -ne $((injected + 6)) ] ||
	[ "$dead" -ne 3 ]; then
	echo "demo: the numbers do not agree" >&2
	exit 1
fi
echo "Each message was processed exactly as often as it should be."
