/* SPDX-License-Identifier: ISC */
/* A command's main() as a call in another process. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "../diag.h"
#include "../opt.h"
#include "../stop.h"
#include "own.h"
#include "wrap.h"

#include "frame.h"

/* The call under way; there is one at most, for commands do not call the shell. */
static struct frame {
	sigjmp_buf end;
	int status;
	bool changed[NSIG]; /* signals whose handling it has changed */
	struct sigaction before[NSIG];
} frame;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's */

_Noreturn static void
leave(int status)
{
	frame.status = status;
	siglongjmp(frame.end, 1);
}

void
__wrap_exit(int status)
{
	leave(status);
}

/*
 * Called in handlers of signals that reading a damaged file raises. No allocator and no
 * stream is at work then, unless it found the heap broken, with which no shell can go
 * on.
 */
void
__wrap__exit(int status)
{
	sigset_t blocked;

	if (sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 &&
	    sigismember(&blocked, SIGABRT))
		__real__exit(status);
	stdout = NULL; /* as ever, nothing is written any more */
	leave(status);
}

/* A command that ends by the signal it has caught. Others are for its own handlers. */
int
__wrap_raise(int sig)
{
	if (sig == stop_signal())
		leave(128 + sig);
	return (__real_raise(sig));
}

int
__wrap_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before;

	if (__real_sigaction(sig, act, &before) != 0)
		return (-1);
	if (act != NULL && !frame.changed[sig]) {
		frame.changed[sig] = true;
		frame.before[sig] = before;
	}
	if (old != NULL)
		*old = before;
	return (0);
}

sighandler_t
__wrap_signal(int sig, sighandler_t handler)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	(void)sigemptyset(&act.sa_mask);
	return (__wrap_sigaction(sig, &act, &old) == 0 ? old.sa_handler : SIG_ERR);
}

/* The alarms end first: the shell has no handler for them. */
static void
restore_signals(void)
{
	static const struct itimerval none;

	if (frame.changed[SIGALRM])
		(void)setitimer(ITIMER_REAL, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		if (frame.changed[sig])
			(void)__real_sigaction(sig, &frame.before[sig], NULL);
	memset(frame.changed, 0, sizeof(frame.changed));
}

/*
 * A program that sets no locale has this one, whatever the shell's is: in another,
 * numbers have commas and system errors other words.
 */
static locale_t plain;

static locale_t
plain_locale(void)
{
	if (plain == (locale_t)0)
		plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return (plain); /* (locale_t)0 changes nothing */
}

/* When the shell forgets the builtins. */
__attribute__((destructor)) static void
free_locale(void)
{
	if (plain != (locale_t)0)
		freelocale(plain);
}

/* ---- the standard streams ---- */

/*
 * A command's stdout is a stream of its own: in the shell's, which is written line by
 * line, an error would come and go before the command asks for it, and what could not
 * be written would stay. LMDB and Jansson as archives take the others for objects of
 * the program they are linked to, which a shared object cannot have; only complaints of
 * theirs use them.
 */
FILE *__wrap_stdin, *__wrap_stdout, *__wrap_stderr;

__attribute__((constructor)) static void
set_streams(void)
{
	__wrap_stdin = __real_stdin;
	__wrap_stderr = __real_stderr;
}

static ssize_t
write_output(void *cookie, const char *data, size_t size)
{
	size_t done = 0;
	ssize_t n;

	(void)cookie;
	while (done < size) {
		n = write(STDOUT_FILENO, data + done, size - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && (errno != EINTR || stop_signal() != 0))
			break;
	}
	return ((ssize_t)done);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static bool
open_output(void)
{
	const cookie_io_functions_t io = { .write = write_output };

	stdout = fopencookie(NULL, "w", io);
	return (stdout != NULL);
}

int
frame_run(frame_main *command, int argc, char **argv)
{
	locale_t before = uselocale(plain_locale());
	int sig;

	opt_reset();
	stop_reset();
	if (sigsetjmp(frame.end, 1) == 0) {
		/* Also where a program would just be killed: we have to clean up. */
		stop_catch();
		if (!open_output())
			diag_die(DIAG_FAILED, NULL, "out of memory");
		frame.status = command(argc, argv);
	}
	if (stdout != NULL)
		(void)fflush(stdout); /* where it matters, the command has done so */
	restore_signals();
	own_release();
	stdout = NULL;
	(void)uselocale(before);
	if ((sig = stop_signal()) == 0)
		return (frame.status);
	(void)kill(getpid(), sig);
	/* One that came too late has not undone what is done. */
	return (frame.status == 0 ? 0 : 128 + sig);
}
