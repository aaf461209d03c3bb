# results.tsv as an aligned table.
function number(v) {
	if (v ~ /^[0-9.]+$/)
		return (v >= 1000 ? sprintf("%.0f", v) : v == int(v) ? v : sprintf("%.3g", v))
	return (v)
}
BEGIN {
	line = "  %-30s %10s %-9s %10s %10s %10s %8s\n"
}
NR == 1 || $2 ~ / @ / { # a point of a curve: see curve.awk
	next
}
{
	if ($1 FS $2 != group) {
		group = $1 FS $2
		printf "\n%s: %s\n", $1, $2
		printf line, "", "median", "", "least", "most", "x best peer", "x floor"
	}
	printf line, $3, number($4), $5, number($6), number($7), $9, $10
}
END {
	print "\nx: how many times as good as the best durable peer and as the floor; above 1 is better."
}
