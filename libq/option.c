/* SPDX-License-Identifier: ISC */
/* The table of a queue's options. */
#include "option.h"

#define SECONDS(n) ((uint64_t)(n) * (uint64_t)Q_SECOND)
#define YEAR       SECONDS(365 * 86400)
#define GIB        ((uint64_t)1 << 30)

static const char *const group_on_dead[] = { "skip", "hold" };

static const char *const results[] = { "asked", "all" };

static const struct q_option_info table[Q_OPTIONS] = {
	[Q_OPT_MAX_MESSAGES] = { "max-messages", Q_COUNT, 0, UINT64_MAX >> 1, 100000000,
	    "messages in the queue, of every state (0: no limit)" },
	[Q_OPT_MAX_BYTES] = { "max-bytes", Q_SIZE, 0, UINT64_MAX >> 1, 256 * GIB,
	    "bytes of all bodies in the queue (0: no limit)" },
	[Q_OPT_MAX_BODY] = { "max-body", Q_SIZE, 0, UINT64_MAX >> 1, 16 * GIB,
	    "bytes of one body (0: no limit)" },
	[Q_OPT_INLINE] = { "inline", Q_SIZE, 4096, 64 << 20, 1 << 20,
	    "larger bodies are files of their own" },
	[Q_OPT_MAX_ATTEMPTS] = { "max-attempts", Q_COUNT, 1, 1000000, 20,
	    "attempts before a message is dead" },
	[Q_OPT_BACKOFF] = { "backoff", Q_DURATION, 0, YEAR, SECONDS(5),
	    "wait after the first failure; doubles with each" },
	[Q_OPT_BACKOFF_MAX] = { "backoff-max", Q_DURATION, 0, YEAR, SECONDS(3600),
	    "longest wait after a failure" },
	[Q_OPT_REMEMBER] = { "remember", Q_DURATION, 0, YEAR, SECONDS(3600),
	    "how long the receipt of a finished message is known" },
	[Q_OPT_MAX_LEASED] = { "max-leased", Q_COUNT, 0, UINT64_MAX >> 1, 0,
	    "messages leased at once, by all takers (0: no limit)" },
	[Q_OPT_RATE] = { "rate", Q_COUNT, 0, 1000000, 0,
	    "deliveries a second, to all takers (0: no limit)" },
	[Q_OPT_WINDOW] = { "window", Q_DURATION, 0, YEAR, 0,
	    "how long the key of a finished message is refused" },
	[Q_OPT_GROUP_ON_DEAD] = { "group-on-dead", Q_CHOICE, Q_GROUP_SKIP, Q_GROUP_HOLD,
	    Q_GROUP_SKIP, "whether a dead message holds its group (skip, hold)",
	    group_on_dead },
	[Q_OPT_RESULTS] = { "results", Q_CHOICE, Q_RESULTS_ASKED, Q_RESULTS_ALL,
	    Q_RESULTS_ASKED, "of which messages results are kept (asked, all)",
	    results },
	[Q_OPT_RESULT_KEEP] = { "result-keep", Q_DURATION, 0, YEAR, SECONDS(3600),
	    "how long the result of a message is kept" },
	[Q_OPT_LOG] = { "log", Q_DURATION, 0, 10 * YEAR, 0,
	    "how long what happens is kept, for 'qwatch --since' (0: not at all)" },
};

const struct q_option_info *
q_option_info(enum q_option option)
{
	return ((unsigned)option < Q_OPTIONS ? &table[option] : NULL);
}

void
option_defaults(uint64_t values[Q_OPTIONS])
{
	for (size_t i = 0; i < Q_OPTIONS; i++)
		values[i] = table[i].initial;
}
