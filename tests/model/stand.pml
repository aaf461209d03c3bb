/* SPDX-License-Identifier: ISC */
/*
 * Takes that stand, as libq/receive.c, wake.c, slot.c and serve.c have it: a taker that
 * found nothing leaves its take in its slot, and who makes a message ready takes it for
 * him in the same transaction. There are as many takers as messages; then
 *
 *   - nobody sleeps beside a message (spin finds that as an invalid end state), unless
 *     who was to wake him died: then he looks by himself after a while,
 *   - each message is somebody's, once, and who was given one knows.
 */
#ifndef TAKERS
#define TAKERS 2
#endif
#ifndef KILLS /* of pushers */
#define KILLS 0
#endif

/* States of a slot. */
#define FREE     0
#define STANDING 1
#define TAKEN    2
#define DONE     3

#define NOBODY 255

byte lock = NOBODY;
byte state[TAKERS];
bit called[TAKERS];  /* a flag of the same word: he is to look, and not served */
bit standing[TAKERS];
byte count, armed, idle;
bit asleep[TAKERS];

/* What is on disk. */
byte ready, pushed;
bit leased[TAKERS]; /* and the row of the slot says so */

bit got[TAKERS];
bit doomed[TAKERS]; /* pushers */
byte ended;
bit died;

proctype taker(byte me) {
	byte was;
	bit late; /* it is time to look */

	do
	:: was = count;
		armed++;
		if
		:: d_step { lock == NOBODY && ready > 0 -> ready--; leased[me] = 1 };
			got[me] = 1;
			break
		:: d_step { lock == NOBODY && ready == 0 };
			if
			:: late -> break
			:: else
			fi
		fi;
		d_step { state[me] = STANDING; called[me] = 0 };
		standing[me] = 1;
		if
#ifndef BAD_COUNT
		:: count != was
#endif
		:: count == was ->
			if
			:: d_step { state[me] == STANDING && !called[me] -> asleep[me] = 1 };
				if
				:: !asleep[me]
				:: d_step { died && ended == TAKERS && asleep[me] ->
					asleep[me] = 0; late = 1 }
				fi
			:: state[me] != STANDING || called[me]
			fi
		fi;
		standing[me] = 0;
		if
		:: d_step { state[me] == STANDING -> state[me] = FREE }
		:: state[me] != STANDING ->
			do
			:: state[me] == DONE ->
				assert(leased[me]);
				got[me] = 1;
				break
			:: d_step { lock == NOBODY && state[me] == TAKEN -> state[me] = FREE;
				got[me] = leased[me] };
#ifdef BAD_NO_ROW
				got[me] = 0;
#endif
				break
			od;
			if
			:: got[me] -> break
			:: else
			fi
		fi
	od
}

inline transaction() {
	d_step { lock == NOBODY -> lock = me };
	i = 0;
	do
	:: i < TAKERS && served == NOBODY && standing[i] ->
		if
#ifdef BAD_CALLED
		:: d_step { state[i] == STANDING -> state[i] = TAKEN; served = i }
#else
		:: d_step { state[i] == STANDING && !called[i] -> state[i] = TAKEN; served = i }
#endif
		:: else
		fi;
		i++
	:: i < TAKERS && (served != NOBODY || !standing[i]) -> i++
	:: else -> break
	od;
	i = 0;
	d_step { /* the commit */
		pushed++;
		if
		:: served != NOBODY -> leased[served] = 1
		:: else -> ready++
		fi
	};
	if
	:: d_step { served != NOBODY && state[served] == TAKEN -> state[served] = DONE }
	:: else
	fi;
	lock = NOBODY;
	if
	:: d_step { served != NOBODY -> asleep[served] = 0 }
	:: served == NOBODY ->
		seen = armed;
		if
		:: idle != seen ->
			count++;
			idle = seen /* nobody sleeps on the count itself */
		:: else
		fi;
#ifndef BAD_CALL
		do
		:: i < TAKERS && standing[i] ->
			if
			:: d_step { state[i] == STANDING -> called[i] = 1 };
				if
				:: d_step { asleep[i] -> asleep[i] = 0 };
					break
				:: else
				fi
			:: else
			fi;
			i++
		:: i < TAKERS && !standing[i] -> i++
		:: else -> break
		od
#endif
	fi;
	i = 0
}

proctype pusher(byte me) {
	byte served = NOBODY, seen, i;

	{ transaction() } unless { doomed[me] };
	d_step {
		if
		:: lock == me -> lock = NOBODY
		:: else
		fi;
		died = died || doomed[me];
		ended++
	}
}

init {
	byte i, kills = KILLS;

	atomic {
		do
		:: i < TAKERS -> run taker(i); run pusher(i); i++
		:: else -> break
		od;
		i = 0
	}
	do
	:: kills > 0 -> kills--; i = 0;
		do
		:: i < TAKERS - 1 -> i++
		:: doomed[i] = 1; break
		od
	:: break
	od;
	i = 0;
	_nr_pr == 1;
	d_step {
		do
		:: i < TAKERS ->
			assert(got[i] == leased[i]);
			pushed = pushed - leased[i];
			i++
		:: else -> break
		od
	}
	assert(ready == 0 && pushed == 0)
}
