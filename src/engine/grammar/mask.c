/* mask.c - see mask.h. */
#include "engine/grammar/mask.h"

#include <string.h>

#include "core/alloc.h"

tiefsee_status ts_masks_open(ts_masks *m, ts_gr_machine *machine, const ts_grammar_vocab *vocab,
                             tiefsee_error *err)
{
    const uint32_t deep = vocab->plain.max_depth > vocab->rest.max_depth ? vocab->plain.max_depth
                                                                         : vocab->rest.max_depth;

    *m = (ts_masks){.machine = machine, .vocab = vocab, .newest = GR_UNKNOWN, .oldest = GR_UNKNOWN};
    m->entries = ts_alloc(GR_MAX_MASKS * sizeof *m->entries);
    m->scratch = ts_alloc_zero(vocab->n_words, sizeof *m->scratch);
    m->path = ts_alloc_zero(deep + 1, sizeof *m->path);
    if (m->entries && m->scratch && m->path)
        return TIEFSEE_OK;
    ts_masks_close(m);
    return ts_fail_nomem(err, GR_MAX_MASKS * sizeof *m->entries, "masks of a grammar");
}

void ts_masks_clear(ts_masks *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        ts_free(m->entries[i].bits);
        ts_free(m->entries[i].tokens);
    }
    m->n = 0;
    m->bytes = 0;
    m->newest = m->oldest = GR_UNKNOWN;
}

void ts_masks_close(ts_masks *m)
{
    ts_masks_clear(m);
    ts_free(m->entries);
    ts_free(m->scratch);
    ts_free(m->path);
    *m = (ts_masks){0};
}

static void set_tokens(const ts_token_tree *t, uint64_t *mask, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        mask[t->tokens[i] / 64] |= (uint64_t)1 << (t->tokens[i] % 64);
}

static void clear_tokens(const ts_token_tree *t, uint64_t *mask, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        mask[t->tokens[i] / 64] &= ~((uint64_t)1 << (t->tokens[i] % 64));
}

static void walk(ts_masks *m, const ts_token_tree *t, uint32_t d, uint64_t *mask)
{
    m->path[0] = d;
    for (uint32_t i = 0; i < t->n;) {
        const ts_token_node node = t->nodes[i];
        const uint32_t next = ts_gr_next(m->machine, m->path[node.depth - 1], node.byte);
        if (next == GR_DEAD) {
            i = node.after;
            continue;
        }
        m->path[node.depth] = next;
        set_tokens(t, mask, node.first, node.first + node.n_own);
        i++;
    }
}

/* From here on every plain text is allowed, whatever its length. */
static bool is_free(const ts_masks *m, uint32_t d)
{
    uint32_t n;

    return m->machine->d[d].after_plain == d ||
           (m->machine->d[d].after_plain == GR_UNKNOWN &&
            ts_gr_plain_run(m->machine, d, GR_MAX_PLAIN, &n) && m->machine->d[d].after_plain == d);
}

/* How many tokens begin with a character behind which all is free? */
static uint32_t count_free(const ts_masks *m, uint32_t d)
{
    const ts_token_tree *t = &m->vocab->plain;
    uint32_t n = 0;

    for (uint32_t i = 0; i < t->n; i = t->nodes[i].after) {
        const uint32_t next = ts_gr_next(m->machine, d, t->nodes[i].byte);
        if (next != GR_DEAD && t->nodes[i].byte < 0x80 && is_free(m, next))
            n += t->nodes[t->nodes[i].after].first - t->nodes[i].first;
    }
    return n;
}

/* The mask begins with all plain tokens; what is refused is taken out.  Where all
 * is free there is nothing to look at: a name that is none of a list leaves the
 * list's letters after one or two characters. */
static void walk_down(ts_masks *m, uint32_t d, uint64_t *mask)
{
    const ts_token_tree *t = &m->vocab->plain;

    m->path[0] = d;
    for (uint32_t i = 0; i < t->n;) {
        const ts_token_node node = t->nodes[i];
        const uint32_t next = ts_gr_next(m->machine, m->path[node.depth - 1], node.byte);
        if (next == GR_DEAD) {
            clear_tokens(t, mask, node.first, t->nodes[node.after].first);
            i = node.after;
            continue;
        }
        m->path[node.depth] = next;
        i = is_free(m, next) ? node.after : i + 1;
    }
}

static void compute(ts_masks *m, uint32_t d, uint64_t *mask)
{
    const ts_grammar_vocab *v = m->vocab;
    const size_t bytes = v->n_words * sizeof *mask;
    const uint64_t *all = v->plain_masks + GR_MAX_PLAIN * v->n_words;
    uint32_t n;

    m->n_walks++;
    if (ts_gr_plain_run(m->machine, d, GR_MAX_PLAIN, &n)) {
        memcpy(mask, v->plain_masks + n * v->n_words, bytes);
    } else if (count_free(m, d) > v->plain.n_tokens / 2) {
        memcpy(mask, all, bytes);
        walk_down(m, d, mask);
    } else {
        memset(mask, 0, bytes);
        walk(m, &v->plain, d, mask);
    }
    walk(m, &v->rest, d, mask);
}

static void unlink_entry(ts_masks *m, uint32_t i)
{
    const ts_mask_entry *e = &m->entries[i];

    if (e->newer != GR_UNKNOWN)
        m->entries[e->newer].older = e->older;
    else
        m->newest = e->older;
    if (e->older != GR_UNKNOWN)
        m->entries[e->older].newer = e->newer;
    else
        m->oldest = e->newer;
}

static void link_newest(ts_masks *m, uint32_t i)
{
    m->entries[i].newer = GR_UNKNOWN;
    m->entries[i].older = m->newest;
    if (m->newest != GR_UNKNOWN)
        m->entries[m->newest].newer = i;
    else
        m->oldest = i;
    m->newest = i;
}

/* Entry i leaves; the last one takes its place, so that the list has no holes. */
static void remove_entry(ts_masks *m, uint32_t i)
{
    ts_mask_entry *e = &m->entries[i];
    const uint32_t last = m->n - 1;

    unlink_entry(m, i);
    m->machine->d[e->d].mask = GR_UNKNOWN;
    m->bytes -= e->bytes;
    ts_free(e->bits);
    ts_free(e->tokens);
    m->n--;
    if (i == last)
        return;
    *e = m->entries[last];
    m->machine->d[e->d].mask = i;
    if (e->newer != GR_UNKNOWN)
        m->entries[e->newer].older = i;
    else
        m->newest = i;
    if (e->older != GR_UNKNOWN)
        m->entries[e->older].newer = i;
    else
        m->oldest = i;
}

static uint32_t count_bits(const uint64_t *mask, size_t n_words)
{
    uint32_t n = 0;

    for (size_t i = 0; i < n_words; i++)
        n += (uint32_t)__builtin_popcountll(mask[i]);
    return n;
}

static void list_tokens(int32_t *out, const uint64_t *mask, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        for (uint64_t word = mask[i]; word; word &= word - 1)
            *out++ = (int32_t)(i * 64 + (size_t)__builtin_ctzll(word));
}

/* Keeping a mask is a favour: without memory it is computed again next time. */
static void keep(ts_masks *m, uint32_t d, const uint64_t *mask)
{
    const size_t n_words = m->vocab->n_words;
    const uint32_t n = count_bits(mask, n_words);
    const bool is_list = n * sizeof(int32_t) < n_words * sizeof *mask;
    ts_mask_entry e = {.n = n, .d = d};

    e.bytes = (uint32_t)(is_list ? n * sizeof(int32_t) : n_words * sizeof *mask) + 64;
    if (is_list && (e.tokens = ts_alloc(n * sizeof(int32_t) + 1)))
        list_tokens(e.tokens, mask, n_words);
    else if (!is_list && (e.bits = ts_alloc(n_words * sizeof *mask)))
        memcpy(e.bits, mask, n_words * sizeof *mask);
    else
        return;
    while (m->n && (m->n == GR_MAX_MASKS || m->bytes + e.bytes > GR_MASK_BYTES))
        remove_entry(m, m->oldest);
    m->entries[m->n] = e;
    m->machine->d[d].mask = m->n;
    m->bytes += e.bytes;
    link_newest(m, m->n++);
}

bool ts_masks_get(ts_masks *m, uint32_t d, uint64_t *mask)
{
    const size_t n_words = m->vocab->n_words;
    const uint32_t i = m->machine->d[d].mask;

    if (i == GR_UNKNOWN) {
        compute(m, d, mask);
        if (m->machine->is_full)
            return false;
        keep(m, d, mask);
        return true;
    }
    m->n_hits++;
    unlink_entry(m, i);
    link_newest(m, i);
    const ts_mask_entry *e = &m->entries[i];
    if (e->bits) {
        memcpy(mask, e->bits, n_words * sizeof *mask);
    } else {
        memset(mask, 0, n_words * sizeof *mask);
        for (uint32_t k = 0; k < e->n; k++)
            mask[e->tokens[k] / 64] |= (uint64_t)1 << (e->tokens[k] % 64);
    }
    return true;
}
