/* SPDX-License-Identifier: ISC */
/* The keys of qwatch's board, as data. */
#include "live_keys.h"

const struct live_key live_keys[] = {
	{ LIVE_UP, "Up, k", NULL, "go to the queue above", { LIVE_KEY_UP, 'k' } },
	{ LIVE_DOWN, "Down, j", NULL, "go to the queue below", { LIVE_KEY_DOWN, 'j' } },
	{ LIVE_PAGE_UP, "PgUp", NULL, "go up by a screen", { LIVE_KEY_PAGE_UP } },
	{ LIVE_PAGE_DOWN, "PgDn", NULL, "go down by a screen", { LIVE_KEY_PAGE_DOWN } },
	{ LIVE_FIRST, "Home, g", NULL, "go to the first queue",
	    { LIVE_KEY_HOME, 'g' } },
	{ LIVE_LAST, "End, G", NULL, "go to the last queue", { LIVE_KEY_END, 'G' } },
	{ LIVE_OPEN, "Enter", "open", "open the queue: its charts and messages",
	    { '\n', '\r', LIVE_KEY_ENTER } },
	{ LIVE_BACK, "Esc, Backspace", "back", "go back to all queues",
	    { '\033', '\b', LIVE_KEY_BACK } },
	{ LIVE_SORT, "s", "sort", "sort by the next number", { 's' } },
	{ LIVE_REVERSE, "S", NULL, "turn the order round", { 'S' } },
	{ LIVE_PAUSE, "p", "pause", "pause the queue, after a question", { 'p' } },
	{ LIVE_RESUME, "P", NULL, "resume the queue, after a question", { 'P' } },
	{ LIVE_REDRIVE, "r", "redrive",
	    "make the dead messages of the queue ready again, after a question",
	    { 'r' } },
	{ LIVE_SLOWER, "+", NULL, "look less often", { '+' } },
	{ LIVE_FASTER, "-", NULL, "look more often", { '-' } },
	{ LIVE_FREEZE, "Space", "freeze", "keep the numbers as they are, or go on",
	    { ' ' } },
	{ LIVE_HELP, "?", "help", "show this list, or hide it", { '?' } },
	{ LIVE_QUIT, "q", "quit", "quit", { 'q' } },
	{ LIVE_NOTHING },
};
_Static_assert(sizeof(live_keys) / sizeof(live_keys[0]) == LIVE_COMMANDS,
    "a command of the board has no key");

enum live_command
live_keys_command(int code)
{
	for (const struct live_key *k = live_keys; k->keys != NULL; k++)
		for (size_t i = 0; i < sizeof(k->code) / sizeof(k->code[0]); i++)
			if (k->code[i] != 0 && k->code[i] == code)
				return (k->command);
	return (LIVE_NOTHING);
}
