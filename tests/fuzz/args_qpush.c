/* SPDX-License-Identifier: ISC */
/* Whatever is on its command line, qpush ends as it says. */
#define main command_main
#include "../../cmd/qpush.c"
#undef main
#include "args.h"
