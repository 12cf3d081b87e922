/* task_stories.c - small word problems: what is given becomes one line per step. */
#include <stdio.h>

#include "train/tasks/maker.h"

static const char *const NAMES[TS_N_LANGS][12] = {
    {"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Kate",
     "Leo"},
    {"Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hans", "Ida", "Jan", "Karla",
     "Leo"},
    {"小明", "小红", "小刚", "小丽", "小华", "小芳", "小军", "小兰", "小强", "小梅", "小林",
     "小雨"},
};
static const char *const THINGS[TS_N_LANGS][12] = {
    {"apples", "marbles", "books", "stickers", "coins", "cards", "pencils", "eggs", "stamps",
     "shells", "balls", "cookies"},
    {"Äpfel", "Murmeln", "Bücher", "Sticker", "Münzen", "Karten", "Stifte", "Eier", "Briefmarken",
     "Muscheln", "Bälle", "Kekse"},
    {"苹果", "弹珠", "本子", "贴纸", "硬币", "卡片", "铅笔", "鸡蛋", "邮票", "贝壳", "皮球",
     "饼干"},
};

/* What a problem is made of: names {0} {1}, things {2}, numbers {3} to {7}. */
typedef struct story {
    const char *args[8];
    char numbers[5][24];
} story;

static void fill(ts_maker *m, story *s, const int64_t *x, size_t n)
{
    const size_t first = (size_t)ts_pick(m, 12), second = (first + 1 + (size_t)ts_pick(m, 11)) % 12;

    s->args[0] = NAMES[m->lang][first];
    s->args[1] = NAMES[m->lang][second];
    s->args[2] = THINGS[m->lang][ts_pick(m, 12)];
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(s->numbers[i], sizeof s->numbers[i], "%lld", i < n ? (long long)x[i] : 0);
        s->args[3 + i] = s->numbers[i];
    }
}

static bool takes(ts_maker *m, const char *kind, const int64_t *x, size_t n)
{
    ts_put(m, &m->item->key, "%s", kind);
    for (size_t i = 0; i < n; i++)
        ts_put(m, &m->item->key, " %lld", (long long)x[i]);
    return ts_maker_takes(m);
}

static bool finish(ts_maker *m, int64_t result)
{
    ts_put(m, &m->item->answer, "%lld", (long long)result);
    ts_put(m, &m->item->truth, "%lld", (long long)result);
    return true;
}

static const char *const THREE[TS_N_LANGS][8] = {
    {"At {4} euros for {3} {2}, find the price of {5} {2}.",
     "{3} {2} cost {4} euros. How much do {5} {2} cost?",
     "If {3} {2} cost {4} dollars, what do {5} {2} cost?",
     "{0} pays {4} euros for {3} {2}. What do {5} {2} cost?",
     "A machine makes {4} parts in {3} hours. How many parts does it make in {5} hours?",
     "A car drives {4} km in {3} hours. How far does it drive in {5} hours?",
     "{3} boxes hold {4} {2}. How many {2} do {5} boxes hold?"},
    {"Bei {4} Euro für {3} {2}: finde den Preis von {5} {2}.",
     "{3} {2} kosten {4} Euro. Wie viel kosten {5} {2}?",
     "Wenn {3} {2} {4} Euro kosten, was kosten dann {5} {2}?",
     "{0} zahlt {4} Euro für {3} {2}. Was kosten {5} {2}?",
     "Eine Maschine macht {4} Teile in {3} Stunden. Wie viele Teile macht sie in {5} Stunden?",
     "Ein Auto fährt {4} km in {3} Stunden. Wie weit fährt es in {5} Stunden?",
     "In {3} Kisten sind {4} {2}. Wie viele {2} sind in {5} Kisten?"},
    {"{3}个{2}{4}元，求{5}个{2}的价钱。", "{3}个{2}卖{4}元，{5}个{2}卖多少元？",
     "如果{3}个{2}要{4}元，那么{5}个{2}要多少元？",
     "{0}买{3}个{2}花了{4}元。买{5}个{2}要花多少元？",
     "一台机器{3}小时做{4}个零件，{5}小时做多少个零件？",
     "一辆车{3}小时行{4}千米，{5}小时行多少千米？", "{3}个箱子装{4}个{2}，{5}个箱子装多少个{2}？"},
};

static bool make_three(ts_maker *m)
{
    const int64_t a = ts_between(m, 2, 9), one = ts_between(m, 2, 25), b = ts_between(m, 2, 12);
    const int64_t x[] = {a, a * one, b};
    story s;

    if (a == b || !takes(m, "three", x, 3))
        return false;
    fill(m, &s, x, 3);
    ts_ask(m, THREE[m->lang], s.args);
    ts_step(m, one, "%lld:%lld", (long long)x[1], (long long)a);
    ts_line(m);
    ts_step(m, one * b, "%lld*%lld", (long long)one, (long long)b);
    return finish(m, one * b);
}

static const char *const TOGETHER[TS_N_LANGS][6] = {
    {"{0} owns {3} {2} and {1} owns {4} more. Find how many both own.",
     "{0} has {3} {2}. {1} has {4} more than {0}. How many {2} do they have together?",
     "{0} collects {3} {2}, and {1} collects {4} more than {0}. How many do they collect in all?",
     "There are {3} {2} in the first box and {4} more in the second. How many {2} are in both "
     "boxes?"},
    {"{0} besitzt {3} {2} und {1} besitzt {4} mehr. Finde, wie viele beide besitzen.",
     "{0} hat {3} {2}. {1} hat {4} mehr als {0}. Wie viele {2} haben sie zusammen?",
     "{0} sammelt {3} {2}, und {1} sammelt {4} mehr als {0}. Wie viele sammeln sie insgesamt?",
     "In der ersten Kiste sind {3} {2} und in der zweiten {4} mehr. Wie viele {2} sind in beiden?"},
    {"{0}拥有{3}个{2}，{1}比{0}多拥有{4}个，求总数。",
     "{0}有{3}个{2}，{1}比{0}多{4}个。他们一共有多少个{2}？",
     "{0}收集了{3}个{2}，{1}比{0}多收集{4}个。两人一共收集了多少个？",
     "第一个盒子里有{3}个{2}，第二个多{4}个。两个盒子一共有多少个{2}？"},
};
static const char *const GAVE[TS_N_LANGS][6] = {
    {"Of {3} {2}, {0} hands {4} to {1} and then finds {5}. Find the number now.",
     "{0} has {3} {2}, gives {4} of them to {1} and then buys {5}. How many {2} does {0} have now?",
     "{0} had {3} {2}. {0} lost {4} and found {5}. How many {2} are there now?",
     "A shop has {3} {2}. It sells {4} and gets {5} new ones. How many {2} does it have now?"},
    {"Von {3} {2} reicht {0} {4} an {1} und findet dann {5}. Finde die Zahl jetzt.",
     "{0} hat {3} {2}, gibt {1} davon {4} und kauft dann {5}. Wie viele {2} hat {0} jetzt?",
     "{0} hatte {3} {2}, verlor {4} und fand {5}. Wie viele {2} sind es jetzt?",
     "Ein Laden hat {3} {2}. Er verkauft {4} und bekommt {5} neue. Wie viele {2} hat er jetzt?"},
    {"{3}个{2}，{0}交给{1}{4}个后又找到{5}个，求现在的个数。",
     "{0}有{3}个{2}，给了{1}{4}个，又买了{5}个。{0}现在有多少个{2}？",
     "{0}原有{3}个{2}，丢了{4}个，又捡到{5}个。现在有多少个{2}？",
     "商店有{3}个{2}，卖出{4}个，又进了{5}个。现在有多少个{2}？"},
};

static bool make_two_steps(ts_maker *m)
{
    const int64_t a = ts_between(m, 5, 99);
    story s;

    if (ts_pick(m, 2)) {
        const int64_t x[] = {a, ts_between(m, 2, 60)};

        if (!takes(m, "together", x, 2))
            return false;
        fill(m, &s, x, 2);
        ts_ask(m, TOGETHER[m->lang], s.args);
        ts_step(m, a + x[1], "%lld+%lld", (long long)a, (long long)x[1]);
        ts_line(m);
        ts_step(m, a + a + x[1], "%lld+%lld", (long long)a, (long long)(a + x[1]));
        return finish(m, a + a + x[1]);
    }
    const int64_t x[] = {a, ts_between(m, 2, a - 1), ts_between(m, 2, 50)};
    if (!takes(m, "gave", x, 3))
        return false;
    fill(m, &s, x, 3);
    ts_ask(m, GAVE[m->lang], s.args);
    ts_step(m, a - x[1], "%lld-%lld", (long long)a, (long long)x[1]);
    ts_line(m);
    ts_step(m, a - x[1] + x[2], "%lld+%lld", (long long)(a - x[1]), (long long)x[2]);
    return finish(m, a - x[1] + x[2]);
}

static const char *const SHOPPING[TS_N_LANGS][6] = {
    {"From {7} euros {0} pays {3} {2} at {4} and {5} pens at {6} euros. Find the rest.",
     "{0} buys {3} {2} for {4} euros each and {5} pens for {6} euros each. {0} pays with {7} "
     "euros. How much "
     "change is there?",
     "{3} {2} at {4} dollars each and {5} cups at {6} dollars each are paid with {7} dollars. What "
     "is the "
     "change?"},
    {"Von {7} Euro zahlt {0} {3} {2} zu {4} und {5} Hefte zu {6} Euro. Finde den Rest.",
     "{0} kauft {3} {2} für je {4} Euro und {5} Hefte für je {6} Euro. {0} zahlt mit {7} Euro. Wie "
     "viel Geld "
     "kommt zurück?",
     "{3} {2} zu je {4} Euro und {5} Tassen zu je {6} Euro werden mit {7} Euro bezahlt. Wie viel "
     "Wechselgeld gibt "
     "es?"},
    {"{0}有{7}元，买{3}个{2}每个{4}元、{5}支笔每支{6}元，求余钱。",
     "{0}买{3}个{2}，每个{4}元，又买{5}支笔，每支{6}元。{0}付了{7}元，应找回多少元？",
     "{3}个{2}每个{4}元，{5}个杯子每个{6}元，付{7}元，找回多少元？"},
};

static bool make_shopping(ts_maker *m)
{
    int64_t x[5] = {ts_between(m, 2, 9), ts_between(m, 2, 12), ts_between(m, 2, 9),
                    ts_between(m, 2, 12), 0};
    const int64_t first = x[0] * x[1], second = x[2] * x[3], sum = first + second;
    story s;

    x[4] = sum <= 50 ? 50 : sum <= 100 ? 100 : 200;
    if (sum > 200 || !takes(m, "shopping", x, 5))
        return false;
    fill(m, &s, x, 5);
    ts_ask(m, SHOPPING[m->lang], s.args);
    ts_step(m, first, "%lld*%lld", (long long)x[0], (long long)x[1]);
    ts_line(m);
    ts_step(m, second, "%lld*%lld", (long long)x[2], (long long)x[3]);
    ts_line(m);
    ts_step(m, sum, "%lld+%lld", (long long)first, (long long)second);
    ts_line(m);
    ts_step(m, x[4] - sum, "%lld-%lld", (long long)x[4], (long long)sum);
    return finish(m, x[4] - sum);
}

/* A chain of sentences, each about the one before; {0} and {1} are names, {2} the
 * things, {3} the number. */
static const char *const CHAIN_FIRST[TS_N_LANGS] = {"{0} has {3} {2}.", "{0} hat {3} {2}.",
                                                    "{0}有{3}个{2}。"};
static const char *const CHAIN_LINK[4][TS_N_LANGS] = {
    {" {0} has {3} more than {1}.", " {0} hat {3} mehr als {1}.", "{0}比{1}多{3}个。"},
    {" {0} has {3} fewer than {1}.", " {0} hat {3} weniger als {1}.", "{0}比{1}少{3}个。"},
    {" {0} has {3} times as many as {1}.", " {0} hat {3}-mal so viele wie {1}.",
     "{0}的个数是{1}的{3}倍。"},
    {" {1} has {3} times as many as {0}.", " {1} hat {3}-mal so viele wie {0}.",
     "{1}的个数是{0}的{3}倍。"},
};
static const char *const CHAIN_ONE[TS_N_LANGS][4] = {
    {" Find the number of {2} of {0}.", " How many {2} does {0} have?", " How many does {0} have?"},
    {" Finde die Zahl der {2} von {0}.", " Wie viele {2} hat {0}?", " Wie viele hat {0}?"},
    {"求{0}的{2}数。", "{0}有多少个{2}？", "{0}有几个{2}？"},
};
static const char *const CHAIN_ALL[TS_N_LANGS][4] = {
    {" Find the number of all {2}.", " How many {2} do they have together?",
     " How many {2} are there in all?"},
    {" Finde die Zahl aller {2}.", " Wie viele {2} haben sie zusammen?",
     " Wie viele {2} sind es insgesamt?"},
    {"求{2}总数。", "他们一共有多少个{2}？", "总共有多少个{2}？"},
};

enum { MAX_CHAIN = 5 };

typedef struct chain {
    int64_t value[MAX_CHAIN], number[MAX_CHAIN];
    size_t kind[MAX_CHAIN], who[MAX_CHAIN], n;
} chain;

static bool draw_chain(ts_maker *m, chain *c)
{
    const size_t start = (size_t)ts_pick(m, 12), stride = ts_pick(m, 2) ? 5 : 7;

    c->n = m->level == 3 ? 3 : (size_t)ts_between(m, 3, MAX_CHAIN);
    c->value[0] = c->number[0] = ts_between(m, 3, 40);
    for (size_t i = 0; i < c->n; i++)
        c->who[i] = (start + i * stride) % 12;
    for (size_t i = 1; i < c->n; i++) {
        const int64_t before = c->value[i - 1];

        c->kind[i] = (size_t)ts_pick(m, 4);
        c->number[i] = c->kind[i] <= 1 ? ts_between(m, 2, 30) : ts_between(m, 2, 5);
        if (c->kind[i] == 3 && before % c->number[i] != 0)
            return false;
        c->value[i] = c->kind[i] == 0   ? before + c->number[i]
                      : c->kind[i] == 1 ? before - c->number[i]
                      : c->kind[i] == 2 ? before * c->number[i]
                                        : before / c->number[i];
        if (c->value[i] < 1 || c->value[i] > 200)
            return false;
    }
    return true;
}

static void ask_chain(ts_maker *m, const chain *c, bool asks_all)
{
    const char *const *forms = asks_all ? CHAIN_ALL[m->lang] : CHAIN_ONE[m->lang];
    const char *const things = THINGS[m->lang][ts_pick(m, 12)];
    ts_buf *q = &m->item->question;
    char number[24];

    for (size_t i = 0; i < c->n; i++) {
        const char *const args[] = {NAMES[m->lang][c->who[i]],
                                    NAMES[m->lang][c->who[i > 0 ? i - 1 : 0]], things, number};

        (void)snprintf(number, sizeof number, "%lld", (long long)c->number[i]);
        ts_fill(m, q, i ? CHAIN_LINK[c->kind[i]][m->lang] : CHAIN_FIRST[m->lang], args);
    }
    const char *const last[] = {NAMES[m->lang][c->who[c->n - 1]], "", things};
    ts_fill(m, q, forms[m->has_new_phrase ? 0 : 1 + ts_pick(m, 2)], last);
}

static bool make_chain(ts_maker *m)
{
    static const char ops[] = "+-*:";
    const bool asks_all = ts_pick(m, 2);
    ts_buf *t = &m->item->trace;
    chain c;

    if (!draw_chain(m, &c))
        return false;
    ts_put(m, &m->item->key, "chain%s %lld", asks_all ? "+" : "", (long long)c.value[0]);
    for (size_t i = 1; i < c.n; i++)
        ts_put(m, &m->item->key, " %c%lld", ops[c.kind[i]], (long long)c.number[i]);
    if (!ts_maker_takes(m))
        return false;
    ask_chain(m, &c, asks_all);
    ts_put(m, t, "%s=%lld", NAMES[m->lang][c.who[0]], (long long)c.value[0]);
    for (size_t i = 1; i < c.n; i++) {
        const char *const before = NAMES[m->lang][c.who[i - 1]], *const now =
                                                                     NAMES[m->lang][c.who[i]];
        const bool is_turned = c.kind[i] == 3; /* "Ben has 3 times as many as Anna" */

        /* The sentence as it is, then what follows from it. */
        ts_put(m, t, "\n%s=%s%c%lld→%s=", is_turned ? before : now, is_turned ? now : before,
               is_turned ? '*' : ops[c.kind[i]], (long long)c.number[i], now);
        ts_step(m, c.value[i], "%lld%c%lld", (long long)c.value[i - 1], ops[c.kind[i]],
                (long long)c.number[i]);
    }
    if (!asks_all)
        return finish(m, c.value[c.n - 1]);
    int64_t sum = c.value[0];
    for (size_t i = 1; i < c.n; i++) {
        ts_line(m);
        ts_step(m, sum + c.value[i], "%lld+%lld", (long long)sum, (long long)c.value[i]);
        sum += c.value[i];
    }
    return finish(m, sum);
}

bool ts_make_stories(ts_maker *m)
{
    switch (m->level) {
    case 1: return make_three(m);
    case 2: return make_two_steps(m);
    case 3: return ts_pick(m, 2) ? make_shopping(m) : make_chain(m);
    default: return make_chain(m);
    }
}
