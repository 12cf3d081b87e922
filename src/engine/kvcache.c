/* kvcache.c - see kvcache.h.
 *
 * The tree lives in the pages' own records: parent, first child, next sibling.
 * Children of a page are few (the ways a conversation went on), roots are found
 * through a small list of name spaces.  A page that children hang from is never
 * given up before them: only leaves are candidates, the longest unused first.
 */
#include "engine/kvcache.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

typedef struct page {
    float *data; /* NULL: never taken yet */
    uint32_t n_refs;
    bool is_hung;                      /* in the tree */
    bool is_doomed;                    /* forgotten while in use */
    uint16_t n;                        /* tokens remembered, 1..64 */
    int32_t parent, child, sibling;    /* pages; a root's parent is TS_NO_PAGE */
    char space[TS_MAX_NAME_SPACE + 1]; /* of the user */
    char topic[TS_MAX_TOPIC + 1];
    uint64_t last_use;
    int32_t tokens[TS_KV_PAGE];
} page;

struct ts_kvcache {
    page *pages;
    size_t max_pages, n_taken; /* records that have memory */
    size_t n_free;             /* of those, neither counted nor hung */
    int32_t *free_list;
    int32_t roots; /* first root; siblings are the other roots of all name spaces */
    size_t page_floats, row_floats, n_layers;
    uint64_t clock;
};

tiefsee_status ts_kvcache_open(ts_kvcache **out, size_t page_floats, size_t row_floats,
                               size_t n_layers, size_t max_pages, tiefsee_error *err)
{
    assert(page_floats == row_floats * n_layers * TS_KV_PAGE);
    *out = NULL;
    ts_kvcache *c = ts_alloc_zero(1, sizeof *c);
    if (c) {
        c->pages = ts_alloc_zero(max_pages, sizeof *c->pages);
        c->free_list = ts_alloc_zero(max_pages, sizeof *c->free_list);
    }
    if (!c || !c->pages || !c->free_list) {
        ts_kvcache_free(c);
        return ts_fail_nomem(err, max_pages * sizeof(page), "the table of cache pages");
    }
    c->page_floats = page_floats;
    c->row_floats = row_floats;
    c->n_layers = n_layers;
    c->max_pages = max_pages;
    c->roots = TS_NO_PAGE;
    *out = c;
    return TIEFSEE_OK;
}

void ts_kvcache_free(ts_kvcache *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->pages && i < c->n_taken; i++)
        ts_free(c->pages[i].data);
    ts_free(c->pages);
    ts_free(c->free_list);
    ts_free(c);
}

size_t ts_kvcache_pages(const ts_kvcache *c)
{
    return c->max_pages;
}

size_t ts_kvcache_used(const ts_kvcache *c)
{
    return c->n_taken - c->n_free;
}

float *ts_kvcache_data(ts_kvcache *c, int32_t i)
{
    return c->pages[i].data;
}

static int32_t *link_to(ts_kvcache *c, int32_t i)
{
    const int32_t parent = c->pages[i].parent;
    int32_t *at = parent == TS_NO_PAGE ? &c->roots : &c->pages[parent].child;

    while (*at != i)
        at = &c->pages[*at].sibling;
    return at;
}

/* Take a leaf out of the tree; its memory is free if nobody counts it. */
static void unhang(ts_kvcache *c, int32_t i)
{
    page *p = &c->pages[i];

    assert(p->is_hung && p->child == TS_NO_PAGE);
    *link_to(c, i) = p->sibling;
    p->is_hung = false;
    if (p->n_refs == 0)
        c->free_list[c->n_free++] = i;
}

/* The leaf that nobody has used for longest; TS_NO_PAGE if all are in use. */
static int32_t oldest_leaf(const ts_kvcache *c)
{
    int32_t best = TS_NO_PAGE;

    for (size_t i = 0; i < c->n_taken; i++) {
        const page *p = &c->pages[i];
        if (p->is_hung && p->n_refs == 0 && p->child == TS_NO_PAGE &&
            (best == TS_NO_PAGE || p->last_use < c->pages[best].last_use))
            best = (int32_t)i;
    }
    return best;
}

int32_t ts_kvcache_take(ts_kvcache *c)
{
    if (c->n_free == 0 && c->n_taken < c->max_pages) {
        page *fresh = &c->pages[c->n_taken];
        fresh->data = ts_alloc(c->page_floats * sizeof *fresh->data);
        if (fresh->data)
            c->free_list[c->n_free++] = (int32_t)c->n_taken++;
    }
    if (c->n_free == 0) {
        const int32_t old = oldest_leaf(c);
        if (old == TS_NO_PAGE)
            return TS_NO_PAGE;
        unhang(c, old);
    }
    const int32_t i = c->free_list[--c->n_free];
    c->pages[i].n_refs = 1;
    return i;
}

void ts_kvcache_hold(ts_kvcache *c, int32_t i)
{
    assert(c->pages[i].n_refs > 0);
    c->pages[i].n_refs++;
}

static void wipe(ts_kvcache *c, int32_t i)
{
    page *p = &c->pages[i];

    memset(p->data, 0, c->page_floats * sizeof *p->data);
    memset(p->tokens, 0, sizeof p->tokens);
    p->is_doomed = false;
}

void ts_kvcache_drop(ts_kvcache *c, int32_t i)
{
    page *p = &c->pages[i];

    assert(p->n_refs > 0);
    if (--p->n_refs > 0)
        return;
    if (p->is_doomed)
        wipe(c, i);
    if (!p->is_hung)
        c->free_list[c->n_free++] = i;
}

static size_t common(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
    size_t n = 0;

    while (n < n_a && n < n_b && a[n] == b[n])
        n++;
    return n;
}

/* The child of `parent` (a root of the name space for TS_NO_PAGE) that shares the
 * longest beginning with tokens; *n gets its length. */
static int32_t best_child(const ts_kvcache *c, int32_t parent, const char *space,
                          const int32_t *tokens, size_t n_tokens, size_t *n)
{
    int32_t best = TS_NO_PAGE;

    *n = 0;
    for (int32_t i = parent == TS_NO_PAGE ? c->roots : c->pages[parent].child; i != TS_NO_PAGE;
         i = c->pages[i].sibling) {
        const page *p = &c->pages[i];
        if (strcmp(p->space, space) != 0)
            continue;
        const size_t same = common(p->tokens, p->n, tokens, n_tokens);
        if (same > *n) {
            *n = same;
            best = i;
        }
    }
    return best;
}

/* The first n rows of every layer. */
static void copy_rows(const ts_kvcache *c, float *to, const float *from, size_t n)
{
    const size_t layer = c->row_floats * TS_KV_PAGE;

    for (size_t l = 0; l < c->n_layers; l++)
        memcpy(to + l * layer, from + l * layer, n * c->row_floats * sizeof *to);
}

size_t ts_kvcache_find(ts_kvcache *c, const char *name_space, const int32_t *tokens, size_t n,
                       int32_t *out, size_t *n_pages)
{
    size_t done = 0, same;
    int32_t at = TS_NO_PAGE;

    *n_pages = 0;
    for (;;) {
        at = best_child(c, at, name_space, tokens + done, n - done, &same);
        if (same < TS_KV_PAGE || done + same >= n)
            break;
        c->pages[at].n_refs++;
        c->pages[at].last_use = ++c->clock;
        out[(*n_pages)++] = at;
        done += TS_KV_PAGE;
    }
    /* A part of a page: a copy that the caller may write on in. */
    if (done + same >= n && same > 0)
        same = n - done - 1;
    if (same == 0)
        return done;
    c->pages[at].last_use = ++c->clock;
    c->pages[at].n_refs++; /* not to be given up for its own copy */
    const int32_t copy = ts_kvcache_take(c);
    ts_kvcache_drop(c, at);
    if (copy == TS_NO_PAGE)
        return done;
    copy_rows(c, c->pages[copy].data, c->pages[at].data, same);
    out[(*n_pages)++] = copy;
    return done + same;
}

static void hang(ts_kvcache *c, int32_t i, int32_t parent, const char *space, const char *topic,
                 const int32_t *tokens, size_t n)
{
    page *p = &c->pages[i];
    int32_t *first = parent == TS_NO_PAGE ? &c->roots : &c->pages[parent].child;

    p->is_hung = true;
    p->is_doomed = false; /* of a use that goes on */
    p->parent = parent;
    p->child = TS_NO_PAGE;
    p->sibling = *first;
    *first = i;
    (void)snprintf(p->space, sizeof p->space, "%s", space);
    (void)snprintf(p->topic, sizeof p->topic, "%s", topic);
    p->n = (uint16_t)n;
    memcpy(p->tokens, tokens, n * sizeof *tokens);
}

void ts_kvcache_remember(ts_kvcache *c, const char *name_space, const char *topic,
                         const int32_t *tokens, size_t n, const int32_t *pages)
{
    int32_t parent = TS_NO_PAGE;

    for (size_t i = 0; i * TS_KV_PAGE < n; i++) {
        const int32_t *t = tokens + i * TS_KV_PAGE;
        const size_t left = n - i * TS_KV_PAGE, m = left < TS_KV_PAGE ? left : TS_KV_PAGE;
        size_t same;
        int32_t known = best_child(c, parent, name_space, t, m, &same);

        if (known != TS_NO_PAGE && same == m) {
            c->pages[known].last_use = ++c->clock; /* it says as much or more */
            parent = known;
            continue;
        }
        /* A shorter page that this one continues is replaced, if it can be. */
        if (known != TS_NO_PAGE && same == c->pages[known].n &&
            c->pages[known].child == TS_NO_PAGE && known != pages[i])
            unhang(c, known);
        if (c->pages[pages[i]].is_hung) {
            if (c->pages[pages[i]].child != TS_NO_PAGE)
                return; /* somebody else's tree already; nothing to add */
            unhang(c, pages[i]);
        }
        hang(c, pages[i], parent, name_space, topic, t, m);
        c->pages[pages[i]].last_use = ++c->clock;
        parent = pages[i];
    }
}

static bool is_about(const page *p, const char *name_space, const char *topic)
{
    return p->is_hung && (!name_space || strcmp(p->space, name_space) == 0) &&
           (!topic || strcmp(p->topic, topic) == 0);
}

void ts_kvcache_forget(ts_kvcache *c, const char *name_space, const char *topic)
{
    for (size_t i = 0; i < c->n_taken; i++) {
        int32_t at = (int32_t)i;

        /* From a leaf up, as far as it goes. */
        while (at != TS_NO_PAGE && c->pages[at].child == TS_NO_PAGE &&
               is_about(&c->pages[at], name_space, topic)) {
            const int32_t parent = c->pages[at].parent;

            unhang(c, at);
            if (c->pages[at].n_refs == 0)
                wipe(c, at);
            else
                c->pages[at].is_doomed = true;
            at = parent;
        }
    }
    /* What is left is the beginning of something else, and about that from now on.  No leaf
     * is about the topic any more, so there is another one below. */
    for (size_t i = 0; topic && i < c->n_taken; i++) {
        int32_t at = (int32_t)i;

        while (is_about(&c->pages[at], name_space, topic))
            at = c->pages[at].child;
        if (at != (int32_t)i)
            memcpy(c->pages[i].topic, c->pages[at].topic, sizeof c->pages[i].topic);
    }
}
