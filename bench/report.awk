# SPDX-License-Identifier: GPL-2.0-or-later
# awk -v format=text|markdown|json -v smallest=N -v second=N -v largest=N -f report.awk budgets results
# Joins what was measured with what was allowed. Nothing is rounded before it is judged.

function trim(text) { gsub(/^ +| +$/, "", text); return text }

function quoted(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}

# 1.149 is 1.149, 2345.678 is 2346.
function number(value) { return value >= 1000 ? sprintf("%.0f", value) : sprintf("%.4g", value) }

function held_of(word) {
	if (word == "largest") return largest
	if (word == "second") return second
	return word == "smallest" ? smallest : ""
}

# Sets worst to the number of the result that counts for budget B, 0 if there is none.
function find_worst(b,    i) {
	worst = 0
	for (i = 1; i <= results; i++) {
		if (figure[i] != want_figure[b] || backend[i] != want_backend[b])
			continue
		if (layout[i] !~ want_layout[b] || (want_held[b] != "" && held[i] != want_held[b]))
			continue
		if (!worst || median[i] > median[worst])
			worst = i
	}
}

function verdict_of(b) {
	if (!worst) return "NOT AVAILABLE"
	if (limit[b] == "-") return ""
	return median[worst] <= limit[b] + 0 ? "OK" : "MISSED"
}

function name_of(b) {
	return (want_backend[b] == "-" ? "" : want_backend[b] ", ") \
		(want_held[b] == "" ? "" : want_held[b] " held: ") what[b]
}

function measured_of(b) {
	if (worst) return number(median[worst]) " " unit[b]
	return (want_backend[b] in why) ? why[want_backend[b]] : "was not measured"
}

function budget_of(b) { return limit[b] == "-" ? "" : "<= " limit[b] " " unit[b] }

function print_rows(row_format,    b) {
	for (b = 1; b <= budgets; b++) {
		find_worst(b)
		printf row_format, name_of(b), measured_of(b), budget_of(b), verdict_of(b)
	}
}

function print_json_rows(    b) {
	for (b = 1; b <= budgets; b++) {
		find_worst(b)
		printf "%s\n    {\"figure\": %s, \"backend\": %s, \"held\": %s, \"unit\": %s, ", (b > 1 ? "," : ""), \
			quoted(want_figure[b]), quoted(want_backend[b]), \
			(want_held[b] == "" ? "null" : want_held[b]), quoted(unit[b])
		printf "\"what\": %s, \"measured\": %s, \"budget\": %s, \"verdict\": %s, \"of\": %s}", \
			quoted(what[b]), (worst ? median[worst] : "null"), (limit[b] == "-" ? "null" : limit[b]), \
			quoted(verdict_of(b)), quoted((worst ? layout[worst] : measured_of(b)))
	}
}

function print_json(    i) {
	printf "{\n  \"kernel\": %s, \"date\": %s, \"machine\": %s,\n  \"budgets\": [", \
		quoted(kernel), quoted(date), quoted(machine)
	print_json_rows()
	printf "\n  ],\n  \"measured\": ["
	for (i = 1; i <= results; i++)
		printf "%s\n    {\"figure\": %s, \"backend\": %s, \"layout\": %s, \"held\": %d, \"unit\": %s, " \
			"\"median\": %s, \"quartiles\": [%s, %s]}", (i > 1 ? "," : ""), quoted(figure[i]), \
			quoted(backend[i]), quoted(layout[i]), held[i], quoted(unit_of[i]), median[i], \
			lower[i], upper[i]
	printf "\n  ]\n}\n"
}

FNR == 1 { file++; FS = file == 1 ? "|" : "\t"; $0 = $0 }

file == 1 && !/^#/ && NF == 7 {
	b = ++budgets
	want_figure[b] = trim($1)
	want_backend[b] = trim($2)
	want_layout[b] = trim($3)
	want_held[b] = held_of(trim($4))
	limit[b] = trim($5)
	unit[b] = trim($6)
	what[b] = trim($7)
}

file == 2 && $5 == "unavailable" { why[$2] = $6; next }

file == 2 && NF == 8 {
	i = ++results
	figure[i] = $1
	backend[i] = $2
	layout[i] = $3
	held[i] = $4
	unit_of[i] = $5
	median[i] = $6
	lower[i] = $7
	upper[i] = $8
}

END {
	if (format == "json") {
		print_json()
	} else if (format == "markdown") {
		print "| figure | measured | budget | |\n|---|---|---|---|"
		print_rows("| %s | %s | %s | %s |\n")
	} else {
		line_format = "%-84s | %-18s | %-11s | %s\n"
		printf line_format, "figure", "measured", "budget", "OK/MISSED"
		print_rows(line_format)
	}
}
