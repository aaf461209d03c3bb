/* SPDX-License-Identifier: ISC */
#ifndef SOURCE_H
#define SOURCE_H

/* Where messages come from: a descriptor, read whole or in records. */

#include "feed.h"

/* All of fd is one message. where names it in complaints; NULL for stdin. */
void source_whole(struct feed *f, int fd, const char *where);
/* A message each record that ends with sep, or with the input. */
void source_records(struct feed *f, int fd, char sep);
/* A message each line, which is a JSON object. */
void source_json(struct feed *f, int fd);

#endif
