#!/bin/bash
# A command as a builtin of a bash of its own, whatever calls it: this file, by a link that
# has the command's name. With a COMMAND after '--' it is the program that runs, as it would
# for the builtin, but as the process whose id the test knows.
dir=${BASH_SOURCE[0]%/*}
command=${BASH_SOURCE[0]##*/}
PATH=${PATH//"$dir:"/}
for word; do
	[ "$word" != -- ] || [ "$command" = qack ] || exec "$command" "$@"
done
enable -f "$dir/../../qutils.so" "$command" || exit
"$command" "$@"
