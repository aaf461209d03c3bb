# shellcheck shell=bash
# What the files about the builtins of bash share.

# shellcheck disable=SC2016 # scripts are for another bash to expand

setup() {
	[ -z "${SAN:-}" ] || skip "sanitizers want to be first in the process"
	[ -f "$BIN/qutils.so" ] || skip "$BIN/qutils.so was not built: make builtins does"
	setup_root
	# Errors and loops: times as many with CALLS, in builtins-test.
	: "${CALLS:=5000}"
	export CALLS
}

# Run a script, in ./script, in which the commands are builtins.
with_builtins() {
	{
		echo 'enable -f "$BIN/qutils.so" qpush qpop qack || exit 99'
		cat
	} >script
	PATH=$BIN:$PATH bash script "$@"
}
