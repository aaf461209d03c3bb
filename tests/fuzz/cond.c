/* SPDX-License-Identifier: ISC */
/* Any text is a condition with a limit, or refused with a reason for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cond.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct q_stat st = { .count = { [Q_READY] = 5 } };
	char *text = malloc(size + 1), buf[COND_TEXT];
	struct cond c;
	const char *why;

	memcpy(text, data, size);
	text[size] = '\0';
	why = cond_parse(text, &c);
	if (why != NULL) {
		if (*why == '\0' || !text_is_utf8(why, strlen(why)))
			abort();
	} else {
		if (!isfinite(c.limit) || c.limit < 0 || !cond_looks_like(text))
			abort();
		(void)cond_text(buf, &c, c.limit);
		(void)cond_met(&c, &st, 0);
	}
	free(text);
	return (0);
}
