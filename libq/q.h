/* SPDX-License-Identifier: ISC */
#ifndef Q_H
#define Q_H

/*
 * libq: durable message queues in directories. q(3) says more of the functions, and of
 * signals; the structures are described here.
 *
 * Functions return 0 or a negative code of enum q_code. Outputs are written only on
 * success, except where said; what is given through a pointer to a pointer, and a
 * descriptor, is the caller's to free or close; NULL is fine for that. Argument structs
 * are initialised with { 0 }: zero is always the default. Names of enumerators are
 * lower case, as "ready", and NULL for what is none. A handle belongs to one thread at
 * a time and does not cross fork().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds: since 1970 for a time of day, else a duration. */
typedef int64_t q_time;

#define Q_SECOND  ((q_time)1000000000)
#define Q_FOREVER INT64_MAX

enum q_code {
	Q_OK = 0,
	/* the answer is no; nothing changed */
	Q_EMPTY = -1,     /* no message is ready */
	Q_ETIMEDOUT = -2, /* nor did one become ready in the time given */
	Q_ENOENT = -3,    /* no such message: done, expired, purged, or never was */
	Q_ESTALE = -4,    /* the receipt's lease was lost, or it is used up */
	Q_EFOREIGN = -5,  /* the receipt belongs to another queue */
	/* failed; worth another try */
	Q_EFULL = -6,   /* the queue's limit of messages or bytes is reached */
	Q_EBUSY = -7,   /* the queue stayed locked for the time we may wait */
	Q_ENOSPC = -8,  /* the disk is full */
	Q_EPAUSED = -9, /* paused by its administrator */
	/* failed, and will fail again */
	Q_EINVAL = -10,   /* an argument is wrong */
	Q_ETOOBIG = -11,  /* the body is over the queue's limit */
	Q_ENOQUEUE = -12, /* no such queue */
	Q_ENOTQ = -13,    /* the path is something else */
	Q_EACCES = -14,   /* no permission */
	Q_EUNSAFE = -15,  /* others could write, or a file is not what it should be */
	Q_ENOTSUP = -16,  /* this file system, engine or platform cannot do it */
	Q_EVERSION = -17, /* the format is newer than this library */
	Q_ENOMEM = -18,
	Q_ESYS = -19,     /* a system call failed; q_errmsg() says which */
	Q_ECORRUPT = -20, /* stored data failed its check */
	Q_CODES = 21
};

/* Text of a code, in lower case; never NULL. */
const char *q_strerror(int code);
/* Of this thread's last failed call, without program or queue; valid until its next. */
const char *q_errmsg(void);
/* Whether the same call may succeed later without anybody changing it. */
bool q_temporary(int code);
const char *q_version(void); /* "0.1.0" */

enum {                         /* limits */
	Q_MAX_NAME = 255,      /* bytes in the name of a queue */
	Q_MAX_HEADERS = 16384, /* bytes of all headers of a message, as NAME=VALUE\0 */
	Q_MAX_OUTPUT = 4096,   /* bytes kept of the stderr of a failed command */
	Q_MAX_COMMAND = 2048,  /* bytes kept of the words of a failed command */
	Q_MAX_REASON = 1024,   /* bytes kept of a reason */
	Q_MAX_KEY = 1024,      /* bytes of a key, or of a group's name */
	Q_MIN_PRIORITY = -100,
	Q_MAX_PRIORITY = 100,
	Q_MAX_RECEIPT = 48,    /* a receipt with its NUL */
	Q_MAX_FINDINGS = 1000, /* listed of what a check finds */
	Q_MAX_PEEK = 1000,     /* messages that q_peek() gives */
};

enum q_state {
	Q_READY = 1,
	Q_DELAYED = 2,
	Q_BLOCKED = 3,
	Q_LEASED = 4,
	Q_DEAD = 5,
	Q_STATES = 6
};

/* "ready", "delayed", ...; NULL for what is not a state. */
const char *q_state_name(enum q_state state);
/* The state of that name, or 0. */
enum q_state q_state_of(const char *name);

/* ---- queues ---- */

struct q; /* an open queue */

enum q_open_flag {
	Q_CREATE = 1 << 0,  /* make it if there is none */
	Q_EXCL = 1 << 1,    /* with Q_CREATE: and only then */
	Q_RDONLY = 1 << 2,  /* look only; a user who may just read can open it so */
	Q_FORCE = 1 << 3,   /* accept a network file system, at the caller's risk */
	Q_PARENTS = 1 << 4, /* with Q_CREATE: make missing directories above it, too */
};

struct q_open {
	unsigned flags; /* of enum q_open_flag */
	mode_t mode;    /* of a created queue: 0700 if 0; its files follow it */
	gid_t group;    /* of a created queue, if has_group */
	bool has_group;
	/* Shall make a signal interrupt system calls after so long, and every few
	 * milliseconds from then on; 0 stops that. NULL: waits for the lock poll. */
	void (*alarm)(q_time);
	bool (*stop)(void *arg); /* asked in waits: true gives up; may be NULL */
	void *arg;
	q_time lock_wait; /* longest wait for another process; 30 s if 0 */
};

/* Where the queue called name is, see q(7). Q_EINVAL: not a name. */
int q_path(const char *name, char **path);
/* The directory in which names are looked up. */
int q_root(char **path);

/* Open the queue directory at path. Q_ENOQUEUE, Q_ENOTQ, Q_EACCES, Q_EUNSAFE, ... */
int q_open(const char *path, const struct q_open *args, struct q **q);
/* Its held leases end: what was not settled is ready again. */
void q_close(struct q *q);
/* Whether a commit failed: nobody knows if it is stored, and no other is tried. */
bool q_is_dead(const struct q *q);
/* Whether what was asked for last may be done although it failed: its commit did, or
 * another process has it in hand. */
bool q_in_doubt(const struct q *q);
/* Another lock_wait from now on, for who has other things to do meanwhile. */
void q_lock_wait(struct q *q, q_time wait);

/*
 * Remove the queue at path, at once and whole. Q_EUNSAFE: other files are in it, or
 * path is a link. Without Q_FORCE, Q_EBUSY: a message is held; Q_ECORRUPT: damage.
 */
int q_remove(const char *path, const struct q_open *args);

/* ---- options of a queue ---- */

enum q_option {
	Q_OPT_MAX_MESSAGES, /* limits; 0 is none */
	Q_OPT_MAX_BYTES,
	Q_OPT_MAX_BODY,
	Q_OPT_INLINE, /* larger bodies get a file of their own */
	Q_OPT_MAX_ATTEMPTS,
	Q_OPT_BACKOFF, /* before the second attempt; doubles with each */
	Q_OPT_BACKOFF_MAX,
	Q_OPT_REMEMBER,      /* how long the receipt of a finished message is known */
	Q_OPT_MAX_LEASED,    /* messages leased at once; 0: no limit */
	Q_OPT_RATE,          /* deliveries a second; 0: no limit */
	Q_OPT_WINDOW,        /* how long the key of a finished message is known */
	Q_OPT_GROUP_ON_DEAD, /* enum q_group_on_dead */
	Q_OPT_RESULTS,       /* enum q_results */
	Q_OPT_RESULT_KEEP,   /* how long a result is kept */
	Q_OPT_LOG,           /* how long events are kept; 0: not at all */
	Q_OPTIONS
};

enum q_group_on_dead { Q_GROUP_SKIP, Q_GROUP_HOLD };
enum q_results { Q_RESULTS_ASKED, Q_RESULTS_ALL };

enum q_kind { Q_COUNT, Q_SIZE, Q_DURATION, Q_CHOICE };

struct q_option_info {
	const char *name; /* "max-messages" */
	enum q_kind kind;
	uint64_t min, max, initial; /* bytes, or nanoseconds, or which choice */
	const char *help;
	const char *const *choices; /* of Q_CHOICE: the names of min to max */
};

/* The row of an option; NULL if there is none of that number. */
const struct q_option_info *q_option_info(enum q_option option);
/* Its value in this queue: bytes, nanoseconds, or which choice. */
int q_option_get(struct q *q, enum q_option option, uint64_t *value);
/* In force for every process from its next operation on. Q_EINVAL: out of range. */
int q_option_set(struct q *q, enum q_option option, uint64_t value);

enum q_gate { Q_GATE_IN = 1 << 0, Q_GATE_OUT = 1 << 1 };

/* Close gates, a bit set, or open them again: q_push() or q_take() is Q_EPAUSED. */
int q_pause(struct q *q, unsigned gates, bool close);

/* ---- push ---- */

struct q_blob; /* a body too large for memory, on its way in */

struct q_push {
	const void *body; /* unless blob is set */
	size_t size;
	struct q_blob *blob;
	q_time delay;          /* from now; excludes due */
	q_time due;            /* time of day from which it is ready */
	q_time ttl;            /* expires so long after the push; 0: never */
	int priority;          /* Q_MIN_PRIORITY..Q_MAX_PRIORITY, higher first */
	uint32_t max_attempts; /* 0: the queue's */
	const char *headers;   /* NAME=VALUE, each with its NUL, headers_size bytes */
	size_t headers_size;
	const char *key;   /* not added if one of this key is known; NULL: none */
	const char *group; /* delivered one at a time and in order; NULL: none */
	bool result;       /* keep what becomes of it, for q_result_get() */
};

struct q_pushed {
	uint64_t id;
	bool known; /* not added: the id is that of the message that has the key */
};

enum q_push_flag {
	Q_ATOMIC = 1 << 0, /* all or none */
	Q_PATIENT =
	    1 << 1, /* of one who waits for room: Q_ETOOBIG, if there can be none */
};

/*
 * Store n messages in one transaction, in order. *stored says how many are on disk,
 * also after an error: those before the refused one, and those whose key is known.
 * pushed, if not NULL, has room for n. Q_EFULL, Q_ETOOBIG, Q_ENOSPC, Q_EBUSY, ...
 */
int q_push(struct q *q, const struct q_push *messages, size_t n, unsigned flags,
    size_t *stored, struct q_pushed *pushed);

/* A message of another queue, that others come of. */
struct q_origin {
	uint8_t queue[16]; /* its uuid, as in q_stat */
	uint64_t id;
	q_time pushed; /* a queue that was copied may give the same id again */
};

/*
 * Store n messages, all or none, as what comes of origin: once in 30 days. *known: it
 * was done before. In the same commit, the origins of over are forgotten. n may be 0.
 */
int q_hand_over(struct q *q, const struct q_push *messages, size_t n,
    const struct q_origin *origin, bool *known, const struct q_origin *over,
    size_t over_count);

/* A body of unknown or large size, written piece by piece; freed before q is closed. */
int q_blob_new(struct q *q, struct q_blob **blob);
/* Q_ETOOBIG when it passes the queue's limit, Q_ENOSPC when the disk is full. */
int q_blob_write(struct q_blob *blob, const void *data, size_t size);
/* Bytes written so far. */
uint64_t q_blob_size(const struct q_blob *blob);
/* Forget it; what a push has stored stays. */
void q_blob_free(struct q_blob *blob);
/* For q_output, of a size without limit. */
int q_blob_output(struct q *q, struct q_blob **blob);
/* From this size on a body should come as a blob. */
int q_blob_threshold(struct q *q, uint64_t *size);

/* ---- messages ---- */

/* Names one delivery of one message of one queue; as text ID.DELIVERY.CHECK. */
struct q_receipt {
	uint64_t id;
	uint32_t delivery;
	uint32_t check;
};

/* Q_EINVAL: it does not look like one. */
int q_receipt_parse(const char *text, struct q_receipt *receipt);
/* Never fails; text is the caller's. */
void q_receipt_format(const struct q_receipt *receipt, char text[Q_MAX_RECEIPT]);

enum q_how {            /* a delivery failed */
	Q_HOW_SAID = 0, /* its consumer said so */
	Q_HOW_LAPSED,   /* its lease ended without an answer */
	Q_HOW_EXITED,   /* a command exited; status is what with */
	Q_HOW_KILLED,   /* a command was killed; status is the signal */
	Q_HOW_TIMEOUT,  /* a command was ended for its time limit */
	Q_HOW_DAMAGED,  /* the message cannot be read */
	Q_HOWS
};

/* "exited", "killed", ...; NULL for what is none. */
const char *q_how_name(enum q_how how);

/* What is known of a command that failed. */
struct q_report {
	enum q_how how;
	int status;
	q_time took;         /* from its start to its end */
	q_time cpu;          /* of it and its children, user and system */
	uint64_t memory;     /* most it had resident, in bytes */
	const char *host;    /* where it ran; NULL: unknown */
	const char *output;  /* the end of its stderr, with a NUL behind; may be NULL */
	size_t output_size;  /* cut to the last Q_MAX_OUTPUT bytes */
	const char *command; /* what stands for the body, then its words, each with its
	                      * NUL; not kept over Q_MAX_COMMAND; may be NULL */
	size_t command_size;
};

struct q_failure {
	uint32_t delivery;  /* which one failed */
	q_time when;        /* time of day */
	pid_t pid;          /* who had it */
	const char *reason; /* "lease ran out", or what the consumer said */
	struct q_report report;
};

struct q_msg { /* made by the library alone, so it may grow */
	uint64_t id;
	enum q_state state;
	int priority;
	uint32_t attempt;      /* attempts that count against max_attempts */
	uint32_t delivery;     /* times delivered: the receipt's and fencing number */
	uint32_t max_attempts; /* 0 is never stored: the queue's was filled in */
	q_time pushed;         /* time of day */
	q_time due;     /* time of day: delayed or blocked, not ready before; of a
	                 * lease, its end: Q_FOREVER if held; or 0 */
	q_time expires; /* time of day; 0: never */
	q_time changed; /* time of day it came into this state */
	uid_t uid;      /* who pushed it */
	pid_t pid;      /* who leases it, or did last; 0: nobody yet */
	struct q_receipt receipt; /* of the lease; id 0 if not leased */
	const char *key, *group;  /* NULL: none */
	const char *headers;      /* NAME=VALUE, each with its NUL */
	size_t headers_size;
	uint64_t size;    /* of the body */
	const void *body; /* NULL: not read, or a blob: q_msg_open() */
	size_t body_size; /* of body; less than size in a preview */
	bool damaged;     /* its record cannot be read; only its state is known */
	bool blob;
	bool result;        /* its pusher wants what becomes of it */
	uint64_t blob_hash; /* XXH3-64 of its content */
	const struct q_failure *failures;
	size_t failure_count;
	bool ahead;        /* leased, and not begun yet: see q_take.ahead */
	bool own_attempts; /* max_attempts is its own, not the queue's */
	bool moving;       /* dead, and on its way to another queue: see q_transfer() */
	bool passed;       /* dead, and its group goes on without it */
};

struct q_batch; /* messages and the memory behind them */

/* How many messages are in it. */
size_t q_batch_count(const struct q_batch *batch);
/* Message i, valid until the batch is freed. */
const struct q_msg *q_batch_get(const struct q_batch *batch, size_t i);
/* Settles nothing. */
void q_batch_free(struct q_batch *batch);

/* A descriptor to read a blob's body from; Q_ECORRUPT: missing, short or changed;
 * Q_ENOENT: the message has ended meanwhile. */
int q_msg_open(struct q *q, const struct q_msg *msg, int *fd);

/* ---- take ---- */

struct q_take {
	size_t n;          /* at most so many; 0 is 1 */
	size_t bytes;      /* stop after so many bytes of bodies; 0: 16 MiB */
	q_time lease;      /* 0: held, until settled or this handle or process ends */
	q_time wait;       /* for a message to become ready; Q_FOREVER allowed */
	uint64_t id;       /* this one only, if not 0 */
	pid_t owner;       /* a timed lease ends with this process too, if not 0 */
	const char *group; /* of this group only, if not NULL */
	q_time every;  /* from one message to the next, of all takers of this rate */
	q_time *later; /* if not NULL: with Q_EMPTY, how long a rate forbids more */
	size_t ahead;  /* the last so many of n are held, and no attempt yet */
	bool durable;  /* a power cut must not undo it: so in any case if not held */
	struct q_batch *ack; /* acknowledge this batch in the same transaction */
	uint64_t *damaged;   /* if not NULL: the id of a message set aside, or 0 */
};

/* The highest priority first, then the oldest. Q_EMPTY, Q_ETIMEDOUT, Q_EPAUSED,
 * Q_ENOENT; Q_ECORRUPT: one was damaged, and is set aside as dead. */
int q_take(struct q *q, const struct q_take *args, struct q_batch **batch);
/* A close-on-exec descriptor: a child that inherits it holds the messages, too. */
int q_hold(struct q *q, const uint64_t *ids, size_t n, int *fd);
/* Let go what it holds, whoever has inherited it, and close it. -1 is fine. */
void q_unhold(int fd);
/* Hold on, should the file that shows what is held be replaced: within 60 s. */
int q_keep(struct q *q);

/*
 * Sleep until a take may find what the last one of this handle did not; at the latest
 * until (CLOCK_MONOTONIC), or a signal. It may return early, as it does at first.
 */
void q_wait(struct q *q, q_time until);
/* The same for any change that the last look of this handle did not see. */
void q_wait_change(struct q *q, q_time until);

/* ---- settle ---- */

/* What a command wrote to its stdout. */
struct q_output {
	const void *data; /* unless blob is set */
	size_t size;
	struct q_blob *blob; /* of q_blob_output(); over the queue's inline size */
	bool lost;           /* there was some, and it cannot be kept */
};

enum q_verb {
	Q_ACK = 1,
	Q_RELEASE,
	Q_EXTEND,
	Q_FAIL,
	Q_KILL,
	Q_BEGIN,  /* taken ahead, and begun */
	Q_RETURN, /* taken ahead, and never begun */
};

struct q_settle {
	enum q_verb verb;
	q_time delay; /* Q_RELEASE: not before; Q_FAIL: in place of the back-off */
	bool has_delay;
	q_time lease;       /* Q_EXTEND: from now */
	const char *reason; /* kept with the failure, to Q_MAX_REASON; may be NULL */
	const struct q_report *report; /* likewise, of a command; may be NULL */
	const struct q_output *output; /* for a result, if one is kept; may be NULL */
	bool strict;  /* refuse a lease that is over, taken by another or not */
	bool backoff; /* Q_RELEASE: wait as after so many failures in a row */
	bool counted; /* Q_RELEASE: the attempt counts */
	q_time backoff_base, backoff_max; /* in place of the queue's, if not 0 */
};

struct q_settled {
	int code;           /* 0, Q_ENOENT, Q_ESTALE, Q_EFOREIGN, Q_ECORRUPT */
	bool again;         /* it had been settled so before; nothing changed */
	q_time late;        /* the lease was over for so long; accepted all the same */
	enum q_state state; /* what became of it; 0: gone */
	q_time due;         /* time of day, if Q_DELAYED */
	uint32_t attempt, max_attempts;
	uint32_t holder; /* Q_ESTALE: the delivery that has it now, or 0 */
	q_time since;    /* Q_ESTALE: time of day of that */
	pid_t pid;       /* Q_ESTALE: who */
};

/*
 * Settle n receipts, each for itself: results[i] says how. 0 when all is on disk,
 * whatever the results; more than one transaction only where the disk is nearly full.
 */
int q_settle(struct q *q, const struct q_settle *how, const struct q_receipt *receipts,
    size_t n, struct q_settled *results);
/* The same for n messages of a batch of this handle. Q_ECORRUPT: but for one. */
int q_batch_settle(struct q *q, const struct q_settle *how, struct q_batch *batch,
    size_t first, size_t n);

/* One delivery and what becomes of it. */
struct q_finish {
	const struct q_msg *msg; /* taken through this handle */
	struct q_settle how;
	struct q_settled result; /* written by the library */
};

/* Settle n deliveries, and take as q_take() does, in one commit; take may be NULL. */
int q_exchange(struct q *q, struct q_finish *finish, size_t n,
    const struct q_take *take, struct q_batch **batch);

/* ---- manage ---- */

enum q_act {
	Q_ACT_PURGE = 1, /* gone; a leased one only if its state is named */
	Q_ACT_REDRIVE,   /* dead: ready, attempts from 0 */
	Q_ACT_RELEASE,   /* delayed or leased: ready, without counting the attempt */
	Q_ACT_DEAD,      /* any but the dead: dead */
};

struct q_manage {
	enum q_act act;
	const uint64_t *ids; /* id_count messages; NULL: all that fit the rest */
	size_t id_count;
	int *codes;         /* of each id, if not NULL: 0, Q_ENOENT, Q_ECORRUPT, or
	                     * Q_EINVAL: not of those meant */
	unsigned states;    /* bit set of 1 << enum q_state; 0: those the act is for */
	q_time older;       /* pushed at least so long ago */
	const char *reason; /* of their last failure: as of glob(7); may be NULL */
	const char *why;    /* Q_ACT_DEAD: kept with them; may be NULL */
	bool dry;           /* count, and change nothing */
	bool force;         /* Q_ACT_REDRIVE: also those on their way elsewhere */
};

struct q_managed {
	uint64_t count;   /* of messages */
	uint64_t bytes;   /* of their bodies */
	uint64_t refused; /* of ids: others; else damaged ones that were met */
	uint64_t known;   /* of copies: they were there, or their key was; of a move:
	                   * left, and not counted, as their key is there */
	bool there;       /* of a transfer that failed: it was for the other queue */
};

/* Transactions are of a bounded size: *managed is what was done, after an error, too.
 */
int q_manage(struct q *q, const struct q_manage *how, struct q_managed *managed);

struct q_transfer {
	struct q_manage which; /* its act is not used; codes, dry as there */
	bool copy;             /* they stay, too; else they go, counted as purged */
	uint64_t most;         /* the first so many; 0: all */
};

/*
 * Take messages over into another queue, once each in 30 days; leased ones only by a
 * copy. After a crash, the same again takes over the rest. Q_EINVAL: the same queue.
 */
int q_transfer(
    struct q *from, struct q *to, const struct q_transfer *how, struct q_managed *out);

/* A message as it was in a queue that has the uuid. */
struct q_load {
	const struct q_msg *msg; /* with its body and failures, made by the caller: but
	                          * for its receipt, and what else is of a lease */
	struct q_blob *blob;     /* in place of its body; may be NULL */
};

/*
 * Store n messages as they were in another queue, each once in 30 days; one that was
 * leased is ready, and its attempt counts. Ids stay, if there was none greater here.
 */
int q_load(struct q *q, const uint8_t uuid[16], const struct q_load *messages, size_t n,
    size_t *stored, struct q_pushed *pushed);

/*
 * Another body, or blob, for one that q_get() gave: with an id of its own, the last of
 * its priority and group. Q_ESTALE: it is not as it was; Q_ENOENT: it is gone.
 */
int q_replace(struct q *q, const struct q_msg *old, const void *body, size_t size,
    struct q_blob *blob, uint64_t *id);

/* ---- results ---- */

struct q_result {
	uint64_t id;
	enum q_state state; /* 0: done; or Q_DEAD */
	enum q_how how;     /* dead: how the last attempt ended */
	int status;         /* its exit status, or signal */
	const char *reason; /* of a dead one */
	q_time when;        /* time of day it ended */
	const void *output; /* with a NUL behind; not if it is a blob */
	uint64_t size;      /* of the output */
	uint64_t hash;      /* of a blob */
	bool blob;          /* q_result_open() */
	bool lost;          /* there was output, and it could not be kept */
};

/*
 * What became of message id, waiting for its end. Q_EMPTY, after a wait Q_ETIMEDOUT:
 * that has not come; Q_ENOENT: it has, or there was no message; no result is kept.
 */
int q_result_get(struct q *q, uint64_t id, q_time wait, struct q_result **result);
/*
 * Whether message id is known to be done, also without a result: its receipt is
 * remembered, or no message has left the queue otherwise. *when is the time of day, or
 * 0 if it is not known. Q_ENOENT: it is not done, or nobody knows; Q_ECORRUPT: damage
 * may hide it.
 */
int q_result_done(struct q *q, uint64_t id, q_time *when);
/* A descriptor to read a blob from; Q_ECORRUPT as for q_msg_open(). */
int q_result_open(struct q *q, const struct q_result *result, int *fd);
/* NULL is fine. */
void q_result_free(struct q_result *result);

/* ---- look ---- */

/* How often lengths of time were seen, in buckets whose bounds grow by half octaves. */
enum { Q_BUCKETS = 84 };

struct q_histogram {
	uint64_t count;
	uint64_t sum; /* microseconds */
	uint64_t bucket[Q_BUCKETS];
};

/* The greatest length of bucket i: 1, 1.414, 2 us, ...; of the last, Q_FOREVER. */
q_time q_bucket_bound(size_t i);
/* Seconds; 0: nothing was seen. */
double q_histogram_mean(const struct q_histogram *h);
/* Seconds that the share p, 0..1, did not exceed; interpolated within a bucket. */
double q_histogram_quantile(const struct q_histogram *h, double p);
/* The squared coefficient of variation. 0: fewer than two were seen. */
double q_histogram_variation(const struct q_histogram *h);

struct q_stat {
	uint64_t count[Q_STATES]; /* by enum q_state, as a take would find them now */
	uint64_t pushed, done, expired, purged, delivered, failed; /* since creation */
	uint64_t bytes;  /* of bodies waiting, leased or dead */
	uint64_t disk;   /* allocated for the queue's data file */
	q_time oldest;   /* time of day the oldest ready message was pushed; 0: none */
	q_time next_due; /* time of day of the next delayed one; 0: none */
	q_time paused_in, paused_out; /* time of day of q_pause(); 0: not paused */
	uint8_t uuid[16];
	uint64_t released, lapsed, died; /* since creation */
	uint64_t retried;                /* deliveries that were not the first */
	uint64_t bytes_in, bytes_out;    /* of bodies pushed, delivered; likewise */
	/* Pushed and done in the last 1, 5 and 15 minutes, or since the machine's boot
	 * or its clock was set: a second, and in all. */
	double rate_in[3], rate_out[3];
	uint64_t seen_in[3], seen_out[3];
	uint64_t leased_most;       /* at work at once, in the last 15 minutes */
	bool history_damaged;       /* a record of what follows is lost: empty here */
	q_time history_since;       /* time of day that last happened; 0: never */
	struct q_histogram wait;    /* from push, or end of delay, to first delivery */
	struct q_histogram service; /* from a delivery to ack, failure or dead */
	struct q_histogram total;   /* from the push to done */
	struct q_histogram gap;     /* from one push to the next */
};

/* Counts, rates and times of the queue, as of now; changes nothing. */
int q_stat(struct q *q, struct q_stat *stat);

struct q_list {
	enum q_state state; /* 0: all */
	size_t n;           /* at most so many; 0 is 256 */
	size_t preview;     /* bytes of each body to read; 0: none */
	uint64_t after;     /* id the last page ended with; 0 at the start */
	q_time before;      /* pushed before this time of day; 0: whenever */
	const char *group;  /* of this group only; NULL: of any, or none */
	const char *header; /* that have it: NAME, or NAME=VALUE; NULL: all */
	bool hidden;        /* written: damage may hide some, up to here */
};

/*
 * The next messages by id, without failures; moves args->after on. Q_EMPTY: no more;
 * Q_ECORRUPT: likewise, and some may have been hidden.
 */
int q_list(struct q *q, struct q_list *args, struct q_batch **batch);
/*
 * The first n (0 is 1, at most Q_MAX_PEEK) of a state but Q_BLOCKED, in its own order,
 * with so many bytes of each body, and without failures. Q_EMPTY: none.
 */
int q_peek(
    struct q *q, enum q_state state, size_t n, size_t preview, struct q_batch **batch);

struct q_usage {
	uint64_t allocated;  /* bytes of disk the data file takes */
	uint64_t used;       /* of them, bytes of pages in use */
	uint64_t free;       /* of pages that later messages use again */
	uint64_t blobs;      /* files of large bodies and outputs */
	uint64_t blob_bytes; /* their size */
};

/* What the queue takes of the disk: reads all of its directory blob. */
int q_usage(struct q *q, struct q_usage *usage);
/* One message with body and failures. Q_ENOENT. */
int q_get(struct q *q, uint64_t id, struct q_batch **batch);

enum q_role {
	Q_ROLE_LEASE = 1, /* has a message */
	Q_ROLE_LOCK,      /* has the transaction lock */
	Q_ROLE_WAIT,      /* waits for it */
	Q_ROLE_OPEN, /* has the queue open: waits for messages, or is between two */
};

enum q_lease {
	Q_LEASE_HELD = 1, /* for as long as processes live */
	Q_LEASE_AHEAD,    /* likewise, and its holder has not begun */
	Q_LEASE_TIMED,    /* until a time */
	Q_LEASE_OWNED,    /* until a time, and no longer than its owner lives */
};

enum q_process {
	Q_PROCESS_UNKNOWN, /* not to be seen by this user */
	Q_PROCESS_RUNNING,
	Q_PROCESS_STOPPED,
	Q_PROCESS_ZOMBIE,
	Q_PROCESS_GONE,
	Q_PROCESS_ELSEWHERE, /* in another pid namespace: its id says nothing here */
	Q_PROCESSES
};

/* "running", "gone", ...; NULL for what is none. */
const char *q_process_name(enum q_process process);

struct q_holder {
	enum q_role role;
	pid_t pid; /* 0: unknown */
	enum q_process process;
	char command[32]; /* its name as the kernel has it, any bytes; "": unknown */
	/* Of a lease: */
	uint64_t id;
	uint32_t attempt;
	enum q_lease lease;
	q_time since; /* time of day of the delivery */
	q_time due;   /* time of day of its end; Q_FOREVER: held */
};

/*
 * Who uses the queue at this moment, but for this process: first who has a message, by
 * the end of its lease. *list is written also with Q_EBUSY: then of the lock alone.
 */
int q_holders(struct q *q, struct q_holder **list, size_t *count);

/* ---- events ---- */

enum q_event_kind {
	Q_EVENT_PUSHED = 1,
	Q_EVENT_DELIVERED,
	Q_EVENT_BEGUN,    /* what was taken ahead */
	Q_EVENT_RETURNED, /* what was taken ahead, and never begun */
	Q_EVENT_ACKNOWLEDGED,
	Q_EVENT_RELEASED,
	Q_EVENT_EXTENDED,
	Q_EVENT_FAILED,
	Q_EVENT_LAPSED, /* its lease ended without an answer */
	Q_EVENT_DEAD,
	Q_EVENT_READY, /* its time has come, or it is its group's turn */
	Q_EVENT_EXPIRED,
	Q_EVENT_REDRIVEN,
	Q_EVENT_PURGED,
	Q_EVENT_PAUSED, /* this, and the two that follow, happen to the queue */
	Q_EVENT_RESUMED,
	Q_EVENT_SET,   /* an option */
	Q_EVENT_MOVED, /* a message, into another queue */
	Q_EVENTS
};

/* "pushed", "expired", ...; NULL for what is none. */
const char *q_event_name(enum q_event_kind kind);

enum { Q_EVENT_COMMAND = 16, Q_EVENT_DETAIL = 69 }; /* bytes, with the NUL */

struct q_event {         /* made by the library alone, so it may grow */
	uint64_t missed; /* events before it that are lost; UINT64_MAX: nobody knows */
	q_time when;     /* time of day of its transaction */
	enum q_event_kind kind;
	bool damaged;     /* its row in the log cannot be read: no more is known */
	uint64_t id;      /* of the message; 0: it is about the queue */
	uint32_t attempt; /* of the message; 0: it was not delivered yet */
	q_time due;       /* time of day it is ready, or its lease ends; 0: it is not */
	uid_t uid;        /* who did it; (uid_t)-1: time did */
	pid_t pid;        /* likewise; 0: time did. Lapsed: who had it */
	char command[Q_EVENT_COMMAND]; /* the program that did it, cut; may be empty */
	char detail[Q_EVENT_DETAIL]; /* a key, reason, option, queue; cut; untrusted */
};

struct q_events; /* a place in what happens to a queue */

/* Watch what happens from now on; closed before q. Q_EACCES: there is no ctl. */
int q_events_open(struct q *q, struct q_events **events);
/* The same from a time of day on, in the queue's log. Q_ENOTSUP: it keeps none. */
int q_events_since(struct q *q, q_time since, struct q_events **events);
/*
 * The next event. Q_EMPTY: there is none yet, see q_wait_change(). Q_ENOQUEUE: the
 * queue was removed or replaced. Q_ECORRUPT: the log cannot be read any further.
 */
int q_events_next(struct q_events *events, struct q_event *event);
/* Before q is; NULL is fine. */
void q_events_close(struct q_events *events);

/* ---- check and repair ---- */

struct q_finding {
	uint64_t id;        /* of the message it is about; 0: of none */
	const char *object; /* "message 42", "page 17 of table msg", "table ready" */
	const char *what;   /* "is damaged (its message record)" */
};

struct q_check {        /* made by the library alone, so it may grow */
	uint64_t found; /* how much is wrong; 0: the queue is sound */
	const struct q_finding *findings;
	size_t count; /* of findings: found, but at most Q_MAX_FINDINGS */
	uint64_t messages;
	uint64_t aside;       /* of these: damaged, known to be, and dead */
	uint64_t bytes;       /* of bodies */
	uint64_t blobs;       /* files of large bodies */
	uint64_t orphans;     /* files that belong to no message any more: no harm */
	uint64_t pages, free; /* of data.mdb; free: of these */
	/* After q_repair(), NULL if nothing was rebuilt: */
	const char *kept;   /* name of the damaged file, in the queue's directory */
	uint64_t recovered; /* messages in the rebuilt file */
	uint64_t set_aside; /* of these, newly dead: damaged or doubtful */
};

/* Look at everything, also of a queue refused as damaged; 0 whatever it found. */
int q_check(struct q *q, struct q_check **check);
/*
 * Check, and if anything is wrong, build a new data.mdb of what can be read; the old
 * one is kept. *check is what was found before. Keeps the exclusive lock all the time.
 * All handles of the queue must be closed then: they are of the old file.
 */
int q_repair(struct q *q, struct q_check **check);
/* Copy the queue, with its uuid, into a new directory. Q_EINVAL: there is one. */
int q_backup(struct q *q, const char *path);
/* Give what no message needs back to the file system, in bytes. Q_ENOTSUP: no holes. */
int q_compact(struct q *q, uint64_t *returned);
/* NULL is fine. */
void q_check_free(struct q_check *check);

#ifdef __cplusplus
}
#endif

#endif
