# shellcheck shell=bash
# What the files about qctl check share.

# shellcheck disable=SC2154 # bats sets output, stderr and lines

# A sound queue: one line, and nothing else.
is_sound() {
	run --separate-stderr -0 qctl check "$1"
	is "${#lines[@]}" 1
	has "$output" "$1: sound: "
	is "$stderr" ''
}

# found TEXT...: qctl check exits 65, and its list has each TEXT.
found() {
	local text

	run --separate-stderr -65 qctl check jobs
	for text; do
		has "$output" "$text"
	done
	has "$stderr" "qctl: jobs: ${#lines[@]} finding"
}

# repairs TEXT: check --repair says TEXT, and the queue is sound then.
repairs() {
	run --separate-stderr -0 qctl check --repair --yes jobs
	has "$stderr" "qctl: jobs: repaired: $1"
	[ "${#lines[@]}" -gt 0 ]
	is_sound jobs
	balances jobs
}

# Messages in every state, with failures, memories and a large body; kept as whole, and
# what a drain gives as wanted.
mixed_queue() {
	if [ ! -e "$BATS_FILE_TMPDIR/whole" ]; then
		qctl create jobs backoff=0
		seq 200 | sed 's/$/ and some text, so that there are more pages/' | qpush -l jobs
		head -c 9000 /dev/zero | tr '\0' y | qpush -H name=value jobs
		head -c 2M /dev/zero | qpush jobs
		qpush -d 1000h jobs delayed
		qpush -e 1000h jobs expires
		qpush -p 5 -m 1 jobs poison
		run -4 qpop jobs -- false
		run -4 qpop jobs -- false
		qack jobs "$(qpop -L 1h -r receipt jobs >/dev/null && cat receipt)"
		qpop -L 1000h jobs >/dev/null
		is_sound jobs
		cp -r "$Q_ROOT/jobs" "$BATS_FILE_TMPDIR/whole"
		qpop -n all -0 jobs | tr '\0' '\n' | sort >"$BATS_FILE_TMPDIR/wanted"
	fi
	fresh_copy
}

fresh_copy() {
	rm -rf "$Q_ROOT"
	mkdir "$Q_ROOT"
	cp -r "$BATS_FILE_TMPDIR/${1:-whole}" "$Q_ROOT/jobs"
}
