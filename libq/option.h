/* SPDX-License-Identifier: ISC */
#ifndef OPTION_H
#define OPTION_H

/* Options of a queue; the table itself is read through q_option_info(). */

#include "q.h"

void option_defaults(uint64_t values[Q_OPTIONS]);

#endif
