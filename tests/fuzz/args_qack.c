/* SPDX-License-Identifier: ISC */
/* Whatever is on its command line, qack ends as it says. */
#define main command_main
#include "../../cmd/qack.c"
#undef main
#include "args.h"
