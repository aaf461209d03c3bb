/* SPDX-License-Identifier: ISC */
/* Any line is a message or refused; a message keeps within the bounds of a push. */
#include <stdlib.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char headers[] = "a=1\0b=2";
	struct json_push j = { .push = { .headers = headers,
				   .headers_size = sizeof(headers) } };

	if (json_parse((const char *)data, size, 1800000000 * Q_SECOND, &j) == NULL &&
	    (j.push.body == NULL || j.push.priority < Q_MIN_PRIORITY ||
		j.push.priority > Q_MAX_PRIORITY || j.push.delay < 0 ||
		j.push.due < 0 || j.push.ttl < 0 ||
		j.push.headers_size > Q_MAX_HEADERS))
		abort();
	json_push_free(&j);
	return (0);
}
