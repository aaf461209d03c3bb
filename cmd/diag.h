/* SPDX-License-Identifier: ISC */
#ifndef DIAG_H
#define DIAG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How a command begins, complains and ends. Every complaint is one line on stderr,
 * "prog: object: reason", in which nothing can act on a terminal. The object is what it
 * is about: a queue, an option, a file; NULL if there is none.
 */

enum diag_exit { /* exit statuses; the table in q(7) */
	DIAG_DONE = 0,
	DIAG_NO = 1, /* the answer is no; nothing changed */
	DIAG_USAGE = 2,
	DIAG_FAILED = 3,   /* and will fail again */
	DIAG_COMMAND = 4,  /* it worked, but a COMMAND did not */
	DIAG_CORRUPT = 65, /* stored data failed its check */
	DIAG_AGAIN = 75,   /* failed; worth another try */
	DIAG_TIMEOUT = 124,
};

/*
 * The first act of every command. Missing standard descriptors are filled with ones
 * that fail: reading such a stdin and writing to such a stdout is EBADF, and no file of
 * a queue can take their number. SIGPIPE and SIGXFSZ become EPIPE and EFBIG.
 */
void diag_start(const char *prog);

/*
 * Remember the queue in use, by the name the user gave: from here on, a SIGBUS, SIGSEGV
 * or SIGABRT is reported as damage of its data file, with exit status 65.
 */
void diag_queue(const char *name);

/* In a child before exec: the signals diag_start() ignores get their default back. */
void diag_child(void);

/* An error; is printed with -q too. */
__attribute__((format(printf, 2, 3))) void diag_error(
    const char *object, const char *fmt, ...);
/* A warning: unless -q. */
__attribute__((format(printf, 2, 3))) void diag_warn(
    const char *object, const char *fmt, ...);
/* Narration: with -v only. */
__attribute__((format(printf, 2, 3))) void diag_note(
    const char *object, const char *fmt, ...);
/* An error, and exit with status. */
__attribute__((format(printf, 3, 4))) _Noreturn void diag_die(
    int status, const char *object, const char *fmt, ...);
/* A usage error, "Try 'prog --help'.", and exit 2. */
__attribute__((format(printf, 1, 2))) _Noreturn void diag_usage(const char *fmt, ...);

/* Whether stderr takes more at once, or fails. */
bool diag_ready(void);
/* Words of somebody else. Like all the others they are lost if stderr takes no more and
 * we are told twice to end. */
void diag_pass(const char *s, size_t n);

/* The exit status for a code of libq. */
int diag_status(int code);
/* How many bytes of its reason are to be said by who goes on with what was done: all,
 * but for an end that says that nothing was. */
int diag_reason(const char *why);

/* Write out what is in stdout now; whether that went well, diag_close_stdout() says. */
void diag_flush_stdout(void);
/* Whether stdout is a pipe that nobody reads. */
bool diag_reader_gone(void);

/*
 * Flush and close stdout: 0, or DIAG_FAILED after saying why. A reader that has gone
 * away is not worth a line, but what it did not read counts as not written all the
 * same.
 */
int diag_close_stdout(void);

#endif
