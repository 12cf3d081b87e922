/* machine.h - an automaton with its stack as a lazily built DFA over bytes.
 *
 * A configuration is a set of (state, stack), closed under steps that consume
 * nothing.  Stacks are interned nodes (return edge, count, parent), so equal
 * configurations are equal sets of numbers; each distinct one becomes a DFA state
 * with a table of 256 successors that fills as bytes are tried.  The tables are
 * bounded: ts_gr_machine_compact keeps what the caller names and forgets the rest.
 */
#ifndef TS_ENGINE_MACHINE_H
#define TS_ENGINE_MACHINE_H

#include "engine/grammar/automaton.h"

enum {
    GR_MAX_STACK = 1000,   /* nested calls; deeper texts are not accepted */
    GR_MAX_ITEMS = 16384,  /* (state, stack) pairs of one configuration */
    GR_CHUNK = 64,         /* DFA states per block of tables */
    GR_MAX_CHUNKS = 512,   /* 32,768 DFA states: 32 MiB of tables */
    GR_MAX_POOL = 1 << 21, /* items of all DFA states together: 16 MiB */
    GR_MAX_NODES = 1 << 20 /* stack nodes: 16 MiB */
};

#define GR_DEAD    0u
#define GR_UNKNOWN UINT32_MAX

typedef struct ts_gr_item {
    uint32_t state, stack;
} ts_gr_item;

typedef struct ts_gr_node {
    uint32_t edge, count, parent, depth;
} ts_gr_node;

typedef struct ts_gr_dstate {
    uint32_t first, n; /* items in the pool */
    uint32_t hash;
    bool may_end;
    uint32_t after_plain; /* see ts_gr_plain_run; GR_UNKNOWN: not asked yet */
    uint32_t mask;        /* owned by mask.c; GR_UNKNOWN: none */
} ts_gr_dstate;

typedef struct ts_gr_set {
    uint32_t *slots; /* index + 1; 0: free */
    uint32_t cap, n;
} ts_gr_set;

typedef struct ts_gr_machine {
    const ts_gr_automaton *a;
    uint32_t *tables[GR_MAX_CHUNKS];
    ts_gr_dstate *d;
    ts_gr_item *pool;
    ts_gr_node *nodes; /* node 0: the empty stack */
    uint32_t n_d, cap_d, n_pool, cap_pool, n_nodes, cap_nodes;
    ts_gr_set d_set, node_set;

    ts_gr_item *work, *kernel; /* (GR_MAX_ITEMS) of the closure at hand */
    uint32_t *seen;            /* (2 * GR_MAX_ITEMS) work index + 1, by hash */
    uint32_t n_work, n_kernel;
    bool may_end;
    bool is_full; /* a step was refused for want of room since the last compaction */
} ts_gr_machine;

tiefsee_status ts_gr_machine_new(ts_gr_machine **out, const ts_gr_automaton *a,
                                 tiefsee_error *err) TS_MUST_CHECK;
void ts_gr_machine_free(ts_gr_machine *m);

/* The DFA state before the first byte; GR_DEAD when out of room. */
uint32_t ts_gr_machine_start(ts_gr_machine *m);

/* The successor that is not in the tables yet. */
uint32_t ts_gr_machine_step(ts_gr_machine *m, uint32_t d, uint8_t byte);

static inline uint32_t ts_gr_next(ts_gr_machine *m, uint32_t d, uint8_t byte)
{
    const uint32_t next = m->tables[d / GR_CHUNK][d % GR_CHUNK * 256 + byte];

    return TS_LIKELY(next != GR_UNKNOWN) ? next : ts_gr_machine_step(m, d, byte);
}

/* Is there little room left?  Then compact before the next walk. */
bool ts_gr_machine_is_crowded(const ts_gr_machine *m);

/* Forget everything but the n DFA states keep[], which get new numbers. */
tiefsee_status ts_gr_machine_compact(ts_gr_machine *m, uint32_t *const *keep, size_t n,
                                     tiefsee_error *err) TS_MUST_CHECK;

/* How many plain characters (what a JSON text may hold unescaped) can follow d:
 * returns true if every text of up to *n of them can, and none that is longer.
 * False: texts differ.  *n is at most max. */
bool ts_gr_plain_run(ts_gr_machine *m, uint32_t d, uint32_t max, uint32_t *n);

#endif
