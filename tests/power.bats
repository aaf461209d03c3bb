#!/usr/bin/env bats
# Power cuts: the share of "make power" that every run of the tests takes.

load lib

@test "no power cut takes back what was stored, or leaves half of it" {
	run -0 python3 "$SRC/tests/crash/power.py"
	has "$output" violations
}
