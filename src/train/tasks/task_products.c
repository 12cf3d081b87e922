/* task_products.c - multiplication, and division with remainder. */
#include <stdio.h>

#include "train/tasks/maker.h"

static const char *const MULTIPLY[TS_N_LANGS][16] = {
    {"Compute the product {0}*{1}.", "What is {0} * {1}?", "What is {0} times {1}?", "{0}*{1}",
     "{0} * {1} =", "{0} x {1}", "{0} × {1} = ?", "Multiply {0} by {1}.", "Calculate {0} * {1}.",
     "How much is {0} times {1}?", "What is the product of {0} and {1}?", "{0} times {1}",
     "Work out {0} × {1}."},
    {"Berechne das Produkt {0}*{1}.", "Was ist {0} * {1}?", "Was ist {0} mal {1}?", "{0}*{1}",
     "{0} * {1} =", "{0} x {1}", "{0} · {1} = ?", "Multipliziere {0} mit {1}.",
     "Rechne {0} * {1} aus.", "Wie viel ist {0} mal {1}?", "Was ist das Produkt von {0} und {1}?",
     "{0} mal {1}"},
    {"求{0}*{1}的积。", "{0} * {1} 等于多少？", "{0}乘以{1}等于多少？", "{0}*{1}", "{0}×{1}=？",
     "计算 {0} × {1}。", "{0}乘{1}是多少？", "{0}与{1}的积是多少？", "算一下{0}×{1}", "{0} x {1}"},
};
static const char *const DIVIDE[TS_N_LANGS][16] = {
    {"Compute {0}:{1} with remainder.", "What is {0} / {1}?", "What is {0} divided by {1}?",
     "{0}/{1}", "{0} / {1} =", "{0} ÷ {1} = ?", "Divide {0} by {1}.",
     "Divide {0} by {1}, with remainder.", "Calculate {0} / {1}.",
     "What is {0} divided by {1}, and what is the remainder?", "{0} divided by {1}",
     "How many times does {1} go into {0}, and what is left?"},
    {"Berechne {0}/{1} mit Rest.", "Was ist {0} / {1}?", "Was ist {0} geteilt durch {1}?",
     "{0}/{1}", "{0} : {1} =", "{0} : {1}", "Teile {0} durch {1}.",
     "Dividiere {0} durch {1} mit Rest.", "Rechne {0} : {1} aus.",
     "Wie viel ist {0} durch {1}, und was bleibt als Rest?", "{0} geteilt durch {1}",
     "Wie oft passt {1} in {0}, und was bleibt übrig?"},
    {"求{0}:{1}的商和余数。", "{0} / {1} 等于多少？", "{0}除以{1}等于多少？", "{0}/{1}",
     "{0}÷{1}=？", "计算 {0} ÷ {1}。", "{0}除以{1}的商和余数是多少？",
     "{0}÷{1}，商是多少，余数是多少？", "算一下{0}÷{1}", "{0}里面有几个{1}，还剩多少？"},
};
static const char *const REMAINDER[TS_N_LANGS] = {" remainder ", " Rest ", " 余 "};

bool ts_make_multiplication(ts_maker *m)
{
    /* digits of the two numbers, by level */
    static const uint8_t n_first[] = {1, 2, 3, 2, 3, 3}, n_second[] = {1, 1, 1, 2, 2, 3};
    const unsigned i = m->level == 1 ? (unsigned)ts_pick(m, 2) : m->level;
    char text[2][24];
    const char *const args[] = {text[0], text[1]};
    int64_t x[2] = {ts_of_digits(m, n_first[i]), ts_of_digits(m, n_second[i])};

    if (ts_pick(m, 2)) {
        const int64_t swap = x[0];

        x[0] = x[1];
        x[1] = swap;
    }
    ts_put(m, &m->item->key, "* %lld %lld", (long long)(x[0] < x[1] ? x[0] : x[1]),
           (long long)(x[0] < x[1] ? x[1] : x[0]));
    if (!ts_maker_takes(m))
        return false;
    for (size_t k = 0; k < 2; k++)
        (void)snprintf(text[k], sizeof text[k], "%lld", (long long)x[k]);
    ts_ask(m, MULTIPLY[m->lang], args);
    const int64_t product = ts_work_product(m, x[0], x[1]);
    ts_put(m, &m->item->truth, "%lld", (long long)product);
    ts_put(m, &m->item->answer, "%s * %s = %lld", args[0], args[1], (long long)product);
    return true;
}

bool ts_make_division(ts_maker *m)
{
    static const uint8_t n_first[] = {0, 2, 3, 4, 4, 5}, n_second[] = {0, 1, 1, 1, 2, 2};
    char text[2][24];
    const char *const args[] = {text[0], text[1]};
    int64_t b = ts_of_digits(m, n_second[m->level]), a = ts_of_digits(m, n_first[m->level]);

    b = b == 0 ? 1 + (int64_t)ts_pick(m, 9) : b;
    if (ts_chance(m, 40)) /* as people ask: it comes out even */
        a = a - a % b;
    ts_put(m, &m->item->key, "/ %lld %lld", (long long)a, (long long)b);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text[0], sizeof text[0], "%lld", (long long)a);
    (void)snprintf(text[1], sizeof text[1], "%lld", (long long)b);
    ts_ask(m, DIVIDE[m->lang], args);
    const int64_t q = ts_work_quotient(m, a, b);
    ts_put(m, &m->item->truth, "%lld %lld", (long long)q, (long long)(a % b));
    ts_put(m, &m->item->answer, "%lld : %lld = %lld%s%lld", (long long)a, (long long)b,
           (long long)q, REMAINDER[m->lang], (long long)(a % b));
    return true;
}
