/* SPDX-License-Identifier: ISC */
/* Exit statuses of a COMMAND, and what they mean for its message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "parse.h"
#include "text.h"

#include "verdict.h"

/* By convention of sysexits(3) and of qmail. */
static const struct {
	int status;
	enum q_verb verb;
	bool failed, unable;
} fixed[] = {
	{ 0, Q_ACK, false, false },
	{ 75, Q_RELEASE, false, false }, /* not now */
	{ 111, Q_RELEASE, false, false },
	{ 126, Q_RELEASE, true, true }, /* the shell's: not executable, not found */
	{ 127, Q_RELEASE, true, true },
};

static void
add(struct verdict_set *set, unsigned status)
{
	set->bit[status / 8] |= (uint8_t)(1U << status % 8);
}

void
verdict_dead_default(struct verdict_set *dead)
{
	*dead = (struct verdict_set){ 0 };
	add(dead, 65);
	add(dead, 100);
}

/* "65" or "100-110". */
static const char *
parse_range(char *range, struct verdict_set *set)
{
	char *dash = strchr(range, '-');
	uint64_t first, last;
	const char *why;

	if (dash != NULL)
		*dash = '\0';
	if ((why = parse_count(range, 1, 255, &first)) != NULL)
		return (why);
	last = first;
	if (dash != NULL && (why = parse_count(dash + 1, first, 255, &last)) != NULL)
		return (why);
	for (uint64_t s = first; s <= last; s++)
		add(set, (unsigned)s);
	return (NULL);
}

const char *
verdict_dead_parse(const char *list, struct verdict_set *dead)
{
	char *copy = strdup(list), *rest = copy, *range;
	struct verdict_set set = { 0 };
	const char *why = NULL;

	if (copy == NULL)
		return ("out of memory");
	while (why == NULL && (range = strsep(&rest, ",")) != NULL)
		why = parse_range(range, &set);
	if (why == NULL)
		*dead = set;
	free(copy);
	return (why);
}

/* By the tables; how says in what way it came: "exited". */
static struct verdict
judge(unsigned code, const struct verdict_set *dead, const char *how)
{
	struct verdict v = { .verb = Q_FAIL, .failed = true };

	(void)snprintf(v.reason, sizeof(v.reason), "%s %u", how, code);
	if (dead->bit[code / 8] & 1U << code % 8) {
		v.verb = Q_KILL;
		return (v);
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if ((unsigned)fixed[i].status == code) {
			v.verb = fixed[i].verb;
			v.failed = fixed[i].failed;
			v.later = v.verb == Q_RELEASE && !v.failed;
			v.unable = fixed[i].unable;
		}
	return (v);
}

struct verdict
verdict_said(int code, const struct verdict_set *dead)
{
	struct verdict v = judge((unsigned)code, dead, "reported");

	v.said = true;
	return (v);
}

struct verdict
verdict_of(int status, const struct verdict_set *dead, q_time timed_out)
{
	struct verdict v = { .verb = Q_FAIL, .failed = true };
	char limit[TEXT_DURATION], name[TEXT_SIGNAL];
	unsigned code = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;

	if (timed_out > 0) {
		(void)snprintf(v.reason, sizeof(v.reason), "timed out after %s",
		    text_duration(limit, timed_out));
		return (v);
	}
	if (WIFSIGNALED(status)) {
		(void)snprintf(v.reason, sizeof(v.reason), "killed by %s",
		    text_signal(name, WTERMSIG(status)));
		return (v);
	}
	return (judge(code, dead, "exited"));
}
