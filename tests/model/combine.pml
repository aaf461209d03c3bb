/* SPDX-License-Identifier: ISC */
/*
 * Combining, as libq/slot.h, serve.h and apply.c have it: a process that finds the lock
 * taken posts its request in a slot of ctl; who has the lock applies it in his own
 * transaction. Processes die at any step, give up, and ctl is lost; then
 *
 *   - no request is applied twice,
 *   - one that was said to be stored is applied, one said not to be never is,
 *   - nobody waits for what cannot come (spin finds that as an invalid end state).
 *
 * A step is one access to what is shared. Waits are without their limits of time: that
 * somebody polls is never what makes it right.
 */
#ifndef PROCS
#define PROCS 3
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef EACH /* requests of a process, one after the other */
#define EACH 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef GIVEUPS
#define GIVEUPS 1
#endif
#ifndef FAILURES /* transactions that are lost without harm */
#define FAILURES 0
#endif
#ifndef REPLACED /* times that ctl is deleted and made again */
#define REPLACED 0
#endif
#ifndef HIDDEN /* times that it cannot be used for a while, because of another link */
#define HIDDEN 0
#endif

#define GENERATIONS (REPLACED + 1)
#define ALL         (GENERATIONS * SLOTS)
#define REQUESTS    (PROCS * EACH)
#define NOBODY      255

/* States of a slot. */
#define FREE  0
#define READY 1
#define TAKEN 2
#define DONE  3

/* What the owner of a request was told. Nothing: he has died. */
#define NOTHING 0
#define STORED  1
#define UNDONE  2
#define UNKNOWN 3

byte lock = NOBODY; /* flock on data.mdb */

/* ctl: one of each generation, and which of them has the name. */
byte generation;
bit unusable;
byte owner[ALL] = NOBODY; /* byte locks */
byte state[ALL];
byte tag[ALL]; /* the ticket in the word of the slot */
byte ticket[ALL];
byte request[ALL] = NOBODY;
bit answered[ALL]; /* what the slot holds is the answer to it */
bit pending[ALL];

/* What is on disk: how often each was applied, and the table slot. */
byte applied[REQUESTS];
byte row_ticket[ALL];

byte told[REQUESTS];
bit doomed[PROCS];
byte ended;

#define WHOLE(g) ((g) == generation && !unusable)
#define IS(x, t, st) (tag[x] == (t) && state[x] == (st))

#ifdef BAD_NO_ROW
#define LOOK_UP(orphan) 0
#else
#define LOOK_UP(orphan) (orphan)
#endif
#ifdef BAD_UNTOLD
#define KNOWN false
#else
#define KNOWN known
#endif
#ifdef BAD_GENERATION
#define ROW(x) ((x) % SLOTS) /* keyed by the slot alone */
#else
#define ROW(x) (x)
#endif

inline apply(q) {
	applied[q]++;
	assert(applied[q] == 1);
	assert(told[q] != UNDONE);
}

/* The lock is ours. Serve who waits in the ctl of generation g, and do our own: mine,
 * which a holder that died may have done if orphaned. */
inline transaction() {
	x = g * SLOTS;
	if
	:: d_step { !WHOLE(g) -> x = g * SLOTS + SLOTS }
	:: else
	fi;
	do
	:: x < g * SLOTS + SLOTS && pending[x] ->
		pending[x] = 0;
#ifdef BAD_NOT_TAKEN
		if
		:: d_step { state[x] == READY -> served[x - g * SLOTS] = 1; was_taken[x - g * SLOTS] = 0 }
#else
		if
		:: d_step { state[x] == READY -> state[x] = TAKEN; served[x - g * SLOTS] = 1; was_taken[x - g * SLOTS] = 0 }
#endif
		:: d_step { state[x] == TAKEN -> served[x - g * SLOTS] = 1; was_taken[x - g * SLOTS] = 1 }
		:: else
		fi;
		d_step {
			if
			:: served[x - g * SLOTS] ->
				its_ticket[x - g * SLOTS] = ticket[x];
				its_request[x - g * SLOTS] = request[x];
				unfit[x - g * SLOTS] = answered[x]
			:: else
			fi;
			x++
		}
	:: x < g * SLOTS + SLOTS && !pending[x] -> x++
	:: else -> break
	od;
#ifdef BAD_EARLY
	answer();
#endif
	if
	:: d_step { failures > 0 -> failures--; lost = 1;
		known = orphaned && row_ticket[ROW(posted)] == my_ticket }
	:: d_step { /* the commit */
		true;
		if
		:: orphaned && row_ticket[ROW(posted)] == my_ticket
		:: else ->
			apply(mine)
		fi;
		x = g * SLOTS;
		do
		:: x < g * SLOTS + SLOTS ->
			if
			:: !served[x - g * SLOTS]
			:: served[x - g * SLOTS] && LOOK_UP(was_taken[x - g * SLOTS]) &&
				row_ticket[ROW(x)] == its_ticket[x - g * SLOTS]
			:: else ->
				if
				:: unfit[x - g * SLOTS]
				:: else ->
					apply(its_request[x - g * SLOTS]);
					row_ticket[ROW(x)] = its_ticket[x - g * SLOTS]
				fi
			fi;
			x++
		:: else -> break
		od;
		x = 0
	  }
	fi;
#ifndef BAD_EARLY
	answer();
#endif
	lock = NOBODY;
	/* What a dead holder has stored of ours is, whatever became of the transaction. */
	if
	:: lost && !KNOWN -> told[mine] = UNDONE
	:: else -> told[mine] = STORED
	fi
}

/* Answer, or after a lost transaction, give back. */
inline answer() {
	x = g * SLOTS;
	if
	:: d_step { !WHOLE(g) -> x = g * SLOTS + SLOTS }
	:: else
	fi;
	do
	:: x < g * SLOTS + SLOTS && served[x - g * SLOTS] && !lost ->
		d_step { request[x] = its_request[x - g * SLOTS]; answered[x] = 1 };
		d_step {
			if
#ifdef BAD_NOT_TAKEN
			:: IS(x, its_ticket[x - g * SLOTS], READY) -> state[x] = DONE
#endif
			:: IS(x, its_ticket[x - g * SLOTS], TAKEN) -> state[x] = DONE
			:: else
			fi;
			x++
		}
	:: x < g * SLOTS + SLOTS && served[x - g * SLOTS] && lost ->
		d_step {
			if
			:: !was_taken[x - g * SLOTS] && IS(x, its_ticket[x - g * SLOTS], TAKEN) ->
				state[x] = READY
			:: else
			fi
		};
		d_step { pending[x] = 1; x++ }
	:: x < g * SLOTS + SLOTS && !served[x - g * SLOTS] -> x++
	:: else -> break
	od
}

/* The lock is ours, and our request may still be in the slot. */
inline take_back() {
	if
#ifdef BAD_LEFT
	:: !WHOLE(g) -> orphaned = 1
	:: d_step { WHOLE(g) && IS(posted, my_ticket, READY) -> state[posted] = FREE }
#else
	:: d_step { IS(posted, my_ticket, READY) -> state[posted] = FREE; orphaned = !WHOLE(g) }
#endif
	:: d_step { IS(posted, my_ticket, TAKEN) -> state[posted] = FREE; orphaned = 1 }
	:: d_step { IS(posted, my_ticket, DONE) -> lock = NOBODY; over = 1 }
	fi;
#ifdef BAD_OWN
	orphaned = 0;
#endif
}

/* Until the answer is there, the lock is ours, or we give up. over: it is settled. */
inline await() {
	do
	:: WHOLE(g) && IS(posted, my_ticket, DONE) ->
		over = 1;
		break
	:: d_step { lock == NOBODY -> lock = me } ->
		take_back();
		break
	:: d_step { giveups > 0 && IS(posted, my_ticket, READY) ->
		giveups--; state[posted] = FREE; told[mine] = UNDONE };
		break
	:: d_step { giveups > 0 && IS(posted, my_ticket, TAKEN) ->
		giveups--; told[mine] = UNKNOWN };
		break
#ifdef BAD_LOST
	:: d_step { !WHOLE(g) && giveups > 0 -> giveups--; told[mine] = UNDONE };
		break
#endif
	od;
	if
	:: over && told[mine] == NOTHING ->
		assert(request[posted] == mine && answered[posted]);
		state[posted] = FREE;
		told[mine] = STORED
	:: else
	fi
}

inline post() {
	d_step { request[posted] = mine; answered[posted] = 0 };
	d_step { ticket[posted]++; my_ticket = ticket[posted] };
	d_step { tag[posted] = my_ticket; state[posted] = READY };
	pending[posted] = 1
}

inline claim() {
	do
	:: d_step { posted < g * SLOTS + SLOTS && owner[posted] == NOBODY -> owner[posted] = me };
#ifdef BAD_STEAL
		break
#else
		if
		:: state[posted] != READY && state[posted] != TAKEN -> break
		:: else ->
			pending[posted] = 1;
			d_step { owner[posted] = NOBODY; posted++ }
		fi
#endif
	:: posted < g * SLOTS + SLOTS && owner[posted] != NOBODY -> posted++
	:: posted == g * SLOTS + SLOTS -> break /* he waits for the lock */
	od
}

inline one_request() {
	if
	:: d_step { lock == NOBODY -> lock = me; g = generation } ->
		transaction()
	:: d_step { lock != NOBODY -> g = generation; posted = g * SLOTS };
		claim();
		if
		:: posted < g * SLOTS + SLOTS ->
			post();
			await()
		:: else ->
			d_step { lock == NOBODY -> lock = me }
		fi;
		if
		:: !over && told[mine] == NOTHING -> transaction()
		:: else
		fi
	fi
}

/* As the kernel does. */
inline leave() {
	d_step {
		if
		:: lock == me -> lock = NOBODY
		:: else
		fi;
		x = 0;
		do
		:: x < ALL ->
			if
			:: owner[x] == me -> owner[x] = NOBODY
			:: else
			fi;
			x++
		:: else -> break
		od;
		x = 0; g = 0; posted = 0; my_ticket = 0;
		orphaned = 0; over = 0; lost = 0; known = 0;
		do
		:: x < SLOTS ->
			served[x] = 0; was_taken[x] = 0; unfit[x] = 0;
			its_ticket[x] = 0; its_request[x] = 0;
			x++
		:: else -> break
		od;
		x = 0;
		doomed[me] = 0;
		mine++
	}
}

byte giveups = GIVEUPS;
byte failures = FAILURES;

proctype process(byte me) {
	byte mine = me * EACH; /* request */
	byte g, x;
	byte posted, my_ticket;
	bit orphaned, over, lost, known;
	bit served[SLOTS], was_taken[SLOTS], unfit[SLOTS];
	byte its_ticket[SLOTS], its_request[SLOTS];

	do
	:: mine < (me + 1) * EACH ->
		{ one_request() } unless { doomed[me] };
		leave()
	:: else -> break
	od;
	ended++
}

/* Whoever kills, and what happens to ctl. */
active proctype world() {
	byte kills = KILLS, replaced = REPLACED, hides = HIDDEN, p;

	atomic {
		do
		:: p < PROCS -> run process(p); p++
		:: else -> break
		od;
		p = 0
	}
	do
	:: kills > 0 && ended < PROCS -> kills--;
		if
		:: doomed[0] = 1
		:: doomed[1] = 1
#if PROCS > 2
		:: doomed[2] = 1
#endif
		fi
	:: d_step { replaced > 0 && !unusable -> replaced--; generation++ }
	:: d_step { hides > 0 && !unusable -> hides--; unusable = 1 };
		unusable = 0
	:: ended == PROCS -> break
	od;
	p = 0;
	d_step {
		do
		:: p < REQUESTS ->
			assert(told[p] != STORED || applied[p] == 1);
			assert(told[p] != UNDONE || applied[p] == 0);
			p++
		:: else -> break
		od
	}
}
