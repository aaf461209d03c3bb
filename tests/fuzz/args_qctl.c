/* SPDX-License-Identifier: ISC */
/* Whatever is on its command line, qctl ends as it says. */
#define main command_main
#include "../../cmd/qctl.c"
#undef main
#include "args.h"
