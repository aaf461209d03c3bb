/* SPDX-License-Identifier: ISC */
/* Going on after a signal that a damaged data file has raised. */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live_guard.h"

#if defined(__has_feature)
#define ASAN_CLANG __has_feature(address_sanitizer)
#else
#define ASAN_CLANG 0
#endif

static const int signals[] = {
	SIGBUS,
#if !defined(__SANITIZE_ADDRESS__) && !ASAN_CLANG /* which reports it better */
	SIGSEGV,
#endif
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static sigjmp_buf back;
static struct sigaction before[SIGNALS];
static bool broken;

/* One that somebody sent is not met while reading: it is for who was there before. */
static void
met(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code > 0)
		siglongjmp(back, sig);
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == sig)
			(void)sigaction(sig, &before[i], NULL);
	(void)raise(sig);
}

static void
arm(bool on)
{
	struct sigaction act = { .sa_sigaction = met,
		.sa_flags = SA_SIGINFO | SA_NODEFER };

	for (size_t i = 0; i < SIGNALS; i++) /* cannot fail: the numbers are valid */
		(void)sigaction(
		    signals[i], on ? &act : &before[i], on ? &before[i] : NULL);
}

/* Whether path is that directory, or in it. */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return (strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0'));
}

/* With them go the locks of the handle. */
static void
close_files(const char *dir)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *e;

	while (fds != NULL && (e = readdir(fds)) != NULL) {
		char path[PATH_MAX];
		ssize_t n = readlinkat(dirfd(fds), e->d_name, path, sizeof(path) - 1);

		if (n <= 0)
			continue;
		path[n] = '\0';
		if (is_below(path, dir))
			(void)close((int)strtol(e->d_name, NULL, 10));
	}
	if (fds != NULL)
		(void)closedir(fds);
}

static void
unmap_files(const char *dir)
{
	char line[PATH_MAX + 128];
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		char *path = strchr(line, '/'), *end;
		uintptr_t from, to;

		if (path == NULL)
			continue;
		path[strcspn(path, "\n")] = '\0';
		from = (uintptr_t)strtoull(line, &end, 16);
		to = *end == '-' ? (uintptr_t)strtoull(end + 1, NULL, 16) : from;
		if (to > from && is_below(path, dir))
			(void)munmap((void *)from, to - from);
	}
	if (maps != NULL)
		(void)fclose(maps);
}

static void
give_up(struct live_queue *q)
{
	char *path = NULL, *dir = NULL;

	if (q_path(q->name, &path) == 0 && (dir = realpath(path, NULL)) != NULL) {
		unmap_files(dir);
		close_files(dir);
	}
	free(dir);
	free(path);
	q->q = NULL;
}

int
live_guard(struct live_queue *q, int (*fn)(void *), void *arg)
{
	int rc;

	broken = false;
	arm(true);
	if (sigsetjmp(back, 0) == 0) {
		rc = fn(arg);
		arm(false);
		return (rc);
	}
	arm(false);
	broken = true;
	give_up(q);
	return (Q_ECORRUPT);
}

const char *
live_guard_why(void)
{
	return (broken ? "data.mdb is damaged; run 'qctl check'" : q_errmsg());
}

bool
live_guard_broke(void)
{
	return (broken);
}
