/* task_percent.c - percentages of numbers, discounts and rises. */
#include <stdio.h>

#include "train/tasks/maker.h"

static const char *const OF[TS_N_LANGS][8] = {
    {"Find {0} percent of {1}.", "What is {0}% of {1}?", "{0}% of {1}",
     "How much is {0} percent of {1}?", "Calculate {0} % of {1}.", "What is {0} percent of {1}?"},
    {"Finde {0} Prozent von {1}.", "Was sind {0} % von {1}?", "{0}% von {1}",
     "Wie viel sind {0} Prozent von {1}?", "Berechne {0} % von {1}.",
     "Was sind {0} Prozent von {1}?"},
    {"求{1}的百分之{0}。", "{1}的{0}%是多少？", "计算{1}的{0}%。", "{1}的百分之{0}是多少？",
     "{0}% × {1} = ？"},
};
static const char *const CHEAPER[TS_N_LANGS][6] = {
    {"The price of {1} euros falls by {0} %. Give the new price.",
     "A coat costs {1} euros. It is reduced by {0}%. What does it cost now?",
     "A lamp costs {1} dollars. There is a discount of {0}%. What is the new price?",
     "You get {0}% off a bill of {1} euros. How much do you pay?"},
    {"Der Preis von {1} Euro fällt um {0} %. Nenne den neuen Preis.",
     "Ein Mantel kostet {1} Euro. Er wird um {0} % billiger. Was kostet er jetzt?",
     "Eine Lampe kostet {1} Euro. Es gibt {0}% Rabatt. Wie hoch ist der neue Preis?",
     "Du bekommst {0} % Nachlass auf {1} Euro. Wie viel zahlst du?"},
    {"价格{1}元下降{0}%，给出新价格。", "一件大衣{1}元，降价{0}%。现在多少钱？",
     "一盏灯{1}元，优惠{0}%，现价是多少？", "账单{1}元，减{0}%，要付多少钱？"},
};
static const char *const DEARER[TS_N_LANGS][5] = {
    {"The rent of {1} euros rises by {0} %. Give the new rent.",
     "A ticket costs {1} euros. The price goes up by {0}%. What does it cost now?",
     "A town of {1} people grows by {0}%. How many people live there now?"},
    {"Die Miete von {1} Euro steigt um {0} %. Nenne die neue Miete.",
     "Eine Karte kostet {1} Euro. Der Preis steigt um {0} %. Was kostet sie jetzt?",
     "Ein Ort mit {1} Einwohnern wächst um {0} %. Wie viele wohnen jetzt dort?"},
    {"房租{1}元上涨{0}%，给出新房租。", "一张票{1}元，涨价{0}%。现在多少钱？",
     "一个镇有{1}人，增加{0}%后有多少人？"},
};

/* value / 100 as text, without zeros at the end. */
static void put_hundredths(ts_maker *m, ts_buf *b, int64_t value, char point)
{
    ts_put(m, b, "%lld", (long long)(value / 100));
    if (value % 10)
        ts_put(m, b, "%c%02lld", point, (long long)(value % 100));
    else if (value % 100)
        ts_put(m, b, "%c%lld", point, (long long)(value % 100 / 10));
}

bool ts_make_percent(ts_maker *m)
{
    static const uint8_t easy[] = {1, 5, 10, 20, 25, 30, 40, 50, 60, 75, 80, 90};
    const bool is_price = m->level == 3, falls = ts_pick(m, 2);
    const int64_t p =
        m->level == 1 || ts_chance(m, 30) ? easy[ts_pick(m, TS_COUNT(easy))] : ts_between(m, 2, 99);
    const int64_t n = is_price        ? 20 * ts_between(m, 1, 49)
                      : ts_pick(m, 2) ? 10 * ts_between(m, 1, 99)
                                      : ts_between(m, 2, 999);
    const char point = m->lang == TS_LANG_DE ? ',' : '.';
    char text[2][24];
    const char *const args[] = {text[0], text[1]};

    if ((is_price && p * n % 100 != 0) || (is_price && p > 90))
        return false;
    ts_put(m, &m->item->key, "%%%s %lld %lld", is_price ? falls ? "-" : "+" : "", (long long)p,
           (long long)n);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text[0], sizeof text[0], "%lld", (long long)p);
    (void)snprintf(text[1], sizeof text[1], "%lld", (long long)n);
    ts_ask(m, is_price ? falls ? CHEAPER[m->lang] : DEARER[m->lang] : OF[m->lang], args);

    ts_buf *t = &m->item->trace;
    const int64_t product = ts_work_product(m, n, p);
    ts_put(m, t, "\n%lld→", (long long)product);
    put_hundredths(m, t, product * 10, point);
    ts_put(m, t, "→");
    put_hundredths(m, t, product, point);
    if (!is_price) {
        ts_put(m, &m->item->answer, "%s %% * %s = ", text[0], text[1]);
        put_hundredths(m, &m->item->answer, product, point);
        put_hundredths(m, &m->item->truth, product, '.');
        return true;
    }
    const int64_t part = product / 100,
                  now = falls ? ts_work_difference(m, n, part) : ts_work_sum(m, n, part);
    ts_put(m, &m->item->answer, "%s %c %lld = %lld", text[1], falls ? '-' : '+', (long long)part,
           (long long)now);
    ts_put(m, &m->item->truth, "%lld", (long long)now);
    return true;
}
