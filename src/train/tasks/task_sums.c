/* task_sums.c - addition and subtraction of whole numbers. */
#include <stdio.h>

#include "train/tasks/maker.h"

static const char *const ADD[TS_N_LANGS][16] = {
    {"Compute the sum {0}+{1}.", "What is {0} + {1}?", "What is {0}+{1}?", "{0}+{1}",
     "{0} + {1} =", "{0}+{1}=?", "Add {0} and {1}.", "How much is {0} plus {1}?",
     "Calculate {0} + {1}.", "What is the sum of {0} and {1}?", "{0} plus {1}",
     "What do you get if you add {1} to {0}?", "Work out {0} + {1}."},
    {"Berechne die Summe {0}+{1}.", "Was ist {0} + {1}?", "Was ist {0}+{1}?", "{0}+{1}",
     "{0} + {1} =", "Wie viel ist {0} plus {1}?", "Addiere {0} und {1}.", "Rechne {0} + {1} aus.",
     "Was ergibt {0} plus {1}?", "Was ist die Summe von {0} und {1}?",
     "Zähle {0} und {1} zusammen.", "{0} plus {1}"},
    {"求{0}+{1}的和。", "{0} + {1} 等于多少？", "{0}+{1}等于几？", "{0}+{1}", "{0}+{1}=？",
     "计算 {0} + {1}。", "{0}加{1}等于多少？", "{0}与{1}的和是多少？", "把{0}和{1}相加。",
     "算一下{0}+{1}"},
};
static const char *const ADD3[TS_N_LANGS][6] = {
    {"Compute the sum {0}+{1}+{2}.", "What is {0} + {1} + {2}?", "{0}+{1}+{2}",
     "Add {0}, {1} and {2}."},
    {"Berechne die Summe {0}+{1}+{2}.", "Was ist {0} + {1} + {2}?", "{0}+{1}+{2}",
     "Addiere {0}, {1} und {2}."},
    {"求{0}+{1}+{2}的和。", "{0} + {1} + {2} 等于多少？", "{0}+{1}+{2}", "{0}加{1}加{2}等于多少？"},
};
static const char *const SUBTRACT[TS_N_LANGS][16] = {
    {"Compute the difference {0}-{1}.", "What is {0} - {1}?", "What is {0}-{1}?", "{0}-{1}",
     "{0} - {1} =", "{0}-{1}=?", "Subtract {1} from {0}.", "How much is {0} minus {1}?",
     "Calculate {0} - {1}.", "{0} minus {1}", "Take {1} away from {0}.", "Work out {0} - {1}."},
    {"Berechne die Differenz {0}-{1}.", "Was ist {0} - {1}?", "Was ist {0}-{1}?", "{0}-{1}",
     "{0} - {1} =", "Wie viel ist {0} minus {1}?", "Subtrahiere {1} von {0}.",
     "Rechne {0} - {1} aus.", "Was ergibt {0} minus {1}?", "Ziehe {1} von {0} ab.",
     "{0} minus {1}"},
    {"求{0}-{1}的差。", "{0} - {1} 等于多少？", "{0}-{1}等于几？", "{0}-{1}", "{0}-{1}=？",
     "计算 {0} - {1}。", "{0}减{1}等于多少？", "{0}减去{1}是多少？", "从{0}中减去{1}。",
     "算一下{0}-{1}"},
};

enum { MAX_NUMBER = 24 };

static void put_texts(char text[][MAX_NUMBER], const char **args, const int64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(text[i], MAX_NUMBER, "%lld", (long long)x[i]);
        args[i] = text[i];
    }
}

/* The level is the number of digits of the longer number (level 1: one or two);
 * the other has any number up to it, as often as not the same. */
static void draw_pair(ts_maker *m, int64_t x[2])
{
    const unsigned n = m->level == 1 ? 1 + (unsigned)ts_pick(m, 2) : m->level;
    const unsigned k = ts_pick(m, 2) ? n : 1 + (unsigned)ts_pick(m, n);
    const uint64_t first = ts_pick(m, 2);

    x[first] = ts_of_digits(m, n);
    x[1 - first] = ts_of_digits(m, k);
}

bool ts_make_addition(ts_maker *m)
{
    char text[3][MAX_NUMBER];
    const char *args[3];
    int64_t x[3];

    draw_pair(m, x);
    const bool has_three = m->level >= 2 && m->level <= 5 && ts_chance(m, 10);
    x[2] = has_three ? ts_of_digits(m, 1 + (unsigned)ts_pick(m, m->level)) : 0;
    const int64_t low = x[0] < x[1] ? x[0] : x[1], high = x[0] < x[1] ? x[1] : x[0];
    ts_put(m, &m->item->key, "+ %lld %lld", (long long)low, (long long)high);
    if (has_three)
        ts_put(m, &m->item->key, " %lld", (long long)x[2]);
    if (!ts_maker_takes(m))
        return false;
    put_texts(text, args, x, 3);
    ts_ask(m, has_three ? ADD3[m->lang] : ADD[m->lang], args);
    int64_t sum = ts_work_sum(m, x[0], x[1]);
    if (has_three)
        sum = ts_work_sum(m, sum, x[2]);
    ts_put(m, &m->item->truth, "%lld", (long long)sum);
    ts_put(m, &m->item->answer, has_three ? "%s + %s + %s" : "%s + %s", args[0], args[1], args[2]);
    ts_put(m, &m->item->answer, " = %lld", (long long)sum);
    return true;
}

bool ts_make_subtraction(ts_maker *m)
{
    char text[2][MAX_NUMBER];
    const char *args[2];
    int64_t x[2];

    draw_pair(m, x);
    if (x[0] < x[1] && ts_chance(m, 60)) { /* as people ask */
        const int64_t swap = x[0];

        x[0] = x[1];
        x[1] = swap;
    }
    ts_put(m, &m->item->key, "- %lld %lld", (long long)x[0], (long long)x[1]);
    if (!ts_maker_takes(m))
        return false;
    put_texts(text, args, x, 2);
    ts_ask(m, SUBTRACT[m->lang], args);
    const int64_t rest = ts_work_difference(m, x[0], x[1]);
    ts_put(m, &m->item->truth, "%lld", (long long)rest);
    ts_put(m, &m->item->answer, "%s - %s = %lld", args[0], args[1], (long long)rest);
    return true;
}
