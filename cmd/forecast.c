/* SPDX-License-Identifier: ISC */
/* What queueing theory says of a queue. */
#include <math.h>

#include "forecast.h"

/* ---- M/M/c, corrected for how times vary ---- */

/* One worker more. */
static double
next_b(double b, double offered, double workers)
{
	return (offered * b / (workers + offered * b));
}

double
forecast_erlang_b(double offered, double workers)
{
	double b = 1;

	for (int64_t k = 1; (double)k <= workers; k++)
		b = next_b(b, offered, (double)k);
	return (b);
}

static double
c_of_b(double b, double rho)
{
	return (rho < 1 ? b / (1 - rho * (1 - b)) : 1);
}

static double
erlang_c(double offered, double workers)
{
	return (c_of_b(forecast_erlang_b(offered, workers), offered / workers));
}

/* Allen and Cunneen: exact for M/M/c, and for M/G/1. */
static double
correction(const struct load *l)
{
	return ((l->ca2 + l->cs2) / 2);
}

/* How fast those who wait become fewer, if so many are enough. */
static double
spare(const struct load *l, double workers)
{
	return (workers / l->service - l->arrivals);
}

static double
wait95_of(const struct load *l, double workers, double chance)
{
	double wait = log(chance / 0.05) / spare(l, workers);

	return (wait > 0 ? wait * correction(l) : 0);
}

void
forecast_model(const struct load *l, struct forecast *out)
{
	*out = (struct forecast){
		.offered = l->arrivals * l->service,
		.chance = NAN,
		.wait = NAN,
		.wait95 = NAN,
		.waiting = NAN,
	};
	out->utilisation = l->workers > 0 ? out->offered / l->workers : NAN;
	if (!(out->utilisation < 1))
		return;
	out->chance = erlang_c(out->offered, l->workers);
	out->wait = out->chance / spare(l, l->workers) * correction(l);
	out->wait95 = wait95_of(l, l->workers, out->chance);
	out->waiting = l->arrivals * out->wait;
}

double
forecast_enough(const struct load *l)
{
	return (floor(l->arrivals * l->service) + 1);
}

double
forecast_workers(const struct load *l, double wait95)
{
	double offered = l->arrivals * l->service, b = 1;

	if (isnan(offered) || isnan(correction(l)))
		return (NAN);
	for (int c = 1; c <= FORECAST_MOST_WORKERS; c++) {
		b = next_b(b, offered, c);
		if (c > offered && wait95_of(l, c, c_of_b(b, offered / c)) <= wait95)
			return (c);
	}
	return (NAN);
}

/* ---- fluid ---- */

enum drift
forecast_drift(double waiting, double in, double out, double *value)
{
	double growth = (in - out) * 60;

	if (isnan(growth))
		return (DRIFT_UNKNOWN);
	if (growth >= 1) {
		*value = growth;
		return (DRIFT_GROWS);
	}
	if (waiting == 0)
		return (DRIFT_NONE);
	if (growth > -1)
		return (DRIFT_STEADY);
	*value = waiting / (out - in);
	return (DRIFT_DRAINS);
}

enum drift
forecast_drift_of(const struct measured *m, double *value)
{
	return (forecast_drift(m->waiting, m->in, m->out, value));
}

/* ---- measured ---- */

/* The shortest window with enough arrivals; or else with enough going on at all. */
static int
choose(const struct q_stat *st)
{
	for (int i = 0; i < 3; i++)
		if (st->seen_in[i] >= FORECAST_LEAST)
			return (i);
	for (int i = 0; i < 3; i++)
		if (st->seen_in[i] + st->seen_out[i] >= FORECAST_LEAST)
			return (i);
	return (-1);
}

static double
mean_of(const struct q_histogram *h)
{
	return (h->count >= FORECAST_LEAST ? q_histogram_mean(h) : NAN);
}

/* Times that are all too short to measure, as of what came at once, have none. */
static double
variation_of(const struct q_histogram *h)
{
	return (mean_of(h) > 0 ? q_histogram_variation(h) : NAN);
}

void
forecast_measure(const struct q_stat *st, struct measured *out)
{
	static const double windows[] = { 60, 300, 900 };
	uint64_t failed = st->failed + st->lapsed, ended = st->done + failed;
	int i = choose(st);

	*out = (struct measured){
		.window = i >= 0 ? windows[i] : NAN,
		.in = i >= 0 ? st->rate_in[i] : NAN,
		.out = i >= 0 ? st->rate_out[i] : NAN,
		.seen = i >= 0 ? st->seen_in[i] : st->seen_in[2],
		.failing = ended >= FORECAST_LEAST ? (double)failed / (double)ended
		                                   : NAN,
		.waiting = (double)(st->count[Q_READY] + st->count[Q_BLOCKED]),
		.load = {
			.service = mean_of(&st->service),
			.workers = (double)(st->leased_most < FORECAST_MOST_WORKERS
			                        ? st->leased_most
			                        : FORECAST_MOST_WORKERS),
			.ca2 = variation_of(&st->gap),
			.cs2 = variation_of(&st->service),
		},
	};
	/* Each failure is another delivery; when all fail there is no end of them. */
	out->load.arrivals = out->seen >= FORECAST_LEAST && out->failing < 1
	                         ? out->in / (1 - out->failing)
	                         : NAN;
}
