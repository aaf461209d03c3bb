#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# qctl check: damage to groups, keys and results.

# shellcheck disable=SC2154 # bats and lib.bash set output, stderr, status and pid
load lib
load check

# Two groups, of which a has its first message leased; keys; and results, one a file.
grouped_queue() {
	if [ ! -e "$BATS_FILE_TMPDIR/grouped" ]; then
		qctl create jobs backoff=0 results=all inline=4K
		qpush -g a jobs a1
		qpop -L 1000h -r receipt jobs >/dev/null
		seq 2 60 | sed 's/^/a/' | qpush -l -g a jobs
		seq 1 60 | sed 's/^/b/' | qpush -l -g b jobs
		qpush -k here jobs keyed
		qctl set jobs window=1h
		qpush -k gone -p 9 jobs x
		qpop jobs -- true
		qpush -p 9 jobs y
		qpop jobs -- head -c 5000 /dev/zero
		is_sound jobs
		cp -r "$Q_ROOT/jobs" "$BATS_FILE_TMPDIR/grouped"
		cp receipt "$BATS_FILE_TMPDIR"
	fi
	fresh_copy grouped
}

# What is left comes, and each group in its order, after what the lease of a1 held up.
gives_groups_in_order() {
	local group

	qpop -n all -l jobs >given 2>/dev/null || :
	qack -q jobs "$(cat "$BATS_FILE_TMPDIR/receipt")" 2>/dev/null || :
	while qpop -l jobs >>given 2>/dev/null; do :; done
	for group in a b; do
		is "$1: $(grep "^$group" given)" "$1: $(grep "^$group" given | sort -t "$group" -k 2n)"
	done
}

@test "a group whose row is lost, or of which a second message goes on, is put in order" {
	local row

	grouped_queue
	damage state 10 1
	found 'message 10 is not listed in table ready' \
		'the group of message 1 has messages that are not blocked'
	repairs '121 messages, 0 of them set aside'
	counts jobs blocked=118
	gives_groups_in_order two
	is "$(wc -l <given)" 120

	fresh_copy grouped
	damage state 1 3
	found 'the group of message 1 has only blocked messages'
	repairs '121 messages, 0 of them set aside'
	gives_groups_in_order none
	is "$(wc -l <given)" 121
}

@test "a damaged state in a group costs nothing, neither a message nor the order" {
	local id

	grouped_queue
	for id in 1 2 30 61; do
		fresh_copy grouped
		damage record msg "$(printf %016x "$id")"
		found "message $id is damaged (its state record)"
		repairs '121 messages, 0 of them set aside'
		gives_groups_in_order "$id"
	done
}

@test "a key that is lost is its message's again; one of a finished message is kept" {
	grouped_queue
	damage record msg 0000000000000079
	qctl check --repair --yes jobs >/dev/null 2>&1
	is_sound jobs
	is "$(qpush -i -k here jobs again)" 121
	is "$(qpush -i -k gone jobs again)" 122
}

@test "a damaged result is found; its file goes, and nothing else" {
	grouped_queue
	damage record result 000000000000007b
	found 'message 123 is damaged (its result)'
	repairs '121 messages, 0 of them set aside'
	is "$(ls "$Q_ROOT/jobs/blob" | wc -l)" 1
	qctl check --repair --yes jobs >/dev/null
	gives_groups_in_order result
}

@test "the file of an output that is damaged is found, and noted as lost" {
	grouped_queue
	echo more >>"$Q_ROOT/jobs/blob/123.out"
	found 'message 123 is damaged (the file of its output)'
	repairs '121 messages, 0 of them set aside'
}

@test "with any page lost, a repair keeps the order of groups" {
	local n pages

	grouped_queue
	pages=$(damage pages)
	[ "$pages" -gt 10 ]
	for ((n = 0; n < pages; n++)); do
		fresh_copy grouped
		damage zero "$n"
		qctl check --repair --yes jobs >list 2>err || is "page $n: $(cat err)" sound
		is_sound jobs
		balances jobs
		gives_groups_in_order "page $n"
	done
}
