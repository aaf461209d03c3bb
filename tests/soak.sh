#!/bin/bash
# soak.sh [MESSAGES]: eight workers while workers and commands are killed at random, take
# too long or fail. Then the books are read: every message is done, dead with a true
# reason or waiting; none ran twice at once; and what is done was run to its end.
set -u
messages=${1:-2000}
dir=$(mktemp -d) || exit 1
export Q_ROOT=$dir/root RUNS=$dir/runs LC_ALL=C.UTF-8
[ -z "${BIN:-}" ] || export PATH="$BIN:$PATH"
workers=()
status=0

bad() {
	echo "soak: $*" >&2
	status=1
}

# By now nobody is to be left, unless this script was interrupted.
# shellcheck disable=SC2317 # reached through the trap
clean() {
	touch "$dir/over"
	wait
	if [ "$status" = 0 ]; then
		rm -rf "$dir"
	else
		echo "soak: see $dir" >&2
	fi
}
trap clean EXIT
trap 'status=1; exit 1' INT TERM HUP

# What a worker runs. It locks a file named by the id, so that a second one clashes; says
# that it has begun and ended; and comes to one of many ends, by id and attempt.
cat >"$dir/command" <<'END'
#!/bin/bash
exec 8>>"$RUNS/$Q_ID"
flock -n 8 || echo "$Q_ID $Q_ATTEMPT" >>"$RUNS/clash"
echo $$ >"$RUNS/pid.$((Q_ID % 16))"
case $(((Q_ID * 31 + Q_ATTEMPT * 17) % 23)) in
0) exit 1 ;;
1) exit 75 ;;
2) kill -KILL $$ ;;
3) exec sleep 5 8>&- ;;
4) trap '' TERM; for ((i = 0; i < 100; i++)); do sleep 0.05 8>&-; done; exit 0 ;;
5) sleep "0.0$((RANDOM % 9))" 8>&- ;;
6) ((Q_ID % 7)) || exit 65 ;;
7) echo "complaint of $Q_ID" >&2 ;;
8) sleep 0.3 8>&- & ;;
esac
echo "end $Q_ATTEMPT" >&8
exit 0
END
chmod +x "$dir/command"
mkdir "$RUNS"
qctl create jobs backoff=5ms backoff-max=50ms max-attempts=8 || exit 1
seq "$messages" | qpush -l jobs || exit 1

# A worker, and another in its place when it was killed.
keep_worker() {
	until [ -e "$dir/over" ]; do
		qpop -n all -w100ms -P $((RANDOM % 4 + 1)) -T 250ms --kill-after 50ms \
			jobs -- "$dir/command" >/dev/null 2>>"$dir/errors.$1" &
		echo $! >"$dir/worker.$1"
		wait $! 2>/dev/null
		echo "$?" >>"$dir/status.$1"
	done
}

# A process of ours still: one of those names, below this script or left by a worker.
kill_random() {
	local file=$1 pid

	pid=$(cat "$file" 2>/dev/null) || return 0
	[ -n "$pid" ] || return 0
	grep -qzxs "RUNS=$RUNS" "/proc/$pid/environ" && kill -9 "$pid" 2>/dev/null
	return 0
}

remaining() {
	qstat --json jobs | jq '.ready + .delayed + .leased'
}

for i in {1..8}; do
	keep_worker "$i" &
	workers+=("$!")
done
end=$((SECONDS + 20 + messages / 20))
kills=0
while [ "$(remaining)" -gt 0 ]; do
	if ((SECONDS >= end)); then
		bad "not over after $((20 + messages / 20)) s"
		break
	fi
	kill_random "$dir/worker.$((RANDOM % 8 + 1))"
	for i in 1 2 3; do
		kill_random "$RUNS/pid.$((RANDOM % 16))"
	done
	kills=$((kills + 4))
	sleep "0.$((RANDOM % 20 + 10))"
done
touch "$dir/over"
wait "${workers[@]}"

# ---- the books ----

json=$(qstat --json jobs)
jq -e --argjson n "$messages" '.pushed == $n and .leased == 0 and
	.pushed == .ready + .delayed + .leased + .dead + .done + .expired + .purged' \
	<<<"$json" >/dev/null || bad "the books do not balance: $json"
[ ! -e "$RUNS/clash" ] || bad "ran twice at once: $(head -n 3 "$RUNS/clash" | xargs)"

# What is not in the queue is done, and its command ran to its end.
qstat --list --json jobs | jq -r '"\(.id) \(.state)"' | sort -n >"$dir/left"
seq "$messages" | sort | comm -23 - <(cut -d' ' -f1 "$dir/left" | sort) >"$dir/done"
[ "$(wc -l <"$dir/done")" = "$(jq .done <<<"$json")" ] || bad "some are neither done nor there"
while read -r id; do
	grep -qs '^end ' "$RUNS/$id" || bad "$id is done and did not run to its end"
done <"$dir/done"

# What is dead was told so, or has failed to its last attempt, each time for a reason that
# can be.
cut -d' ' -f1,2 "$dir/left" | awk '$2 == "dead" { print $1 }' | while read -r id; do
	qstat --json jobs "$id" | jq -e '
		([.failures[].reason] | length > 0 and all(
			. == "exited 1" or . == "exited 65" or . == "worker died" or
			. == "killed by SIGKILL" or . == "timed out after 250 ms")) and
		(.failures[-1].reason == "exited 65" or .attempt == .max_attempts)' >/dev/null ||
		echo "$id"
done >"$dir/untrue"
[ ! -s "$dir/untrue" ] || bad "dead without a true reason: $(head -n 3 "$dir/untrue" | xargs)"

# Workers end by a kill, by success, by a failed command or because there was nothing.
sort -u "$dir"/status.* | grep -vxE '0|1|4|137' >"$dir/strange" && bad "worker exits: $(xargs <"$dir/strange")"

echo "$messages messages: $(jq -r '"\(.done) done, \(.dead) dead"' <<<"$json")," \
	"$(cat "$dir"/status.* | grep -cx 137) workers killed, ${SECONDS} s"
exit "$status"
