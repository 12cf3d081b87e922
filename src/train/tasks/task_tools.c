/* task_tools.c - conversations in which tools are offered: the right call, several of them,
 * what a tool's result says, and answers without any where none fits. */
#include <stdio.h>
#include <string.h>

#include "formats/toolcalls.h"
#include "train/tasks/maker.h"
#include "train/tasks/tool_kinds.h"

enum { MAX_NAME = 48, MAX_VALUE = 112, MAX_JSON = 1024, N_FILLS = 7 };

/* A tool as it is offered. */
typedef struct offer {
    const ts_tool_kind *kind;
    char name[MAX_NAME], param[TS_TOOL_PARAMS][MAX_NAME];
    size_t n_params;
} offer;

typedef struct offers {
    offer at[TS_SCENE_TOOLS];
    size_t n, n_wanted;
} offers;

/* What somebody wants of it: {0} to {2} of a question, their values in JSON, and what the
 * tool will say, {3} to {6}. */
typedef struct wish {
    char text[N_FILLS][MAX_VALUE];
    char value[TS_TOOL_PARAMS][MAX_VALUE];
} wish;

/* ------------------------------------------------------------------ values */

/* A name that nobody has, so that names are copied and not known by heart. */
static void invent(ts_maker *m, char *out, size_t size)
{
    static const char first[] = "BDFGKLMNPRSTV", next[] = "bdfglmnprst", vowel[] = "aeiou";
    const size_t n = 2 + (size_t)ts_pick(m, 2);
    size_t k = 0;

    for (size_t i = 0; i < n && k + 3 < size; i++) {
        out[k++] = i ? next[ts_pick(m, sizeof next - 1)] : first[ts_pick(m, sizeof first - 1)];
        out[k++] = vowel[ts_pick(m, sizeof vowel - 1)];
    }
    if (ts_chance(m, 40))
        out[k++] = next[ts_pick(m, sizeof next - 1)];
    out[k] = '\0';
}

static void draw_sum(ts_maker *m, wish *w, size_t i)
{
    static const char signs[] = "+-*";
    const char sign = signs[ts_pick(m, 3)];
    const int64_t a = ts_of_digits(m, 1 + (unsigned)ts_pick(m, 4)),
                  b = ts_of_digits(m, 1 + (unsigned)ts_pick(m, 3));
    const char *blank = ts_chance(m, 40) ? " " : "";

    (void)snprintf(w->text[i], MAX_VALUE, "%lld%s%c%s%lld", (long long)a, blank, sign, blank,
                   (long long)b);
    (void)snprintf(w->text[3], MAX_VALUE, "%lld",
                   (long long)(sign == '+'   ? a + b
                               : sign == '-' ? a - b
                                             : a * b));
}

static void draw_gap(ts_maker *m, wish *w, size_t i, ts_gap gap)
{
    static const char *const switches[TS_N_LANGS][2] = {
        {"on", "off"}, {"an", "aus"}, {"打开", "关闭"}};
    const bool is_name = gap == TS_GAP_PLACE || gap == TS_GAP_PERSON || gap == TS_GAP_TITLE;

    if (gap == TS_GAP_SWITCH) {
        const size_t off = (size_t)ts_pick(m, 2);

        (void)snprintf(w->text[i], MAX_VALUE, "%s", switches[m->lang][off]);
        (void)snprintf(w->value[i], MAX_VALUE, "\"%s\"", switches[TS_LANG_EN][off]);
        return;
    }
    if (gap == TS_GAP_NUMBER) {
        (void)snprintf(w->text[i], MAX_VALUE, "%lld",
                       (long long)(1 + ts_of_digits(m, 1 + (unsigned)ts_pick(m, 4))));
        (void)snprintf(w->value[i], MAX_VALUE, "%s", w->text[i]);
        return;
    }
    if (gap == TS_GAP_SUM)
        draw_sum(m, w, i);
    else if (is_name && ts_chance(m, 30))
        invent(m, w->text[i], MAX_VALUE);
    else
        ts_pick_one(m, w->text[i], MAX_VALUE - 3, ts_gap_lists[gap][m->lang]);
    (void)snprintf(w->value[i], MAX_VALUE, "\"%.*s\"", MAX_VALUE - 3, w->text[i]);
}

static void draw_wish(ts_maker *m, wish *w, const offer *o)
{
    static const char WORDS[] =
        "late|sunny|cloudy|rain|ready|sent|on the way|delivered|waiting|new "
        "ideas|buy milk|all is well|closed|open";

    *w = (wish){0};
    (void)snprintf(w->text[3], MAX_VALUE, "%lld",
                   (long long)ts_of_digits(m, 1 + (unsigned)ts_pick(m, 3)));
    ts_pick_one(m, w->text[4], MAX_VALUE, WORDS);
    (void)snprintf(w->text[5], MAX_VALUE, "%02u:%02u", (unsigned)ts_pick(m, 24),
                   (unsigned)ts_pick(m, 60));
    (void)snprintf(w->text[6], MAX_VALUE, "20%02u-%02u-%02u", 24 + (unsigned)ts_pick(m, 8),
                   1 + (unsigned)ts_pick(m, 12), 1 + (unsigned)ts_pick(m, 28));
    for (size_t i = 0; i < o->n_params; i++)
        draw_gap(m, w, i, o->kind->param[i].gap);
}

static void fills(const wish *w, const char *args[N_FILLS])
{
    for (size_t i = 0; i < N_FILLS; i++)
        args[i] = w->text[i];
}

/* ------------------------------------------------------------------- tools */

/* get_weather as getWeather. */
static void to_camel(char *name)
{
    char *to = name;

    for (const char *p = name; *p; p++)
        if (p[0] == '_' && p[1] >= 'a' && p[1] <= 'z')
            *to++ = (char)(*++p - 'a' + 'A');
        else
            *to++ = *p;
    *to = '\0';
}

static void draw_offer(ts_maker *m, offer *o, const ts_tool_kind *kind)
{
    static const char *const ends[] = {"_tool", "_v2", "_api", "_now", "_fn"};

    o->kind = kind;
    o->n_params = 0;
    ts_pick_one(m, o->name, MAX_NAME, kind->names);
    if (ts_chance(m, 12))
        (void)strncat(o->name, ends[ts_pick(m, TS_COUNT(ends))],
                      sizeof o->name - strlen(o->name) - 1);
    if (ts_chance(m, 15))
        to_camel(o->name);
    for (size_t i = 0; i < TS_TOOL_PARAMS && kind->param[i].gap != TS_GAP_NONE; i++, o->n_params++)
        ts_pick_one(m, o->param[i], MAX_NAME, kind->param[i].names);
}

static const char *type_of(ts_gap gap)
{
    return gap == TS_GAP_NUMBER ? "integer" : "string";
}

static void put_param(ts_maker *m, ts_buf *b, const offer *o, size_t i, bool is_wordy)
{
    const ts_gap gap = o->kind->param[i].gap;

    ts_put(m, b, "%s\"%s\": {\"type\": \"%s\"", i ? ", " : "", o->param[i], type_of(gap));
    if (gap == TS_GAP_SWITCH)
        ts_put(m, b, ", \"enum\": [\"on\", \"off\"]");
    if (is_wordy) {
        char about[MAX_VALUE];

        ts_pick_one(m, about, sizeof about, o->kind->param[i].about);
        ts_put(m, b, ", \"description\": \"%s\"", about);
    }
    ts_put(m, b, "}");
}

/* As clients send it: written by json.dumps() or a server that reads and writes it again. */
static void put_schema(ts_maker *m, ts_buf *b, const offer *o, bool is_wordy)
{
    static const char *const extra[] = {
        "\"unit\": {\"type\": \"string\", \"enum\": [\"celsius\", \"fahrenheit\"]}",
        "\"limit\": {\"type\": \"integer\"}", "\"lang\": {\"type\": \"string\"}"};

    ts_put(m, b, "{\"type\": \"object\", \"properties\": {");
    for (size_t i = 0; i < o->n_params; i++)
        put_param(m, b, o, i, is_wordy);
    if (o->n_params > 0 && is_wordy && ts_chance(m, 30))
        ts_put(m, b, ", %s", extra[ts_pick(m, TS_COUNT(extra))]);
    ts_put(m, b, "}");
    if (o->n_params > 0 && ts_chance(m, 85)) {
        ts_put(m, b, ", \"required\": [");
        for (size_t i = 0; i < o->n_params; i++)
            ts_put(m, b, "%s\"%s\"", i ? ", " : "", o->param[i]);
        ts_put(m, b, "]");
    }
    if (ts_chance(m, 15))
        ts_put(m, b, ", \"additionalProperties\": false");
    ts_put(m, b, "}");
}

static void add_tool(ts_maker *m, const offer *o)
{
    const bool is_wordy = m->level > 1 && ts_chance(m, m->level == 2 ? 30 : 60);
    const bool has_about = ts_chance(m, m->level == 1 ? 60 : 90);
    ts_buf schema = ts_buf_make(MAX_JSON);
    char about[MAX_VALUE];

    put_schema(m, &schema, o, is_wordy);
    ts_pick_one(m, about, sizeof about, o->kind->about);
    if (!ts_scene_add_tool(&m->item->scene, o->name, has_about ? about : NULL, ts_text_in(&schema)))
        m->is_full = true;
    ts_buf_free(&schema);
}

/* A kind that is not offered yet. */
static const ts_tool_kind *other_kind(ts_maker *m, const offers *all, bool takes_broad)
{
    for (;;) {
        const ts_tool_kind *k = &ts_tool_kinds[ts_pick(m, ts_n_tool_kinds)];
        bool is_new = takes_broad || !k->is_broad;

        for (size_t i = 0; i < all->n; i++)
            is_new = is_new && all->at[i].kind != k;
        if (is_new)
            return k;
    }
}

/* All that are wanted, in any order; those that are in *all already are among them. */
static void offer_tools(ts_maker *m, offers *all, bool takes_broad)
{
    for (; all->n < all->n_wanted; all->n++)
        draw_offer(m, &all->at[all->n], other_kind(m, all, takes_broad));
    for (size_t i = all->n; i-- > 0;) {
        const size_t at = (size_t)ts_pick(m, i + 1);
        const offer last = all->at[at];

        all->at[at] = all->at[i];
        all->at[i] = last;
        add_tool(m, &last);
    }
}

/* ------------------------------------------------------------------- calls */

static void put_arguments(ts_maker *m, ts_buf *b, const offer *o, const wish *w)
{
    ts_put(m, b, "{");
    for (size_t i = 0; i < o->n_params; i++)
        ts_put(m, b, "%s\"%s\": %s", i ? ", " : "", o->param[i], w->value[i]);
    ts_put(m, b, "}");
}

static void put_calls(ts_maker *m, ts_buf *b, const offer *o, const wish *w, size_t n)
{
    ts_put(m, b, "%s", TS_CALLS_BEGIN);
    for (size_t i = 0; i < n; i++) {
        ts_put(m, b, "%s%s%s", TS_CALL_BEGIN, o->name, TS_CALL_SEP);
        put_arguments(m, b, o, &w[i]);
        ts_put(m, b, "%s", TS_CALL_END);
    }
    ts_put(m, b, "%s", TS_CALLS_END);
}

/* What is thought before a call: which tool, with what. */
static void put_trace(ts_maker *m, const offer *o, const wish *w, size_t n)
{
    ts_buf *t = &m->item->trace;

    ts_put(m, t, "%s", o->name);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < o->n_params; i++)
            ts_put(m, t, "\n%s: %s", o->param[i], w[k].text[i]);
}

/* The question, for one wish or two. */
static void ask(ts_maker *m, const offer *o, wish *w, size_t n)
{
    static const char *const and[] = {" and ", " und ", "和"};
    const char *args[N_FILLS];
    char both[2 * MAX_VALUE + 8];

    fills(w, args);
    if (n == 2) {
        (void)snprintf(both, sizeof both, "%s%s%s", w[0].text[0], and[m->lang], w[1].text[0]);
        args[0] = both;
    }
    ts_ask_one(m, o->kind->ask[m->lang], args);
}

static bool takes(ts_maker *m)
{
    ts_put(m, &m->item->key, "tools %s", ts_text_in(&m->item->question));
    return ts_maker_takes(m);
}

static void say(ts_maker *m, tiefsee_role role, const char *text)
{
    if (!ts_scene_add(&m->item->scene, role, text))
        m->is_full = true;
}

/* The question, its calls and the tool's results as earlier turns. */
static void add_results(ts_maker *m, const offer *o, const wish *w, size_t n)
{
    ts_buf text = ts_buf_make(MAX_JSON);
    const char *args[N_FILLS];

    say(m, TIEFSEE_USER, ts_text_in(&m->item->question));
    say(m, TIEFSEE_ASSISTANT, "");
    for (size_t i = 0; i < n; i++) {
        ts_buf_clear(&text);
        put_arguments(m, &text, o, &w[i]);
        if (!ts_scene_add_call(&m->item->scene, o->name, ts_text_in(&text)))
            m->is_full = true;
    }
    for (size_t i = 0; i < n; i++) {
        ts_buf_clear(&text);
        fills(&w[i], args);
        ts_fill_one(m, &text, o->kind->result, args);
        say(m, TIEFSEE_TOOL, ts_text_in(&text));
    }
    ts_buf_free(&text);
}

/* What is made of the results. */
static void tell(ts_maker *m, ts_buf *b, const offer *o, const wish *w, size_t n)
{
    const char *args[N_FILLS];

    for (size_t i = 0; i < n; i++) {
        fills(&w[i], args);
        ts_put(m, b, i ? "\n" : "");
        ts_fill(m, b, o->kind->tell[m->lang], args);
    }
}

static size_t count_of(ts_maker *m, const offer *o, const wish w[2])
{
    const bool can_both = o->kind->takes_two && strcmp(w[0].text[0], w[1].text[0]) != 0;

    return can_both && ts_chance(m, 20) ? 2 : 1;
}

/* An earlier question to the tools with its answer, which is learned too; so it must be
 * one that nobody is tested with. */
static void add_round(ts_maker *m, const offers *all)
{
    const offer *o = &all->at[ts_pick(m, all->n)];
    ts_item *it = m->item;
    wish w[2];

    draw_wish(m, &w[0], o);
    draw_wish(m, &w[1], o);
    const size_t n = count_of(m, o, w);
    ask(m, o, w, n);
    ts_put(m, &it->key, "tools %s", ts_text_in(&it->question));
    if (o->kind->result &&
        ts_split_of((ts_str){ts_text_in(&it->key), it->key.len}) == TS_SPLIT_TRAIN) {
        add_results(m, o, w, n);
        tell(m, &it->answer, o, w, n);
        say(m, TIEFSEE_ASSISTANT, ts_text_in(&it->answer));
    }
    ts_buf_clear(&it->question);
    ts_buf_clear(&it->answer);
    ts_buf_clear(&it->key);
}

static void add_rounds(ts_maker *m, const offers *all)
{
    const uint64_t n = ts_pick(m, m->level == 1 ? 2 : 3);

    m->item->teaches_all = true;
    for (uint64_t i = 0; i < n; i++)
        add_round(m, all);
}

/* What a tool could do that is not there. */
static bool lack_tool(ts_maker *m, offers *all)
{
    static const char *const ANSWER[TS_N_LANGS] = {
        "I have no tool for that.", "Dafür habe ich kein Werkzeug.", "我没有能做这件事的工具。"};
    static const char *const REASON[TS_N_LANGS] = {"No tool fits.", "Kein Werkzeug passt.",
                                                   "没有合适的工具。"};
    offer wanted;
    wish w;

    /* Its kind takes a place, so that no other offer has it, and then leaves it. */
    draw_offer(m, &wanted, other_kind(m, all, false));
    draw_wish(m, &w, &wanted);
    all->at[0] = wanted;
    for (all->n = 1; all->n <= all->n_wanted; all->n++)
        draw_offer(m, &all->at[all->n], other_kind(m, all, false));
    all->at[0] = all->at[--all->n];
    offer_tools(m, all, false);
    add_rounds(m, all);
    ask(m, &wanted, &w, 1);
    ts_put(m, &m->item->answer, "%s", ANSWER[m->lang]);
    ts_put(m, &m->item->trace, "%s", REASON[m->lang]);
    ts_put(m, &m->item->truth, "no tool|kein Werkzeug|没有");
    m->item->judge = ts_judge_facts;
    return takes(m);
}

/* A problem beside tools that have nothing to do with it. */
static bool ignore_tools(ts_maker *m, offers *all)
{
    const ts_family *f = ts_chance(m, 30) ? ts_family_find("smalltalk") : NULL;
    ts_item other = ts_item_empty();

    offer_tools(m, all, false);
    add_rounds(m, all);
    if (ts_make_other(m, &other, f, m->split, m->lang))
        ts_take_other(m, &other, false);
    ts_item_free(&other);
    return true;
}

/* What the results say. */
static bool read_results(ts_maker *m, const offer *o, const wish *w, size_t n)
{
    static const char *const REASON[TS_N_LANGS] = {"The tool has answered.",
                                                   "Das Werkzeug hat geantwortet.", "工具已回答。"};
    const char *args[N_FILLS];
    ts_item *it = m->item;

    add_results(m, o, w, n);
    it->is_behind_tool = true;
    tell(m, &it->answer, o, w, n);
    for (size_t i = 0; i < n; i++) {
        fills(&w[i], args);
        ts_put(m, &it->truth, i ? ";" : "");
        ts_fill(m, &it->truth, o->kind->truth, args);
    }
    ts_put(m, &it->trace, "%s", REASON[m->lang]);
    it->judge = ts_judge_facts;
    return true;
}

/* Levels: the number of tools, and how wordy they are. */
bool ts_make_tools(ts_maker *m)
{
    const uint64_t what = ts_pick(m, 100);
    ts_item *it = m->item;
    offers all = {.n_wanted = m->level == 1 ? 1 + (size_t)ts_chance(m, 25) : m->level};
    wish w[2];

    if (what < 6)
        return lack_tool(m, &all);
    if (what < 22)
        return ignore_tools(m, &all);
    draw_offer(m, &all.at[all.n], other_kind(m, &all, true));
    all.n++;
    const offer o = all.at[0];
    offer_tools(m, &all, true);
    add_rounds(m, &all);
    draw_wish(m, &w[0], &o);
    draw_wish(m, &w[1], &o);
    const size_t n = count_of(m, &o, w);
    ask(m, &o, w, n);
    if (!takes(m))
        return false;
    if (o.kind->result && what < 42)
        return read_results(m, &o, w, n);
    put_trace(m, &o, w, n);
    put_calls(m, &it->answer, &o, w, n);
    it->has_calls = true;
    ts_put(m, &it->truth, "%s", ts_text_in(&it->answer));
    return true;
}
