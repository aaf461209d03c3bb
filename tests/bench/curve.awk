# Points of results.tsv whose name is "WHAT @ X UNIT": a table of each row, its explanation,
# and a chart in the directory out, on logarithmic scales, but for steps.
BEGIN {
	left = 80
	top = 30
	width = 480
	height = 300
	split("#1a7f37 #4a6fa5 #b35900 #7a3e9d #a51d2d", colors, " ")
	why["scale-waiting"] = "The tree that a message is put into and taken from grows by a level" \
		" where there are a hundred times as many, and its upper pages stay in memory."
	why["scale-queues"] = "Queues know nothing of each other: with many, a call finds fewer" \
		" of its pages and names in the caches."
	why["scale-processes"] = "Who finds the queue in use leaves its request to who has it: many" \
		" share one flush, until starting processes is what takes the time."
	why["scale-body"] = "Small ones cost a commit; from 1 MiB on a body is a file of its own," \
		" written, flushed and renamed as it comes."
	why["scale-space"] = "Free pages are used again, but a reserve of one and a half times the" \
		" largest push lies behind them; taking gives nothing back by itself."
}
NR > 1 && $2 ~ / @ / {
	split($2, part, / @ /)
	x = part[2] + 0
	name = part[1] ($3 ~ /^qutils/ ? "" : ", " $3)
	if (!($1 in rows)) {
		rows[$1] = ++row_count
		row[row_count] = $1
		unit[$1] = $5
		label[$1] = part[2]
		sub(/^[0-9.]+ /, "", label[$1])
	}
	if (!(($1, name) in known)) {
		known[$1, name] = ++names[$1]
		series[$1, names[$1]] = name
	}
	if (!(($1, x) in met)) {
		met[$1, x] = 1
		xs[$1, ++points[$1]] = x
	}
	value[$1, name, x] = $4 + 0
}
function number(v) {
	return (v >= 1000 ? sprintf("%.0f", v) : sprintf("%.4g", v))
}
function table(r,    i, j, w) {
	printf "\n%s (%s)\n  %12s", r, unit[r], label[r]
	for (j = 1; j <= names[r]; j++)
		printf "  %s", series[r, j]
	print ""
	for (i = 1; i <= points[r]; i++) {
		printf "  %12s", sprintf("%d", xs[r, i])
		for (j = 1; j <= names[r]; j++) {
			w = length(series[r, j])
			printf "  %" w "s", ((r, series[r, j], xs[r, i]) in value) \
				? number(value[r, series[r, j], xs[r, i]]) : "-"
		}
		print ""
	}
}
function most_of(r, name, first, end,    i, v) {
	v = 0
	for (i = first; i <= end; i++)
		if (value[r, name, xs[r, i]] > v)
			v = value[r, name, xs[r, i]]
	return (v)
}
# What the numbers say, then why.
function explain(r,    a, b, j, text, disk, live, half) {
	a = xs[r, 1]
	b = xs[r, points[r]]
	if (r == "scale-space") {
		disk = "on disk"
		live = "bodies waiting"
		half = int(points[r] / 2)
		text = sprintf("For %s MiB of bodies at most %s MiB on disk when first filled, %s" \
			" the second time; %s drained, %s compacted.",
			number(most_of(r, live, 1, points[r])), number(most_of(r, disk, 1, half)),
			number(most_of(r, disk, half + 1, points[r])), number(value[r, disk, b - 1]),
			number(value[r, disk, b]))
	} else {
		text = sprintf("From %d to %d %s:", a, b, label[r])
		for (j = 1; j <= names[r]; j++)
			if (value[r, series[r, j], a] > 0)
				text = text sprintf("%s %s x%.2f", j > 1 ? "," : "", series[r, j],
					value[r, series[r, j], b] / value[r, series[r, j], a])
		text = text "."
	}
	print "  " text
	if (r in why)
		print "  " why[r]
}
function escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return (text)
}
# Where v is between least and most, of a length: logarithmic unless linear.
function at(v, least, most, size, linear) {
	if (most <= least)
		return (size / 2)
	if (linear)
		return (size * (v - least) / (most - least))
	return (size * log(v / least) / log(most / least))
}
function power(v, up,    p) {
	for (p = 1; p > v; p /= 10)
		;
	for (; p * 10 <= v; p *= 10)
		;
	return (up && p < v ? p * 10 : p)
}
function say(x, y, anchor, text) {
	body = body sprintf("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
		anchor, escape(text))
}
function line(x1, y1, x2, y2) {
	body = body sprintf("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"" \
		" stroke=\"#d0d0d0\"/>\n", x1, y1, x2, y2)
}
# The numbers beside an axis, and lines through the chart.
function grid(least, most, linear, is_x,    v, step, p) {
	step = linear ? power((most - least) / 2, 0) : 10
	for (v = least; v <= most * 1.0001; v = linear ? v + step : v * step) {
		p = at(v, least, most, is_x ? width : height, linear)
		if (is_x) {
			line(left + p, top, left + p, top + height)
			say(left + p, top + height + 16, "middle", number(v))
		} else {
			line(left, top + height - p, left + width, top + height - p)
			say(left - 6, top + height - p + 4, "end", number(v))
		}
	}
}
function curve(r, j,    i, v, px, py, list, c) {
	c = colors[(j - 1) % 5 + 1]
	for (i = 1; i <= points[r]; i++) {
		if (!((r, series[r, j], xs[r, i]) in value))
			continue
		v = value[r, series[r, j], xs[r, i]]
		if (v <= 0 && !linear)
			continue
		px = left + at(xs[r, i], x_least, x_most, width, linear)
		py = top + height - at(v, y_least, y_most, height, linear)
		list = list sprintf("%.1f,%.1f ", px, py)
		body = body sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"/>\n", px, py, c)
	}
	body = body sprintf("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\"" \
		" stroke-width=\"1.5\"/>\n", list, c)
	body = body sprintf("<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/>\n",
		left + width + 20, top + 20 * j - 9, c)
	say(left + width + 36, top + 20 * j, "start", series[r, j])
}
function range(r,    i, j, v) {
	linear = label[r] == "steps"
	x_least = linear ? 0 : xs[r, 1]
	x_most = xs[r, points[r]]
	y_least = y_most = 0
	for (j = 1; j <= names[r]; j++)
		for (i = 1; i <= points[r]; i++) {
			v = value[r, series[r, j], xs[r, i]]
			if (v > 0 && (y_least == 0 || v < y_least))
				y_least = v
			if (v > y_most)
				y_most = v
		}
	if (linear) {
		y_least = 0
		return
	}
	y_least = power(y_least, 0)
	y_most = power(y_most, 1)
}
function chart(r,    j, file) {
	body = ""
	range(r)
	grid(x_least, x_most, linear, 1)
	grid(y_least, y_most, linear, 0)
	for (j = 1; j <= names[r]; j++)
		curve(r, j)
	say(left, top - 12, "start", r ", " unit[r] (linear ? "" : ", logarithmic"))
	say(left + width, top + height + 32, "end", label[r])
	file = out "/" r ".svg"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"" \
		" font-family=\"sans-serif\" font-size=\"12\">\n" \
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n",
		left + width + 260, top + height + 44, body >file
	close(file)
}
END {
	for (i = 1; i <= row_count; i++) {
		table(row[i])
		explain(row[i])
		chart(row[i])
	}
}
