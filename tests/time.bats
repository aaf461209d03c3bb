#!/usr/bin/env bats
# Clocks that are set, and reboots.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib

# The same command at another time: after WALL and BOOT seconds on those clocks.
at() {
	SHIM_WALL=$1 SHIM_BOOT=$2 preloaded shim-time "${@:3}"
}

# The same command ten seconds after a reboot, which takes the wall clock one minute.
rebooted() {
	local up

	up=$(cut -d. -f1 /proc/uptime)
	[ -e boot_id ] || cat /proc/sys/kernel/random/uuid >boot_id
	SHIM_BOOT_ID=$PWD/boot_id at 60 $((10 - up)) "$@"
}

@test "what ends after all years is not called held" {
	qpush -d 9223372036s jobs later
	qpush jobs x
	receipt=$(qpop -L 9223372036s jobs | head -n 1)
	is "$(qstat --list jobs | awk 'NR > 1 { print $1, $2, $8 }')" $'1 delayed d\n2 leased d'
	is "$(qstat --json jobs 1 2 | jq -r '.due[:4]' | xargs)" '2262 2262'
	qack --extend 9223372036s jobs "$receipt"
	is "$(qstat --json jobs 2 | jq -r '.due[:4]')" 2262
}

@test "the clocks of these tests are bent" {
	is "$(date +%Y-%m-%d -d @"$(($(date +%s) + 864000))")" "$(at 864000 0 date +%Y-%m-%d)"
	run ! cmp -s <(rebooted cat /proc/sys/kernel/random/boot_id) /proc/sys/kernel/random/boot_id
}

@test "a wall clock that is set forward or back does not move a lease" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is_silent 1 at 36000 0 qpop jobs
	is_silent 1 at -36000 0 qpop jobs
	counts jobs leased=1
	is "$(at -36000 3601 qpop --json jobs | jq -c '[.body, .attempt]')" '["x",2]'
}

@test "a lease lasts for its time since boot, also through suspend" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is_silent 1 at 0 3590 qpop jobs
	is "$(at 0 3601 qpop jobs)" x
}

@test "qstat sees a lease end on the clock a take would see" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is "$(at 36000 0 qstat --json jobs | jq -c '[.ready, .leased]')" '[0,1]'
	is "$(at 0 3601 qstat --json jobs | jq -c '[.ready, .leased]')" '[1,0]'
}

@test "a reboot frees every lease at once and counts the attempt" {
	qpush jobs timed owned
	qpop -L 1000h jobs >/dev/null
	qpop -L 1000h --owner $$ jobs >/dev/null
	is_silent 1 qpop jobs
	is "$(rebooted qstat --json jobs | jq -c '[.ready, .leased]')" '[2,0]'
	is "$(rebooted qpop --json -n all jobs | jq -c '[.body, .attempt]')" \
		$'["timed",2]\n["owned",2]'
}

@test "a reboot frees the message of a worker that went down with it" {
	head -c 900K /dev/zero | qpush jobs
	blocked_writer qpop jobs
	is "$(rebooted qpop --json jobs | jq .attempt)" 2
}

@test "a reboot frees any number of leases" {
	seq 15000 >in
	qpush -l jobs <in
	qpop -L 1000h -n all -l jobs >/dev/null
	counts jobs leased=15000 ready=0
	rebooted qpop -n all -l jobs | cmp - in
	is "$(rebooted qstat --json jobs | jq -c '[.ready, .leased, .done]')" '[0,0,15000]'
}

@test "right after a reboot qstat counts no lease as one, however many there were" {
	seq 15000 | qpush -l jobs
	qpop -L 1000h -n all -l jobs >/dev/null
	is "$(rebooted qstat --json jobs | jq -c '[.ready, .leased]')" '[15000,0]'
}

@test "a lease taken after a reboot lasts, though the boot clock is behind" {
	qpush jobs x
	qpop -L 1h jobs >/dev/null
	is "$(rebooted qpop -L 1h -l jobs | cut -f2)" x
	run -1 rebooted qpop jobs
	is "$output" ''
}

@test "work that was done before a reboot can still be acknowledged" {
	qpush jobs x
	qpop -L 1h -r receipt jobs >/dev/null
	run -0 --separate-stderr rebooted qack jobs "$(cat receipt)"
	has "$stderr" "lease was over for"
	has "$stderr" "nobody had taken it; done"
	counts jobs done=1 ready=0 leased=0
}

@test "an old receipt is stale when the message was taken again after a reboot" {
	qpush jobs x
	qpop -L 1h -r receipt jobs >/dev/null
	rebooted qpop -L 1h jobs >/dev/null
	run -1 --separate-stderr rebooted qack jobs "$(cat receipt)"
	has "$stderr" "lease lost: delivered again (attempt 2)"
}

@test "delayed messages follow the wall clock, not the time since boot" {
	qpush -d 1h jobs x
	is_silent 1 at 3590 7200 qpop jobs
	is_silent 1 at -36000 0 qpop jobs
	is "$(at 3601 0 qpop jobs)" x
}

@test "a delayed message outlives a reboot" {
	qpush -d 59s jobs due
	qpush -d 1h jobs later
	is "$(rebooted qpop -n all jobs)" due
}

@test "a life follows the wall clock" {
	qpush -e 1h jobs x
	is_silent 1 at 3601 0 qpop jobs
	counts jobs expired=1
	balances jobs
	qpush -e 1h jobs y
	is "$(at -36000 0 qpop jobs)" y
}

@test "order is that of the pushes, whatever the clock said" {
	qpush jobs a
	at -36000 0 qpush jobs b
	at 36000 0 qpush jobs c
	qpush jobs d
	is "$(drain jobs)" $'a\nb\nc\nd'
}

# In the background, on a machine that has been up for days.
start_late() {
	start env SHIM_MONOTONIC=500000 PATH="$BIN/api:$PATH" LD_LIBRARY_PATH="$BIN" \
		LD_PRELOAD="$BIN/tool/shim-time" ASAN_OPTIONS=verify_asan_link_order=0 "$@"
}

@test "a wait that is longer than a clock can say is one for ever" {
	local longest=106751d

	qpush full x
	qctl set full max-messages=1
	start_late qpush --wait=$longest full y
	eventually is_waiting "$pid"
	qpop full >/dev/null
	ended 0
	start_late qwatch --until empty -T $longest full
	eventually is_waiting "$pid"
	qpop full >/dev/null
	ended 0
	qpush full z
	start_late qwatch --alert 'ready==0' -n 1 -T $longest full -- true
	eventually is_waiting "$pid"
	start_late qwatch -n 1 -T $longest full
	eventually is_waiting "$pid"
	start_late qctl drain --timeout $longest full >out
	eventually is_waiting "$pid"
	qpop full >/dev/null
	for p in "${started[@]: -3}"; do
		ended 0 "$p"
	done
	is "$(cat out)" drained
}

@test "times in the far future neither overflow nor come early" {
	qpush -d 100000d jobs a
	qpush --at @9223372036 jobs b
	qpush --at 2262-04-11T00:00:00Z jobs c
	counts jobs delayed=3 ready=0
	is_silent 1 qpop jobs
	is_silent 1 at 3000000000 0 qpop jobs
	qpush -e 100000d jobs d
	qpop -L 100000d -r receipt jobs >/dev/null
	is_silent 1 at 3000000000 3000000000 qpop jobs
	counts jobs leased=1
	qack jobs "$(cat receipt)"
	balances jobs
}

@test "a clock that starts in 1970 is no obstacle" {
	local shift=$((100 - $(date +%s)))

	at "$shift" 0 qpush jobs a
	at "$shift" 0 qpush -e 1h -d 1s jobs b
	is "$(at "$shift" 0 qpop jobs)" a
	qpush jobs c
	is "$(drain jobs)" c
	counts jobs expired=1
	balances jobs
}

# What a queue filled at second FROM of 1970 does when the clock shows TO instead.
steps() {
	local from=$1 to=$2 now later=false ready
	local -a before after

	now=$(date +%s)
	before=(at $((from - now)) 0)
	after=(at $((to - now)) 0)
	rm -rf "$Q_ROOT"
	"${before[@]}" qpush jobs leased failed ready
	"${before[@]}" qpush -d 1h jobs delayed
	"${before[@]}" qpush -e 1h jobs expires
	"${before[@]}" qpop -L 1h -n 2 -l jobs >leases
	"${before[@]}" qack --fail --delay 1h jobs "$(sed -n '2s/\t.*//p' leases)"
	# at the end of time an hour later is no later
	((to - from < 3600 || from >= LAST)) || later=true
	is "$("${after[@]}" qstat --json jobs | jq '.leased')" 1
	"${after[@]}" qstat --list --json jobs >list
	is "$from $to $(wc -l <list)" "$from $to $($later && echo 4 || echo 5)"
	is_silent 0 "${after[@]}" qack jobs "$(sed -n '1s/\t.*//p' leases)"
	if $later; then
		ready=$'failed\nready\ndelayed'
	else
		ready=$'ready\nexpires'
	fi
	is "$from $to $("${after[@]}" qpop -n all -l jobs | sort)" "$from $to $(sort <<<"$ready")"
	"${after[@]}" qpush jobs again
	is "$("${after[@]}" qpop jobs)" again
	balances jobs
}

@test "whatever year it is, and is next, leases hold and what is due is given" {
	# 1970, the day this was written, the ends of 31 and 32 bits, the kernel's and ours
	local -a years=(10 1795000000 2147483644 4294967292 8277292036 9223372030)
	local from to

	LAST=9223368436
	for from in "${years[@]}"; do
		for to in "${years[@]}"; do
			steps "$from" "$to"
		done
	done
}

@test "a clock beyond the times that are known shows the last of them" {
	local shift=$((9999999999 - $(date +%s)))

	at "$shift" 0 qpush jobs a
	at "$shift" 0 qpush -d 1h jobs b
	is "$(at "$shift" 0 qpop -n all -l jobs)" $'a\nb'
	shift=$((-10 - $(date +%s)))
	at "$shift" 0 qpush jobs c
	at "$shift" 0 qpush -d 1h -e 1d jobs d
	is "$(at "$shift" 0 qpop -n all jobs)" c
	is_silent 1 qpop jobs
	balances jobs
}

@test "a message that a living process holds stays its own, whatever the clocks say" {
	head -c 900K /dev/zero | qpush jobs
	qpush jobs next
	blocked_writer qpop jobs
	is_silent 1 at 3000000000 0 qpop --id 99 jobs || :
	is "$(at 3000000000 3000000000 qpop jobs)" next
	is_silent 1 at -1700000000 1000000 qpop jobs
	counts jobs leased=1 ready=0
	cat <&7 >/dev/null &
	started+=("$!")
	ended 0
	counts jobs done=2
}

@test "a message that an owner holds is free when he ends, whatever the clocks say" {
	local owner

	qpush jobs x
	sleep 1000 3>&- &
	owner=$!
	started+=("$owner")
	qpop -L 1000h --owner "$owner" jobs >/dev/null
	is_silent 1 at 3000000000 0 qpop jobs
	is_silent 1 at -1700000000 0 qpop jobs
	kill "$owner"
	eventually gone "$owner"
	is "$(at -1700000000 0 qpop jobs)" x
}

@test "a key that is in the queue stays one, and one that is done is free after its window" {
	local shift

	qctl create jobs window=1h
	qpush -k same jobs a
	for shift in 3000000000 -1700000000; do
		is_silent 0 at "$shift" 0 qpush -k same jobs b
	done
	counts jobs pushed=1
	is "$(qpop jobs)" a
	is_silent 0 at 3590 0 qpush -k same jobs b
	is_silent 0 at -1700000000 0 qpush -k same jobs b
	counts jobs pushed=1
	at 3601 0 qpush -k same jobs c
	is "$(qpop jobs)" c
}

@test "numbers stay numbers when the clock jumps by years" {
	local wall boot

	qpush jobs first
	for wall in 0 3000000000 -1700000000 100 -100 7000000000; do
		for boot in 0 100000; do
			at "$wall" "$boot" qpush jobs x y
			at "$wall" "$boot" qpop jobs >/dev/null
			at "$wall" "$boot" qpop jobs -- false || [ $? = 4 ]
			at "$wall" "$boot" qstat --json jobs |
				jq -e '[.. | numbers] | all(. >= 0 and . < 1e19)' >/dev/null || {
				at "$wall" "$boot" qstat --json jobs >&2
				return 1
			}
			at "$wall" "$boot" qstat jobs >table
			at "$wall" "$boot" qstat --forecast jobs >>table
			at "$wall" "$boot" qstat --openmetrics jobs >>table
			run ! grep -qE '\b(nan|inf|NaN)\b|[ =]-[0-9]' table
		done
	done
	balances jobs
}
