/* SPDX-License-Identifier: ISC */
/* Base 64, strictly: what decodes encodes to the same text again. */
#include "base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(const void *bytes, size_t n, char *text)
{
	const uint8_t *s = bytes;
	char *p = text;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t three = (uint32_t)s[i] << 16;

		if (left > 1)
			three |= (uint32_t)s[i + 1] << 8;
		if (left > 2)
			three |= s[i + 2];
		*p++ = alphabet[three >> 18];
		*p++ = alphabet[three >> 12 & 63];
		*p++ = left > 1 ? alphabet[three >> 6 & 63] : '=';
		*p++ = left > 2 ? alphabet[three & 63] : '=';
	}
	return ((size_t)(p - text));
}

/* The value of a digit, or 64. */
static uint32_t
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return ((uint32_t)(c - 'A'));
	if (c >= 'a' && c <= 'z')
		return ((uint32_t)(c - 'a') + 26);
	if (c >= '0' && c <= '9')
		return ((uint32_t)(c - '0') + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : 64);
}

/* How many bytes the four characters at s are, the top ones of *three; 0 if none. */
static size_t
quantum(const char *s, uint32_t *three)
{
	size_t digits = s[3] != '=' ? 4 : s[2] != '=' ? 3 : 2;

	*three = 0;
	for (size_t i = 0; i < 4; i++) {
		uint32_t v = i < digits ? value(s[i]) : 0;

		if (v == 64)
			return (0);
		*three = *three << 6 | v;
	}
	/* Bits that belong to no byte are zero in the one spelling. */
	if ((*three & (0xffffffU >> 8 * (digits - 1))) != 0)
		return (0);
	return (digits - 1);
}

bool
base64_decode(const char *text, size_t n, uint8_t *bytes, size_t *size)
{
	uint8_t *p = bytes;

	if (n % 4 != 0)
		return (false);
	for (size_t i = 0; i < n; i += 4) {
		uint32_t three;
		size_t got = quantum(text + i, &three);

		if (got == 0 || (got < 3 && i + 4 < n))
			return (false);
		for (size_t j = 0; j < got; j++)
			*p++ = (uint8_t)(three >> (16 - 8 * j));
	}
	*size = (size_t)(p - bytes);
	return (true);
}
