/* SPDX-License-Identifier: ISC */
/*
 * Waiting, as libq/wake.c has it: takers that found nothing sleep on a word of ctl, and
 * each message wakes one. There are as many takers as messages; without looking again by
 * themselves, all are to be woken: one who sleeps beside a message is an invalid end
 * state.
 */
#ifndef TAKERS
#define TAKERS 3
#endif

byte ready;   /* messages */
byte count;   /* the word slept on */
byte armed;   /* how often somebody was about to sleep */
byte idle;    /* what that was when nobody did */
bit asleep[TAKERS];

/* futex(2): who sleeps when it is called is woken. */
inline futex_wake(n) {
	d_step {
		true;
		woken = 0;
		i = 0;
		do
		:: i < TAKERS && woken < n ->
			if
			:: asleep[i] -> asleep[i] = 0; woken++
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

proctype taker(byte me) {
	byte was;

	do
	:: was = count;
#ifdef BAD_FLAG
		armed = 1; /* a flag that is cleared, and set again if more may sleep */
#else
		armed++;
#endif
		if
		:: d_step { ready > 0 -> ready--; was = 0 };
			break
		:: ready == 0
		fi;
		if
		:: d_step { count == was -> asleep[me] = 1 };
			!asleep[me]
		:: count != was
		fi
	od
}

proctype pusher() {
	byte seen, woken, i;

	ready++;
#ifdef BAD_FLAG
	if
	:: armed -> armed = 0; count++; futex_wake(1);
		if
		:: woken == 1 -> armed = 1
		:: else
		fi
	:: else
	fi
#else
	seen = armed;
	if
	:: idle != seen ->
#ifdef BAD_ORDER
		futex_wake(1);
		count++;
#else
		count++;
		futex_wake(1);
#endif
		if
		:: woken < 1 -> idle = seen
		:: else
		fi
	:: else
	fi
#endif
}

init {
	byte i;

	atomic {
		do
		:: i < TAKERS -> run taker(i); run pusher(); i++
		:: else -> break
		od
	}
}
