#!/usr/bin/env bats
# Power cuts and damage: the share of "make power" that every run of the tests takes.

load lib

@test "no power cut takes back what was stored, or leaves half of it" {
	# under sanitizers a part of it takes as long
	run -0 python3 -B "$SRC/tests/crash/power.py" ${SAN:+--seed 1}
	has "$output" violations
}

@test "with any page or file damaged, what is given is what was pushed, or damage is said" {
	[ -z "${SAN:-}" ] || skip "a sanitizer keeps the signals that damage may raise"
	run -0 python3 -B "$SRC/tests/crash/damage.py"
	has "$output" violations
}
