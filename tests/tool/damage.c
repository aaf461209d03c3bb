/* SPDX-License-Identifier: ISC */
/*
 * Damage to a data file, for tests:
 *
 *   damage FILE pages           how many pages have something in them
 *   damage FILE zero N          the Nth of those becomes zeros
 *   damage FILE flip SEED       one bit of those, chosen by SEED, is flipped
 *   damage FILE record TABLE K  the last byte of the record with key K (hex) is changed
 *   damage FILE lose TABLE K    there is no row with key K (hex) any more
 *   damage FILE state ID N      the state of message ID is N, with a valid checksum
 *   damage FILE format N        the format record says N, with a valid checksum
 *   damage FILE older N         the program that wrote last knew N counters fewer
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"
#include "meta.h"
#include "store.h"

enum { PAGE = 4096, PAGES = 1 << 16 };

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Offsets of the pages that are not all zeros. */
static size_t
used_pages(FILE *f, long *offset)
{
	static const uint8_t zeros[PAGE];
	uint8_t page[PAGE];
	size_t n = 0;

	for (long at = 0; n < PAGES && fread(page, 1, PAGE, f) == PAGE; at += PAGE)
		if (memcmp(page, zeros, PAGE) != 0)
			offset[n++] = at;
	return (n);
}

static void
write_at(FILE *f, long at, const void *data, size_t size)
{
	if (fseek(f, at, SEEK_SET) != 0 || fwrite(data, 1, size, f) != size)
		die("write");
}

static void
flip(FILE *f, const long *offset, size_t pages, uint64_t seed)
{
	uint64_t r = hash_record(&seed, sizeof(seed), 0);
	long at = offset[r % pages] + (long)(r >> 16) % PAGE;
	int c;

	if (fseek(f, at, SEEK_SET) != 0 || (c = getc(f)) == EOF)
		die("read");
	c ^= 1 << (r >> 40) % 8;
	write_at(f, at, &(uint8_t){ (uint8_t)c }, 1);
}

static void
check(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "lmdb: %s\n", mdb_strerror(rc));
	exit(1);
}

/* A record replaced by one that change() makes of it; without change(), it goes. */
static void
edit(const char *file, const char *table, MDB_val key,
    size_t (*change)(uint8_t *, size_t, uint32_t), uint32_t arg)
{
	uint8_t record[8192];
	MDB_val v;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	struct store store;
	uint64_t sum;
	size_t was;

	check(mdb_env_create(&env));
	check(mdb_env_set_maxdbs(env, 1));
	check(mdb_env_open(env, file, MDB_NOSUBDIR | MDB_NOLOCK, 0600));
	check(mdb_txn_begin(env, NULL, 0, &txn));
	check(mdb_dbi_open(txn, table, 0, &dbi));
	check(mdb_get(txn, dbi, &key, &v));
	if (v.mv_size > sizeof(record))
		check(ENOMEM);
	memcpy(record, v.mv_data, v.mv_size);
	was = v.mv_size;
	if (change != NULL)
		v.mv_size = change(record, v.mv_size, arg);
	v.mv_data = record;
	check(change == NULL ? mdb_del(txn, dbi, &key, NULL)
			     : mdb_put(txn, dbi, &key, &v, 0));
	check(mdb_dbi_open(txn, NULL, 0, &store.main));
	check(store_check_stamp(&store, txn, 0, &sum));
	check(store_stamp(&store, txn, v.mv_size == was ? sum : 0));
	check(mdb_txn_commit(txn));
	mdb_env_close(env);
}

static size_t
spoil(uint8_t *record, size_t size, uint32_t unused)
{
	(void)unused;
	record[size - 1] ^= 1;
	return (size);
}

static size_t
set_format(uint8_t *record, size_t size, uint32_t format)
{
	(void)put_be32(record + 8, format);
	(void)put_be64(record, hash_record(record + 8, size - 8, META_REC_FORMAT));
	return (size);
}

static size_t
shorten(uint8_t *record, size_t size, uint32_t n)
{
	size -= 8 * (size_t)n;
	(void)put_be64(record, hash_record(record + 8, size - 8, META_REC_COUNTERS));
	return (size);
}

/* arg: the state, and above it the id. */
static size_t
set_state(uint8_t *record, size_t size, uint32_t arg)
{
	record[8] = (uint8_t)arg;
	(void)put_be64(record, hash_record(record + 8, size - 8, arg >> 8));
	return (size);
}

static size_t
from_hex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;
	unsigned byte;

	while (n < room && sscanf(hex + 2 * n, "%2x", &byte) == 1)
		out[n++] = (uint8_t)byte;
	return (n);
}

static int
edit_file(const char *file, const char *how, const char *arg)
{
	static long offset[PAGES];
	static const uint8_t zeros[PAGE];
	FILE *f = fopen(file, "r+");
	size_t pages;
	uint64_t n = arg != NULL ? strtoull(arg, NULL, 10) : 0;

	if (f == NULL)
		die(file);
	pages = used_pages(f, offset);
	if (strcmp(how, "pages") == 0)
		printf("%zu\n", pages);
	else if (strcmp(how, "zero") == 0 && n < pages)
		write_at(f, offset[n], zeros, PAGE);
	else if (strcmp(how, "flip") == 0 && pages > 0)
		flip(f, offset, pages, n);
	else
		return (2);
	return (fclose(f) == 0 ? 0 : 1);
}

int
main(int argc, char **argv)
{
	char format[] = "format", counters[] = "counters";
	uint8_t key[64];

	if (argc == 5 && strcmp(argv[2], "record") == 0)
		edit(argv[1], argv[3],
		    (MDB_val){ from_hex(argv[4], key, sizeof(key)), key }, spoil, 0);
	else if (argc == 5 && strcmp(argv[2], "lose") == 0)
		edit(argv[1], argv[3],
		    (MDB_val){ from_hex(argv[4], key, sizeof(key)), key }, NULL, 0);
	else if (argc == 5 && strcmp(argv[2], "state") == 0)
		edit(argv[1], "msg",
		    (MDB_val){
			(size_t)(put_be64(key, strtoull(argv[3], NULL, 10)) - key),
			key },
		    set_state,
		    (uint32_t)(strtoul(argv[3], NULL, 10) << 8 |
			       strtoul(argv[4], NULL, 10)));
	else if (argc == 4 && strcmp(argv[2], "format") == 0)
		edit(argv[1], "meta", (MDB_val){ strlen(format), format }, set_format,
		    (uint32_t)strtoul(argv[3], NULL, 10));
	else if (argc == 4 && strcmp(argv[2], "older") == 0)
		edit(argv[1], "meta", (MDB_val){ strlen(counters), counters }, shorten,
		    (uint32_t)strtoul(argv[3], NULL, 10));
	else if (argc == 3 || argc == 4)
		return (edit_file(argv[1], argv[2], argv[3]));
	else
		return (2);
	return (0);
}
