# From strace -f -o: "flushes calls" of a run. A flush is a call that ends on the disk, or
# a write through a descriptor that was opened so. Of the clients' file, what comes before
# the program is not counted.
FILENAME ~ /client$/ {
	if ($2 ~ /^execve\(/)
		program[$1] = 1
	if (!($1 in program))
		next
}
{
	if ($2 ~ /^(\+\+\+|---|<\.\.\.)/)
		next
	calls++
	name = $2
	sub(/\(.*/, "", name)
	fd = $2
	sub(/^[^(]*\(/, "", fd)
	sub(/[^0-9].*/, "", fd)
	if (name ~ /^(fsync|fdatasync|msync|sync|syncfs|sync_file_range)$/)
		flushes++
	else if (name ~ /^open(at)?$/ && /O_D?SYNC/)
		durable[$1, $NF] = 1
	else if (name == "close")
		delete durable[$1, fd]
	else if (name ~ /^p?write(v|v2|64)?$/ && ($1, fd) in durable)
		flushes++
}
END {
	printf "%.1f %.1f\n", flushes / runs, calls / runs
}
