/* task_logic.c - who is the tallest, who tells the truth, what comes next. */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

static const char *const NAMES[TS_N_LANGS][10] = {
    {"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack"},
    {"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hans", "Ida", "Jan"},
    {"小明", "小红", "小刚", "小丽", "小华", "小芳", "小军", "小兰", "小强", "小梅"},
};

/* ------------------------------------------------------------- orders */

enum { N_PROPERTIES = 4, MAX_PEOPLE = 5 };

/* more, less, most, least; {0} and {1} are people */
static const char *const ORDER[N_PROPERTIES][TS_N_LANGS][4] = {
    {{"{0} is taller than {1}.", "{0} is shorter than {1}.", "Who is the tallest?",
      "Who is the shortest?"},
     {"{0} ist größer als {1}.", "{0} ist kleiner als {1}.", "Wer ist am größten?",
      "Wer ist am kleinsten?"},
     {"{0}比{1}高。", "{0}比{1}矮。", "谁最高？", "谁最矮？"}},
    {{"{0} is older than {1}.", "{0} is younger than {1}.", "Who is the oldest?",
      "Who is the youngest?"},
     {"{0} ist älter als {1}.", "{0} ist jünger als {1}.", "Wer ist am ältesten?",
      "Wer ist am jüngsten?"},
     {"{0}比{1}大。", "{0}比{1}小。", "谁年龄最大？", "谁年龄最小？"}},
    {{"{0} is faster than {1}.", "{0} is slower than {1}.", "Who is the fastest?",
      "Who is the slowest?"},
     {"{0} ist schneller als {1}.", "{0} ist langsamer als {1}.", "Wer ist am schnellsten?",
      "Wer ist am langsamsten?"},
     {"{0}比{1}快。", "{0}比{1}慢。", "谁最快？", "谁最慢？"}},
    {{"{0} is heavier than {1}.", "{0} is lighter than {1}.", "Who is the heaviest?",
      "Who is the lightest?"},
     {"{0} ist schwerer als {1}.", "{0} ist leichter als {1}.", "Wer ist am schwersten?",
      "Wer ist am leichtesten?"},
     {"{0}比{1}重。", "{0}比{1}轻。", "谁最重？", "谁最轻？"}},
};

static void shuffle(ts_maker *m, size_t *x, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)ts_pick(m, i), swap = x[k];

        x[k] = x[i - 1];
        x[i - 1] = swap;
    }
}

static void put_pair(ts_maker *m, const size_t *who, size_t i)
{
    ts_put(m, &m->item->trace, "%s>%s", NAMES[m->lang][who[i]], NAMES[m->lang][who[i + 1]]);
}

/* What each sentence says, the larger one first; then a chain that grows by the first of
 * them that was not used and touches its ends. */
static void work_order(ts_maker *m, const size_t *who, const size_t *said, size_t n)
{
    bool is_used[MAX_PEOPLE] = {false};
    size_t first = said[0], last = said[0] + 1;
    ts_buf *t = &m->item->trace;

    for (size_t i = 0; i + 1 < n; i++) {
        ts_line(m);
        put_pair(m, who, said[i]);
    }
    is_used[0] = true;
    ts_line(m);
    put_pair(m, who, said[0]);
    for (size_t round = 0;; round++) {
        ts_put(m, t, "→");
        for (size_t i = first; i <= last; i++)
            ts_put(m, t, "%s%s", i > first ? ">" : "", NAMES[m->lang][who[i]]);
        if (round + 2 == n)
            return;
        ts_line(m);
        for (size_t i = 1; i + 1 < n; i++)
            if (!is_used[i] && (said[i] == last || said[i] + 1 == first)) {
                is_used[i] = true;
                put_pair(m, who, said[i]);
                if (said[i] == last)
                    last++;
                else
                    first--;
                break;
            }
    }
}

static bool make_order(ts_maker *m)
{
    const size_t n = m->level == 1 ? 3 : (size_t)ts_between(m, 4, MAX_PEOPLE);
    const size_t property = (size_t)ts_pick(m, N_PROPERTIES), asks_least = (size_t)ts_pick(m, 2);
    const char *const *words = ORDER[property][m->lang];
    const char *const space = m->lang == TS_LANG_ZH ? "" : " ";
    size_t who[10], said[MAX_PEOPLE], is_turned[MAX_PEOPLE];

    for (size_t i = 0; i < 10; i++)
        who[i] = i;
    shuffle(m, who, 10);
    for (size_t i = 0; i + 1 < n; i++) {
        said[i] = i;
        is_turned[i] = (size_t)ts_pick(m, 2);
    }
    shuffle(m, said, n - 1);
    ts_put(m, &m->item->key, "order %zu%zu", property, asks_least);
    for (size_t i = 0; i < n; i++)
        ts_put(m, &m->item->key, " %zu", who[i]);
    for (size_t i = 0; i + 1 < n; i++)
        ts_put(m, &m->item->key, " %zu%zu", said[i], is_turned[i]);
    if (!ts_maker_takes(m))
        return false;
    for (size_t i = 0; i + 1 < n; i++) {
        const char *const high = NAMES[m->lang][who[said[i]]], *const low =
                                                                   NAMES[m->lang][who[said[i] + 1]];
        const char *const args[] = {is_turned[i] ? low : high, is_turned[i] ? high : low};

        ts_fill(m, &m->item->question, words[is_turned[i]], args);
        ts_put(m, &m->item->question, "%s", space);
    }
    ts_put(m, &m->item->question, "%s", words[2 + asks_least]);
    work_order(m, who, said, n);
    const size_t right = asks_least ? n - 1 : 0;
    ts_put(m, &m->item->answer, "%s", NAMES[m->lang][who[right]]);
    ts_put(m, &m->item->truth, "%s", NAMES[m->lang][who[right]]);
    for (size_t i = 0; i < n; i++)
        if (i != right)
            ts_put(m, &m->item->truth, "%c%s", i == (right == 0) ? ';' : '|',
                   NAMES[m->lang][who[i]]);
    return true;
}

/* ---------------------------------------------------------- sequences */

static const char *const NEXT[TS_N_LANGS][7] = {
    {"Continue by one number: {0}", "What comes next: {0}, ?", "Which number continues {0}?",
     "{0}, ...?", "Find the next number: {0}", "What is the next number in {0}?"},
    {"Setze um eine Zahl fort: {0}", "Was kommt als Nächstes: {0}, ?",
     "Welche Zahl setzt {0} fort?", "{0}, ...?", "Finde die nächste Zahl: {0}",
     "Was ist die nächste Zahl in {0}?"},
    {"续写一个数：{0}", "下一个数是什么：{0}，？", "{0}之后是哪个数？", "{0}，……？",
     "找出下一个数：{0}", "{0}的下一个数是多少？"},
};

static int64_t next_of(int kind, const int64_t *x, size_t i, int64_t step, int64_t growth)
{
    switch (kind) {
    case 0: return x[i - 1] + step;                             /* the same step */
    case 1: return x[i - 1] + step + growth * (int64_t)(i - 1); /* a step that grows */
    case 2: return x[i - 1] * step;                             /* the same factor */
    default: return x[i - 1] + x[i - 2];                        /* the sum of two */
    }
}

static bool make_sequence(ts_maker *m)
{
    const int kind = (int)ts_pick(m, 4);
    const int64_t step = kind == 2 ? ts_between(m, 2, 4) : ts_between(m, kind == 0 ? -9 : 1, 12);
    const int64_t growth = ts_between(m, 1, 4);
    int64_t x[6] = {ts_between(m, 1, kind == 0 ? 60 : 12), ts_between(m, 1, 12)};
    const size_t n = 5;
    char list[80];
    size_t len = 0;

    for (size_t i = kind == 3 ? 2 : 1; i <= n; i++)
        x[i] = next_of(kind, x, i, step, growth);
    if (step == 0 || x[n] < 0 || x[n] > 999)
        return false;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%lld", i ? ", " : "",
                                (long long)x[i]);
    ts_put(m, &m->item->key, "next %s", list);
    if (!ts_maker_takes(m))
        return false;
    const char *const args[] = {list};
    ts_ask(m, NEXT[m->lang], args);
    ts_buf *t = &m->item->trace;
    for (size_t i = 1; i < n; i++) { /* the differences show which kind it is */
        if (i > 1)
            ts_line(m);
        ts_step(m, x[i] - x[i - 1], "%lld-%lld", (long long)x[i], (long long)x[i - 1]);
    }
    if (kind == 1) {
        ts_line(m);
        ts_step(m, growth, "%lld-%lld", (long long)(x[n - 1] - x[n - 2]),
                (long long)(x[n - 2] - x[n - 3]));
        ts_line(m);
        ts_step(m, x[n] - x[n - 1], "%lld+%lld", (long long)(x[n - 1] - x[n - 2]),
                (long long)growth);
    }
    ts_line(m);
    if (kind == 2)
        ts_put(m, t, "%lld:%lld=%lld\n", (long long)x[n - 1], (long long)x[n - 2], (long long)step);
    if (kind == 2)
        ts_step(m, x[n], "%lld*%lld", (long long)x[n - 1], (long long)step);
    else if (kind == 3)
        ts_step(m, x[n], "%lld+%lld", (long long)x[n - 1], (long long)x[n - 2]);
    else if (x[n] < x[n - 1])
        ts_step(m, x[n], "%lld-%lld", (long long)x[n - 1], (long long)(x[n - 1] - x[n]));
    else
        ts_step(m, x[n], "%lld+%lld", (long long)x[n - 1], (long long)(x[n] - x[n - 1]));
    ts_put(m, &m->item->answer, "%lld", (long long)x[n]);
    ts_put(m, &m->item->truth, "#%lld", (long long)x[n]);
    return true;
}

/* --------------------------------------------------- knights and knaves */

enum { N_CLAIMS = 6 };

/* What the first says; {0} is himself, {1} the other. */
static const char *const CLAIM[N_CLAIMS][TS_N_LANGS] = {
    {"{1} is a knight", "{1} ist ein Ritter", "{1}是骑士"},
    {"{1} is a knave", "{1} ist ein Schurke", "{1}是无赖"},
    {"we are both knights", "wir sind beide Ritter", "我们都是骑士"},
    {"we are both knaves", "wir sind beide Schurken", "我们都是无赖"},
    {"we are of the same kind", "wir sind von derselben Art", "我们是同类"},
    {"we are of different kinds", "wir sind von verschiedener Art", "我们不是同类"},
};
static const char *const CLAIM_SIGNS[N_CLAIMS] = {
    "{0}: {1}=1",       "{0}: {1}=0",   "{0}: {0}=1 {1}=1",
    "{0}: {0}=0 {1}=0", "{0}: {0}={1}", "{0}: {0}#{1}",
};
static const char *const RULES[TS_N_LANGS] = {
    "Knights always tell the truth, knaves always lie. ",
    "Ritter sagen immer die Wahrheit, Schurken lügen immer. ",
    "骑士总说真话，无赖总说假话。",
};
static const char *const SAYS[TS_N_LANGS] = {"{0} says: \"{1}.\" ", "{0} sagt: \"{1}.\" ",
                                             "{0}说：\"{1}。\""};
static const char *const KIND_OF[TS_N_LANGS][3] = {
    {"Name the kind of {0}.", "Is {0} a knight or a knave?", "What is {0}, a knight or a knave?"},
    {"Nenne die Art von {0}.", "Ist {0} ein Ritter oder ein Schurke?",
     "Was ist {0}, Ritter oder Schurke?"},
    {"说出{0}的身份。", "{0}是骑士还是无赖？", "请问{0}是骑士还是无赖？"},
};
static const char *const KIND[2][TS_N_LANGS] = {{"knave", "Schurke", "无赖"},
                                                {"knight", "Ritter", "骑士"}};

static bool claim_holds(size_t claim, bool self, bool other)
{
    switch (claim) {
    case 0: return other;
    case 1: return !other;
    case 2: return self && other;
    case 3: return !self && !other;
    case 4: return self == other;
    default: return self != other;
    }
}

static bool make_knights(ts_maker *m)
{
    const size_t claim[2] = {(size_t)ts_pick(m, N_CLAIMS), (size_t)ts_pick(m, N_CLAIMS)};
    const size_t who[2] = {(size_t)ts_pick(m, 5), 5 + (size_t)ts_pick(m, 5)},
                 asked = (size_t)ts_pick(m, 2);
    const char *const names[2] = {NAMES[m->lang][who[0]], NAMES[m->lang][who[1]]};
    int n_worlds = 0, world = 0;

    for (int w = 0; w < 4; w++) {
        const bool a = !(w & 2), b = !(w & 1);

        if (claim_holds(claim[0], a, b) == a && claim_holds(claim[1], b, a) == b) {
            n_worlds++;
            world = w;
        }
    }
    if (n_worlds != 1)
        return false;
    ts_put(m, &m->item->key, "knights %zu %zu %zu %zu %zu", claim[0], claim[1], who[0], who[1],
           asked);
    if (!ts_maker_takes(m))
        return false;
    ts_put(m, &m->item->question, "%s", RULES[m->lang]);
    for (size_t i = 0; i < 2; i++) {
        const char *const both[] = {names[i], names[1 - i]};
        ts_buf said = ts_buf_make(256);

        ts_fill(m, &said, CLAIM[claim[i]][m->lang], both);
        const char *const args[] = {names[i], said.ptr ? said.ptr : ""};
        ts_fill(m, &m->item->question, SAYS[m->lang], args);
        ts_buf_free(&said);
    }
    const char *const last[] = {names[asked]};
    ts_fill(m, &m->item->question, KIND_OF[m->lang][m->has_new_phrase ? 0 : 1 + ts_pick(m, 2)],
            last);
    for (size_t i = 0; i < 2; i++) {
        const char *const both[] = {names[i], names[1 - i]};

        ts_line(m);
        ts_fill(m, &m->item->trace, CLAIM_SIGNS[claim[i]], both);
    }
    for (int w = 0; w <= world; w++) { /* both knights, first only, second only, none */
        const bool kind[2] = {!(w & 2), !(w & 1)};

        ts_line(m);
        ts_put(m, &m->item->trace, "%s=%d %s=%d:", names[0], kind[0], names[1], kind[1]);
        for (size_t i = 0; i < 2; i++) {
            const bool holds = claim_holds(claim[i], kind[i], kind[1 - i]);

            ts_put(m, &m->item->trace, "%s%d=%d%s", i ? "," : "", holds, kind[i],
                   holds == kind[i] ? "✓" : "✗");
            if (holds != kind[i])
                break;
        }
    }
    const bool is_knight = !(world & (asked ? 1 : 2));
    ts_put(m, &m->item->answer, "%s", KIND[is_knight][m->lang]);
    for (size_t i = 0; i < 2; i++)
        ts_put(m, &m->item->truth, "%s%s|%s|%s", i ? ";" : "", KIND[i ? !is_knight : is_knight][0],
               KIND[i ? !is_knight : is_knight][1], KIND[i ? !is_knight : is_knight][2]);
    return true;
}

bool ts_make_logic(ts_maker *m)
{
    return m->level <= 2 ? make_order(m) : m->level == 3 ? make_sequence(m) : make_knights(m);
}

/* truth: '#' and a number, or as ts_judge_word has it. */
bool ts_judge_logic(ts_lang lang, ts_str truth, ts_str answer)
{
    if (truth.len > 0 && truth.ptr[0] == '#')
        return ts_judge_number(lang, (ts_str){truth.ptr + 1, truth.len - 1}, answer);
    return ts_judge_word(lang, truth, answer);
}
