#!/bin/sh
# Speed of qutils side by side with what is installed: make bench.
#
#   BENCH_QUICK=1    about two minutes, with fewer and smaller rounds
#   BENCH_ROUNDS=5   rounds; each value printed is the median of one sample per round
#   BENCH_ROWS=...   only these: push take loop bulk-in bulk-out pushers takers worker
#                    writers wake depth large scale cost
#   BENCH_BIG=1      depth with 10,000,000 messages waiting; scale with as many, 10,000
#                    queues (20 GiB to spare), 256 processes and bodies of 1 GiB
#   BENCH_WAITING=.. messages waiting in scale, instead: '1000 100000 100000000'
#   TMPDIR=/var/tmp  where queues and the peers' data go; their disk is what is measured
#
# Peers are started here, on sockets in a directory of this run, and stopped at its end.
set -eu
export LC_ALL=C

: "${SRC:?the source directory}" "${BIN:?where the commands were built}"
here=$SRC/tests/bench
results=$BIN/bench
quick=${BENCH_QUICK:-}
rounds=${BENCH_ROUNDS:-5}
rows=${BENCH_ROWS:-push take loop bulk-in bulk-out pushers takers worker writers wake depth
large scale cost}
rows=$(echo "$rows" | tr '\n' ' ')
one=100 bulk=1000000 each=50 loops=300 jobs=4000 few_jobs=300 run=2 loop_pushes=1000
depths='1000 10000 100000 1000000'
if [ -n "$quick" ]; then
	rounds=${BENCH_ROUNDS:-3}
	one=50 bulk=200000 each=20 loops=200 jobs=1000 few_jobs=100 run=1 loop_pushes=300
fi
[ -z "${BENCH_BIG:-}" ] || depths="$depths 10000000"

# shellcheck source=tests/bench/peer.sh
. "$here/peer.sh"
# shellcheck source=tests/bench/broker.sh
. "$here/broker.sh"
# shellcheck source=tests/bench/rows.sh
. "$here/rows.sh"
# shellcheck source=tests/bench/worker.sh
. "$here/worker.sh"
# shellcheck source=tests/bench/scale.sh
. "$here/scale.sh"
# shellcheck source=tests/bench/cost.sh
. "$here/cost.sh"

dir=$(mktemp -d "${TMPDIR:-/var/tmp}/qutils-bench.XXXXXX")
trap 'peers_stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE
case $(stat -f -c %T "$dir") in
tmpfs | ramfs)
	echo "bench: $dir is in memory, where a flush costs nothing;" \
		"set TMPDIR to a directory on a disk" >&2
	exit 2
	;;
esac

samples=$dir/samples
: >"$samples"
export HOME="$dir" Q_ROOT="$dir/qutils"
mkdir -p "$results" "$Q_ROOT"
peers_start
prepare

echo "qutils bench: $(date '+%Y-%m-%d %H:%M'), $(uname -sr), $(nproc) processors," \
	"$(stat -f -c %T "$dir") below ${TMPDIR:-/var/tmp}," \
	"load $(cut -d' ' -f1 /proc/loadavg)"
echo "$rounds rounds, medians; bodies of 100 bytes; $one runs a round," \
	"$bulk messages in bulk (beanstalkd: $(amount_of beanstalkd), rabbitmq: $(amount_of rabbitmq)), 16 and 64 processes of $each pushes"
! wanted worker || worker_prepare
! wanted scale || scale_prepare
echo "Peers:$found. Not installed, left out:${missing:- none}."

round=1
while [ "$round" -le "$rounds" ]; do
	[ ! -t 2 ] || printf 'round %d of %d\r' "$round" "$rounds" >&2
	rows_round
	round=$((round + 1))
done
! wanted cost || cost_measure

awk -F '\t' -f "$here/summary.awk" "$samples" >"$results/results.tsv"
awk -F '\t' -f "$here/table.awk" "$results/results.tsv"
rm -f "$results"/*.svg
awk -F '\t' -v out="$results" -f "$here/svg.awk" "$results/results.tsv"
awk -F '\t' -v out="$results" -f "$here/curve.awk" "$results/results.tsv"
echo
echo "In ${results#"$SRC"/}: results.tsv, and a chart of each row."
[ "$lost" -eq 0 ] || { echo "bench: qutils lost $lost messages" >&2; exit 1; }
