/* SPDX-License-Identifier: ISC */
/* Conditions on queues, answered as plugins of Nagios do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cond.h"
#include "diag.h"
#include "text.h"

#include "check.h"

static const char *const names[] = {
	[CHECK_OK] = "OK",
	[CHECK_WARNING] = "WARNING",
	[CHECK_CRITICAL] = "CRITICAL",
	[CHECK_UNKNOWN] = "UNKNOWN",
};

static void *
more(void *p, size_t n, size_t size)
{
	if ((p = reallocarray(p, n, size)) == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	return (p);
}

void
check_add(struct check *check, const char *text, enum check_status level)
{
	check->text = more(check->text, check->n + 1, sizeof(*check->text));
	check->level = more(check->level, check->n + 1, sizeof(*check->level));
	check->text[check->n] = text;
	check->level[check->n++] = level;
}

void
check_free(struct check *check)
{
	free(check->text);
	free(check->level);
}

static enum check_status
worse(enum check_status a, enum check_status b)
{
	static const int rank[] = {
		[CHECK_OK] = 0,
		[CHECK_WARNING] = 1,
		[CHECK_UNKNOWN] = 2,
		[CHECK_CRITICAL] = 3,
	};

	return (rank[a] > rank[b] ? a : b);
}

/* Without what has a meaning there: the line is cut at its '|'. */
static void
print_name(const char *name, const char *without, FILE *out)
{
	for (const char *p = name; *p != '\0';) {
		size_t n = strcspn(p, without);

		text_print(out, p, n);
		p += n;
		if (*p != '\0') {
			(void)putc('_', out);
			p++;
		}
	}
}

static enum check_status
status_of(const struct board_row *row, const struct cond *c, enum check_status level,
    q_time now)
{
	if (row->failed != NULL)
		return (CHECK_UNKNOWN);
	if (row->stat.history_damaged && cond_of_history(c))
		return (CHECK_UNKNOWN);
	return (cond_met(c, &row->stat, now) ? level : CHECK_OK);
}

static enum check_status
judge(const struct check *check, const struct cond *conds, const struct board_row *row,
    q_time now)
{
	enum check_status status = CHECK_OK;

	for (size_t i = 0; i < check->n; i++)
		status = worse(status, status_of(row, &conds[i], check->level[i], now));
	return (status);
}

/* What is not as it should be of a queue: " jobs: ready 5 > 4". */
static void
print_reasons(const struct check *check, const struct cond *conds,
    const struct board_row *row, q_time now, FILE *out)
{
	static const enum check_status worst_first[] = { CHECK_CRITICAL, CHECK_UNKNOWN,
		CHECK_WARNING };
	const char *before = ": ";

	(void)putc(' ', out);
	print_name(row->queue, "|", out);
	if (row->failed != NULL) {
		(void)fputs(": ", out);
		print_name(row->failed, "|", out);
		return;
	}
	for (size_t k = 0; k < 3 * check->n; k++) {
		size_t i = k % check->n;
		const struct cond *c = &conds[i];
		enum check_status s = status_of(row, c, check->level[i], now);
		char value[COND_TEXT], limit[COND_TEXT];

		if (s != worst_first[k / check->n])
			continue;
		if (s == CHECK_UNKNOWN)
			(void)fprintf(out, "%s%s is damaged", before, cond_name(c));
		else
			(void)fprintf(out, "%s%s %s %s %s", before, cond_name(c),
			    cond_text(value, c, cond_value(c, &row->stat, now)),
			    cond_op(c), cond_text(limit, c, c->limit));
		before = ", ";
	}
}

/* A limit as the range outside of which a number is worth an alarm. */
static void
print_range(const struct check *check, const struct cond *conds, size_t i,
    enum check_status level, FILE *out)
{
	(void)putc(';', out);
	for (size_t j = 0; j < check->n; j++)
		if (check->level[j] == level && conds[j].name == conds[i].name &&
		    *cond_op(&conds[j]) != '=') {
			(void)fprintf(out, "%.15g%s", conds[j].limit,
			    *cond_op(&conds[j]) == '<' ? ":" : "");
			return;
		}
}

/* " 'jobs ready'=5;;1000;0" for each number once. */
static void
print_numbers(const struct check *check, const struct cond *conds,
    const struct board_row *row, q_time now, FILE *out)
{
	for (size_t i = 0; i < check->n; i++) {
		double value = cond_value(&conds[i], &row->stat, now);
		size_t first = 0;

		while (conds[first].name != conds[i].name)
			first++;
		if (first < i)
			continue;
		(void)fputs(" '", out);
		print_name(row->queue, "|='", out);
		(void)fprintf(out, " %s'=", cond_name(&conds[i]));
		if (isnan(value))
			(void)putc('U', out);
		else
			(void)fprintf(out, "%.15g%s", value, cond_unit(&conds[i]));
		print_range(check, conds, i, CHECK_WARNING, out);
		print_range(check, conds, i, CHECK_CRITICAL, out);
		(void)fputs(";0", out);
	}
}

static int
unknown(const char *why, FILE *out)
{
	(void)fputs("QSTAT UNKNOWN - ", out);
	print_name(why, "|", out);
	(void)putc('\n', out);
	return (CHECK_UNKNOWN);
}

int
check_print(const struct check *check, const struct board_row *rows, size_t n,
    q_time now, FILE *out)
{
	struct cond *conds = more(NULL, check->n + 1, sizeof(*conds));
	enum check_status status = CHECK_OK;
	const char *why = n == 0 ? "no queues" : NULL, *before = "";

	for (size_t i = 0; i < check->n && why == NULL; i++)
		why = cond_parse(check->text[i], &conds[i]);
	if (why != NULL) {
		free(conds);
		return (unknown(why, out));
	}
	for (size_t i = 0; i < n; i++)
		status = worse(status, judge(check, conds, &rows[i], now));
	(void)fprintf(out, "QSTAT %s -", names[status]);
	if (status == CHECK_OK)
		(void)fprintf(out, " %zu queue%s as wanted", n, n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++) {
		if (judge(check, conds, &rows[i], now) == CHECK_OK)
			continue;
		(void)fputs(before, out);
		print_reasons(check, conds, &rows[i], now, out);
		before = ";";
	}
	(void)fputs(" |", out);
	for (size_t i = 0; i < n; i++)
		if (rows[i].failed == NULL)
			print_numbers(check, conds, &rows[i], now, out);
	(void)putc('\n', out);
	free(conds);
	return (status);
}
