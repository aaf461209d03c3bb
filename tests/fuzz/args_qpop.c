/* SPDX-License-Identifier: ISC */
/* Whatever is on its command line, qpop ends as it says. */
#define main command_main
#include "../../cmd/qpop.c"
#undef main
#include "args.h"
