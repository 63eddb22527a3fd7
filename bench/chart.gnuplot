# SPDX-License-Identifier: GPL-2.0-or-later
# gnuplot -e "data='FILE'; picture='FILE.svg'; title='...'; axis='...'" chart.gnuplot
set terminal svg size 800,480 font "sans,12" background "white"
set output picture
set title title
set datafile separator "\t"
set datafile missing "NaN"
set logscale xy
set xlabel "accounts held"
set ylabel axis
set grid
set key outside below
columns = int(system("head -n 1 '" . data . "' | awk -F '\t' '{ print NF }'"))
plot for [i = 2:columns] data using 1:i with linespoints pointtype 7 linewidth 2 title columnheader(i)
