/* SPDX-License-Identifier: ISC */
#ifndef LIVE_KEYS_H
#define LIVE_KEYS_H

/* The keys of qwatch's board: what they do, and what the help and the page say. */

#include <stddef.h>

enum live_command {
	LIVE_NOTHING,
	LIVE_QUIT,
	LIVE_UP,
	LIVE_DOWN,
	LIVE_PAGE_UP,
	LIVE_PAGE_DOWN,
	LIVE_FIRST,
	LIVE_LAST,
	LIVE_OPEN,
	LIVE_BACK,
	LIVE_SORT,
	LIVE_REVERSE,
	LIVE_PAUSE,
	LIVE_RESUME,
	LIVE_REDRIVE,
	LIVE_SLOWER,
	LIVE_FASTER,
	LIVE_FREEZE,
	LIVE_HELP,
	LIVE_COMMANDS
};

/* Keys that are no characters; the terminal's own numbers stay in live_term.c. */
enum live_code {
	LIVE_KEY_UP = 0x1000,
	LIVE_KEY_DOWN,
	LIVE_KEY_PAGE_UP,
	LIVE_KEY_PAGE_DOWN,
	LIVE_KEY_HOME,
	LIVE_KEY_END,
	LIVE_KEY_ENTER,
	LIVE_KEY_BACK,
	LIVE_KEY_OTHER, /* of no meaning */
};

struct live_key {
	enum live_command command;
	const char *keys;  /* as people call them */
	const char *brief; /* in the last line of the screen; NULL: not there */
	const char *help;  /* what it does, without full stop */
	int code[3];
};

/* In the order of the help; the last has no keys. */
extern const struct live_key live_keys[];

enum live_command live_keys_command(int code);

#endif
