/* SPDX-License-Identifier: ISC */
/* Any line of a dump is its head, its end, a message, or refused. */
#include <stdlib.h>
#include <string.h>

#include "dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	struct dump_head head;
	struct dumped d;

	if (dump_parse_head(line, size, &head) == NULL && head.options > Q_OPTIONS)
		abort();
	(void)dump_is_end(line, size);
	if (dump_parse(line, size, size % 2, 1800000000 * Q_SECOND, &d) != NULL)
		return (0);
	if (d.msg.id == 0 || d.msg.state < Q_READY || d.msg.state >= Q_STATES ||
	    d.msg.priority < Q_MIN_PRIORITY || d.msg.priority > Q_MAX_PRIORITY ||
	    (d.msg.key != NULL && strlen(d.msg.key) > Q_MAX_KEY) ||
	    d.msg.headers_size > Q_MAX_HEADERS)
		abort();
	dump_free(&d);
	return (0);
}
