/* SPDX-License-Identifier: ISC */
/* Forecasts: known values, closed forms, and a queue that is simulated. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../cmd/forecast.h"

static void
near(double got, double want, double most)
{
	if (!(fabs(got - want) <= most))
		fail_msg("%.9g is not %.9g", got, want);
}

static struct forecast
model(double arrivals, double rate, double workers)
{
	const struct load l = { arrivals, 1 / rate, workers, 1, 1 };
	struct forecast f;

	forecast_model(&l, &f);
	return (f);
}

static void
known_values_are_met(void **state)
{
	static const struct {
		double l, mu, c, rho, chance, wait, wait95, in_system;
	} v[] = {
		{ 0.9, 1, 1, 0.90, 0.9000, 9.0000, 28.90, 9.0000 },
		{ 1.8, 1, 2, 0.90, 0.8526, 4.2632, 14.18, 9.4737 },
		{ 8, 1, 10, 0.80, 0.4092, 0.2046, 1.05, 9.6367 },
		{ 9, 1, 10, 0.90, 0.6687, 0.6687, 2.59, 15.0186 },
		{ 9.5, 1, 10, 0.95, 0.8256, 1.6512, 5.61, 25.1861 },
		{ 100, 12, 10, 0.8333, 0.4876, 0.0244, 0.114, 10.7714 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct forecast f = model(v[i].l, v[i].mu, v[i].c);

		near(f.utilisation, v[i].rho, 0.00005);
		near(f.chance, v[i].chance, 0.00005);
		near(f.wait, v[i].wait, 0.00005);
		near(f.wait95, v[i].wait95, 0.005);
		near(f.waiting + f.offered, v[i].in_system, 0.00006);
	}
}

static void
one_worker_is_the_closed_form(void **state)
{
	(void)state;
	for (double rho = 0.01; rho < 1; rho += 0.01) {
		struct forecast f = model(rho, 1, 1);

		near(f.chance, rho, 1e-9);
		near(f.wait, rho / (1 - rho), 1e-6);
		near(f.waiting, rho * rho / (1 - rho), 1e-6);
		near(f.wait95, fmax(0, log(rho / 0.05) / (1 - rho)), 1e-6);
	}
	near(forecast_erlang_b(0, 3), 0, 0);
	near(forecast_erlang_b(2, 0), 1, 0);
	/* 2^3/3! over 1 + 2 + 2 + 8/6 */
	near(forecast_erlang_b(2, 3), 8.0 / 6 / (5 + 8.0 / 6), 1e-12);
}

/* For one worker and Poisson arrivals the correction is exact: Pollaczek-Khinchine. */
static void
variation_is_corrected_for(void **state)
{
	const struct load fixed = { 0.8, 1, 1, 1, 0 }, wild = { 0.8, 1, 1, 1, 9 };
	struct forecast f;

	(void)state;
	forecast_model(&fixed, &f);
	near(f.wait, 2, 1e-9);
	forecast_model(&wild, &f);
	near(f.wait, 20, 1e-9);
	near(f.wait95, 5 * log(0.8 / 0.05) * 5, 1e-9);
}

static void
what_is_too_much_or_unknown_is_not_guessed(void **state)
{
	const struct load unknown = { 1, NAN, 2, 1, 1 }, nobody = { 1, 1, 0, 1, 1 };
	struct forecast f = model(10, 1, 10);

	(void)state;
	near(f.utilisation, 1, 0);
	assert_true(isnan(f.wait) && isnan(f.wait95) && isnan(f.waiting));
	assert_true(isnan(f.chance));
	assert_true(isnan(model(11, 1, 10).wait));
	forecast_model(&unknown, &f);
	assert_true(isnan(f.utilisation) && isnan(f.wait));
	assert_true(isnan(forecast_enough(&unknown)));
	assert_true(isnan(forecast_workers(&unknown, 1)));
	forecast_model(&nobody, &f);
	assert_true(isnan(f.utilisation) && isnan(f.wait));
}

static void
workers_are_as_many_as_it_takes(void **state)
{
	const struct load l = { 9.5, 1, 1, 1, 1 },
			  users = { 10e6 * 10 / 60, 1e-3, 100, 1, 1 };
	struct load huge = l;
	struct forecast f;

	(void)state;
	near(forecast_enough(&l), 10, 0);
	near(forecast_enough(&users), 1667, 0);
	for (double wait = 0; wait < 8; wait += 0.25) {
		double n = forecast_workers(&l, wait);

		assert_true(model(9.5, 1, n).wait95 <= wait);
		if (n > 10)
			assert_true(model(9.5, 1, n - 1).wait95 > wait);
	}
	near(forecast_workers(&l, 6), 10, 0);
	near(forecast_workers(&l, 5), 11, 0);
	huge.arrivals = 1e9;
	assert_true(isnan(forecast_workers(&huge, 1)));
	/* So many are counted, in numbers that do not overflow. */
	huge.arrivals = 900000;
	forecast_model(&(struct load){ 900000, 1, 900500, 1, 1 }, &f);
	assert_true(f.chance > 0 && f.chance < 1);
	assert_true(forecast_workers(&huge, 1) > 900000);
}

static void
a_backlog_is_a_fluid(void **state)
{
	double v = -1;

	(void)state;
	assert_int_equal(forecast_drift(100, 5, 10, &v), DRIFT_DRAINS);
	near(v, 20, 1e-9);
	assert_int_equal(forecast_drift(0, 10, 5, &v), DRIFT_GROWS);
	near(v, 300, 1e-9);
	assert_int_equal(forecast_drift(0, 5, 10, &v), DRIFT_NONE);
	assert_int_equal(forecast_drift(9, 5, 5, &v), DRIFT_STEADY);
	assert_int_equal(forecast_drift(9, 5, 5.01, &v), DRIFT_STEADY);
	assert_int_equal(forecast_drift(9, NAN, 5, &v), DRIFT_UNKNOWN);
}

/* ---- what was measured ---- */

static void
too_few_observations_are_not_gone_by(void **state)
{
	struct q_stat st = { .leased_most = 2, .done = 100 };
	struct measured m;
	double v;

	(void)state;
	for (int i = 0; i < 3; i++) {
		st.rate_in[i] = 1;
		st.rate_out[i] = 0.5;
		st.seen_in[i] = FORECAST_LEAST - 1;
	}
	st.service.count = st.gap.count = FORECAST_LEAST - 1;
	forecast_measure(&st, &m);
	assert_true(isnan(m.window) && isnan(m.in) && isnan(m.load.arrivals));
	assert_true(isnan(m.load.service) && isnan(m.load.ca2) && isnan(m.load.cs2));
	assert_int_equal(forecast_drift_of(&m, &v), DRIFT_UNKNOWN);
	/* Enough goes on, but too little comes. */
	st.seen_out[1] = 1;
	forecast_measure(&st, &m);
	near(m.window, 300, 0);
	assert_true(isnan(m.load.arrivals));
	assert_int_equal(forecast_drift_of(&m, &v), DRIFT_GROWS);
	st.seen_in[2] = FORECAST_LEAST;
	forecast_measure(&st, &m);
	near(m.window, 900, 0);
	near(m.load.arrivals, 1, 0);
	near(m.load.workers, 2, 0);
	/* What came all at once says nothing of how arrivals vary. */
	st.gap.count = st.gap.bucket[0] = 1000;
	forecast_measure(&st, &m);
	assert_true(isnan(m.load.ca2));
}

static void
failures_raise_the_load(void **state)
{
	struct q_stat st = { .seen_in = { 60 },
		.rate_in = { 2 },
		.done = 75,
		.failed = 20,
		.lapsed = 5 };
	struct measured m;

	(void)state;
	forecast_measure(&st, &m);
	near(m.failing, 0.25, 1e-12);
	near(m.load.arrivals, 2 / 0.75, 1e-12);
	st.done = 0;
	st.failed = 25;
	forecast_measure(&st, &m);
	assert_true(isnan(m.load.arrivals));
}

/* ---- a simulation ---- */

static uint64_t seed;

static double
uniform(void)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (((double)(seed >> 11) + 1) / 9007199254740993.0);
}

static double
exponential(double mean)
{
	return (-mean * log(uniform()));
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

enum { CUSTOMERS = 400000, MOST = 16 };

/* First come, first served, by whoever is free first. Waits, sorted; their mean. */
static double
simulate(const struct load *l, double *waits)
{
	double free_at[MOST] = { 0 }, now = 0, sum = 0;

	seed = 42;
	for (int i = 0; i < CUSTOMERS; i++) {
		int best = 0;
		double service = l->cs2 == 0 ? l->service : exponential(l->service);

		now += exponential(1 / l->arrivals);
		for (int w = 1; w < (int)l->workers; w++)
			if (free_at[w] < free_at[best])
				best = w;
		waits[i] = free_at[best] > now ? free_at[best] - now : 0;
		free_at[best] = now + waits[i] + service;
		sum += waits[i];
	}
	qsort(waits, CUSTOMERS, sizeof(*waits), by_size);
	return (sum / CUSTOMERS);
}

static void
a_simulated_queue_waits_as_forecast(void **state)
{
	static const struct load loads[] = {
		{ 0.7, 1, 1, 1, 1 },
		{ 8, 1, 10, 1, 1 },
		{ 1.6, 1, 2, 1, 0 },
	};
	double *waits = calloc(CUSTOMERS, sizeof(*waits));

	(void)state;
	assert_non_null(waits);
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		double mean = simulate(&loads[i], waits), p95;
		struct forecast f;

		forecast_model(&loads[i], &f);
		p95 = waits[CUSTOMERS / 20 * 19];
		near(mean, f.wait, 0.05 * f.wait);
		near(p95, f.wait95, 0.1 * f.wait95);
	}
	free(waits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values_are_met),
		cmocka_unit_test(one_worker_is_the_closed_form),
		cmocka_unit_test(variation_is_corrected_for),
		cmocka_unit_test(what_is_too_much_or_unknown_is_not_guessed),
		cmocka_unit_test(workers_are_as_many_as_it_takes),
		cmocka_unit_test(a_backlog_is_a_fluid),
		cmocka_unit_test(too_few_observations_are_not_gone_by),
		cmocka_unit_test(failures_raise_the_load),
		cmocka_unit_test(a_simulated_queue_waits_as_forecast),
	};

	return (cmocka_run_group_tests_name("forecast", tests, NULL, NULL));
}
