/* SPDX-License-Identifier: ISC */
/* Headers of a message in its JSON object. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "diag.h"
#include "json.h"
#include "json_value.h"

#include "json_headers.h"

static const char plain_field[] = "headers", coded_field[] = "headers_base64";

static _Noreturn void
no_memory(void)
{
	diag_die(DIAG_FAILED, NULL, "out of memory");
}

json_t *
json_base64(const void *bytes, size_t n)
{
	char *text = malloc(BASE64_SIZE(n) + 1);
	json_t *value;

	if (text == NULL)
		no_memory();
	value = json_stringn_nocheck(text, base64_encode(bytes, n, text));
	free(text);
	return (value);
}

void
json_headers_set(struct json_t *object, const char *headers, size_t size)
{
	json_t *plain = json_object(), *coded = NULL;
	const char *end = headers + size;

	json_set(object, plain_field, plain);
	for (const char *name = headers, *value; name < end;
	     name = strchr(value, 0) + 1) {
		char *key;
		json_t *text;

		value = strchr(name, '=') + 1; /* the library has checked that */
		if ((key = strndup(name, (size_t)(value - name) - 1)) == NULL)
			no_memory();
		if ((text = json_string(value)) != NULL) {
			json_set(plain, key, text);
		} else {
			if (coded == NULL)
				json_set(object, coded_field, coded = json_object());
			json_set(coded, key, json_base64(value, strlen(value)));
		}
		free(key);
	}
}

static void
add(FILE *list, const char *name, const char *value, size_t n)
{
	(void)fprintf(list, "%s=", name); /* fclose() tells */
	(void)fwrite(value, 1, n, list);
	(void)putc('\0', list);
}

/* The defaults that neither of the objects replaces. */
static void
add_defaults(FILE *list, const char *headers, size_t size, const json_t *plain,
    const json_t *coded)
{
	const char *end = headers + size;

	for (const char *p = headers; p < end; p = strchr(p, 0) + 1) {
		char *name = strndup(p, strcspn(p, "="));

		if (name == NULL)
			no_memory();
		if (json_object_get(plain, name) == NULL &&
		    json_object_get(coded, name) == NULL)
			add(list, name, p + strlen(name) + 1,
			    strlen(p) - strlen(name) - 1);
		free(name);
	}
}

static const char *
add_plain(FILE *list, const char *name, const json_t *value)
{
	size_t n = json_string_length(value);

	if (json_typeof(value) != JSON_STRING)
		return (
		    json_value_wrong(plain_field, "'%.100s' is not a string", name));
	if (memchr(json_string_value(value), '\0', n) != NULL)
		return (
		    json_value_wrong(plain_field, "'%.100s' has a NUL in it", name));
	add(list, name, json_string_value(value), n);
	return (NULL);
}

static const char *
add_coded(FILE *list, const char *name, const json_t *value)
{
	size_t n = json_string_length(value);
	uint8_t *bytes;
	bool good;

	if (json_typeof(value) != JSON_STRING)
		return (
		    json_value_wrong(coded_field, "'%.100s' is not a string", name));
	if ((bytes = malloc(n + 1)) == NULL)
		no_memory();
	good = base64_decode(json_string_value(value), n, bytes, &n) &&
	       memchr(bytes, '\0', n) == NULL;
	if (good)
		add(list, name, (const char *)bytes, n);
	free(bytes);
	return (good ? NULL
		     : json_value_wrong(
			   coded_field, "'%.100s' is not base 64 without a NUL", name));
}

/* All of one field. */
static const char *
add_all(FILE *list, const char *field, const json_t *object,
    const char *(*add_one)(FILE *, const char *, const json_t *))
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	const char *name, *why;
	json_t *value;

	if (object != NULL && json_typeof(object) != JSON_OBJECT)
		return (json_value_wrong(field, "not an object"));
	json_object_foreach((json_t *)object, name, value)
	{
		if (name[0] == '\0' || name[strspn(name, chars)] != '\0')
			return (json_value_wrong(field,
			    "'%.100s' is not a name of letters, digits, '_', '-', '.'",
			    name));
		if ((why = add_one(list, name, value)) != NULL)
			return (why);
	}
	return (NULL);
}

static bool
none(const json_t *object)
{
	return (object == NULL ||
		(json_is_object(object) && json_object_size(object) == 0));
}

const char *
json_headers_get(const struct json_t *object, const char *defaults,
    size_t defaults_size, char **headers, size_t *size)
{
	const json_t *plain = json_object_get(object, plain_field);
	const json_t *coded = json_object_get(object, coded_field);
	const char *why;
	char *bytes = NULL;
	size_t n = 0;
	FILE *list;

	if (none(plain) && none(coded))
		return (NULL);
	if ((list = open_memstream(&bytes, &n)) == NULL)
		no_memory();
	add_defaults(list, defaults, defaults_size, plain, coded);
	if ((why = add_all(list, plain_field, plain, add_plain)) == NULL)
		why = add_all(list, coded_field, coded, add_coded);
	if (fclose(list) != 0)
		no_memory();
	if (why == NULL && n > Q_MAX_HEADERS)
		why = json_value_wrong(
		    plain_field, "%zu bytes; the most is %d", n, Q_MAX_HEADERS);
	if (why != NULL) {
		free(bytes);
		return (why);
	}
	*headers = bytes;
	*size = n;
	return (NULL);
}
