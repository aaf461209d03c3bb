/* SPDX-License-Identifier: ISC */
/*
 * A consumer that is told what to do:
 *
 *     taker DIR N AHEAD
 *
 * takes N messages, the last AHEAD of them ahead, and prints a line for each, "ID now"
 * or "ID ahead". Then it reads lines: "begin ID", "return ID", "release ID", "fail ID"
 * and "ack ID" settle, "keep" looks after the leases; each is answered by "done" or by
 * the error. At the end of its input it ends, without settling more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "q.h"

static const struct {
	const char *name;
	enum q_verb verb;
} verbs[] = {
	{ "ack", Q_ACK },
	{ "release", Q_RELEASE },
	{ "fail", Q_FAIL },
	{ "begin", Q_BEGIN },
	{ "return", Q_RETURN },
};

static void
answer(int rc)
{
	printf("%s\n", rc == 0 ? "done" : q_errmsg());
	(void)fflush(stdout);
}

static void
settle(struct q *q, const struct q_batch *b, const char *verb, uint64_t id)
{
	struct q_finish f = { 0 };
	int rc;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			f.how.verb = verbs[i].verb;
	for (size_t i = 0; i < q_batch_count(b); i++)
		if (q_batch_get(b, i)->id == id)
			f.msg = q_batch_get(b, i);
	if (f.msg == NULL || f.how.verb == 0) {
		printf("what?\n");
		(void)fflush(stdout);
		return;
	}
	if ((rc = q_exchange(q, &f, 1, NULL, NULL)) == 0 && f.result.code != 0) {
		printf("%s\n", q_strerror(f.result.code));
		(void)fflush(stdout);
		return;
	}
	answer(rc);
}

int
main(int argc, char **argv)
{
	struct q_take take = { 0 };
	struct q_batch *b = NULL;
	char line[128], verb[32];
	struct q *q = NULL;
	uint64_t id;
	int rc;

	if (argc != 4)
		return (2);
	take.n = strtoul(argv[2], NULL, 10);
	take.ahead = strtoul(argv[3], NULL, 10);
	if ((rc = q_open(argv[1], NULL, &q)) != 0 || (rc = q_take(q, &take, &b)) != 0) {
		fprintf(stderr, "taker: %s\n", q_errmsg());
		q_close(q);
		return (rc == Q_EMPTY ? 1 : 3);
	}
	for (size_t i = 0; i < q_batch_count(b); i++)
		printf("%" PRIu64 " %s\n", q_batch_get(b, i)->id,
		    q_batch_get(b, i)->ahead ? "ahead" : "now");
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "keep\n") == 0)
			answer(q_keep(q));
		else if (sscanf(line, "%31s %" SCNu64, verb, &id) == 2)
			settle(q, b, verb, id);
	}
	q_batch_free(b);
	q_close(q);
	return (0);
}
