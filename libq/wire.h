/* SPDX-License-Identifier: ISC */
#ifndef WIRE_H
#define WIRE_H

/*
 * Requests as bytes, for a slot of ctl, and whose they are. What is decoded points into
 * the bytes, which are untrusted. Another encoding, also another field or number of
 * enum op, is another CTL_LAYOUT: programs of different versions may be at work at the
 * same time.
 */

#include "apply.h"
#include "ctl.h"

enum {
	WIRE_REQUESTS = 16, /* in one parcel, at most one a push, at most one a take */
	WIRE_MESSAGES = 16, /* of that push */
	WIRE_TAKEN = 64,    /* messages of a take */
};

struct sender {
	uint32_t uid, pid;
	uint64_t start, ns; /* of the process: see hold_owner() */
	char command[Q_EVENT_COMMAND];
};

struct parcel {
	struct sender sender;
	size_t n;
	struct request request[WIRE_REQUESTS];
	struct result result[WIRE_REQUESTS];
	/* What the requests point to. */
	struct q_push message[WIRE_MESSAGES];
	struct q_pushed pushed[WIRE_MESSAGES];
	struct q_settle how[WIRE_REQUESTS];
	struct q_report report[WIRE_REQUESTS];
	struct q_take take;
};

/* Size of the parcel; 0 if it does not fit, or must not be sent. */
size_t wire_put_parcel(const struct request *requests, size_t n,
    const struct sender *sender, uint8_t out[CTL_PAYLOAD]);
/* Q_EINVAL: they are not requests that somebody could have made. */
int wire_get_parcel(const uint8_t *data, size_t size, struct parcel *parcel);

#endif
