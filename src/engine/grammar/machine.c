/* machine.c - see machine.h. */
#include "engine/grammar/machine.h"

#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"

enum { MIN_SET = 256 };

static uint32_t hash_of(const void *p, size_t bytes)
{
    return (uint32_t)ts_hash(p, bytes);
}

/* Cheaper than FNV for the eight bytes of an item. */
static uint32_t hash_item(ts_gr_item it)
{
    const uint64_t x = ((uint64_t)it.stack << 32 | it.state) * 0x9e3779b97f4a7c15u;

    return (uint32_t)(x >> 32);
}

static void free_tables(ts_gr_machine *m)
{
    for (size_t i = 0; i < GR_MAX_CHUNKS; i++) {
        ts_free(m->tables[i]);
        m->tables[i] = NULL;
    }
}

void ts_gr_machine_free(ts_gr_machine *m)
{
    if (!m)
        return;
    free_tables(m);
    ts_free(m->d);
    ts_free(m->pool);
    ts_free(m->nodes);
    ts_free(m->d_set.slots);
    ts_free(m->node_set.slots);
    ts_free(m->work);
    ts_free(m->kernel);
    ts_free(m->seen);
    ts_free(m);
}

/* Room for `more` elements of a list. */
static bool reserve(void *list, uint32_t n, uint32_t more, uint32_t *cap, size_t size, uint32_t max)
{
    void **p = list;
    uint32_t wanted = *cap ? *cap : 256;

    if (more > max || n > max - more)
        return false;
    if (n + more <= *cap)
        return true;
    while (wanted < n + more)
        wanted *= 2;
    void *grown = ts_realloc(*p, n * size, wanted * size);
    if (!grown)
        return false;
    *p = grown;
    *cap = wanted;
    return true;
}

/* Half full at most, so that a probe ends.  Hashes are asked again of the owner. */
static bool grow_set(ts_gr_set *s, uint32_t (*hash)(const ts_gr_machine *, uint32_t),
                     const ts_gr_machine *m)
{
    if (s->cap && s->n < s->cap / 2)
        return true;
    const uint32_t cap = s->cap ? s->cap * 2 : MIN_SET;
    uint32_t *slots = ts_alloc_zero(cap, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < s->cap; i++) {
        if (!s->slots[i])
            continue;
        uint32_t at = hash(m, s->slots[i] - 1) & (cap - 1);
        while (slots[at])
            at = (at + 1) & (cap - 1);
        slots[at] = s->slots[i];
    }
    ts_free(s->slots);
    s->slots = slots;
    s->cap = cap;
    return true;
}

static uint32_t node_hash(const ts_gr_machine *m, uint32_t i)
{
    return hash_of(&m->nodes[i], 3 * sizeof(uint32_t));
}

static uint32_t dstate_hash(const ts_gr_machine *m, uint32_t i)
{
    return m->d[i].hash;
}

/* The stack with one more frame; false: no room, or too deep. */
static bool push(ts_gr_machine *m, uint32_t edge, uint32_t count, uint32_t parent, uint32_t *out)
{
    const ts_gr_node node = {edge, count, parent, m->nodes[parent].depth + 1};

    if (node.depth > GR_MAX_STACK)
        return false;
    if (!grow_set(&m->node_set, node_hash, m) ||
        !reserve(&m->nodes, m->n_nodes, 1, &m->cap_nodes, sizeof *m->nodes, GR_MAX_NODES)) {
        m->is_full = true;
        return false;
    }
    uint32_t at = hash_of(&node, 3 * sizeof(uint32_t)) & (m->node_set.cap - 1);
    for (; m->node_set.slots[at]; at = (at + 1) & (m->node_set.cap - 1)) {
        const uint32_t i = m->node_set.slots[at] - 1;
        if (memcmp(&m->nodes[i], &node, 3 * sizeof(uint32_t)) == 0) {
            *out = i;
            return true;
        }
    }
    m->nodes[m->n_nodes] = node;
    m->node_set.slots[at] = m->n_nodes + 1;
    m->node_set.n++;
    *out = m->n_nodes++;
    return true;
}

/* Put a pair on the work list unless it was there. */
static void add(ts_gr_machine *m, uint32_t state, uint32_t stack)
{
    const ts_gr_item it = {state, stack};
    uint32_t at = hash_item(it) & (2 * GR_MAX_ITEMS - 1);

    for (; m->seen[at]; at = (at + 1) & (2 * GR_MAX_ITEMS - 1)) {
        const ts_gr_item *old = &m->work[m->seen[at] - 1];
        if (old->state == state && old->stack == stack)
            return;
    }
    if (m->n_work == GR_MAX_ITEMS) {
        m->is_full = true;
        return;
    }
    m->work[m->n_work++] = it;
    m->seen[at] = m->n_work;
}

static void enter(ts_gr_machine *m, uint32_t edge, uint32_t count, uint32_t stack)
{
    const ts_gr_edge *e = &m->a->edges[edge];
    uint32_t inner;

    if (push(m, edge, count, stack, &inner))
        add(m, m->a->rules[e->rule].start, inner);
}

/* A called rule has ended: once more, or on behind the call. */
static void leave(ts_gr_machine *m, uint32_t stack)
{
    if (stack == 0) {
        m->may_end = true;
        return;
    }
    const ts_gr_node node = m->nodes[stack];
    const ts_gr_edge *e = &m->a->edges[node.edge];
    const uint32_t count = node.count + 1;
    if (count >= e->min)
        add(m, e->to, node.parent);
    if (e->max == GR_INFINITE) /* beyond min it is all the same */
        enter(m, node.edge, count < e->min ? count : e->min, node.parent);
    else if (count < e->max)
        enter(m, node.edge, count, node.parent);
}

static void close_set(ts_gr_machine *m)
{
    const ts_gr_automaton *a = m->a;

    m->n_kernel = 0;
    m->may_end = false;
    for (uint32_t i = 0; i < m->n_work; i++) {
        const ts_gr_item it = m->work[i];
        if (a->is_end[it.state])
            leave(m, it.stack);
        if (a->first_free[it.state] > a->first[it.state])
            m->kernel[m->n_kernel++] = it;
        for (uint32_t k = a->first_free[it.state]; k < a->first[it.state + 1]; k++) {
            const ts_gr_edge *e = &a->edges[k];
            if (e->kind == GR_EMPTY || e->min == 0)
                add(m, e->to, it.stack);
            if (e->kind == GR_CALL && e->is_tail)
                add(m, a->rules[e->rule].start, it.stack);
            else if (e->kind == GR_CALL)
                enter(m, k, 0, it.stack);
        }
    }
}

static void clear_work(ts_gr_machine *m)
{
    for (uint32_t i = 0; i < m->n_work; i++) {
        uint32_t at = hash_item(m->work[i]) & (2 * GR_MAX_ITEMS - 1);
        while (m->seen[at]) { /* the whole run: all of it is to be forgotten */
            m->seen[at] = 0;
            at = (at + 1) & (2 * GR_MAX_ITEMS - 1);
        }
    }
    m->n_work = 0;
}

static int compare_items(ts_gr_item a, ts_gr_item b)
{
    if (a.state != b.state)
        return a.state < b.state ? -1 : 1;
    return a.stack < b.stack ? -1 : a.stack > b.stack;
}

static void sift(ts_gr_item *v, uint32_t at, uint32_t n)
{
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare_items(v[child], v[child + 1]) < 0)
            child++;
        if (compare_items(v[at], v[child]) >= 0)
            return;
        const ts_gr_item t = v[at];
        v[at] = v[child];
        v[child] = t;
    }
}

static void sort_items(ts_gr_item *v, uint32_t n)
{
    if (n <= 16) {
        for (uint32_t i = 1; i < n; i++) {
            const ts_gr_item x = v[i];
            uint32_t k = i;
            for (; k > 0 && compare_items(v[k - 1], x) > 0; k--)
                v[k] = v[k - 1];
            v[k] = x;
        }
        return;
    }
    for (uint32_t i = n / 2; i-- > 0;)
        sift(v, i, n);
    while (n > 1) {
        const ts_gr_item t = v[0];
        v[0] = v[--n];
        v[n] = t;
        sift(v, 0, n);
    }
}

static uint32_t new_dstate(ts_gr_machine *m, uint32_t hash)
{
    const uint32_t d = m->n_d;

    if (d >= GR_MAX_CHUNKS * GR_CHUNK ||
        !reserve(&m->pool, m->n_pool, m->n_kernel, &m->cap_pool, sizeof *m->pool, GR_MAX_POOL) ||
        !reserve(&m->d, d, 1, &m->cap_d, sizeof *m->d, GR_MAX_CHUNKS * GR_CHUNK))
        return GR_UNKNOWN;
    if (!m->tables[d / GR_CHUNK]) {
        const size_t bytes = (size_t)GR_CHUNK * 256 * sizeof(uint32_t);
        m->tables[d / GR_CHUNK] = ts_alloc(bytes);
        if (!m->tables[d / GR_CHUNK])
            return GR_UNKNOWN;
    }
    memset(m->tables[d / GR_CHUNK] + d % GR_CHUNK * 256, 0xff, 256 * sizeof(uint32_t));
    m->d[d] = (ts_gr_dstate){.first = m->n_pool,
                             .n = m->n_kernel,
                             .hash = hash,
                             .may_end = m->may_end,
                             .after_plain = GR_UNKNOWN,
                             .mask = GR_UNKNOWN};
    if (m->n_kernel)
        memcpy(m->pool + m->n_pool, m->kernel, m->n_kernel * sizeof *m->kernel);
    m->n_pool += m->n_kernel;
    return m->n_d++;
}

/* The DFA state of the kernel at hand, new or known; GR_UNKNOWN: no room. */
static uint32_t intern(ts_gr_machine *m)
{
    if (m->n_kernel == 0 && !m->may_end)
        return GR_DEAD;
    sort_items(m->kernel, m->n_kernel);
    uint32_t hash = hash_of(m->kernel, m->n_kernel * sizeof *m->kernel);
    hash ^= m->may_end;
    if (!grow_set(&m->d_set, dstate_hash, m)) {
        m->is_full = true;
        return GR_UNKNOWN;
    }
    uint32_t at = hash & (m->d_set.cap - 1);
    for (; m->d_set.slots[at]; at = (at + 1) & (m->d_set.cap - 1)) {
        const uint32_t i = m->d_set.slots[at] - 1;
        const ts_gr_dstate *d = &m->d[i];
        if (d->hash == hash && d->n == m->n_kernel && d->may_end == m->may_end &&
            memcmp(m->pool + d->first, m->kernel, d->n * sizeof *m->kernel) == 0)
            return i;
    }
    const uint32_t d = new_dstate(m, hash);
    if (d == GR_UNKNOWN) {
        m->is_full = true;
        return GR_UNKNOWN;
    }
    m->d_set.slots[at] = d + 1;
    m->d_set.n++;
    return d;
}

/* Dead: no items, may not end, and every byte leads back to it. */
static bool add_dead(ts_gr_machine *m)
{
    m->n_kernel = 0;
    m->may_end = false;
    if (new_dstate(m, 0) != GR_DEAD)
        return false;
    memset(m->tables[0], 0, 256 * sizeof(uint32_t));
    return true;
}

tiefsee_status ts_gr_machine_new(ts_gr_machine **out, const ts_gr_automaton *a, tiefsee_error *err)
{
    ts_gr_machine *m = ts_alloc_zero(1, sizeof *m);

    *out = NULL;
    if (!m)
        return ts_fail_nomem(err, sizeof *m, "grammar");
    m->a = a;
    m->work = ts_alloc(GR_MAX_ITEMS * sizeof *m->work);
    m->kernel = ts_alloc(GR_MAX_ITEMS * sizeof *m->kernel);
    m->seen = ts_alloc_zero(2 * GR_MAX_ITEMS, sizeof *m->seen);
    if (!m->work || !m->kernel || !m->seen ||
        !reserve(&m->nodes, 0, 1, &m->cap_nodes, sizeof *m->nodes, GR_MAX_NODES) ||
        !reserve(&m->pool, 0, 1, &m->cap_pool, sizeof *m->pool, GR_MAX_POOL) || !add_dead(m)) {
        ts_gr_machine_free(m);
        return ts_fail_nomem(err, 6 * GR_MAX_ITEMS * sizeof(uint32_t), "grammar");
    }
    m->nodes[0] = (ts_gr_node){0};
    m->n_nodes = 1;
    *out = m;
    return TIEFSEE_OK;
}

uint32_t ts_gr_machine_start(ts_gr_machine *m)
{
    add(m, m->a->rules[m->a->root].start, 0);
    close_set(m);
    clear_work(m);
    const uint32_t d = intern(m);
    return d == GR_UNKNOWN ? GR_DEAD : d;
}

uint32_t ts_gr_machine_step(ts_gr_machine *m, uint32_t d, uint8_t byte)
{
    const ts_gr_automaton *a = m->a;
    const ts_gr_dstate from = m->d[d];
    const bool was_full = m->is_full;

    m->is_full = false;
    for (uint32_t i = 0; i < from.n; i++) {
        const ts_gr_item it = m->pool[from.first + i];
        for (uint32_t k = a->first[it.state]; k < a->first_free[it.state]; k++)
            if (byte >= a->edges[k].lo && byte <= a->edges[k].hi)
                add(m, a->edges[k].to, it.stack);
    }
    close_set(m);
    clear_work(m);
    /* What did not find room is refused for now, and asked again later. */
    const uint32_t next = m->is_full ? GR_UNKNOWN : intern(m);
    if (next == GR_UNKNOWN)
        return GR_DEAD;
    m->is_full = was_full;
    m->tables[d / GR_CHUNK][d % GR_CHUNK * 256 + byte] = next;
    return next;
}

bool ts_gr_machine_is_crowded(const ts_gr_machine *m)
{
    return m->is_full || m->n_d > GR_MAX_CHUNKS * GR_CHUNK / 2 || m->n_pool > GR_MAX_POOL / 2 ||
           m->n_nodes > GR_MAX_NODES / 2;
}

/* The same stack in the new machine; the frames from the bottom up. */
static bool copy_stack(ts_gr_machine *to, const ts_gr_machine *from, uint32_t stack, uint32_t *out)
{
    uint32_t path[GR_MAX_STACK];
    uint32_t n = 0, copy = 0;

    for (; stack != 0; stack = from->nodes[stack].parent)
        path[n++] = stack;
    while (n-- > 0) {
        const ts_gr_node *node = &from->nodes[path[n]];
        if (!push(to, node->edge, node->count, copy, &copy))
            return false;
    }
    *out = copy;
    return true;
}

static uint32_t copy_dstate(ts_gr_machine *to, const ts_gr_machine *from, uint32_t d)
{
    const ts_gr_dstate *old = &from->d[d];

    if (d == GR_DEAD)
        return GR_DEAD;
    to->may_end = old->may_end;
    to->n_kernel = old->n;
    for (uint32_t i = 0; i < old->n; i++) {
        const ts_gr_item it = from->pool[old->first + i];
        to->kernel[i].state = it.state;
        if (!copy_stack(to, from, it.stack, &to->kernel[i].stack))
            return GR_UNKNOWN;
    }
    return intern(to);
}

tiefsee_status ts_gr_machine_compact(ts_gr_machine *m, uint32_t *const *keep, size_t n,
                                     tiefsee_error *err)
{
    ts_gr_machine *fresh;
    tiefsee_status st = ts_gr_machine_new(&fresh, m->a, err);

    if (st != TIEFSEE_OK)
        return st;
    uint32_t *moved = ts_alloc_zero(n, sizeof *moved);
    bool is_done = moved != NULL;
    for (size_t i = 0; is_done && i < n; i++) {
        moved[i] = copy_dstate(fresh, m, *keep[i]);
        is_done = moved[i] != GR_UNKNOWN;
    }
    if (is_done) {
        const ts_gr_machine old = *m;
        for (size_t i = 0; i < n; i++)
            *keep[i] = moved[i];
        *m = *fresh;
        *fresh = old;
    } else {
        st = ts_fail_nomem(err, (uint64_t)m->n_pool * sizeof *m->pool, "grammar");
    }
    ts_free(moved);
    ts_gr_machine_free(fresh);
    return st;
}
