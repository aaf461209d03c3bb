/* SPDX-License-Identifier: ISC */
/* Queues in the text format of Prometheus. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "out.h"
#include "text.h"

#include "metrics.h"

/* Where in a row a number is. */
#define AT(field)    offsetof(struct board_row, stat.field)
#define USAGE(field) offsetof(struct board_row, usage.field)

struct family {
	const char *name, *help, *unit; /* unit: NULL if it has none */
	size_t at;                      /* of the number */
};

static const struct family counters[] = {
	{ "qutils_pushed_total", "Messages pushed.", NULL, AT(pushed) },
	{ "qutils_done_total", "Messages acknowledged.", NULL, AT(done) },
	{ "qutils_expired_total", "Messages whose time to live was over.", NULL,
	    AT(expired) },
	{ "qutils_purged_total", "Messages purged.", NULL, AT(purged) },
	{ "qutils_died_total", "Messages that became dead.", NULL, AT(died) },
	{ "qutils_delivered_total", "Deliveries.", NULL, AT(delivered) },
	{ "qutils_retried_total", "Deliveries that were not a message's first.", NULL,
	    AT(retried) },
	{ "qutils_failed_total", "Deliveries reported as failed.", NULL, AT(failed) },
	{ "qutils_released_total", "Deliveries given back.", NULL, AT(released) },
	{ "qutils_lapsed_total", "Deliveries whose lease ended without an answer.",
	    NULL, AT(lapsed) },
	{ "qutils_pushed_bytes_total", "Bytes of bodies pushed.", "bytes",
	    AT(bytes_in) },
	{ "qutils_delivered_bytes_total", "Bytes of bodies delivered.", "bytes",
	    AT(bytes_out) },
};

static const struct family gauges[] = {
	{ "qutils_body_bytes", "Bytes of the bodies in the queue.", "bytes",
	    AT(bytes) },
	{ "qutils_disk_bytes", "Bytes allocated for the data file.", "bytes",
	    USAGE(allocated) },
	{ "qutils_free_bytes", "Bytes of it that later messages use again.", "bytes",
	    USAGE(free) },
	{ "qutils_files", "Files of large bodies and outputs.", NULL, USAGE(blobs) },
	{ "qutils_file_bytes", "Bytes of these files.", "bytes", USAGE(blob_bytes) },
	{ "qutils_leased_most", "Most messages at work at once in 15 minutes.", NULL,
	    AT(leased_most) },
};

static const struct family histograms[] = {
	{ "qutils_wait_seconds",
	    "Time from when a message was ready to its first delivery.", "seconds",
	    AT(wait) },
	{ "qutils_service_seconds", "Time from a delivery to its settling.", "seconds",
	    AT(service) },
	{ "qutils_response_seconds", "Time from the push of a message until done.",
	    "seconds", AT(total) },
	{ "qutils_gap_seconds", "Time from one push to the next.", "seconds", AT(gap) },
};

/* Every octave is enough for a graph: from 128 microseconds to 38 hours. */
enum { BUCKET_FIRST = 14, BUCKET_LAST = 74 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const void *
at(const struct board_row *row, const struct family *f)
{
	return ((const uint8_t *)row + f->at);
}

/* What a label may not have: made visible if it is not UTF-8 or acts on a terminal,
 * then escaped. */
static void
print_label(const char *value, FILE *out)
{
	size_t room = 16 * strlen(value) + 1;
	char *shown = malloc(room);

	if (shown == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	(void)text_escape(shown, room, value, strlen(value));
	for (const char *p = shown; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)putc('\\', out);
		(void)putc(*p, out);
	}
	free(shown);
}

static void
head(const char *name, const char *type, const char *unit, const char *help, FILE *out)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	if (unit != NULL)
		(void)fprintf(out, "# UNIT %s %s\n", name, unit);
}

/* "name{queue="x"", without the closing brace. */
static void
begin(const char *name, const char *suffix, const struct board_row *row, FILE *out)
{
	(void)fprintf(out, "%s%s{queue=\"", name, suffix);
	print_label(row->queue, out);
	(void)putc('"', out);
}

static void
print_counts(const struct family *f, size_t count, const char *type,
    const struct board_row *rows, size_t n, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		head(f[i].name, type, f[i].unit, f[i].help, out);
		for (size_t r = 0; r < n; r++) {
			if (rows[r].failed != NULL)
				continue;
			begin(f[i].name, "", &rows[r], out);
			(void)fprintf(out, "} %" PRIu64 "\n",
			    *(const uint64_t *)at(&rows[r], &f[i]));
		}
	}
}

static void
print_histogram(const struct family *f, const struct board_row *row, FILE *out)
{
	const struct q_histogram *h = at(row, f);
	uint64_t sum = 0;
	size_t next = 0;

	for (size_t i = BUCKET_FIRST; i <= BUCKET_LAST; i += 2) {
		while (next <= i)
			sum += h->bucket[next++];
		begin(f->name, "_bucket", row, out);
		(void)fprintf(out, ",le=\"%.15g\"} %" PRIu64 "\n",
		    (double)q_bucket_bound(i) / 1e9, sum);
	}
	begin(f->name, "_bucket", row, out);
	(void)fprintf(out, ",le=\"+Inf\"} %" PRIu64 "\n", h->count);
	begin(f->name, "_sum", row, out);
	(void)fprintf(
	    out, "} %" PRIu64 ".%06" PRIu64 "\n", h->sum / 1000000, h->sum % 1000000);
	begin(f->name, "_count", row, out);
	(void)fprintf(out, "} %" PRIu64 "\n", h->count);
}

static void
print_messages(const struct board_row *rows, size_t n, FILE *out)
{
	head("qutils_messages", "gauge", NULL, "Messages in the queue, by state.", out);
	for (size_t r = 0; r < n; r++)
		for (int s = Q_READY; s < Q_STATES && rows[r].failed == NULL; s++) {
			begin("qutils_messages", "", &rows[r], out);
			(void)fprintf(out, ",state=\"%s\"} %" PRIu64 "\n",
			    q_state_name((enum q_state)s), rows[r].stat.count[s]);
		}
}

static void
print_oldest(const struct board_row *rows, size_t n, q_time now, FILE *out)
{
	head("qutils_oldest_seconds", "gauge", "seconds",
	    "Age of the oldest ready message; 0 if there is none.", out);
	for (size_t r = 0; r < n; r++) {
		q_time oldest = rows[r].stat.oldest;

		if (rows[r].failed != NULL)
			continue;
		begin("qutils_oldest_seconds", "", &rows[r], out);
		(void)fprintf(out, "} %.6f\n",
		    oldest == 0 || oldest > now ? 0 : (double)(now - oldest) / 1e9);
	}
}

static void
print_up(const struct board_row *rows, size_t n, FILE *out)
{
	head("qutils_up", "gauge", NULL, "Whether the queue could be read.", out);
	for (size_t r = 0; r < n; r++) {
		begin("qutils_up", "", &rows[r], out);
		(void)fprintf(out, "} %d\n", rows[r].failed == NULL);
	}
}

void
metrics_print(const struct board_row *rows, size_t n, q_time now, FILE *out)
{
	print_up(rows, n, out);
	print_messages(rows, n, out);
	print_oldest(rows, n, now, out);
	print_counts(gauges, COUNT(gauges), "gauge", rows, n, out);
	print_counts(counters, COUNT(counters), "counter", rows, n, out);
	for (size_t i = 0; i < COUNT(histograms); i++) {
		const struct family *f = &histograms[i];

		head(f->name, "histogram", f->unit, f->help, out);
		for (size_t r = 0; r < n; r++)
			if (rows[r].failed == NULL)
				print_histogram(f, &rows[r], out);
	}
	(void)fputs("# EOF\n", out);
}

/* Not flushed to the disk: after a power cut the next run writes it again. */
static int
write_temp(const struct board_row *rows, size_t n, q_time now, int fd)
{
	FILE *out = fdopen(fd, "w");
	int rc;

	if (out == NULL)
		return (-1);
	metrics_print(rows, n, now, out);
	rc = ferror(out) || fflush(out) != 0 ? -1 : fchmod(fd, 0644);
	/* An error of close() would be one of a file system that is refused. */
	(void)fclose(out);
	return (rc);
}

int
metrics_write(const struct board_row *rows, size_t n, q_time now, const char *file)
{
	char *temp = NULL;
	int fd, rc;

	if (!out_replaces(file)) {
		FILE *out = fopen(file, "we");

		if (out != NULL)
			metrics_print(rows, n, now, out);
		rc = out == NULL || ferror(out) ? -1 : 0;
		if (out != NULL && fclose(out) != 0)
			rc = -1;
	} else {
		if (asprintf(&temp, "%s.XXXXXX", file) == -1)
			diag_die(DIAG_FAILED, NULL, "out of memory");
		fd = mkostemp(temp, O_CLOEXEC);
		rc = fd == -1 ? -1 : write_temp(rows, n, now, fd);
		if (rc == 0)
			rc = rename(temp, file);
	}
	if (rc != 0) {
		diag_error(file, "%s", strerror(errno));
		if (temp != NULL && *temp != '\0')
			(void)unlink(temp);
	}
	free(temp);
	return (rc);
}
