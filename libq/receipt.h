/* SPDX-License-Identifier: ISC */
#ifndef RECEIPT_H
#define RECEIPT_H

/* What makes a receipt valid; its text form is public, in q.h. */

#include "q.h"

/* The check of one delivery in the queue of that uuid: 25 bits. */
uint32_t receipt_check(const uint8_t uuid[16], uint64_t id, uint32_t delivery);

#endif
