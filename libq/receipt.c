/* SPDX-License-Identifier: ISC */
/* Receipts: ID.DELIVERY.CHECK, short enough to type, one delivery of one queue. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"

#include "receipt.h"

enum { CHECK_CHARS = 5, CHECK_BITS = 5 };

/* Crockford's base 32: no i, l, o or u to be misread. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

uint32_t
receipt_check(const uint8_t uuid[16], uint64_t id, uint32_t delivery)
{
	uint8_t b[28];

	(void)put_be32(put_be64(put_bytes(b, uuid, 16), id), delivery);
	return ((
	    uint32_t)(hash_record(b, sizeof(b), 0) >> (64 - CHECK_CHARS * CHECK_BITS)));
}

void
q_receipt_format(const struct q_receipt *r, char text[Q_MAX_RECEIPT])
{
	char check[CHECK_CHARS + 1] = "";

	for (int i = 0; i < CHECK_CHARS; i++)
		check[i] =
		    alphabet[r->check >> (CHECK_CHARS - 1 - i) * CHECK_BITS & 31];
	(void)snprintf(text, Q_MAX_RECEIPT, "%llu.%lu.%s", (unsigned long long)r->id,
	    (unsigned long)r->delivery, check);
}

/* Digits up to stop: 1..max, without a leading zero. */
static int
number(const char **s, char stop, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	if (*p == '0')
		return (-1);
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');

		if (v > (max - d) / 10)
			return (-1);
		v = v * 10 + d;
	}
	if (p == *s || *p != stop)
		return (-1);
	*s = p + 1;
	*out = v;
	return (0);
}

int
q_receipt_parse(const char *text, struct q_receipt *receipt)
{
	const char *s = text;
	uint64_t id, delivery;
	uint32_t check = 0;
	int i;

	if (number(&s, '.', UINT64_MAX, &id) != 0 ||
	    number(&s, '.', UINT32_MAX, &delivery) != 0)
		goto bad;
	for (i = 0; i < CHECK_CHARS && s[i] != '\0'; i++) {
		const char *c = strchr(alphabet, s[i]);

		if (c == NULL)
			goto bad;
		check = check << CHECK_BITS | (uint32_t)(c - alphabet);
	}
	if (i != CHECK_CHARS || s[i] != '\0')
		goto bad;
	*receipt = (struct q_receipt){ id, (uint32_t)delivery, check };
	return (0);
bad:
	return (fail(Q_EINVAL, "not a receipt (like 42.1.k3jx9)"));
}
