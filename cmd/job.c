/* SPDX-License-Identifier: ISC */
/* Running a COMMAND: its arguments, environment, descriptors, time limit and end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobenv.h"

#include "job.h"

/* Linux takes no longer argument, whatever their sum. */
enum { ARGUMENT_MOST = 128 << 10 };

static int
check_file(const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0 || access(file, X_OK) != 0)
		return (errno);
	return (S_ISREG(st.st_mode) ? 0 : EACCES);
}

int
job_lookup(const char *command, char **out)
{
	const char *path = getenv("PATH"), *end;
	int error = ENOENT, rc;

	if (strchr(command, '/') != NULL) {
		if ((rc = check_file(command)) == 0 && (*out = strdup(command)) == NULL)
			rc = ENOMEM;
		return (rc);
	}
	if (*command == '\0')
		return (ENOENT);
	for (path = path != NULL ? path : "/usr/local/bin:/usr/bin:/bin";;
	     path = end + 1) {
		end = strchrnul(path, ':');
		/* An empty element is the current directory. */
		if (asprintf(out, "%.*s%s%s", (int)(end - path), path,
			end > path ? "/" : "./", command) == -1)
			return (ENOMEM);
		if ((rc = check_file(*out)) == 0)
			return (0);
		free(*out);
		error = rc == EACCES ? EACCES : error;
		if (*end == '\0')
			return (error);
	}
}

/* The body as an argument: without the newline of echo. NULL: it cannot be one. */
static char *
body_text(const struct q_msg *m)
{
	size_t n = m->body_size;

	if (m->blob || n >= ARGUMENT_MOST || memchr(m->body, '\0', n) != NULL)
		return (NULL);
	if (n > 0 && ((const char *)m->body)[n - 1] == '\n')
		n--;
	return (strndup(m->body, n));
}

/* A file for its stdin, at the start: nobody has to feed it, and it need not be read.
 */
static int
open_body(struct q *q, const struct q_msg *m, int *out, const char **why)
{
	const char *p = m->body;
	size_t left = m->body_size;
	ssize_t n = 0;
	int fd, rc;

	if (m->blob) {
		rc = q_msg_open(q, m, out);
		*why = q_errmsg();
		return (rc == 0 ? 0 : rc == Q_ECORRUPT ? JOB_DAMAGED : JOB_UNABLE);
	}
	if ((fd = memfd_create("message", MFD_CLOEXEC)) != -1)
		for (; left > 0 && n != -1; p += n, left -= (size_t)n)
			n = write(fd, p, left);
	if (fd == -1 || n == -1 || lseek(fd, 0, SEEK_SET) == -1) {
		*why = strerror(errno);
		if (fd != -1)
			(void)close(fd);
		return (JOB_UNABLE);
	}
	*out = fd;
	return (0);
}

/* Its descriptors 0 to 2, and the lease's. */
static int
set_descriptors(posix_spawn_file_actions_t *act, const int fds[3], int hold)
{
	int error = 0;

	for (int i = 0; i < 3 && error == 0; i++)
		if (fds[i] != -1)
			error = posix_spawn_file_actions_adddup2(act, fds[i], i);
	/* Onto itself: that clears close-on-exec. The lease lives as long as it does.
	 */
	if (hold != -1 && error == 0)
		error = posix_spawn_file_actions_adddup2(act, hold, hold);
	return (error);
}

static int
spawn(struct job *j, const char *path, char **argv, char **env, const int fds[3],
    int hold)
{
	posix_spawn_file_actions_t act;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int error;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	(void)sigaddset(&defaults, SIGCHLD);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	/* A group of its own: what the terminal sends to us is not for it. */
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	(void)posix_spawn_file_actions_init(&act);
	error = set_descriptors(&act, fds, hold);
	if (error == 0)
		error = posix_spawn(&j->pid, path, &act, &attr, argv + 1, env);
	if (error == ENOEXEC) { /* a script without '#!' is the shell's */
		char *name = argv[1];

		argv[1] = (char *)(uintptr_t)path;
		error = posix_spawn(&j->pid, "/bin/sh", &act, &attr, argv, env);
		argv[1] = name;
	}
	(void)posix_spawn_file_actions_destroy(&act);
	(void)posix_spawnattr_destroy(&attr);
	return (error);
}

static q_time
later(q_time now, q_time d)
{
	return (now > Q_FOREVER - d ? Q_FOREVER : now + d);
}

static void
begin(struct job *j, const struct job_plan *plan, int errors, q_time now)
{
	j->errors = errors;
	j->pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	j->started = now;
	j->ask_at = plan->timeout > 0 ? later(now, plan->timeout) : 0;
	j->kill_at = 0;
	j->timed_out = j->told = false;
	j->tail_size = 0;
}

int
job_start(struct job *j, const struct job_plan *plan, struct q *q,
    const struct q_msg *msg, q_time now, const char **why)
{
	char *body = NULL, **argv = NULL, **env = NULL;
	int in = -1, errors[2] = { -1, -1 }, error, rc = JOB_UNFIT;

	if (jobenv_has_mark(plan->command, plan->mark) &&
	    (body = body_text(msg)) == NULL) {
		*why = "the body cannot be an argument (it is too long, or has a NUL)";
		goto out;
	}
	if ((rc = open_body(q, msg, &in, why)) != 0)
		goto out;
	rc = JOB_UNABLE;
	argv = jobenv_arguments(plan->command, plan->mark, body);
	env = jobenv_environment(plan->queue, msg);
	if (argv == NULL || env == NULL || pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0) {
		*why = strerror(errno);
		goto out;
	}
	(void)fcntl(errors[1], F_SETFL, 0); /* our end alone does not block */
	error =
	    spawn(j, plan->path, argv, env, (int[3]){ in, -1, errors[1] }, msg->hold);
	if (error != 0) {
		j->pid = 0;
		*why = strerror(error);
		rc = error == E2BIG && body != NULL ? JOB_UNFIT : JOB_UNABLE;
		goto out;
	}
	begin(j, plan, errors[0], now);
	errors[0] = -1;
	j->msg = msg;
	rc = 0;
out:
	for (int i = 0; i < 2; i++)
		if (errors[i] != -1)
			(void)close(errors[i]);
	if (in != -1)
		(void)close(in);
	jobenv_free(argv);
	jobenv_free(env);
	free(body);
	return (rc);
}

static void
keep_tail(struct job *j, const char *p, size_t n)
{
	size_t keep;

	if (n > JOB_TAIL) {
		p += n - JOB_TAIL;
		n = JOB_TAIL;
	}
	keep = j->tail_size + n > JOB_TAIL ? JOB_TAIL - n : j->tail_size;
	memmove(j->tail, j->tail + j->tail_size - keep, keep);
	memcpy(j->tail + keep, p, n);
	j->tail_size = keep + n;
}

void
job_read_errors(struct job *j)
{
	char buf[4096];
	ssize_t n;

	while (j->errors != -1 && (n = read(j->errors, buf, sizeof(buf))) != 0) {
		if (n == -1)
			return; /* no more at present */
		(void)!write(STDERR_FILENO, buf, (size_t)n);
		keep_tail(j, buf, (size_t)n);
	}
	if (j->errors != -1)
		(void)close(j->errors);
	j->errors = -1;
}

/* Whether it has, without reaping it: until then its group's number is its own. */
static bool
is_over(const struct job *j)
{
	siginfo_t info = { .si_pid = 0 };

	return (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == j->pid);
}

bool
job_ended(struct job *j)
{
	if (!is_over(j))
		return (false);
	if (j->timed_out || j->told) /* what it left running does not outlive it */
		(void)kill(-j->pid, SIGKILL);
	(void)wait4(j->pid, &j->status, 0, &j->usage);
	/* What it left behind may keep its stderr open: not for us to wait for. */
	job_read_errors(j);
	if (j->errors != -1)
		(void)close(j->errors);
	if (j->pidfd != -1)
		(void)close(j->pidfd);
	j->errors = j->pidfd = -1;
	j->pid = 0;
	return (true);
}

static void
ask(struct job *j, const struct job_plan *plan, q_time now)
{
	(void)kill(-j->pid, SIGTERM);
	j->ask_at = 0;
	j->kill_at = later(now, plan->kill_after);
}

void
job_tell(struct job *j, const struct job_plan *plan, q_time now)
{
	if (j->told)
		return;
	j->told = true;
	ask(j, plan, now);
}

q_time
job_keep_time(struct job *j, const struct job_plan *plan, q_time now)
{
	/* It may have ended in time, and we be late. */
	if (j->ask_at != 0 && now >= j->ask_at && is_over(j))
		return (now);
	if (j->ask_at != 0 && now >= j->ask_at) {
		j->timed_out = true;
		ask(j, plan, now);
	}
	if (j->kill_at != 0 && now >= j->kill_at) {
		(void)kill(-j->pid, SIGKILL);
		j->kill_at = 0;
	}
	if (j->ask_at != 0)
		return (j->ask_at);
	return (j->kill_at != 0 ? j->kill_at : Q_FOREVER);
}
