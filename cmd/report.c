/* SPDX-License-Identifier: ISC */
/* What is measured of a queue, and what queueing theory says of it. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "forecast.h"
#include "json.h"
#include "text.h"

#include "report.h"

enum unit { RATE, SECONDS, SHARE, RATIO, COUNT };

struct figure {
	const char *name; /* in JSON */
	const char *label;
	enum unit unit;
	bool model;
	double value; /* NAN: unknown */
	char note[96];
};

enum {
	F_IN,
	F_OUT,
	F_FAILING,
	F_SERVICE,
	F_SERVICE_CV2,
	F_GAP_CV2,
	F_WORKERS,
	F_WAITING,
	F_WAIT,
	F_WAIT95,
	F_OFFERED,
	F_LOAD,
	F_CHANCE,
	F_MODEL_WAIT,
	F_MODEL_WAIT95,
	F_MODEL_WAITING,
	F_LITTLE,
	F_DRAIN,
	F_GROWTH,
	F_ENOUGH,
	F_TARGET,
	FIGURES
};

static const struct figure blank[FIGURES] = {
	[F_IN] = { "rate_in", "arrivals", RATE },
	[F_OUT] = { "rate_out", "completions", RATE },
	[F_FAILING] = { "failing", "deliveries that fail", SHARE },
	[F_SERVICE] = { "service_seconds", "service time, mean", SECONDS },
	[F_SERVICE_CV2] = { "service_cv2", "its variation, squared", RATIO },
	[F_GAP_CV2] = { "gap_cv2", "variation of arrivals, squared", RATIO },
	[F_WORKERS] = { "workers", "workers", COUNT },
	[F_WAITING] = { "waiting", "waiting now", COUNT },
	[F_WAIT] = { "wait_seconds", "wait, mean", SECONDS },
	[F_WAIT95] = { "wait_p95_seconds", "wait, 95th percentile", SECONDS },
	[F_OFFERED] = { "offered_load", "workers kept busy", RATIO, true },
	[F_LOAD] = { "utilisation", "utilisation", SHARE, true },
	[F_CHANCE] = { "chance", "chance of waiting", SHARE, true },
	[F_MODEL_WAIT] = { "wait_seconds", "wait, mean", SECONDS, true },
	[F_MODEL_WAIT95] = { "wait_p95_seconds", "wait, 95th percentile", SECONDS,
	    true },
	[F_MODEL_WAITING] = { "waiting", "waiting, on average", COUNT, true },
	[F_LITTLE] = { "waiting_little", "waiting, by Little's law", COUNT, true },
	[F_DRAIN] = { "drain_seconds", "time to drain", SECONDS, true },
	[F_GROWTH] = { "growth_per_minute", "growing a minute by", COUNT, true },
	[F_ENOUGH] = { "workers_enough", "workers to keep up", COUNT, true },
	[F_TARGET] = { "workers_target", "workers for the target", COUNT, true },
};

static void
measure(struct figure *f, const struct q_stat *st, const struct measured *m)
{
	bool waits = st->wait.count >= FORECAST_LEAST;

	f[F_IN].value = m->in;
	f[F_OUT].value = m->out;
	f[F_FAILING].value = m->failing;
	f[F_SERVICE].value = m->load.service;
	f[F_SERVICE_CV2].value = m->load.cs2;
	f[F_GAP_CV2].value = m->load.ca2;
	f[F_WORKERS].value = m->load.workers;
	f[F_WAITING].value = m->waiting;
	f[F_WAIT].value = waits ? q_histogram_mean(&st->wait) : NAN;
	f[F_WAIT95].value = waits ? q_histogram_quantile(&st->wait, 0.95) : NAN;
}

static void
foretell(const struct report *how, struct figure *f, const struct measured *m)
{
	struct forecast model;
	double value = NAN;
	enum drift drift = forecast_drift_of(m, &value);

	forecast_model(&m->load, &model);
	f[F_OFFERED].value = model.offered;
	f[F_LOAD].value = model.utilisation;
	f[F_CHANCE].value = model.chance;
	f[F_MODEL_WAIT].value = model.wait;
	f[F_MODEL_WAIT95].value = model.wait95;
	f[F_MODEL_WAITING].value = model.waiting;
	f[F_LITTLE].value = m->in * f[F_WAIT].value;
	f[F_DRAIN].value = drift == DRIFT_DRAINS ? value
	                   : drift == DRIFT_NONE ? 0
	                                         : NAN;
	f[F_GROWTH].value = drift == DRIFT_GROWS     ? value
	                    : drift == DRIFT_UNKNOWN ? NAN
	                                             : 0;
	f[F_ENOUGH].value = forecast_enough(&m->load);
	f[F_TARGET].value =
	    how->target_wait >= 0 ? forecast_workers(&m->load, how->target_wait) : NAN;
}

#define NOTE(f, ...) ((void)snprintf((f).note, sizeof((f).note), __VA_ARGS__))

/* What a number is of, and why there is none. */
static void
explain(const struct report *how, struct figure *f, const struct q_stat *st,
    const struct measured *m)
{
	char text[TEXT_DURATION];

	if (isnan(m->window))
		NOTE(f[F_IN], "only %llu messages in 15 min",
		    (unsigned long long)m->seen);
	else
		NOTE(f[F_IN], "%llu messages in %.0f min", (unsigned long long)m->seen,
		    m->window / 60);
	NOTE(f[F_SERVICE], "of %llu deliveries", (unsigned long long)st->service.count);
	NOTE(f[F_GAP_CV2], "1: as if by chance; 0: regular");
	NOTE(f[F_WAIT], "of %llu messages", (unsigned long long)st->wait.count);
	NOTE(f[F_WORKERS], "%s",
	    how->workers > 0 ? "as given" : "most at work at once in 15 min");
	NOTE(f[F_OFFERED], "arrivals and retries, by service time");
	NOTE(f[F_LITTLE], "arrivals by mean wait; %.0f are", m->waiting);
	if (f[F_GROWTH].value == 0 && isnan(f[F_DRAIN].value))
		NOTE(f[F_DRAIN], "as many come as are done");
	if (f[F_LOAD].value >= 1)
		NOTE(f[F_LOAD], "too few workers: there is no steady state");
	NOTE(f[F_CHANCE], "Erlang C");
	if (!isnan(f[F_MODEL_WAIT].value))
		NOTE(f[F_MODEL_WAIT], "by %.3g for variation (Allen-Cunneen)",
		    (m->load.ca2 + m->load.cs2) / 2);
	if (how->target_wait >= 0)
		NOTE(f[F_TARGET], "95 of 100 wait no longer than %s",
		    text_seconds(text, how->target_wait));
}

static void
print_value(const struct figure *f, FILE *out)
{
	char text[TEXT_DURATION], rate[TEXT_DURATION];

	if (isnan(f->value)) {
		(void)fprintf(out, "%12s", "-");
		return;
	}
	switch (f->unit) {
	case SECONDS:
		(void)fprintf(out, "%12s", text_seconds(text, f->value));
		break;
	case RATE:
		(void)snprintf(
		    rate, sizeof(rate), "%.*f/s", f->value < 10 ? 2 : 1, f->value);
		(void)fprintf(out, "%12s", rate);
		break;
	case SHARE:
		(void)fprintf(out, "%11.1f%%", 100 * f->value);
		break;
	case RATIO:
		(void)fprintf(out, f->value < 0.1 ? "%12.2g" : "%12.2f", f->value);
		break;
	case COUNT:
		(void)fprintf(out, "%12.*f",
		    f->value < 100 && f->value != floor(f->value) ? 1 : 0, f->value);
		break;
	}
}

static void
print_text(const struct report *how, const struct figure *f, FILE *out)
{
	bool grows = f[F_GROWTH].value > 0;

	for (int i = 0; i < FIGURES; i++) {
		const char *source = f[i].model ? "model" : "measured";

		if (i == (grows ? F_DRAIN : F_GROWTH) ||
		    (i == F_TARGET && how->target_wait < 0))
			continue;
		if (i == F_WORKERS && how->workers > 0)
			source = "given";
		(void)fprintf(out, "%-30s ", f[i].label);
		print_value(&f[i], out);
		(void)fprintf(out, "  %s", source);
		if (*f[i].note != '\0')
			(void)fprintf(
			    out, "%*s%s", (int)(10 - strlen(source)), "", f[i].note);
		(void)putc('\n', out);
	}
}

static void
print_json(const char *queue, const struct figure *f, FILE *out)
{
	json_t *whole = json_object(), *part[] = { json_object(), json_object() };

	json_set(whole, "queue", json_text(queue));
	for (int i = 0; i < FIGURES; i++)
		json_set_real(part[f[i].model], f[i].name, f[i].value);
	json_set(whole, "measured", part[0]);
	json_set(whole, "model", part[1]);
	json_line(whole, out);
}

void
report_print(
    const struct report *how, const struct board_row *row, q_time now, FILE *out)
{
	struct figure f[FIGURES];
	struct measured m;
	char time[TEXT_TIME];

	memcpy(f, blank, sizeof(f));
	forecast_measure(&row->stat, &m);
	if (how->workers > 0)
		m.load.workers = how->workers;
	measure(f, &row->stat, &m);
	foretell(how, f, &m);
	explain(how, f, &row->stat, &m);
	if (how->json) {
		print_json(row->queue, f, out);
		return;
	}
	text_print(out, row->queue, strlen(row->queue));
	(void)fprintf(out, " at %s\n", text_time(time, now));
	print_text(how, f, out);
	if (isnan(f[F_OFFERED].value))
		(void)fprintf(out,
		    "No forecast of fewer than %d messages, or deliveries.\n",
		    FORECAST_LEAST);
}
