/* SPDX-License-Identifier: ISC */
#ifndef BASE64_H
#define BASE64_H

/* Base 64 of RFC 4648, with padding and without line breaks. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of n encoded bytes, without a NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Encode n bytes; returns how many characters it wrote, BASE64_SIZE(n), without a NUL.
 */
size_t base64_encode(const void *bytes, size_t n, char *text);

/*
 * Decode n characters into bytes, which has room for n / 4 * 3. False, with bytes
 * undefined, if anything else than this encoding's only spelling of *size bytes is
 * there.
 */
bool base64_decode(const char *text, size_t n, uint8_t *bytes, size_t *size);

#endif
