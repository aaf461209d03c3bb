/* SPDX-License-Identifier: ISC */
#ifndef REGISTERS_H
#define REGISTERS_H

/*
 * The system call a traced task is at, changed: its number when it begins, its third
 * argument, and its result when it is over. What it is, PTRACE_GET_SYSCALL_INFO says of
 * any machine; where it is to be changed is in other registers on each.
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>

/* All of them are as wide as a long. */
#define REGISTER(name) offsetof(struct user_regs_struct, name)

#if defined(__x86_64__)
#define NUMBER REGISTER(orig_rax)
#define THIRD  REGISTER(rdx)
#define RESULT REGISTER(rax)
#elif defined(__riscv) && __riscv_xlen == 64
#define NUMBER REGISTER(a7)
#define THIRD  REGISTER(a2)
#define RESULT REGISTER(a0)
#elif defined(__aarch64__) /* whose number is a set of its own */
#define THIRD  REGISTER(regs[2])
#define RESULT REGISTER(regs[0])
#else
#error "the registers of this machine are not known here"
#endif

static inline bool
set_register(pid_t pid, size_t at, unsigned long value)
{
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) != 0)
		return (false);
	memcpy((char *)&regs + at, &value, sizeof(value));
	return (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all) == 0);
}

/* No call is made then. */
#if defined(NUMBER)
static inline bool
skip_call(pid_t pid)
{
	return (set_register(pid, NUMBER, (unsigned long)-1));
}
#else
static inline bool
skip_call(pid_t pid)
{
	int none = -1;
	struct iovec number = { &none, sizeof(none) };

	return (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &number) == 0);
}
#endif

#endif
