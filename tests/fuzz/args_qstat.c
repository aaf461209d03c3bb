/* SPDX-License-Identifier: ISC */
/* Whatever is on its command line, qstat ends as it says. */
#define main command_main
#include "../../cmd/qstat.c"
#undef main
#include "args.h"
