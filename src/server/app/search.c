/* search.c - see search.h. */
#include "server/app/search.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/utf8.h"
#include "formats/json.h"

enum {
    MAX_USERS = 64,
    MAX_WORDS = 16,
    BEFORE = 40,
    SNIPPET = 160,
    MAX_VALUES = 1 << 20,
    MAX_TEXT = 256 << 20
};

typedef struct filter {
    int64_t chat_n;
    ts_buf bytes;
} filter;

typedef struct shelf {
    int64_t user_n; /* 0: free */
    filter *at;     /* sorted by chat_n */
    size_t n, cap;
    double last_used;
} shelf;

struct ts_search {
    shelf shelves[MAX_USERS];
};

/* ---- shelves */

static void free_filter(filter *f)
{
    if (f->bytes.ptr)
        sodium_memzero(f->bytes.ptr, f->bytes.len);
    ts_buf_free(&f->bytes);
}

static void clear_shelf(shelf *h)
{
    for (size_t i = 0; i < h->n; i++)
        free_filter(&h->at[i]);
    ts_free(h->at);
    *h = (shelf){0};
}

ts_search *ts_search_new(void)
{
    return ts_alloc_zero(1, sizeof(ts_search));
}

void ts_search_free(ts_search *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < MAX_USERS; i++)
        clear_shelf(&x->shelves[i]);
    ts_free(x);
}

static shelf *find_shelf(ts_search *x, int64_t user_n)
{
    for (size_t i = 0; i < MAX_USERS; i++)
        if (x->shelves[i].user_n == user_n)
            return &x->shelves[i];
    return NULL;
}

/* Where chat_n is or belongs. */
static size_t place_of(const shelf *h, int64_t chat_n)
{
    size_t low = 0, high = h->n;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (h->at[middle].chat_n < chat_n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static filter *find_filter(const shelf *h, int64_t chat_n)
{
    const size_t i = place_of(h, chat_n);

    return i < h->n && h->at[i].chat_n == chat_n ? &h->at[i] : NULL;
}

static bool put_filter(shelf *h, int64_t chat_n, ts_str bytes)
{
    filter *f = find_filter(h, chat_n);

    if (!f) {
        if (h->n == h->cap) {
            const size_t cap = h->cap ? 2 * h->cap : 64;
            filter *more = ts_realloc(h->at, h->n * sizeof *more, cap * sizeof *more);
            if (!more)
                return false;
            h->at = more;
            h->cap = cap;
        }
        const size_t i = place_of(h, chat_n);
        memmove(&h->at[i + 1], &h->at[i], (h->n - i) * sizeof *h->at);
        h->at[i] = (filter){.chat_n = chat_n, .bytes = ts_buf_make(TS_GRAMS_MAX)};
        h->n++;
        f = &h->at[i];
    }
    ts_buf_clear(&f->bytes);
    return ts_buf_append(&f->bytes, bytes.ptr, bytes.len);
}

typedef struct filling {
    shelf *shelf;
    bool has_failed;
} filling;

static int by_chat(const void *a, const void *b)
{
    const int64_t x = ((const filter *)a)->chat_n, y = ((const filter *)b)->chat_n;

    return (x > y) - (x < y);
}

static bool take_filter(void *ctx, int64_t chat_n, ts_str bytes)
{
    filling *f = ctx;

    f->has_failed = !put_filter(f->shelf, chat_n, bytes);
    return !f->has_failed;
}

/* The user's filters, from the store if they are not here; the user who searched longest
 * ago makes room. */
static tiefsee_status open_shelf(ts_search *x, ts_store *s, const ts_owner *o, shelf **out,
                                 tiefsee_error *err)
{
    shelf *h = find_shelf(x, o->id);
    filling f = {0};

    if (!h) {
        h = &x->shelves[0];
        for (size_t i = 1; i < MAX_USERS; i++)
            if (x->shelves[i].last_used < h->last_used)
                h = &x->shelves[i];
        clear_shelf(h);
        f.shelf = h;
        tiefsee_status st = ts_chats_all_grams(s, o, take_filter, &f, err);
        if (st == TIEFSEE_OK && f.has_failed)
            st = ts_fail_nomem(err, 0, "the search filters");
        if (st != TIEFSEE_OK) {
            clear_shelf(h);
            return st;
        }
        if (h->n)
            qsort(h->at, h->n, sizeof *h->at, by_chat);
        h->user_n = o->id;
    }
    h->last_used = ts_clock_seconds();
    *out = h;
    return TIEFSEE_OK;
}

void ts_search_forget(ts_search *x, int64_t user_n, int64_t chat_n)
{
    shelf *h = find_shelf(x, user_n);

    if (!h)
        return;
    if (chat_n == 0) {
        clear_shelf(h);
        return;
    }
    filter *f = find_filter(h, chat_n);
    if (!f)
        return;
    free_filter(f);
    memmove(f, f + 1, (h->n - (size_t)(f - h->at) - 1) * sizeof *f);
    h->n--;
}

/* ---- adding */

tiefsee_status ts_search_add(ts_search *x, ts_store *s, const ts_owner *o, const ts_dialog *c,
                             ts_str text, tiefsee_error *err)
{
    ts_grams g = ts_grams_make();
    shelf *h = find_shelf(x, o->id);
    tiefsee_status st = ts_chats_read_grams(s, o, c, &g, err);

    if (st == TIEFSEE_OK && !ts_grams_add(&g, text))
        st = ts_fail_nomem(err, 0, "a search filter");
    if (st == TIEFSEE_OK)
        st = ts_chats_save_grams(s, o, c, &g, err);
    if (st == TIEFSEE_OK && h && !put_filter(h, c->n, (ts_str){g.bytes.ptr, g.bytes.len}))
        clear_shelf(h); /* read again when somebody searches */
    ts_grams_free(&g);
    return st;
}

static bool append_line(ts_buf *b, const json_t *text)
{
    return !json_is_string(text) ||
           (ts_buf_append(b, json_string_value(text), json_string_length(text)) &&
            ts_buf_append(b, "\n", 1));
}

/* What is searched of a message, a line for each part; NULL: no JSON. */
static bool text_of(ts_str json, ts_buf *out)
{
    json_t *message = NULL;
    size_t i;
    json_t *file;

    ts_buf_clear(out);
    if (ts_json_parse(&message, json.ptr, json.len, (ts_json_limits){.values = MAX_VALUES}, NULL) !=
        TIEFSEE_OK)
        return false;
    bool is_good = append_line(out, json_object_get(message, "content"));
    json_array_foreach(json_object_get(message, "files"), i, file) is_good =
        is_good && append_line(out, json_object_get(file, "name"));
    json_decref(message);
    return is_good;
}

tiefsee_status ts_search_add_message(ts_search *x, ts_store *s, const ts_owner *o,
                                     const ts_dialog *c, ts_str json, tiefsee_error *err)
{
    ts_buf text = ts_buf_make(MAX_TEXT);
    tiefsee_status st = text_of(json, &text)
                            ? ts_search_add(x, s, o, c, (ts_str){text.ptr, text.len}, err)
                            : ts_fail(err, TIEFSEE_E_INVALID, "a message that is no JSON");

    ts_buf_free(&text);
    return st;
}

/* ---- looking */

typedef struct looking {
    ts_store *store;
    const ts_owner *owner;
    ts_hit_visit *visit;
    void *ctx;
    double deadline;
    ts_str words[MAX_WORDS]; /* of the query, folded */
    size_t n_words;
    ts_buf text, folded, origins;
    ts_hit hit;
    char message[TS_ID_MAX + 1];
    bool is_found, has_failed;
} looking;

static bool make_room(ts_buf *b, size_t n)
{
    static const char zeros[4096];

    ts_buf_clear(b);
    while (b->len < n)
        if (!ts_buf_append(b, zeros, n - b->len < sizeof zeros ? n - b->len : sizeof zeros))
            return false;
    return true;
}

/* The character that begins at or before the byte in front of p. */
static uint32_t code_before(const char *begin, const char *p)
{
    const char *q = p - 1;
    uint32_t c = 0;

    while (q > begin && ((uint8_t)*q & 0xc0) == 0x80)
        q--;
    return ts_utf8_decode(q, (size_t)(p - q), &c) ? c : 0;
}

/* A word is found where a word begins; one of a dense script anywhere. */
static const char *find_word(const char *text, size_t n, ts_str word)
{
    uint32_t first = 0;
    const char *at = text, *end = text + n;

    (void)ts_utf8_decode(word.ptr, word.len, &first);
    for (;;) {
        at = memmem(at, (size_t)(end - at), word.ptr, word.len);
        if (!at || at == text || ts_is_dense(first))
            return at;
        const uint32_t before = code_before(text, at);
        if (before == ' ' || ts_is_dense(before))
            return at;
        at++;
    }
}

/* "Mein Titel 深度" -> "mein", "titel", "深度".  folded is where they live. */
static void split_words(looking *k, const char *folded, size_t n)
{
    size_t begin = 0;

    for (size_t i = 0; i <= n && k->n_words < MAX_WORDS;) {
        uint32_t c = ' ', before = i > begin ? code_before(folded, folded + i) : 0;
        const size_t len = i < n ? ts_utf8_decode(folded + i, n - i, &c) : 1;
        const bool is_border = c == ' ' || (i > begin && ts_is_dense(c) != ts_is_dense(before));

        if (is_border && i > begin)
            k->words[k->n_words++] = (ts_str){folded + begin, i - begin};
        if (is_border)
            begin = c == ' ' ? i + 1 : i;
        i += len ? len : 1;
    }
}

/* A piece of text around the byte at. */
static ts_str cut_around(ts_str text, size_t at)
{
    size_t begin = at > BEFORE ? at - BEFORE : 0;

    while (begin < text.len && begin > 0 && ((uint8_t)text.ptr[begin] & 0xc0) == 0x80)
        begin++;
    const size_t room = text.len - begin < SNIPPET ? text.len - begin : SNIPPET;
    return (ts_str){text.ptr + begin, ts_utf8_whole(text.ptr + begin, room)};
}

/* Folded text in k->folded; returns its length. */
static size_t fold(looking *k, ts_str text)
{
    k->has_failed = k->has_failed || !make_room(&k->folded, text.len + 4);
    return k->has_failed ? 0 : ts_fold(text, k->folded.ptr, NULL);
}

static bool look_in(looking *k, ts_str text)
{
    const size_t n = fold(k, text);
    const char *first = NULL;

    for (size_t i = 0; i < k->n_words; i++) {
        const char *at = n ? find_word(k->folded.ptr, n, k->words[i]) : NULL;
        if (!at)
            return false;
        first = i ? first : at;
    }
    const size_t offset = (size_t)(first - k->folded.ptr);
    if (!make_room(&k->origins, (text.len + 4) * sizeof(size_t))) {
        k->has_failed = true;
        return false;
    }
    size_t *origins = (size_t *)(void *)k->origins.ptr;
    (void)ts_fold(text, k->folded.ptr, origins);
    k->hit.snippet = cut_around(text, origins[offset]);
    return true;
}

/* Cheaper than reading the JSON: its escapes hide no letter of a word. */
static bool may_be_in(looking *k, ts_str json)
{
    const size_t n = fold(k, json);

    for (size_t i = 0; i < k->n_words && !k->has_failed; i++)
        if (!memmem(k->folded.ptr, n, k->words[i].ptr, k->words[i].len))
            return false;
    return true;
}

static bool look_at_message(void *ctx, const ts_chat_message *m)
{
    looking *k = ctx;

    if (!may_be_in(k, m->json) || !text_of(m->json, &k->text) ||
        !look_in(k, (ts_str){k->text.ptr, k->text.len}))
        return !k->has_failed;
    memcpy(k->message, m->id, sizeof k->message);
    k->hit.message = k->message;
    k->is_found = true;
    return false;
}

static tiefsee_status look_at_chat(looking *k, const ts_dialog *c, tiefsee_error *err)
{
    json_t *meta = NULL;

    k->is_found = false;
    k->hit = (ts_hit){.chat = c, .message = ""};
    if (ts_json_parse(&meta, c->meta.ptr, c->meta.len, (ts_json_limits){.values = 64}, NULL) ==
        TIEFSEE_OK) {
        ts_buf_clear(&k->text);
        k->has_failed = !append_line(&k->text, json_object_get(meta, "title"));
        k->is_found = k->text.len > 0 && look_in(k, (ts_str){k->text.ptr, k->text.len});
        json_decref(meta);
    }
    tiefsee_status st = TIEFSEE_OK;
    if (!k->is_found)
        st = ts_chats_read(k->store, k->owner, c, look_at_message, k, err);
    return st == TIEFSEE_OK && k->has_failed ? ts_fail_nomem(err, 0, "searching") : st;
}

/* ---- running */

/* Only the index is read: numbers in the order of the list. */
#define ORDER                                                   \
    "SELECT n, is_pinned, updated FROM app_chat"                \
    " WHERE user_n = ? AND (is_pinned, updated, n) < (?, ?, ?)" \
    " ORDER BY is_pinned DESC, updated DESC, n DESC"

static tiefsee_status find_by_n(ts_store *s, const ts_owner *o, int64_t n, ts_dialog *out,
                                tiefsee_error *err)
{
    char id[TS_ID_MAX + 1] = "";
    ts_query q = ts_query_begin(s, "SELECT id FROM app_chat WHERE n = ? AND user_n = ?");

    ts_query_i64(&q, n);
    ts_query_i64(&q, o->id);
    if (ts_query_step(&q)) {
        const ts_str text = ts_query_get_str(&q, 0);
        (void)snprintf(id, sizeof id, "%.*s", TS_STR_ARG(text));
    }
    const tiefsee_status st = ts_query_end(&q, err);
    return st == TIEFSEE_OK ? ts_chats_find(s, o, id, out, err) : st;
}

static tiefsee_status try_chat(looking *k, int64_t n, bool *goes_on, tiefsee_error *err)
{
    ts_dialog c;
    tiefsee_status st = find_by_n(k->store, k->owner, n, &c, err);

    k->is_found = false;
    if (st == TIEFSEE_OK && c.n != 0)
        st = look_at_chat(k, &c, err);
    if (st == TIEFSEE_OK && k->is_found)
        *goes_on = k->visit(k->ctx, &k->hit);
    ts_chat_free(&c);
    return st;
}

static tiefsee_status walk(looking *k, const shelf *h, const ts_grams_query *grams, ts_query *q,
                           ts_dialog *stopped_at, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;
    bool goes_on = true;
    ts_dialog last = {0};

    while (st == TIEFSEE_OK && goes_on && ts_query_step(q)) {
        const int64_t n = ts_query_get_i64(q, 0);
        const filter *f = find_filter(h, n);

        if (!f || !ts_grams_may_contain((ts_str){f->bytes.ptr, f->bytes.len}, grams))
            continue;
        if (last.n != 0 && ts_clock_seconds() > k->deadline) {
            *stopped_at = last;
            break;
        }
        last = (ts_dialog){
            .n = n, .is_pinned = ts_query_get_i64(q, 1) != 0, .updated = ts_query_get_i64(q, 2)};
        st = try_chat(k, n, &goes_on, err);
    }
    return st;
}

static tiefsee_status run(looking *k, const shelf *h, ts_str query, const ts_dialog *after,
                          ts_dialog *stopped_at, tiefsee_error *err)
{
    tiefsee_error ignored = {0};
    ts_grams_query grams;

    ts_grams_ask(&grams, query);
    ts_query q = ts_query_begin(k->store, ORDER);
    ts_query_i64(&q, k->owner->id);
    ts_query_i64(&q, after ? after->is_pinned : 2);
    ts_query_i64(&q, after ? after->updated : 0);
    ts_query_i64(&q, after ? after->n : 0);
    const tiefsee_status st = walk(k, h, &grams, &q, stopped_at, err);
    const tiefsee_status ended = ts_query_end(&q, st == TIEFSEE_OK ? err : &ignored);
    return st == TIEFSEE_OK ? ended : st;
}

tiefsee_status ts_search_run(ts_search *x, ts_store *s, const ts_owner *o,
                             const ts_search_query *query, ts_hit_visit *visit, void *ctx,
                             ts_dialog *stopped_at, tiefsee_error *err)
{
    looking k = {.store = s,
                 .owner = o,
                 .visit = visit,
                 .ctx = ctx,
                 .deadline = ts_clock_seconds() + query->budget_s,
                 .text = ts_buf_make(MAX_TEXT),
                 .folded = ts_buf_make(MAX_TEXT),
                 .origins = ts_buf_make((size_t)8 * MAX_TEXT)};
    ts_buf wanted = ts_buf_make(MAX_TEXT);
    shelf *h = NULL;

    *stopped_at = (ts_dialog){0};
    tiefsee_status st = make_room(&wanted, query->text.len + 4)
                            ? open_shelf(x, s, o, &h, err)
                            : ts_fail_nomem(err, query->text.len, "searching");
    size_t n = st == TIEFSEE_OK ? ts_fold(query->text, wanted.ptr, NULL) : 0;
    split_words(&k, wanted.ptr, n);
    if (k.n_words > 0)
        st = run(&k, h, query->text, query->after, stopped_at, err);
    ts_buf_free(&k.text);
    ts_buf_free(&k.folded);
    ts_buf_free(&k.origins);
    ts_buf_free(&wanted);
    return st;
}
