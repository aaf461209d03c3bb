/* SPDX-License-Identifier: ISC */
/* Rules and a dashboard for monitoring systems. */
#include <jansson.h>

#include "json.h"

#include "monitoring.h"

static const struct {
	const char *name, *expr, *lasts, *severity, *summary;
} alerts[] = {
	{ "QutilsUnreadable", "qutils_up == 0", "5m", "critical",
	    "Queue {{ $labels.queue }} cannot be read" },
	{ "QutilsDead", "increase(qutils_died_total[15m]) > 0", "0m", "warning",
	    "Messages of {{ $labels.queue }} became dead" },
	{ "QutilsOldest", "qutils_oldest_seconds > 600", "5m", "warning",
	    "A message of {{ $labels.queue }} has been ready for "
	    "{{ $value | humanizeDuration }}" },
	{ "QutilsStalled",
	    "qutils_messages{state=\"ready\"} > 0 "
	    "and on(instance, queue) rate(qutils_delivered_total[10m]) == 0",
	    "10m", "critical", "Nobody takes the messages of {{ $labels.queue }}" },
	{ "QutilsGrowing",
	    "deriv(qutils_messages{state=\"ready\"}[30m]) > 0 "
	    "and on(instance, queue) qutils_messages{state=\"ready\"} > 1000",
	    "30m", "warning", "The backlog of {{ $labels.queue }} grows" },
	{ "QutilsFailing",
	    "rate(qutils_failed_total[15m]) / rate(qutils_delivered_total[15m]) > 0.5",
	    "15m", "warning",
	    "{{ $value | humanizePercentage }} of the deliveries of "
	    "{{ $labels.queue }} fail" },
	{ "QutilsLapsing", "increase(qutils_lapsed_total[15m]) > 0", "15m", "warning",
	    "Leases of {{ $labels.queue }} end without an answer" },
};

static const struct {
	const char *title, *unit, *expr, *legend;
} panels[] = {
	{ "Messages by state", "short",
	    "sum by (queue, state) (qutils_messages{queue=~\"$queue\"})",
	    "{{queue}} {{state}}" },
	{ "Oldest ready message", "s", "qutils_oldest_seconds{queue=~\"$queue\"}",
	    "{{queue}}" },
	{ "Pushed", "ops", "rate(qutils_pushed_total{queue=~\"$queue\"}[5m])",
	    "{{queue}}" },
	{ "Done", "ops", "rate(qutils_done_total{queue=~\"$queue\"}[5m])",
	    "{{queue}}" },
	{ "Wait, 99th percentile", "s",
	    "histogram_quantile(0.99, sum by (queue, le) "
	    "(rate(qutils_wait_seconds_bucket{queue=~\"$queue\"}[5m])))",
	    "{{queue}}" },
	{ "Service time, mean", "s",
	    "rate(qutils_service_seconds_sum{queue=~\"$queue\"}[5m]) / "
	    "rate(qutils_service_seconds_count{queue=~\"$queue\"}[5m])",
	    "{{queue}}" },
	{ "Workers kept busy", "short",
	    "rate(qutils_service_seconds_sum{queue=~\"$queue\"}[5m])", "{{queue}}" },
	{ "Failed, lapsed and dead", "ops",
	    "rate({__name__=~\"qutils_(failed|lapsed|died)_total\","
	    "queue=~\"$queue\"}[5m])",
	    "{{queue}} {{__name__}}" },
	{ "Bytes of bodies", "bytes", "qutils_body_bytes{queue=~\"$queue\"}",
	    "{{queue}}" },
	{ "Bytes on disk", "bytes", "qutils_disk_bytes{queue=~\"$queue\"}",
	    "{{queue}}" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WIDTH = 12, HEIGHT = 8 }; /* of a panel; Grafana is 24 wide */

/* Texts stand between single quotes, of which they have none. */
void
monitoring_alert_rules(FILE *out)
{
	(void)fputs("groups:\n  - name: qutils\n    rules:\n", out);
	for (size_t i = 0; i < COUNT(alerts); i++)
		(void)fprintf(out,
		    "      - alert: %s\n"
		    "        expr: '%s'\n"
		    "        for: %s\n"
		    "        labels:\n"
		    "          severity: %s\n"
		    "        annotations:\n"
		    "          summary: '%s'\n",
		    alerts[i].name, alerts[i].expr, alerts[i].lasts, alerts[i].severity,
		    alerts[i].summary);
}

static json_t *
source(void)
{
	return (json_pack("{s:s, s:s}", "type", "prometheus", "uid", "${datasource}"));
}

static json_t *
panel(size_t i)
{
	int x = (int)(i % 2) * WIDTH, y = (int)(i / 2) * HEIGHT;

	return (
	    json_pack("{s:i, s:s, s:s, s:o, s:{s:i, s:i, s:i, s:i}, s:{s:{s:s}, s:[]}, "
		      "s:[{s:s, s:o, s:s, s:s}]}",
		"id", (int)i + 1, "type", "timeseries", "title", panels[i].title,
		"datasource", source(), "gridPos", "x", x, "y", y, "w", (int)WIDTH, "h",
		(int)HEIGHT, "fieldConfig", "defaults", "unit", panels[i].unit,
		"overrides", "targets", "refId", "A", "datasource", source(), "expr",
		panels[i].expr, "legendFormat", panels[i].legend));
}

/* Which Prometheus, and which queues of it. */
static json_t *
variables(void)
{
	return (
	    json_pack("{s:[{s:s, s:s, s:s}, {s:s, s:s, s:o, s:s, s:s, s:b, s:b, s:i}]}",
		"list", "name", "datasource", "type", "datasource", "query",
		"prometheus", "name", "queue", "type", "query", "datasource", source(),
		"query", "label_values(qutils_up, queue)", "definition",
		"label_values(qutils_up, queue)", "multi", 1, "includeAll", 1,
		"refresh", 2));
}

void
monitoring_dashboard(FILE *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(panels); i++)
		(void)json_array_append_new(list, panel(i));
	json_line(
	    json_pack("{s:s, s:s, s:i, s:s, s:{s:s, s:s}, s:o, s:o}", "title", "qutils",
		"uid", "qutils", "schemaVersion", 36, "refresh", "30s", "time", "from",
		"now-6h", "to", "now", "templating", variables(), "panels", list),
	    out);
}
