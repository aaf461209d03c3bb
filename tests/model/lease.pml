/* SPDX-License-Identifier: ISC */
/*
 * Leases of one message, as libq/take.c, settle.c, due.c and hold.c have them: workers
 * that hold it by a byte lock, which their COMMAND inherits, and takers that have it for
 * a time. A worker locks in his own transaction, or when another process has taken the
 * message for him. They die, lose their time, and somebody replaces the file hold; then
 *
 *   - while a COMMAND of a worker runs, nobody else is given the message,
 *   - a living worker does not lose it,
 *   - only the last who was given it can settle it, once,
 *   - whatever became of them, it is done or can be taken in the end.
 *
 * The transaction lock is as good as in combine.pml: a transaction is one step here,
 * and what its owner does before and after it are others.
 */
#ifndef WORKERS /* they hold by a byte lock */
#define WORKERS 2
#endif
#ifndef TAKERS /* they have a time */
#define TAKERS 1
#endif
#ifndef KILLS
#define KILLS 2
#endif
#ifndef REPLACED /* times that hold is deleted, and made again by who takes next */
#define REPLACED 0
#endif

#define ACTORS (WORKERS + TAKERS)
#define NOBODY 255

#define IS_READY  0
#define IS_LEASED 1
#define IS_DONE   2

/* The message, on disk. */
byte state;
byte delivery;
bit held;   /* by a byte lock; else it has a time */
bit over;   /* that time is */
bit coming; /* the lock of who was given it is to be expected, if he lives */
bit lapsed; /* nobody has taken it since its lease ended */

/* The file hold: which one has the name, which one is recorded, and the locks. */
byte named, recorded;
bit absent, grace;
bit locked[WORKERS];  /* by the worker's descriptor, or its copy in COMMAND */
byte file[WORKERS];   /* on which file */
bit alive[WORKERS];   /* the worker */
bit command[WORKERS]; /* its COMMAND runs */
bit old[WORKERS];     /* it outlived its worker, with a lock on a file that is gone */

byte last = NOBODY; /* who was given it */
bit doomed[ACTORS];
byte ended;

#define LOCKED(w) (locked[w] && file[w] == recorded)
#if WORKERS > 2
#define ANY_LOCK   (LOCKED(0) || LOCKED(1) || LOCKED(2))
#define RUNS(w)    (command[w] && !old[w])
#define ANY_RUNS   (RUNS(0) || RUNS(1) || RUNS(2))
#define KEPT(w)    (!alive[w] || !locked[w] || file[w] == named)
#define ALL_KEPT   (KEPT(0) && KEPT(1) && KEPT(2))
#else
#define ANY_LOCK   (LOCKED(0) || LOCKED(1))
#define RUNS(w)    (command[w] && !old[w])
#define ANY_RUNS   (RUNS(0) || RUNS(1))
#define KEPT(w)    (!alive[w] || !locked[w] || file[w] == named)
#define ALL_KEPT   (KEPT(0) && KEPT(1))
#endif

/* Nobody knows of a lock on another file than the one recorded: for a while none is
 * missed, and living workers lock the new one. */
#ifdef BAD_REPLACED
#define MISSED !ANY_LOCK
#else
#define MISSED (!grace && !ANY_LOCK)
#endif
#define EXPECTED (coming && alive[last])
#define CAN_BE_FREED \
	(state == IS_LEASED && \
	 (held -> (named == recorded && !absent && MISSED && !EXPECTED) : over))

/* In a transaction: what a take does first. */
inline reclaim() {
	if
	:: absent -> absent = 0; recorded = named; grace = 1
	:: else
	fi;
	if
	:: CAN_BE_FREED -> state = IS_READY; lapsed = 1
	:: else
	fi
}

inline take(who, is_held) {
	state = IS_LEASED;
	delivery++;
	held = is_held;
	over = 0;
	coming = 0;
	lapsed = 0;
	last = who;
	mine = delivery
}

/* Whether a receipt is good. */
#ifdef BAD_FENCE
#define GOOD (state == IS_LEASED || (state == IS_READY && lapsed))
#else
#define GOOD \
	(delivery == mine && (state == IS_LEASED || (state == IS_READY && lapsed)))
#endif

inline settle(who) {
	if
	:: GOOD ->
		assert(last == who);
		if
		:: state = IS_DONE
		:: state = IS_READY; lapsed = 0 /* it failed */
		fi;
		good = 1
	:: else -> good = 0
	fi
}

proctype worker(byte me) {
	byte mine;
	bit good, free, handed;

	{
#ifdef BAD_PROBE
		d_step { true; free = CAN_BE_FREED };
		atomic {
			if
			:: free && state == IS_LEASED -> state = IS_READY; lapsed = 1
			:: else
			fi
		};
#endif
		/* Its lock is there before anybody can see the lease; or another process
		 * does it, and the lock comes. */
		if
		:: true
		:: handed = 1
		fi;
		d_step {
			reclaim();
			if
			:: state == IS_READY ->
				assert(!ANY_RUNS);
#ifndef BAD_LATE
				if
				:: !handed -> locked[me] = 1; file[me] = recorded
				:: else
				fi;
#endif
				take(me, 1);
				coming = handed;
				good = 1
			:: else
			fi
		};
		if
		:: good ->
#ifdef BAD_LATE
			d_step { locked[me] = 1; file[me] = recorded };
#endif
			if
			:: handed ->
				d_step { locked[me] = 1; file[me] = named };
#ifndef BAD_UNSEEN
				d_step { good = (state == IS_LEASED && delivery == mine) }
#endif
			:: else
			fi
		:: else
		fi;
		if
		:: good ->
			command[me] = 1;
			/* While COMMAND runs, it sees to its lock. */
			do
			:: d_step { !absent && file[me] != named -> file[me] = named }
			:: command[me] = 0; break
			od;
#ifdef BAD_EARLY
			locked[me] = 0;
#endif
			atomic { settle(me) };
			assert(good);
			locked[me] = 0
		:: else -> locked[me] = 0
		fi
	} unless { doomed[me] };
	d_step {
		doomed[me] = 0;
		alive[me] = 0;
		/* What its COMMAND has open keeps the lock. */
		if
		:: command[me] -> old[me] = (file[me] != named)
		:: else -> locked[me] = 0
		fi
	};
	if
	:: command[me] -> d_step { command[me] = 0; locked[me] = 0 }
	:: else
	fi;
	ended++
}

proctype taker(byte me) {
	byte mine;
	bit good;

	{
		d_step {
			reclaim();
			if
			:: state == IS_READY ->
				assert(!ANY_RUNS);
				take(me, 0);
				good = 1
			:: else
			fi
		};
		if
		:: good -> atomic { settle(me) }
		:: else
		fi
	} unless { doomed[me] };
	doomed[me] = 0;
	ended++
}

active proctype world() {
	byte kills = KILLS, replaced = REPLACED, i;

	atomic {
		do
		:: i < ACTORS ->
			if
			:: i < WORKERS -> alive[i] = 1; run worker(i)
			:: else -> run taker(i)
			fi;
			i++
		:: else -> break
		od
	}
	do
	:: d_step { kills > 0 && ended < ACTORS -> kills-- };
		if
		:: doomed[0] = 1
		:: doomed[1] = 1
		:: doomed[2] = 1
		fi
	:: d_step { state == IS_LEASED && !held && !over -> over = 1 }
	:: d_step { coming -> coming = 0 }
	:: d_step { replaced > 0 && !absent -> replaced--; named++; absent = 1 }
	/* The while is far longer than a worker needs to see that the file is new. A
	 * COMMAND that is left alone cannot do so. */
	:: d_step { grace && !absent && ALL_KEPT ->
		grace = 0;
		i = 0;
		do
		:: i < WORKERS ->
			if
			:: command[i] && file[i] != named -> old[i] = 1
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0 }
	:: ended == ACTORS && !(state == IS_LEASED && !held && !over) && !grace -> break
	od;
	i = 0;
	d_step {
		reclaim();
		grace = 0; /* it has passed, if it has just begun */
		coming = 0;
		reclaim();
		assert(state != IS_LEASED)
	}
}
