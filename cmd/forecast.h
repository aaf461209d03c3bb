/* SPDX-License-Identifier: ISC */
#ifndef FORECAST_H
#define FORECAST_H

/*
 * What queueing theory says of a queue: pure formulae, with their units and limits in
 * q(7). Times are seconds, rates are a second; NAN is what is not known.
 */

#include <stdbool.h>

#include "q.h"

enum {
	FORECAST_LEAST = 30,             /* observations, from which on one may guess */
	FORECAST_MOST_WORKERS = 1000000, /* that are looked at */
};

/* ---- the model: customers come, wait for one of several workers, are served ---- */

struct load {
	double arrivals; /* to be served; those that are served again count again */
	double service;  /* mean time of one */
	double workers;  /* a whole number */
	double ca2, cs2; /* squared coefficients of variation: of the times between
	                  * arrivals, and of service; 1 and 1 is M/M/c */
};

struct forecast {
	double offered;      /* arrivals x service: workers busy on average */
	double utilisation;  /* of the workers; from 1 on the rest is NAN */
	double chance;       /* that one has to wait: Erlang C */
	double wait, wait95; /* mean, and 95th percentile */
	double waiting;      /* on average */
};

/* The chance that one who comes finds all busy, and goes: a of Erlang B. */
double forecast_erlang_b(double offered, double workers);
void forecast_model(const struct load *load, struct forecast *out);
/* With how many the backlog does not grow for ever. */
double forecast_enough(const struct load *load);
/* With how many 95 of 100 wait no longer than that; NAN if more would be needed than
 * are looked at. */
double forecast_workers(const struct load *load, double wait95);

/* ---- the fluid: what becomes of a backlog at constant rates ---- */

enum drift { DRIFT_UNKNOWN, DRIFT_NONE, DRIFT_STEADY, DRIFT_DRAINS, DRIFT_GROWS };

/* *value: seconds until nothing waits, or messages a minute more. */
enum drift forecast_drift(double waiting, double in, double out, double *value);

/* ---- what was measured of a queue, as far as it is enough to go by ---- */

struct measured {
	double window;    /* that the rates are of: the shortest with enough; or NAN */
	double in, out;   /* messages pushed, and done */
	uint64_t seen;    /* how many came */
	double failing;   /* share of the deliveries */
	double waiting;   /* ready and blocked */
	struct load load; /* its workers: the most messages at work at once of late */
};

void forecast_measure(const struct q_stat *st, struct measured *out);
/* DRIFT_UNKNOWN if there is too little to go by. */
enum drift forecast_drift_of(const struct measured *m, double *value);

#endif
