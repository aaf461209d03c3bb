# shellcheck shell=bash
# What the files about workers share.

# shellcheck disable=SC2034 # staying is for those that load this

# What a message's last failure says.
reason() {
	qstat --json "$1" "$2" | jq -r '.failures[-1].reason'
}

# A field of a message: field QUEUE ID NAME.
field() {
	qstat --json "$1" "$2" | jq -r ".$3"
}

# Close the descriptors that the tests themselves have open.
close_others() {
	local fd

	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		((fd <= 2)) || eval "exec $fd>&-"
	done 2>/dev/null
}

milliseconds() {
	echo "$(($(date +%s%N) / 1000000))"
}

# The start of a command that tells its id, and stays until it is told to go, or the test's
# directory is gone.
staying='echo $$ >>running; while [ -e root ] && [ ! -e go ]; do sleep 0.02; done; '

running() {
	[ -s running ] && [ "$(wc -l <running)" -ge "$1" ]
}
