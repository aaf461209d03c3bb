/* SPDX-License-Identifier: ISC */
/* Pausing: a queue that takes in, or gives out, no more messages for a while. */
#include "apply.h"
#include "error.h"
#include "human.h"
#include "note.h"

#include "pause.h"

static q_time *
since(struct meta *m, enum q_gate gate)
{
	return (gate == Q_GATE_IN ? &m->paused_in : &m->paused_out);
}

int
pause_check(const struct txn *t, enum q_gate gate)
{
	q_time when = gate == Q_GATE_IN ? t->meta.paused_in : t->meta.paused_out;
	char ago[HUMAN_SIZE];

	if (when == 0)
		return (0);
	return (fail(Q_EPAUSED, "paused by 'qctl pause' %s ago",
	    human_duration(ago, t->now.wall > when ? t->now.wall - when : 0)));
}

void
pause_apply(struct txn *t, unsigned gates, bool close)
{
	static const enum q_gate all[] = { Q_GATE_IN, Q_GATE_OUT };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		q_time *when = since(&t->meta, all[i]);

		if (!(gates & all[i]) || (*when != 0) == close)
			continue;
		*when = close ? t->now.wall : 0;
		note(t, close ? Q_EVENT_PAUSED : Q_EVENT_RESUMED, 0, NULL, 0,
		    all[i] == Q_GATE_IN ? "in" : "out");
		if (!close && all[i] == Q_GATE_OUT) /* as if they just became it */
			t->readied += t->meta.counter[COUNT_READY];
		t->meta_changed |= 1U << META_REC_PAUSE;
	}
}

int
q_pause(struct q *q, unsigned gates, bool close)
{
	struct request r = { .op = OP_PAUSE };
	struct result result = { 0 };

	if (gates == 0 || (gates & ~(unsigned)(Q_GATE_IN | Q_GATE_OUT)) != 0)
		return (fail(Q_EINVAL, "there is no such gate"));
	r.pause.gates = gates;
	r.pause.close = close;
	return (apply_all(q, &r, &result, 1));
}
