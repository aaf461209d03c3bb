/* SPDX-License-Identifier: ISC */
/* Options of a queue and their values, as people write them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "near.h"
#include "parse.h"

#include "value.h"

static const struct unit {
	const char *name;
	uint64_t size;
} sizes[] = {
	{ "T", (uint64_t)1 << 40 },
	{ "G", (uint64_t)1 << 30 },
	{ "M", (uint64_t)1 << 20 },
	{ "K", (uint64_t)1 << 10 },
	{ "", 1 },
}, durations[] = {
	{ "d", (uint64_t)86400 * Q_SECOND },
	{ "h", (uint64_t)3600 * Q_SECOND },
	{ "m", (uint64_t)60 * Q_SECOND },
	{ "s", (uint64_t)Q_SECOND },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

static _Thread_local char error[512];

/* In the coarsest unit that leaves no rest. */
static void
format(char buf[VALUE_TEXT], const struct unit *u, uint64_t n)
{
	while (n % u->size != 0)
		u++;
	snprintf(buf, VALUE_TEXT, "%" PRIu64 "%s", n / u->size, u->name);
}

const char *
value_format(char buf[VALUE_TEXT], const struct value *value)
{
	uint64_t n = value->value;
	enum q_kind kind = q_option_info(value->option)->kind;

	if (kind == Q_CHOICE)
		snprintf(
		    buf, VALUE_TEXT, "%s", q_option_info(value->option)->choices[n]);
	else if (n == 0 || kind == Q_COUNT)
		snprintf(buf, VALUE_TEXT, "%" PRIu64, n);
	else
		format(buf, kind == Q_SIZE ? sizes : durations, n);
	return (buf);
}

/* What one may look for, and why it is not here. */
static const struct {
	const char *name, *why;
} absent[] = {
	{ "lease", "who takes a message says for how long: see --lease in qpop(1)" },
	{ "sync", "what is stored is on disk when a command says so, always" },
	{ "mode", "give it as --mode=MODE to 'qctl create'" },
	{ "group", "give it as --group=NAME to 'qctl create'" },
};

/* Where there is no option of that name. */
static const char *
unknown(const char *name, size_t n)
{
	struct near near = { .word = name, .n = n };
	int shown = n < 64 ? (int)n : 64;
	size_t used;

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (strlen(absent[i].name) == n &&
		    strncmp(absent[i].name, name, n) == 0) {
			snprintf(error, sizeof(error), "there is no option '%.*s': %s",
			    shown, name, absent[i].why);
			return (error);
		}
	for (int i = 0; i < Q_OPTIONS; i++)
		near_try(&near, q_option_info((enum q_option)i)->name);
	snprintf(error, sizeof(error), "unknown option '%.*s'; %s", shown, name,
	    near.found != NULL ? "did you mean" : "there are");
	for (int i = 0; i < Q_OPTIONS && near.found == NULL; i++) {
		used = strlen(error);
		snprintf(error + used, sizeof(error) - used, "%s %s", i > 0 ? "," : "",
		    q_option_info((enum q_option)i)->name);
	}
	used = strlen(error);
	if (near.found != NULL)
		snprintf(error + used, sizeof(error) - used, " '%s'?", near.found);
	return (error);
}

static const char *
find(const char *name, size_t n, enum q_option *option)
{
	for (int i = 0; i < Q_OPTIONS; i++) {
		const char *known = q_option_info((enum q_option)i)->name;

		if (strlen(known) == n && strncmp(known, name, n) == 0) {
			*option = (enum q_option)i;
			return (NULL);
		}
	}
	return (unknown(name, n));
}

const char *
value_option(const char *name, enum q_option *option)
{
	return (find(name, strlen(name), option));
}

static const char *
choice(const struct q_option_info *info, const char *text, uint64_t *n)
{
	static _Thread_local char why[256];
	size_t used = 0;

	for (*n = info->min; *n <= info->max; ++*n)
		if (strcmp(info->choices[*n], text) == 0)
			return (NULL);
	for (uint64_t i = info->min; i <= info->max; i++)
		used += (size_t)snprintf(why + used, sizeof(why) - used, "%s%s",
		    i > info->min ? " or " : "", info->choices[i]);
	snprintf(why + used, sizeof(why) - used, ", not '%.64s'", text);
	return (why);
}

/* The number alone, of that kind. */
static const char *
number(const struct q_option_info *info, const char *text, uint64_t *n)
{
	const char *why;
	int64_t ns = 0;

	switch (info->kind) {
	case Q_SIZE:
		return (parse_size(text, n));
	case Q_DURATION:
		why = parse_duration(text, &ns);
		*n = (uint64_t)ns;
		return (why);
	case Q_CHOICE:
		return (choice(info, text, n));
	default:
		return (parse_count(text, info->min, info->max, n));
	}
}

const char *
value_parse(const char *setting, struct value *value)
{
	const char *text = strchr(setting, '='), *why;
	const struct q_option_info *info;
	struct value v, bound;
	char min[VALUE_TEXT], max[VALUE_TEXT];

	if (text == NULL) {
		snprintf(error, sizeof(error), "'%.64s' is not OPTION=VALUE", setting);
		return (error);
	}
	if ((why = find(setting, (size_t)(text - setting), &v.option)) != NULL)
		return (why);
	info = q_option_info(v.option);
	if ((why = number(info, ++text, &v.value)) != NULL) {
		snprintf(error, sizeof(error), "%s: %s", info->name, why);
		return (error);
	}
	if (v.value < info->min || v.value > info->max) {
		bound = (struct value){ v.option, info->min };
		value_format(min, &bound);
		bound.value = info->max;
		value_format(max, &bound);
		snprintf(error, sizeof(error), "%s: %.64s is not between %s and %s",
		    info->name, text, min, max);
		return (error);
	}
	*value = v;
	return (NULL);
}
