/* SPDX-License-Identifier: ISC */
/* The codes: their texts, which are worth a retry, and this thread's last sentence. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "q.h"

static const struct {
	const char *text;
	bool temporary;
} codes[Q_CODES] = {
	[-Q_OK] = { "success", false },
	[-Q_EMPTY] = { "queue is empty", true },
	[-Q_ETIMEDOUT] = { "timed out", true },
	[-Q_ENOENT] = { "no such message (done, expired or purged)", false },
	[-Q_ESTALE] = { "lease lost", false },
	[-Q_EFOREIGN] = { "receipt belongs to another queue", false },
	[-Q_EFULL] = { "queue is full", true },
	[-Q_EBUSY] = { "queue is busy", true },
	[-Q_ENOSPC] = { "no space left on device", true },
	[-Q_EPAUSED] = { "queue is paused", true },
	[-Q_EINVAL] = { "invalid argument", false },
	[-Q_ETOOBIG] = { "message is over the queue's limit", false },
	[-Q_ENOQUEUE] = { "no such queue", false },
	[-Q_ENOTQ] = { "not a queue", false },
	[-Q_EACCES] = { "permission denied", false },
	[-Q_EUNSAFE] = { "unsafe permissions", false },
	[-Q_ENOTSUP] = { "not supported", false },
	[-Q_EVERSION] = { "format is newer than this program knows", false },
	[-Q_ENOMEM] = { "out of memory", false },
	[-Q_ESYS] = { "system call failed", false },
	[-Q_ECORRUPT] = { "stored data is damaged", false },
};

/* Which code an errno is; the rest are Q_ESYS. */
static const struct {
	int error, code;
} of_errno[] = {
	{ ENOSPC, Q_ENOSPC },
	{ EDQUOT, Q_ENOSPC },
	{ EFBIG, Q_ENOSPC },
	{ ENOMEM, Q_ENOMEM },
	{ EACCES, Q_EACCES },
	{ EPERM, Q_EACCES },
	{ EROFS, Q_EACCES },
};

static _Thread_local char message[512];

const char *
q_strerror(int code)
{
	if (code > 0 || code <= -Q_CODES)
		return ("unknown error");
	return (codes[-code].text);
}

bool
q_temporary(int code)
{
	return (code <= 0 && code > -Q_CODES && codes[-code].temporary);
}

const char *
q_errmsg(void)
{
	return (message);
}

const char *
q_version(void)
{
	return (VERSION);
}

int
fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return (code);
}

int
fail_sys(const char *fmt, ...)
{
	int error = errno, code = Q_ESYS;
	size_t used;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	used = strlen(message);
	(void)snprintf(message + used, sizeof(message) - used, ": %s", strerror(error));
	for (size_t i = 0; i < sizeof(of_errno) / sizeof(of_errno[0]); i++)
		if (of_errno[i].error == error)
			code = of_errno[i].code;
	errno = error;
	return (code);
}
