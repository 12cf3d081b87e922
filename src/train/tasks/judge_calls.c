/* judge_calls.c - are these the right calls of tools? */
#include <string.h>

#include "formats/json.h"
#include "formats/toolcalls.h"
#include "train/tasks/maker.h"

enum { MAX_CALLS = 8, MAX_ARGUMENTS = 1024 };

typedef struct call {
    char name[TS_CALL_NAME_MAX + 1];
    char arguments[MAX_ARGUMENTS];
    size_t n;
} call;

typedef struct calls {
    call at[MAX_CALLS];
    size_t n;
    bool is_open, is_bad;
} calls;

static void on_begin(void *user, const char *name)
{
    calls *c = user;

    c->is_open = c->n < MAX_CALLS;
    if (!c->is_open) {
        c->is_bad = true;
        return;
    }
    memcpy(c->at[c->n].name, name, strlen(name) + 1); /* at most TS_CALL_NAME_MAX bytes */
    c->at[c->n].n = 0;
}

static void on_arguments(void *user, const char *text, size_t n)
{
    calls *c = user;

    if (!c->is_open)
        return;
    call *now = &c->at[c->n];
    if (n > MAX_ARGUMENTS - now->n) {
        c->is_bad = true;
        return;
    }
    memcpy(now->arguments + now->n, text, n);
    now->n += n;
}

static void on_end(void *user)
{
    calls *c = user;

    c->n += c->is_open;
    c->is_open = false;
}

/* What begins and does not end is no call. */
static void read_calls(calls *out, ts_str text, ts_call_style style)
{
    static const ts_call_events events = {on_begin, on_arguments, on_end};
    ts_call_parser p = {.style = style};

    out->n = 0;
    out->is_open = out->is_bad = false;
    ts_call_parser_feed(&p, text.ptr, text.len, &events, out);
    ts_call_parser_end(&p, &events, out);
    out->is_bad |= out->is_open;
}

/* Letters of either case and blanks make no difference. */
static bool same_text(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        const char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a,
                   y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;
        if (x != y)
            return false;
        if (!x)
            return true;
    }
}

static bool same_value(const json_t *a, const json_t *b)
{
    if (json_is_string(a) && json_is_string(b))
        return same_text(json_string_value(a), json_string_value(b));
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    return json_equal(a, b) != 0;
}

/* Flat objects: no tool of ours has others. */
static bool same_arguments(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;

    if (!json_is_object(a) || !json_is_object(b) || json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)(uintptr_t)a, key,
                        value) if (!same_value(value, json_object_get(b, key))) return false;
    return true;
}

static json_t *parse(const char *text, size_t n)
{
    const ts_json_limits limits = {.bytes = MAX_ARGUMENTS, .values = 64};
    json_t *out = NULL;

    return ts_json_parse(&out, text, n, limits, NULL) == TIEFSEE_OK ? out : NULL;
}

static bool same_call(const call *a, const call *b)
{
    bool is_same = false;

    if (strcmp(a->name, b->name) == 0) {
        json_t *x = parse(a->arguments, a->n), *y = parse(b->arguments, b->n);

        is_same = x && y && same_arguments(x, y);
        json_decref(x);
        json_decref(y);
    }
    return is_same;
}

static bool same_calls(const calls *want, const calls *has)
{
    bool is_used[MAX_CALLS] = {false};

    if (want->n != has->n || has->is_bad)
        return false;
    for (size_t i = 0; i < want->n; i++) {
        size_t k = 0;

        while (k < has->n && (is_used[k] || !same_call(&want->at[i], &has->at[k])))
            k++;
        if (k == has->n)
            return false;
        is_used[k] = true;
    }
    return true;
}

/* truth: the calls as V3.1 writes them; their order makes no difference, nor which
 * generation wrote the answer. */
bool ts_judge_calls(ts_lang lang, ts_str truth, ts_str answer)
{
    static const char mark[] = TS_CALLS_BEGIN;
    const char *begin = answer.len ? memmem(answer.ptr, answer.len, mark, sizeof mark - 1) : NULL;
    calls want, has;

    (void)lang;
    if (!begin)
        return false;
    const ts_str text = {begin, answer.len - (size_t)(begin - answer.ptr)};
    read_calls(&want, truth, TS_CALLS_PLAIN);
    read_calls(&has, text, TS_CALLS_PLAIN);
    if (same_calls(&want, &has))
        return true;
    read_calls(&has, text, TS_CALLS_FENCED);
    return same_calls(&want, &has);
}
