/* SPDX-License-Identifier: ISC */
/* Values and untrusted bytes as people and terminals may see them. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "text.h"

enum { SHOWN = 16 }; /* "\u{10ffff}" and the NUL fit */

static const struct unit {
	const char *name;
	uint64_t ns, least; /* is used from so many ns on */
} units[] = {
	{ "d", 86400000000000, 172800000000000 },
	{ "h", 3600000000000, 7200000000000 },
	{ "min", 60000000000, 120000000000 },
	{ "s", 1000000000, 1000000000 },
	{ "ms", 1000000, 1000000 },
	{ "us", 1000, 1000 },
	{ "ns", 1, 0 },
};

static const char *const signals[] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGPOLL] = "SIGPOLL",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
};

const char *
text_duration(char buf[TEXT_DURATION], int64_t ns)
{
	uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const struct unit *u = units;

	if (n == 0)
		return (memcpy(buf, "0 s", sizeof("0 s")));
	while (n < u->least)
		u++;
	snprintf(buf, TEXT_DURATION, "%s%" PRIu64 " %s", ns < 0 ? "-" : "", n / u->ns,
	    u->name);
	return (buf);
}

const char *
text_seconds(char buf[TEXT_DURATION], double seconds)
{
	double ns = seconds * 1e9, v;
	const struct unit *u = units;

	if (!(ns >= 1))
		return (memcpy(buf, "0 s", sizeof("0 s")));
	while (ns < (double)u->least)
		u++;
	v = ns / (double)u->ns;
	snprintf(buf, TEXT_DURATION, "%.*f %s",
	    v < 10    ? 2
	    : v < 100 ? 1
		      : 0,
	    v, u->name);
	return (buf);
}

const char *
text_size(char buf[TEXT_SIZE], uint64_t bytes)
{
	unsigned shift = 0;

	while (shift < 60 && bytes >> shift >= 1024)
		shift += 10;
	if (shift == 0)
		snprintf(buf, TEXT_SIZE, "%" PRIu64 " B", bytes);
	else
		snprintf(buf, TEXT_SIZE, "%" PRIu64 ".%" PRIu64 " %ciB", bytes >> shift,
		    (bytes >> (shift - 10) & 1023) * 10 / 1024, " KMGTPE"[shift / 10]);
	return (buf);
}

const char *
text_signal(char buf[TEXT_SIGNAL], int sig)
{
	size_t n = sizeof(signals) / sizeof(signals[0]);

	if (sig > 0 && (size_t)sig < n && signals[sig] != NULL)
		snprintf(buf, TEXT_SIGNAL, "%s", signals[sig]);
	else
		snprintf(buf, TEXT_SIGNAL, "signal %d", sig);
	return (buf);
}

/*
 * The Gregorian date of a day since 1970, computed and not asked from gmtime(), which
 * would load the time zone. A year starts in March here, so that its leap day is its
 * last, and eras are the 400 years after which the calendar repeats.
 */
static void
civil(int64_t day, int *year, int *month, int *mday)
{
	int64_t n = day + 719468, era = (n >= 0 ? n : n - 146096) / 146097;
	int doe = (int)(n - era * 146097);
	int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int m = (5 * doy + 2) / 153;

	*mday = doy - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (int)(era * 400) + yoe + (*month <= 2);
}

const char *
text_time(char buf[TEXT_TIME], int64_t when)
{
	int64_t fraction = when % 1000000000, seconds = when / 1000000000, day;
	int year, month, mday, s;

	if (fraction < 0) {
		fraction += 1000000000;
		seconds--;
	}
	day = seconds / 86400 - (seconds % 86400 < 0);
	s = (int)(seconds - day * 86400);
	civil(day, &year, &month, &mday);
	snprintf(buf, TEXT_TIME, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", year, month,
	    mday, s / 3600, s / 60 % 60, s % 60, (int)fraction);
	return (buf);
}

/* The length of the UTF-8 character at s, and its number; 0 if it is not one. */
static size_t
utf8(const unsigned char *s, size_t n, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80   ? 1
	             : s[0] < 0xc0 ? 0
	             : s[0] < 0xe0 ? 2
	             : s[0] < 0xf0 ? 3
	                           : 4;
	uint32_t c = len <= 1 ? s[0] : s[0] & (0x7fU >> len);

	if (s[0] >= 0xf8 || len > n)
		return (0);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return (0);
		c = c << 6 | (s[i] & 0x3f);
	}
	if (len == 0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return (0);
	*character = c;
	return (len);
}

/* Characters that do something instead of being seen. */
static bool
acts(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} range[] = {
		{ 0x00, 0x1f },     /* C0 */
		{ 0x7f, 0x9f },     /* DEL, C1 */
		{ 0x61c, 0x61c },   /* Arabic letter mark */
		{ 0x200e, 0x200f }, /* left-to-right and right-to-left marks */
		{ 0x2028,
		    0x202e }, /* separators; bidirectional embeddings, overrides */
		{ 0x2066, 0x2069 },   /* bidirectional isolates */
		{ 0xe0000, 0xe007f }, /* invisible tags */
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (c >= range[i].first && c <= range[i].last)
			return (true);
	return (false);
}

/* How the character or byte at s is shown; returns how many bytes of s that is. */
static size_t
show(char out[SHOWN], const unsigned char *s, size_t n)
{
	uint32_t c = 0;
	size_t len = utf8(s, n, &c);

	if (len == 0 || (len == 1 && acts(c))) {
		snprintf(out, SHOWN, "\\x%02x", (unsigned)s[0]);
		return (1);
	}
	if (acts(c)) {
		snprintf(out, SHOWN, "\\u{%x}", (unsigned)c);
	} else {
		memcpy(out, s, len);
		out[len] = '\0';
	}
	return (len);
}

size_t
text_escape(char *buf, size_t size, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	size_t done = 0, used = 0;

	while (done < n) {
		char out[SHOWN];
		size_t step = show(out, s + done, n - done), len = strlen(out);

		if (len >= size - used)
			break;
		memcpy(buf + used, out, len);
		used += len;
		done += step;
	}
	buf[used] = '\0';
	return (done);
}

void
text_print(FILE *stream, const void *bytes, size_t n)
{
	const char *s = bytes;

	while (n > 0) {
		char buf[512];
		size_t done = text_escape(buf, sizeof(buf), s, n);

		(void)fputs(buf, stream); /* the stream remembers */
		s += done;
		n -= done;
	}
}

bool
text_is_utf8(const void *bytes, size_t n)
{
	const unsigned char *s = bytes;
	uint32_t c;
	size_t len;

	for (; n > 0; s += len, n -= len)
		if ((len = utf8(s, n, &c)) == 0)
			return (false);
	return (true);
}
