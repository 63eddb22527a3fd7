# SPDX-License-Identifier: GPL-2.0-or-later
# awk -F '\t' -v columns="NAME:FIGURE:BACKEND:LAYOUT;..." -v format=text|markdown|data -f growth.awk results
# One row a number of held accounts, one column a way to hold them; the worst of what
# matches; of what has no rules, the best.

BEGIN {
	count = split(columns, column, ";")
	for (c = 1; c <= count; c++) {
		split(column[c], part, ":")
		name[c] = part[1]
		figure[c] = part[2]
		backend[c] = part[3]
		layout[c] = part[4]
	}
}

NF == 8 {
	for (c = 1; c <= count; c++) {
		if ($1 != figure[c] || $2 != backend[c] || $3 !~ layout[c])
			continue
		if (!(($4, c) in worst) || ($2 == "none" ? $6 < worst[$4, c] : $6 > worst[$4, c]))
			worst[$4, c] = $6 + 0
		if (!($4 in seen)) {
			seen[$4] = 1
			held[++rows] = $4 + 0
		}
	}
}

function sort_rows(    i, j, value) {
	for (i = 2; i <= rows; i++) {
		value = held[i]
		for (j = i - 1; j >= 1 && held[j] > value; j--)
			held[j + 1] = held[j]
		held[j + 1] = value
	}
}

function is_empty(c,    row) {
	for (row = 1; row <= rows; row++)
		if ((held[row], c) in worst) return 0
	return 1
}

function cell(row, c) {
	if (!((held[row], c) in worst)) return format == "data" ? "NaN" : "-"
	return sprintf(worst[held[row], c] >= 1000 ? "%.0f" : "%.3g", worst[held[row], c])
}

function print_line(first, row,    c, line) {
	line = format == "markdown" ? "| " first : sprintf(format == "data" ? "%s" : "%8s", first)
	for (c = 1; c <= count; c++) {
		if (format == "data" && is_empty(c))
			continue # gnuplot warns of them
		if (format == "markdown")
			line = line " | " (row ? cell(row, c) : name[c])
		else if (format == "data")
			line = line "\t" (row ? cell(row, c) : "\"" name[c] "\"")
		else
			line = line sprintf(" | %*s", length(name[c]), row ? cell(row, c) : name[c])
	}
	print line (format == "markdown" ? " |" : "")
}

END {
	sort_rows()
	print_line("held", 0)
	if (format == "markdown") {
		line = "|---"
		for (c = 1; c <= count; c++)
			line = line "|---"
		print line "|"
	}
	for (row = 1; row <= rows; row++)
		print_line(held[row], row)
}
