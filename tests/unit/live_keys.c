/* SPDX-License-Identifier: ISC */
/* The keys of the board: each does one thing, and the page says what. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cmd/live_keys.h"

enum { CODES = sizeof(live_keys[0].code) / sizeof(live_keys[0].code[0]) };

static void
every_command_has_a_key_and_every_key_one_command(void **state)
{
	bool seen[LIVE_COMMANDS] = { false };

	(void)state;
	for (const struct live_key *k = live_keys; k->keys != NULL; k++) {
		assert_false(seen[k->command]);
		seen[k->command] = true;
		assert_true(k->code[0] != 0);
		for (size_t i = 0; i < CODES; i++)
			if (k->code[i] != 0)
				assert_int_equal(
				    live_keys_command(k->code[i]), k->command);
	}
	for (int c = LIVE_NOTHING + 1; c < LIVE_COMMANDS; c++)
		assert_true(seen[c]);
	assert_int_equal(live_keys_command(0), LIVE_NOTHING);
	assert_int_equal(live_keys_command('z'), LIVE_NOTHING);
	assert_int_equal(live_keys_command(LIVE_KEY_OTHER), LIVE_NOTHING);
}

/* What a key is written with in a page, where it would be a sign. */
static const char *
escape(const char *keys)
{
	return (strcmp(keys, "-") == 0 ? "\\" : strcmp(keys, "?") == 0 ? "\\&" : "");
}

/* The items of the list of the section SCREEN, as the table would print them. */
static void
the_page_lists_the_keys_of_the_table(void **state)
{
	const char *src = getenv("SRC");
	const struct live_key *k = live_keys;
	char path[4096], line[512], wanted[512];
	bool inside = false;
	FILE *page;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/man/qwatch.1", src != NULL ? src : ".");
	assert_non_null(page = fopen(path, "r"));
	while (fgets(line, sizeof(line), page) != NULL) {
		if (strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".Sh ", 4) == 0)
			inside = strcmp(line, ".Ss SCREEN\n") == 0;
		if (!inside || strncmp(line, ".It Ic ", 7) != 0)
			continue;
		assert_non_null(k->keys);
		for (char *p = strstr(line, " ,"); p != NULL; p = strstr(p, " ,"))
			memmove(p, p + 1, strlen(p));
		(void)snprintf(
		    wanted, sizeof(wanted), ".It Ic %s%s\n", escape(k->keys), k->keys);
		assert_string_equal(line, wanted);
		assert_non_null(fgets(line, sizeof(line), page));
		(void)snprintf(wanted, sizeof(wanted), "%c%s.\n",
		    toupper((unsigned char)k->help[0]), k->help + 1);
		assert_string_equal(line, wanted);
		k++;
	}
	(void)fclose(page);
	assert_null(k->keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_a_key_and_every_key_one_command),
		cmocka_unit_test(the_page_lists_the_keys_of_the_table),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
