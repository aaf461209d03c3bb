# Samples (row, what, tool, value, unit) to one line per row, what and tool: the median,
# the extremes, and how it stands against the best durable peer and the floor (times as good).
BEGIN {
	OFMT = CONVFMT = "%.10g"
	OFS = "\t"
	print "row", "what", "tool", "median", "unit", "least", "most", "samples", \
		"best peer", "floor"
}
{
	group = $1 FS $2
	key = group FS $3
	if (!(key in n)) {
		order[++keys] = key
		if (!(group in groups))
			groups[group] = ++group_count
		unit[key] = $5
	}
	value[key, ++n[key]] = $4 + 0
}
function sort_values(key,    i, j, v) {
	for (i = 2; i <= n[key]; i++) {
		v = value[key, i]
		for (j = i - 1; j > 0 && value[key, j] > v; j--)
			value[key, j + 1] = value[key, j]
		value[key, j + 1] = v
	}
}
# How many times as good as b a is; nothing where that makes no sense.
function times(a, b, u) {
	if (a == 0 || b == 0 || b == "")
		return ""
	return (sprintf("%.2f", u ~ /\/s$/ ? a / b : b / a))
}
END {
	for (i = 1; i <= keys; i++) {
		key = order[i]
		sort_values(key)
		half = int((n[key] + 1) / 2)
		median[key] = n[key] % 2 ? value[key, half] \
			: (value[key, half] + value[key, half + 1]) / 2
		split(key, part, FS)
		group = part[1] FS part[2]
		m = median[key]
		if (part[3] ~ /^floor: .*\+ flush$/)
			floor[group] = m
		if (part[3] ~ /^(floor|qutils|processor)|not durable$/)
			continue
		if (!(group in best) || (unit[key] ~ /\/s$/ ? m > best[group] : m < best[group]))
			best[group] = m
	}
	for (g = 1; g <= group_count; g++)
		for (i = 1; i <= keys; i++) {
			key = order[i]
			split(key, part, FS)
			group = part[1] FS part[2]
			if (groups[group] != g)
				continue
			own = part[3] ~ /^qutils/ ? times(median[key], best[group], unit[key]) : ""
			low = part[3] ~ /^(floor|processor)/ ? "" \
				: times(median[key], floor[group], unit[key])
			print part[1], part[2], part[3], median[key], unit[key], value[key, 1], \
				value[key, n[key]], n[key], own, low
		}
}
