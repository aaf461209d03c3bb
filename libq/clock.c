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

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* Text such as 6f1c...-....-... to 16 bytes. */
static int
parse_uuid(const char *s, const char *end, uint8_t out[BOOT_ID_SIZE])
{
	size_t digits = 0;

	for (; s < end && digits < (size_t)2 * BOOT_ID_SIZE; s++) {
		int d = hex_digit(*s);

		if (*s == '-')
			continue;
		if (d < 0)
			return (-1);
		out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | d);
		digits++;
	}
	return (digits == (size_t)2 * BOOT_ID_SIZE ? 0 : -1);
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
	if (n <= 0 || parse_uuid(text, text + n, id) != 0)
		return (fail(Q_ESYS, "%s: not a boot id", path));
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
