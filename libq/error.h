/* SPDX-License-Identifier: ISC */
#ifndef ERROR_H
#define ERROR_H

/* Keep the sentence for q_errmsg() and return code. */
int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a failed system call: errno chooses the code and ends the sentence. */
int fail_sys(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
