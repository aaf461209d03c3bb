/* SPDX-License-Identifier: ISC */
/*
 * Reading what is left. First what the trees lead to; then pages that none leads to,
 * for the branch above them is lost: they belong to a table if it is certain that they
 * are not free, and else what they have may have ended. Only whole records count, which
 * their checksums with the id as seed tell apart from one another, too.
 */
#include "bytes.h"
#include "message.h"
#include "queue.h"
#include "structure.h"

#include "salvage.h"

static int
tree_row(struct walk *w, struct span key, struct span value)
{
	return (salvage_row(w->arg, w->table, key, value));
}

/* A body of zeros may look like a result behind its record's checksum. */
static bool
is_of_message(struct span key, struct span value)
{
	struct message m;
	struct extent e;
	uint64_t id;

	if (key.size != 8)
		return (false);
	id = get_be64(key.data);
	return (message_decode(value.data, value.size, id, &m) == 0 ||
		state_decode(value.data, value.size, id, &e) == 0);
}

/* A row that may be of any table: whole records tell. */
static int
stray_row(struct walk *w, struct span key, struct span value)
{
	static const enum table tables[] = { T_META, T_BODY, T_MSG, T_FAILURE, T_DONE,
		T_GROUP, T_UNIQUE, T_RESULT, T_LOG };
	struct salvage *s = w->arg;
	struct message m;
	int rc = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++) {
		if (tables[i] == T_BODY &&
		    (key.size != 8 || message_decode(value.data, value.size,
					  get_be64(key.data), &m) != 0))
			continue;
		if (tables[i] == T_RESULT && is_of_message(key, value))
			continue;
		if (s->doubtful && tables[i] != T_META && tables[i] != T_BODY)
			continue;
		if (s->newer != 0 && (key.size != 8 || tables[i] == T_META ||
					 get_be64(key.data) < s->newer))
			continue;
		rc = salvage_row(s, tables[i], key, value);
	}
	return (rc);
}

static int
read_tables(
    struct salvage *s, struct walk *w, struct structure *from, const enum table *tables)
{
	int rc = 0;

	w->row = tree_row;
	w->arg = s;
	for (; *tables != TABLES && rc == 0; tables++)
		if (from->has[*tables])
			rc = walk_tree(w, *tables, &from->tree[*tables], false);
	return (rc);
}

/* Pages of the file that neither a tree nor the list of free pages has. */
static int
read_strays(struct salvage *s, struct walk *w, const struct structure *from)
{
	int rc = 0;

	w->row = stray_row;
	w->arg = s;
	for (uint64_t i = 2; i < w->pages && rc == 0; i++)
		if (!from->has_meta || from->walk.seen[i] == WALK_UNUSED)
			rc = walk_stray(w, i);
	return (rc);
}

/*
 * One meta page is lost, and it may have been the newer: what its transaction pushed is
 * in pages that the other one takes for free, or does not know. Ids are given once, so
 * nothing else can be as new.
 */
static int
read_newer(struct salvage *s, int fd, const struct structure *from)
{
	const struct structure any = { .has_meta = false };
	struct page_meta all = from->meta;
	struct walk w;
	int rc;

	all.last = UINT32_MAX;
	s->newer = s->t.meta.next;
	if ((rc = walk_open(&w, fd, &all)) == 0)
		rc = read_strays(s, &w, &any);
	walk_close(&w);
	s->newer = 0;
	return (rc);
}

static int
read_structured(struct salvage *s, int fd, struct structure *from)
{
	static const enum table first[] = { T_META, T_BODY, T_MSG, TABLES };
	static const enum table then[] = { T_DEAD, T_DELAYED, T_LEASED, T_READY,
		T_FAILURE, T_DONE, T_GROUP, T_UNIQUE, T_RESULT, T_SLOT, T_LOG, TABLES };
	static const enum table body[] = { T_BODY, TABLES };
	struct walk w, other = { .seen = NULL };
	int rc = walk_open(&w, fd, &from[0].meta);

	if (rc == 0)
		rc = read_tables(s, &w, &from[0], first);
	if (rc == 0 && from[0].free_known)
		rc = read_strays(s, &w, &from[0]);
	if (rc == 0)
		rc = read_tables(s, &w, &from[0], then);
	if (rc == 0 && !from[1].has_meta && s->meta & 1U << META_REC_NEXT)
		rc = read_newer(s, fd, &from[0]);
	s->doubtful = true;
	if (rc == 0 && !from[0].free_known)
		rc = read_strays(s, &w, &from[0]);
	if (rc == 0 && from[0].found > 0 && from[1].has_meta &&
	    (rc = walk_open(&other, fd, &from[1].meta)) == 0)
		rc = read_tables(s, &other, &from[1], body);
	walk_close(&other);
	walk_close(&w);
	return (rc);
}

/* Neither meta page is left: any page may have anything. */
static int
read_unstructured(struct salvage *s, int fd, const struct structure *from)
{
	const struct page_meta all = { .page = s->t.q->store.page, .last = UINT32_MAX };
	struct walk w;
	int rc = walk_open(&w, fd, &all);

	s->doubtful = true;
	if (rc == 0)
		rc = read_strays(s, &w, from);
	walk_close(&w);
	return (rc);
}

int
salvage_read(struct salvage *s, int fd)
{
	struct structure from[2];
	int rc = structure_salvage(fd, from);

	if (rc == 0)
		rc = from[0].has_meta ? read_structured(s, fd, from)
		                      : read_unstructured(s, fd, &from[0]);
	structure_close(&from[0]);
	structure_close(&from[1]);
	return (rc);
}
