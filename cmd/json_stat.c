/* SPDX-License-Identifier: ISC */
/* What a queue holds, as JSON. */
#include <jansson.h>
#include <math.h>

#include "forecast.h"
#include "json.h"

#include "json_stat.h"

static void
set_uuid(json_t *o, const uint8_t uuid[16])
{
	char text[40], *p = text;

	for (int i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	json_set(o, "uuid", json_string(text));
}

static void
set_histogram(json_t *o, const char *name, const struct q_histogram *h)
{
	bool some = h->count > 0;
	json_t *one = json_object();

	json_set_count(one, "count", h->count);
	json_set_real(one, "mean_seconds", some ? q_histogram_mean(h) : NAN);
	json_set_real(one, "p50_seconds", some ? q_histogram_quantile(h, 0.5) : NAN);
	json_set_real(one, "p90_seconds", some ? q_histogram_quantile(h, 0.9) : NAN);
	json_set_real(one, "p99_seconds", some ? q_histogram_quantile(h, 0.99) : NAN);
	json_set(o, name, one);
}

static void
set_counts(json_t *o, const struct q_stat *st)
{
	const struct {
		const char *name;
		uint64_t n;
	} counts[] = {
		{ "done", st->done },
		{ "expired", st->expired },
		{ "purged", st->purged },
		{ "pushed", st->pushed },
		{ "delivered", st->delivered },
		{ "retried", st->retried },
		{ "failed", st->failed },
		{ "released", st->released },
		{ "lapsed", st->lapsed },
		{ "died", st->died },
		{ "bytes_in", st->bytes_in },
		{ "bytes_out", st->bytes_out },
	};

	for (int state = Q_READY; state < Q_STATES; state++)
		json_set_count(o, q_state_name((enum q_state)state), st->count[state]);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_set_count(o, counts[i].name, counts[i].n);
}

static void
set_rates(json_t *o, const struct q_stat *st)
{
	static const char *const in[] = { "rate_in_1m", "rate_in_5m", "rate_in_15m" };
	static const char *const out[] = { "rate_out_1m", "rate_out_5m",
		"rate_out_15m" };

	for (int i = 0; i < 3; i++)
		json_set_real(o, in[i], st->rate_in[i]);
	for (int i = 0; i < 3; i++)
		json_set_real(o, out[i], st->rate_out[i]);
	json_set_count(o, "leased_most", st->leased_most);
}

static void
set_forecast(json_t *o, const struct q_stat *st)
{
	struct measured m;
	struct forecast f;
	enum drift drift;
	double value = NAN;

	forecast_measure(st, &m);
	forecast_model(&m.load, &f);
	drift = forecast_drift_of(&m, &value);
	json_set_real(o, "utilisation", f.utilisation);
	json_set_real(o, "drain_seconds",
	    drift == DRIFT_DRAINS ? value
	    : drift == DRIFT_NONE ? 0
				  : NAN);
	json_set_real(o, "growth_per_minute",
	    drift == DRIFT_GROWS     ? value
	    : drift == DRIFT_UNKNOWN ? NAN
				     : (m.in - m.out) * 60);
}

void
json_stat(const struct board_row *row, q_time now, FILE *out)
{
	const struct q_stat *st = &row->stat;
	const struct q_usage *u = &row->usage;
	/* The clock may have been set back since it was pushed. */
	double age =
	    st->oldest > now ? 0 : (double)(now - st->oldest) / (double)Q_SECOND;
	json_t *o = json_object();

	json_set(o, "queue", json_text(row->queue));
	set_counts(o, st);
	json_set_real(o, "oldest_seconds", st->oldest == 0 ? NAN : age);
	json_set_time(o, "next_due", st->next_due);
	json_set_time(o, "paused_in", st->paused_in);
	json_set_time(o, "paused_out", st->paused_out);
	json_set_count(o, "bytes", st->bytes);
	json_set_count(o, "disk_bytes", u->allocated);
	json_set_count(o, "used_bytes", u->used);
	json_set_count(o, "free_bytes", u->free);
	json_set_count(o, "files", u->blobs);
	json_set_count(o, "file_bytes", u->blob_bytes);
	set_rates(o, st);
	set_histogram(o, "wait", &st->wait);
	set_histogram(o, "service", &st->service);
	set_histogram(o, "total", &st->total);
	set_histogram(o, "gap", &st->gap);
	set_forecast(o, st);
	json_set(o, "history_damaged", json_boolean(st->history_damaged));
	json_set_time(o, "history_since", st->history_since);
	set_uuid(o, st->uuid);
	json_line(o, out);
}
