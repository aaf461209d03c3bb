/* SPDX-License-Identifier: ISC */
#ifndef MESSAGE_H
#define MESSAGE_H

/*
 * The immutable record of a message, in the table body: what the pusher said, and the
 * body itself or the size and checksum of the file that holds it. Layout in q(5).
 */

#include "q.h"

enum message_flag { /* which optional fields follow, in this order */
	MSG_EXPIRES = 1 << 0,
	MSG_ATTEMPTS = 1 << 1,
	MSG_KEY = 1 << 2,
	MSG_GROUP = 1 << 3,
	MSG_HEADERS = 1 << 4,
	MSG_BLOB = 1 << 5,
	MSG_RESULT =
	    1 << 6, /* without a field: its pusher waits for what becomes of it */
	MSG_KNOWN = (1 << 7) - 1,
};

struct message {
	uint16_t flags;
	uint8_t rank; /* of its priority, as in policy.h: lower goes first */
	q_time pushed, expires;
	uint32_t uid, max_attempts;
	const char *key, *group; /* not NUL-terminated */
	size_t key_size, group_size;
	const char *headers; /* NAME=VALUE, each with its NUL */
	size_t headers_size;
	const void *body; /* NULL for a blob */
	uint64_t size;
	uint64_t blob_hash;
};

/* Bytes of the record; m->flags says which fields it has. */
size_t message_size(const struct message *m);
/* Write the record of message id, message_size() bytes. */
void message_encode(const struct message *m, uint64_t id, uint8_t *record);
/* The most bytes of a record with an inline body of that size. */
size_t message_most(uint64_t body);
/* m points into record. Q_ECORRUPT: it is not, whole, the record of message id. */
int message_decode(const void *record, size_t size, uint64_t id, struct message *m);
/* Whether headers are NAME=VALUE\0 ..., with names fit for an environment. */
int message_check_headers(const char *headers, size_t size);

#endif
