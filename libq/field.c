/* SPDX-License-Identifier: ISC */
/* Structs as bytes, by tables of their fields. */
#include "field.h"

static uint8_t *
room(struct writer *w, size_t size)
{
	uint8_t *p = w->p;

	if (w->bad || (size_t)(w->end - p) < size) {
		w->bad = true;
		return (NULL);
	}
	w->p += size;
	return (p);
}

void
write_8(struct writer *w, uint8_t v)
{
	uint8_t *p = room(w, 1);

	if (p != NULL)
		*p = v;
}

void
write_32(struct writer *w, uint32_t v)
{
	uint8_t *p = room(w, 4);

	if (p != NULL)
		(void)put_be32(p, v);
}

void
write_64(struct writer *w, uint64_t v)
{
	uint8_t *p = room(w, 8);

	if (p != NULL)
		(void)put_be64(p, v);
}

static void
write_bytes(struct writer *w, const void *data, size_t size)
{
	uint8_t *p;

	write_32(w, (uint32_t)size);
	if ((p = room(w, size)) != NULL)
		(void)put_bytes(p, data, size);
}

/* With its NUL: the reader uses it in place. */
void
write_text(struct writer *w, const char *text)
{
	write_bytes(w, text, strlen(text) + 1);
}

const char *
read_text(struct reader *r)
{
	size_t size = read_be32(r);
	const uint8_t *p = read_bytes(r, size);

	if (p == NULL || size == 0 || p[size - 1] != '\0') {
		r->bad = true;
		return (NULL);
	}
	return ((const char *)p);
}

static uint64_t
get_integer(const void *object, const struct field *f)
{
	const uint8_t *p = (const uint8_t *)object + f->at;
	uint32_t small;
	uint64_t large;

	if (f->size == sizeof(small)) {
		memcpy(&small, p, sizeof(small));
		return (small);
	}
	memcpy(&large, p, sizeof(large));
	return (large);
}

static void
set_integer(void *object, const struct field *f, uint64_t large)
{
	uint8_t *p = (uint8_t *)object + f->at;
	uint32_t small = (uint32_t)large;

	if (f->size == sizeof(small))
		memcpy(p, &small, sizeof(small));
	else
		memcpy(p, &large, sizeof(large));
}

static const void *
get_pointer(const void *object, const struct field *f)
{
	const void *p;

	memcpy(&p, (const uint8_t *)object + f->at, sizeof(p));
	return (p);
}

static void
set_pointer(void *object, const struct field *f, const void *p)
{
	memcpy((uint8_t *)object + f->at, &p, sizeof(p));
}

static size_t
get_size(const void *object, const struct field *f)
{
	size_t size;

	memcpy(&size, (const uint8_t *)object + f->size, sizeof(size));
	return (size);
}

static bool
is_set(const void *object, const struct field *f)
{
	switch (f->kind) {
	case FIELD_INTEGER:
		return (get_integer(object, f) != 0);
	case FIELD_TRUTH:
		return (*((const bool *)object + f->at));
	case FIELD_BYTES:
		return (get_size(object, f) > 0);
	case FIELD_TEXT:
		return (get_pointer(object, f) != NULL);
	}
	return (false);
}

void
write_fields(struct writer *w, const struct field *f, size_t n, const void *object)
{
	uint32_t set = 0;

	for (size_t i = 0; i < n; i++)
		if (is_set(object, &f[i]))
			set |= 1U << i;
	write_32(w, set);
	for (size_t i = 0; i < n; i++) {
		if (!(set & 1U << i))
			continue;
		if (f[i].kind == FIELD_INTEGER)
			write_64(w, get_integer(object, &f[i]));
		else if (f[i].kind == FIELD_BYTES)
			write_bytes(
			    w, get_pointer(object, &f[i]), get_size(object, &f[i]));
		else if (f[i].kind == FIELD_TEXT)
			write_text(w, get_pointer(object, &f[i]));
	}
}

static void
get_bytes(struct reader *r, const struct field *f, void *object)
{
	size_t size = read_be32(r);
	const uint8_t *p = read_bytes(r, size);

	if (p == NULL)
		return;
	set_pointer(object, f, p);
	memcpy((uint8_t *)object + f->size, &size, sizeof(size));
}

void
read_fields(struct reader *r, const struct field *f, size_t n, void *object)
{
	uint32_t set = read_be32(r);

	r->bad |= set >> n != 0;
	for (size_t i = 0; i < n && !r->bad; i++) {
		if (!(set & 1U << i))
			continue;
		if (f[i].kind == FIELD_INTEGER)
			set_integer(object, &f[i], read_be64(r));
		else if (f[i].kind == FIELD_TRUTH)
			*((bool *)object + f[i].at) = true;
		else if (f[i].kind == FIELD_BYTES)
			get_bytes(r, &f[i], object);
		else
			set_pointer(object, &f[i], read_text(r));
	}
}
