# A chart of each row of results.tsv, in the directory out: bars, on a logarithmic scale
# where the largest is more than twenty times the least.
BEGIN {
	left = 220
	width = 420
	height = 20
}
NR == 1 || $2 ~ / @ / { # a point of a curve: see curve.awk
	next
}
{
	if (!($1 in rows)) {
		rows[$1] = 1
		row[++row_count] = $1
	}
	n = ++lines[$1]
	what[$1, n] = $2
	tool[$1, n] = $3
	value[$1, n] = $4 + 0
	unit[$1, n] = $5
}
# The range of the panel that begins at line i: sets least, most and its last line.
function panel(r, i,    v) {
	least = most = 0
	for (last = i; last <= lines[r] && what[r, last] == what[r, i]; last++) {
		v = value[r, last]
		if (v > 0 && (least == 0 || v < least))
			least = v
		if (v > most)
			most = v
	}
	last--
}
function bar(v) {
	if (v <= 0 || most <= 0)
		return (0)
	if (most <= 20 * least)
		return (width * v / most)
	return (width * (0.05 + 0.95 * log(v / least) / log(most / least)))
}
function color(name) {
	return (name ~ /^floor|^processor/ ? "#b0b0b0" : name ~ /^qutils/ ? "#1a7f37" : "#4a6fa5")
}
function escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return (text)
}
function chart(r,    i, y, body, w, file) {
	y = 8
	body = ""
	for (i = 1; i <= lines[r]; i++) {
		if (i == 1 || what[r, i] != what[r, i - 1]) {
			panel(r, i)
			if (most == 0) { # all good: nothing to draw
				i = last
				continue
			}
			y += height + 6
			body = body sprintf("<text x=\"10\" y=\"%d\" font-weight=\"bold\">%s" \
				" (%s%s)</text>\n", y, escape(what[r, i]), unit[r, i], \
				most > 20 * least && least > 0 ? ", logarithmic" : "")
			y += 8
		}
		w = bar(value[r, i])
		body = body sprintf("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", \
			left - 8, y + 13, escape(tool[r, i]))
		body = body sprintf("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"" \
			" fill=\"%s\"/>\n", left, y + 2, w, height - 6, color(tool[r, i]))
		body = body sprintf("<text x=\"%.1f\" y=\"%d\">%s</text>\n", left + w + 6, y + 13, \
			value[r, i] >= 1000 ? sprintf("%.0f", value[r, i]) : value[r, i])
		y += height
	}
	file = out "/" r ".svg"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"" \
		" font-family=\"sans-serif\" font-size=\"12\">\n" \
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n", \
		left + width + 100, y + 14, body >file
	close(file)
}
END {
	for (i = 1; i <= row_count; i++)
		chart(row[i])
}
