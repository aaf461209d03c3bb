/* SPDX-License-Identifier: ISC */
/* Keys that several messages of one push have. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "unique.h"

#include "repeat.h"

struct entry {
	uint8_t hash[16];
	size_t i; /* of the message */
};

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = memcmp(x->hash, y->hash, sizeof(x->hash));

	return (c != 0 ? c : (x->i > y->i) - (x->i < y->i));
}

int
repeat_find(
    const struct txn *t, const struct q_push *messages, size_t n, bool **repeated)
{
	struct entry *list;
	size_t keyed = 0;
	bool *found;

	*repeated = NULL;
	for (size_t i = 0; i < n; i++)
		keyed += messages[i].key != NULL;
	if (keyed < 2)
		return (0);
	list = calloc(keyed, sizeof(*list));
	found = calloc(n, sizeof(*found));
	if (list == NULL || found == NULL) {
		free(list);
		free(found);
		return (fail(Q_ENOMEM, "out of memory"));
	}
	for (size_t i = 0, k = 0; i < n; i++)
		if (messages[i].key != NULL) {
			unique_hash(
			    t, messages[i].key, strlen(messages[i].key), list[k].hash);
			list[k++].i = i;
		}
	qsort(list, keyed, sizeof(*list), compare);
	for (size_t k = 1; k < keyed; k++)
		found[list[k].i] =
		    memcmp(list[k].hash, list[k - 1].hash, sizeof(list[k].hash)) == 0;
	free(list);
	*repeated = found;
	return (0);
}
