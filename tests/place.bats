#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What commands do when a call of their own fails, wherever they make it.

load lib

@test "where a call fails, a command ends with a status and a word, and nothing is lost" {
	[ -z "${SAN:-}" ] || skip "a sanitizer has calls of its own"
	run -0 python3 -B "$SRC/tests/crash/place.py"
	has "$output" ' 0 violations'
}
