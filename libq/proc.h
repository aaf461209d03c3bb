/* SPDX-License-Identifier: ISC */
#ifndef PROC_H
#define PROC_H

/* What /proc tells of processes: of this one's pid namespace, and as far as it may. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct proc {
	char state;     /* a letter, see proc(5) */
	uint64_t start; /* in clock ticks since the machine's boot */
	char name[32];  /* of its command, as the kernel cuts it */
};

/* 0, or -1: there is none, or it is hidden from us. */
int proc_read(pid_t pid, struct proc *p);
/* From what /proc/PID/stat holds; -1: it does not. */
int proc_parse(const char *text, struct proc *p);
/* Whether it has ended, and only its status is left. */
bool proc_is_over(const struct proc *p);
bool proc_is_stopped(const struct proc *p);
/* What tells pid namespaces apart; 0: unknown. */
uint64_t proc_namespace(void);

/* A process that has the file open, and a range of bytes it has locked there. */
struct grip {
	pid_t pid;
	bool locked;
	uint64_t first, last; /* if locked */
};

struct grips {
	struct grip *list;
	size_t count, room;
	bool partial; /* there are processes we may not look into */
};

/*
 * Who has the file called name open, that st is of, and what of it is locked through
 * that description; this process is left out. Adds to the list. Q_ENOMEM, Q_ESYS.
 */
int proc_grips(const char *name, const struct stat *st, struct grips *grips);
void proc_free(struct grips *grips);

/* The process that holds a flock on the file, or waits for one; pid 0: it is of another
 * pid namespace. Calls found() for each; a code other than 0 ends it. */
int proc_flocks(
    const struct stat *st, int (*found)(void *arg, pid_t pid, bool waits), void *arg);

#endif
