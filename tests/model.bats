#!/usr/bin/env bats
# The protocols of many processes, as models of which every state is looked at.

load lib

@test "in no state of the models is anything lost, done twice or stuck" {
	command -v spin >/dev/null || skip "spin is not installed"
	run -0 sh "$SRC/tests/model/run.sh" brief
	has "$output" "model combine"
	has "$output" "model lease BAD_FENCE"
}
