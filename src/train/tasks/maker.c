/* maker.c - see maker.h. */
#include "train/tasks/maker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t ts_pick(ts_maker *m, uint64_t n)
{
    return ts_rng_below(&m->rng, n);
}

int64_t ts_between(ts_maker *m, int64_t low, int64_t high)
{
    return low + (int64_t)ts_pick(m, (uint64_t)(high - low) + 1);
}

int64_t ts_power10(unsigned n)
{
    int64_t p = 1;

    while (n-- > 0)
        p *= 10;
    return p;
}

unsigned ts_n_digits(int64_t a)
{
    unsigned n = 1;

    while (a >= 10) {
        a /= 10;
        n++;
    }
    return n;
}

/* One in eight has round digits: zeros at the end are where carries go wrong. */
int64_t ts_of_digits(ts_maker *m, unsigned n)
{
    const int64_t low = n == 1 ? 0 : ts_power10(n - 1);
    int64_t a = ts_between(m, low, ts_power10(n) - 1);

    if (n > 1 && ts_pick(m, 8) == 0) {
        const int64_t unit = ts_power10(1 + (unsigned)ts_pick(m, n - 1));

        a = ts_pick(m, 2) ? a - a % unit : a - a % unit + unit - 1;
    }
    return a;
}

bool ts_chance(ts_maker *m, unsigned percent)
{
    return ts_pick(m, 100) < percent;
}

bool ts_maker_takes(const ts_maker *m)
{
    const ts_buf *key = &m->item->key;

    return ts_split_of((ts_str){key->ptr, key->len}) == m->split;
}

static void append(ts_maker *m, ts_buf *b, const char *bytes, size_t n)
{
    if (!ts_buf_append(b, bytes, n))
        m->is_full = true;
}

void ts_put(ts_maker *m, ts_buf *b, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        m->is_full = true;
    else
        append(m, b, text, (size_t)n);
}

static void fill(ts_maker *m, ts_buf *b, ts_str form, const char *const *args)
{
    for (size_t i = 0; i < form.len;) {
        const char *p = form.ptr + i;

        if (form.len - i >= 3 && p[0] == '{' && p[1] >= '0' && p[1] <= '9' && p[2] == '}') {
            const char *arg = args[p[1] - '0'];

            append(m, b, arg, strlen(arg));
            i += 3;
        } else {
            append(m, b, p, 1);
            i++;
        }
    }
}

void ts_fill(ts_maker *m, ts_buf *b, const char *form, const char *const *args)
{
    fill(m, b, ts_str_of(form), args);
}

size_t ts_n_forms(const char *forms)
{
    size_t n = 1;

    while (*forms)
        n += *forms++ == '|';
    return n;
}

ts_str ts_form_at(const char *forms, size_t at)
{
    while (at > 0)
        at -= *forms++ == '|';
    return (ts_str){forms, strcspn(forms, "|")};
}

/* The first is kept for new phrases. */
static size_t choose(ts_maker *m, size_t n)
{
    return m->has_new_phrase || n == 1 ? 0 : 1 + (size_t)ts_pick(m, n - 1);
}

static ts_str choose_form(ts_maker *m, const char *forms)
{
    return ts_form_at(forms, choose(m, ts_n_forms(forms)));
}

void ts_fill_one(ts_maker *m, ts_buf *b, const char *forms, const char *const *args)
{
    fill(m, b, choose_form(m, forms), args);
}

void ts_pick_one(ts_maker *m, char *out, size_t size, const char *forms)
{
    const ts_str form = choose_form(m, forms);

    *out = '\0';
    if (form.len >= size) {
        m->is_full = true;
        return;
    }
    memcpy(out, form.ptr, form.len);
    out[form.len] = '\0';
}

void ts_ask_one(ts_maker *m, const char *forms, const char *const *args)
{
    ts_ask_form(m, choose_form(m, forms), args);
}

bool ts_make_other(ts_maker *m, ts_item *out, const ts_family *f, ts_split split, ts_lang lang)
{
    const ts_item_spec spec = {.seed = ts_rng_u64(&m->rng),
                               .index = m->index,
                               .family = f,
                               .split = split,
                               .lang = lang == TS_N_LANGS ? -1 : (int)lang,
                               .mistakes = m->mistakes,
                               .has_new_phrase = m->has_new_phrase};

    if (ts_item_make(out, &spec, NULL) == TIEFSEE_OK)
        return true;
    m->is_full = true;
    return false;
}

void ts_take_other(ts_maker *m, const ts_item *other, bool is_asked)
{
    ts_item *it = m->item;
    ts_buf *const to[] = {&it->key, &it->trace, &it->answer, &it->truth, &it->question};
    const ts_buf *const from[] = {&other->key, &other->trace, &other->answer, &other->truth,
                                  &other->question};

    for (size_t i = 0; i < TS_COUNT(to) - is_asked; i++) {
        ts_buf_clear(to[i]);
        append(m, to[i], ts_text_in(from[i]), from[i]->len);
    }
    memcpy(it->unlearned, other->unlearned, sizeof it->unlearned);
    it->n_unlearned = other->n_unlearned;
    it->judge = other->judge ? other->judge : other->family->judge;
}

/* What people put around a question. */
static const char *const BEFORE[TS_N_LANGS][6] = {
    {"Hi, ", "Please: ", "Hello! ", "Tell me: ", "One question: ", "Tiefsee, "},
    {"Hallo, ", "Bitte: ", "Hallo! ", "Sag mir: ", "Eine Frage: ", "Tiefsee, "},
    {"你好，", "请问：", "你好！", "请告诉我：", "一个问题：", "Tiefsee，"},
};
static const char *const BEHIND[TS_N_LANGS][4] = {
    {" Thanks!", " Please.", " Thank you.", " Think step by step."},
    {" Danke!", " Bitte.", " Vielen Dank.", " Denke Schritt für Schritt."},
    {"谢谢！", "请回答。", "谢谢。", "请一步一步思考。"},
};

/* Bytes of the mark that a text ends with, if it is one that people leave out. */
static size_t end_mark(const char *text, size_t n)
{
    static const char *const marks[] = {"?", ".", "？", "。"};

    for (size_t i = 0; i < TS_COUNT(marks); i++) {
        const size_t len = strlen(marks[i]);

        if (n > len && memcmp(text + n - len, marks[i], len) == 0)
            return len;
    }
    return 0;
}

void ts_ask_form(ts_maker *m, ts_str form, const char *const *args)
{
    ts_buf *q = &m->item->question;
    const bool has_before = ts_chance(m, 6), has_behind = ts_chance(m, 4);
    const bool drops_end = ts_chance(m, 10), lowers = ts_chance(m, 8);

    if (has_before)
        ts_put(m, q, "%s", BEFORE[m->lang][ts_pick(m, 6)]);
    const size_t begin = q->len;
    fill(m, q, form, args);
    if (lowers && q->len > begin && q->ptr[begin] >= 'A' && q->ptr[begin] <= 'Z')
        q->ptr[begin] = (char)(q->ptr[begin] - 'A' + 'a');
    if (has_behind)
        ts_put(m, q, "%s", BEHIND[m->lang][ts_pick(m, 4)]);
    else if (drops_end && q->len > begin) {
        q->len -= end_mark(q->ptr + begin, q->len - begin);
        q->ptr[q->len] = '\0';
    }
}

void ts_ask(ts_maker *m, const char *const *forms, const char *const *args)
{
    size_t n = 0;

    while (forms[n])
        n++;
    ts_ask_form(m, ts_str_of(forms[choose(m, n)]), args);
}

/* Behind words that have none. */
static void put_mark(ts_maker *m)
{
    static const char *const marks[][3] = {{"!", ".", "!!"}, {"！", "。", "～"}};
    ts_buf *q = &m->item->question;
    const char last = q->len > 0 ? q->ptr[q->len - 1] : 0;
    const bool is_letter = (last >= 'A' && last <= 'Z') || (last >= 'a' && last <= 'z');
    const bool is_wide = (unsigned char)last >= 0x80;

    if (ts_chance(m, 70) || !(is_letter || is_wide) || end_mark(q->ptr, q->len) > 0)
        return;
    ts_put(m, q, "%s", marks[m->lang == TS_LANG_ZH][ts_pick(m, 3)]);
}

bool ts_make_fact(ts_maker *m, const ts_facts *f)
{
    const size_t at = (size_t)ts_pick(m, f->n);
    const ts_wording *w = &f->in[m->lang][at];
    const bool is_trained = m->split == TS_SPLIT_TRAIN && !m->has_new_phrase;
    const char *forms = is_trained ? w->trained : w->held;
    const uint64_t n = ts_n_forms(forms);
    ts_item *it = m->item;
    size_t form = 0; /* what is held out: the first for validation, the others for tests */

    if (m->split == TS_SPLIT_TRAIN)
        form = (size_t)ts_pick(m, n);
    else if (m->split == TS_SPLIT_TEST)
        form = 1 + (size_t)ts_pick(m, n - 1);
    ts_ask_form(m, ts_form_at(forms, form), (const char *const[]){""});
    if (f->has_marks)
        put_mark(m);
    ts_put(m, &it->key, "%c%s %s",
           is_trained                   ? '#'
           : m->split == TS_SPLIT_VALID ? '?'
                                        : '!',
           f->name, ts_text_in(&it->question));
    ts_put(m, &it->trace, "%s", f->reason[m->lang]);
    ts_put(m, &it->answer, "%s", w->answer);
    ts_put(m, &it->truth, "%s", f->truths[at]);
    return true;
}

/* A result that somebody might write by mistake. */
static int64_t wrong_result(ts_maker *m, int64_t result)
{
    static const int64_t off[] = {1, -1, 10, -10, 2, -2};
    int64_t wrong;

    do {
        wrong = result + off[ts_pick(m, TS_COUNT(off))];
    } while ((wrong < 0) != (result < 0));
    return wrong;
}

void ts_step(ts_maker *m, int64_t result, const char *left, ...)
{
    ts_buf *t = &m->item->trace;
    char text[256];
    va_list args;

    va_start(args, left);
    const int n = vsnprintf(text, sizeof text, left, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        m->is_full = true;
        return;
    }
    if (m->n_steps++ == m->mistake_at) {
        ts_put(m, t, "%s=", text);
        const size_t begin = t->len;

        ts_put(m, t, "%lld", (long long)wrong_result(m, result));
        ts_unlearn(m, begin);
        ts_put(m, t, "✗\n");
    }
    ts_put(m, t, "%s=%lld", text, (long long)result);
}

void ts_unlearn(ts_maker *m, size_t begin)
{
    ts_item *it = m->item;

    if (it->n_unlearned == TS_MAX_UNLEARNED) {
        m->is_full = true;
        return;
    }
    it->unlearned[it->n_unlearned].begin = begin;
    it->unlearned[it->n_unlearned++].end = it->trace.len;
}

void ts_line(ts_maker *m)
{
    if (m->item->trace.len > 0)
        ts_put(m, &m->item->trace, "\n");
}
