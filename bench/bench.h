/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EGRESS_BENCH_H
#define EGRESS_BENCH_H

/*
 * What the programs of bench/ share. A program measures two things in turns, in one process and in
 * network namespaces that it makes, so that whatever else the machine does falls on both. It prints
 * a line a figure, its fields separated by tabs:
 *
 *	FIGURE BACKEND LAYOUT ACCOUNTS UNIT MEDIAN LOWER-QUARTILE UPPER-QUARTILE
 *	FIGURE BACKEND - 0 unavailable WHY
 *
 * script/bench makes tables of them. A benchmark has nobody to report an error to: it ends with a
 * line on standard error and status 1.
 */
#include "backend.h"

#define NO_BACKEND "-"
#define NO_LAYOUT "-"

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *need(void *memory); /* ends the program if there is none */

double clock_us(void); /* CLOCK_MONOTONIC */

/* One measured series. */
struct series {
	double *values;
	size_t count, room;
};

void series_add(struct series *series, double value);
void series_clear(struct series *series);
double series_median(const struct series *series);

struct label {
	const char *figure, *backend, *layout;
	size_t accounts;
	const char *unit;
};

void emit(struct label label, const struct series *series);
void emit_value(struct label label, double value);
void emit_unavailable(const char *figure, const char *backend, const char *why);

/*
 * COUNT[0..n-1] are the numbers of held accounts, ascending; rounds is how often a pair is measured where
 * that is cheap.
 */
#define COUNTS_MAX 8
struct options {
	size_t counts[COUNTS_MAX];
	size_t count_count;
	unsigned int rounds;
	const char *why; /* a section to run for script/bench --why, or NULL */
};

/* -n 10,100,1000 -r ROUNDS -w SECTION; ends the program over anything else. Leaves optind behind them. */
void options_parse(int argc, char **argv, struct options *ret);
/* Fewer rounds for what takes long: at least FEWEST, and no more than fit into SECONDS at COST_US each. */
unsigned int options_rounds(const struct options *options, double cost_us, double seconds,
			    unsigned int fewest);

/* --- Network namespaces: a descriptor each. Loopback is up. --- */

int netns_new(void); /* the caller comes back to where it was */
void netns_enter(int netns);

/* --- Accounts --- */

#define PROXY_PORT 3128
#define FIRST_UID 100000u

/*
 * COUNT plans of a profile with one proxy in either family. CONTIGUOUS are FIRST_UID and those that
 * follow, with one hole in the middle, so that there is a bystander between them; SCATTERED are
 * every seventh. PROTO is what the proxy speaks: tcp is what a proxy does speak, udp is for
 * measuring packets, with as many rules.
 */
enum layout { CONTIGUOUS, SCATTERED, LAYOUT_COUNT };
extern const char *const layout_names[LAYOUT_COUNT];

struct accounts {
	struct plan *plans;
	size_t count;
	uid_t below, between, above; /* not held */
};

void accounts_make(size_t count, enum layout layout, int proto, struct accounts *ret);
void accounts_clear(struct accounts *accounts);

/* Makes the plan of one more account than those. */
void account_make(uid_t uid, int proto, struct plan *ret);
/* Makes the plan of the subordinate uids of the account at INDEX: 65536, one behind the other, as useradd gives them. */
void subordinates_make(size_t index, struct plan *ret);

/* --- The seam, in the network namespace where we are; each ends the program if it fails --- */

/* 0, or why not in FAULT. */
int seam_probe(const struct backend_ops *ops, struct fault *fault);
/* Makes the plans stand and reads them back, as an open does. */
void seam_hold(const struct backend_ops *ops, const struct plan *plans, size_t count);
#define OF_ONE_ACCOUNT 4 /* plans at most that are read back one by one, or released */
void seam_release(const struct backend_ops *ops, const struct plan *plans, size_t count);
void seam_list(const struct backend_ops *ops, size_t expected);

/* --- Programs --- */

/* Runs ARGV without a shell, INPUT on its standard input if not NULL; microseconds. */
double run_timed(char *const argv[], const char *input);
/* The same, and what it printed. Free it. */
char *run_read(char *const argv[]);

#endif
