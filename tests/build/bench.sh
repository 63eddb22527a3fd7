#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmarks run, and every figure that has a budget comes out. What it is means nothing here.
# shellcheck disable=SC2317  # functions are called by case_
set -u
# shellcheck source=tests/lab.sh
. "$(dirname "$0")/../lab.sh"
lab_start "$@"

out=/tmp/bench
# The tree under test may lie in one.
folders() { ls -d /tmp/tmp.* 2>/dev/null; }
before=$(folders)
quick() { script/bench --quick --build "$BUILD" --output "$out" >/tmp/bench.table; }
case_ "script/bench --quick runs" quick

budget_lines() { grep -cvE '^(#|$)' bench/budgets; }
rows() { sed -n '/"budgets":/,/^  \]/p' "$out/results.json" | grep '"verdict":'; }
every_row() { [ "$(rows | wc -l)" -eq "$(budget_lines)" ]; }
case_ "results.json has a row for every budget" every_row
measured() { ! rows | grep '"was not measured"'; }
case_ "every row was measured, or says why it could not be" measured
available() { ! rows | grep 'NOT AVAILABLE'; }
case_ "all of both backends was measured" available
judged() { ! rows | grep -v '"budget": null' | grep -vE '"verdict": "(OK|MISSED|NOT AVAILABLE)"'; }
case_ "every row with a budget is judged" judged
told() { [ "$(grep -cE '\| (OK|MISSED|NOT AVAILABLE|)$' /tmp/bench.table)" -eq "$(budget_lines)" ]; }
case_ "the table has the same rows" told
drawn() { grep -q '<path' "$out/packet.svg" && grep -q '<path' "$out/hold.svg"; }
case_ "both charts are drawn" drawn
clean() { [ "$(folders)" = "$before" ] || { folders; return 1; }; }
case_ "nothing is left behind" clean
lab_end
