/* SPDX-License-Identifier: ISC */
/* The clocks and the boot id: the only file that asks the kernel for the time. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"

#include "clock.h"

static int
read_clock(clockid_t id, q_time *now)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return (fail_sys("clock"));
	/* Before 1970 it is 1970, and after 2262 the last we can say. */
	if (ts.tv_sec < 0)
		*now = 0;
	else if (ts.tv_sec >= INT64_MAX / Q_SECOND)
		*now = INT64_MAX;
	else
		*now = (q_time)ts.tv_sec * Q_SECOND + ts.tv_nsec;
	return (0);
}

enum { UUID_TEXT = 36 }; /* 32 digits, and four hyphens */

/* Text of the kernel's such as 6f1c...-....-... to 16 bytes. */
static void
parse_uuid(const char s[UUID_TEXT], uint8_t out[BOOT_ID_SIZE])
{
	size_t digits = 0;

	for (size_t i = 0; i < UUID_TEXT; i++) {
		int d = s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10;

		if (s[i] == '-')
			continue;
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | (d & 15));
		digits = (digits + 1) % ((size_t)2 * BOOT_ID_SIZE);
	}
}

static int
read_boot_id(uint8_t id[BOOT_ID_SIZE])
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[64];
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (fail_sys("%s", path));
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n < UUID_TEXT)
		return (fail(Q_ESYS, "%s: not a boot id", path));
	parse_uuid(text, id);
	return (0);
}

int
clock_boot_id(uint8_t id[BOOT_ID_SIZE])
{
	/* It cannot change while a process lives. */
	static _Thread_local uint8_t kept[BOOT_ID_SIZE];
	static _Thread_local bool known;
	int rc;

	if (!known && (rc = read_boot_id(kept)) != 0)
		return (rc);
	known = true;
	memcpy(id, kept, sizeof(kept));
	return (0);
}

int
clock_read(struct clock *clock)
{
	int rc;

	if ((rc = read_clock(CLOCK_REALTIME, &clock->wall)) != 0)
		return (rc);
	return (read_clock(CLOCK_BOOTTIME, &clock->boot));
}

q_time
clock_monotonic(void)
{
	q_time now = 0;

	return (read_clock(CLOCK_MONOTONIC, &now) == 0 ? now : 0);
}

void
clock_sleep(q_time d)
{
	struct timespec ts = { .tv_sec = d / Q_SECOND, .tv_nsec = d % Q_SECOND };

	(void)nanosleep(&ts, NULL); /* a signal may end it early: every caller loops */
}
