/* SPDX-License-Identifier: ISC */
/* The terminal of qwatch's board. */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "diag.h"
#include "live_keys.h"
#include "now.h"

#include "live_term.h"

enum { LEAVE = 256, ESCAPE_MS = 25 };

static struct {
	SCREEN *screen;
	WINDOW *keys;   /* a pad: to read from it redraws nothing */
	int stderr_was; /* the caller's; -1 while ours is that */
	int said[2];    /* a pipe in its place */
	bool colour;
	char leave[LEAVE]; /* what puts the terminal back, for who cannot ask curses */
	size_t leave_size;
	struct termios before;
	sigset_t normal, blocked; /* masks */
} term = { .stderr_was = -1, .said = { -1, -1 } };

static volatile sig_atomic_t taken, showing, ended, resized, stopping, continued;

/* ---- signals ---- */

/* From a handler: all that curses would do, by calls that are safe there. */
static void
put_back(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (!taken)
		return;
	taken = 0;
	/* A terminal that takes nothing, as after ^S, must not keep us. */
	(void)fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
	if (write(STDOUT_FILENO, term.leave, term.leave_size) == -1)
		flags = flags == -1 ? 0 : flags; /* there is nothing else to try */
	(void)fcntl(STDOUT_FILENO, F_SETFL, flags);
	(void)tcsetattr(STDOUT_FILENO, TCSANOW, &term.before);
	(void)dup2(term.stderr_was, STDERR_FILENO);
}

static void
note(int sig)
{
	switch (sig) {
	case SIGWINCH:
		resized = 1;
		break;
	case SIGTSTP:
		stopping = 1;
		break;
	case SIGCONT:
		continued = 1;
		break;
	default:
		ended = sig;
		if (showing) {
			put_back();
			(void)signal(sig, SIG_DFL);
			(void)raise(sig);
		}
		break;
	}
}

/* The rest is a mistake of ours, or damage where nobody expects it. */
static void
crash(int sig)
{
	put_back();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction act = { .sa_handler = handler }, old;

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(sig, NULL, &old); /* cannot fail: a valid number */
	if (old.sa_handler != SIG_IGN)
		(void)sigaction(sig, &act, NULL);
}

static void
catch_signals(void)
{
	static const int waited[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH,
		SIGTSTP, SIGCONT };
	static const int crashes[] = { SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL };
	struct sigaction old;

	(void)sigemptyset(&term.blocked);
	for (size_t i = 0; i < sizeof(waited) / sizeof(waited[0]); i++) {
		(void)sigaddset(&term.blocked, waited[i]);
		handle(waited[i], note);
	}
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		(void)sigaction(crashes[i], NULL, &old);
		if (old.sa_handler == SIG_DFL)
			handle(crashes[i], crash);
	}
	(void)sigprocmask(SIG_BLOCK, &term.blocked, &term.normal);
}

/* ---- taking it ---- */

static int
keep(int c)
{
	if (term.leave_size < LEAVE)
		term.leave[term.leave_size++] = (char)c;
	return (c);
}

static void
note_leaving(void)
{
	static const char *const names[] = { "sgr0", "op", "rmkx", "cnorm", "rmcup" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = tigetstr(names[i]);

		if (text != NULL)
			(void)tputs(text, 1, keep);
	}
}

static int
refuse(const char *why)
{
	const char *name = getenv("TERM");

	diag_error(
	    NULL, "terminal '%s' %s; see --events", name != NULL ? name : "", why);
	return (DIAG_FAILED);
}

static int
check_terminal(void)
{
	char *text;
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return (refuse("is not known"));
	text = tigetstr("cup");
	if (text == NULL)
		return (refuse("cannot move its cursor"));
	note_leaving();
	(void)del_curterm(cur_term);
	return (0);
}

/* What others write there must not be scribbled on the screen. */
static int
redirect_stderr(void)
{
	if (pipe2(term.said, O_CLOEXEC | O_NONBLOCK) != 0 ||
	    (term.stderr_was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) == -1) {
		diag_error("stderr", "%s", strerror(errno));
		return (DIAG_FAILED);
	}
	(void)dup2(term.said[1], STDERR_FILENO); /* cannot fail: both are open */
	return (0);
}

static bool
wants_colour(void)
{
	const char *plain = getenv("NO_COLOR");

	return (plain == NULL || *plain == '\0');
}

int
live_term_start(void)
{
	int status = check_terminal();

	if (status != 0)
		return (status);
	if (tcgetattr(STDOUT_FILENO, &term.before) != 0)
		return (refuse("does not tell its modes"));
	if ((status = redirect_stderr()) != 0)
		return (status);
	taken = 1;
	catch_signals();
	(void)atexit(live_term_end);
	if ((term.screen = newterm(NULL, stdout, stdin)) == NULL) {
		live_term_end();
		return (refuse("cannot show a board"));
	}
	if (wants_colour() && has_colors() && start_color() == OK) {
		(void)use_default_colors();
		term.colour = true;
	}
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)curs_set(0);
	(void)set_escdelay(ESCAPE_MS);
	term.keys = newpad(1, 1);
	if (term.keys == NULL)
		diag_die(DIAG_FAILED, NULL, "out of memory");
	(void)keypad(term.keys, TRUE);
	(void)nodelay(term.keys, TRUE);
	return (0);
}

void
live_term_end(void)
{
	char text[1024];
	ssize_t n;

	if (ended != 0)
		put_back(); /* not by curses, which may wait for the terminal */
	else if (taken && term.screen != NULL)
		(void)endwin();
	if (term.stderr_was == -1)
		return;
	(void)dup2(term.stderr_was, STDERR_FILENO);
	(void)close(term.stderr_was);
	term.stderr_was = -1;
	while ((n = read(term.said[0], text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, (size_t)n) == -1)
			break; /* there is nobody to tell */
	taken = 0;
	(void)sigprocmask(SIG_SETMASK, &term.normal, NULL);
}

bool
live_term_colour(void)
{
	return (term.colour);
}

bool
live_term_utf8(void)
{
	return (strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
}

bool
live_term_fonts(void)
{
	/* The console of Linux has a font of 256 or 512 characters. */
	return (live_term_utf8() && strcmp(termname(), "linux") != 0);
}

/* ---- using it ---- */

void
live_term_show(void)
{
	sigset_t ending;

	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGINT);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGHUP);
	(void)sigaddset(&ending, SIGQUIT);
	showing = 1;
	(void)sigprocmask(SIG_UNBLOCK, &ending, NULL);
	(void)doupdate();
	(void)sigprocmask(SIG_BLOCK, &ending, NULL);
	showing = 0;
}

void
live_term_wait(q_time until)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = term.said[0], .events = POLLIN } };
	q_time left = until - now_monotonic();
	struct timespec ts = { 0 };

	if (left > 0) {
		ts.tv_sec = left / Q_SECOND;
		ts.tv_nsec = left % Q_SECOND;
	}
	if (ppoll(fds, 2, &ts, &term.normal) > 0 &&
	    fds[0].revents & (POLLHUP | POLLERR))
		ended = SIGHUP;
}

int
live_term_key(void)
{
	static const struct {
		int curses, code;
	} special[] = {
		{ KEY_UP, LIVE_KEY_UP },
		{ KEY_DOWN, LIVE_KEY_DOWN },
		{ KEY_PPAGE, LIVE_KEY_PAGE_UP },
		{ KEY_NPAGE, LIVE_KEY_PAGE_DOWN },
		{ KEY_HOME, LIVE_KEY_HOME },
		{ KEY_END, LIVE_KEY_END },
		{ KEY_ENTER, LIVE_KEY_ENTER },
		{ KEY_BACKSPACE, LIVE_KEY_BACK },
		{ 0x7f, LIVE_KEY_BACK },
	};
	int c = wgetch(term.keys);

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].curses == c)
			return (special[i].code);
	if (c == ERR)
		return (0);
	return (c < KEY_MIN ? c : LIVE_KEY_OTHER);
}

/* Stop as if SIGTSTP had never been caught, with the terminal as it was. */
static void
stop(void)
{
	sigset_t mask;

	(void)endwin();
	(void)signal(SIGTSTP, SIG_DFL);
	(void)raise(SIGTSTP); /* which comes when it is let in */
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	handle(SIGTSTP, note);
	resized = 1;
}

static void
fit_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
	    size.ws_col > 0)
		(void)resizeterm(size.ws_row, size.ws_col);
}

bool
live_term_changed(void)
{
	bool changed = resized || stopping || continued;

	if (stopping) {
		stopping = 0;
		stop();
		continued = 1;
	}
	if (continued) {
		/* Somebody may have used the terminal: all of it is shown again. */
		continued = 0;
		(void)endwin();
	}
	if (resized) {
		resized = 0;
		fit_size();
	}
	return (changed);
}

int
live_term_ended(void)
{
	return (ended);
}

bool
live_term_said(char *buf, size_t size)
{
	ssize_t n = read(term.said[0], buf, size - 1);

	if (n <= 0)
		return (false);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return (true);
}
