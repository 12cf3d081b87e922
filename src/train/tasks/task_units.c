/* task_units.c - the same quantity in another unit.
 *
 * What is wanted stands first.  Powers of ten move the point, one place at a time, with
 * the number of places that are left; other factors are multiplied or divided in columns:
 *
 *     2.5 km→m                       7 h→min
 *     1 km=1000 m *3                 1 h=60 min
 *     3:2.5 2:25 1:250 0:2500        7*60 ...
 */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

enum { MAX_UNITS = 5, N_GROUPS = 8 };

typedef struct unit {
    const char *sign[2];           /* short, in Latin letters and in Chinese */
    const char *names[TS_N_LANGS]; /* several of them */
    int64_t factor;                /* how many of the next smaller one */
} unit;

static const unit GROUPS[N_GROUPS][MAX_UNITS + 1] = {
    {{{"km", "千米"}, {"kilometers", "Kilometer", "公里"}, 1000},
     {{"m", "米"}, {"meters", "Meter", "米"}, 10},
     {{"dm", "分米"}, {"decimeters", "Dezimeter", "分米"}, 10},
     {{"cm", "厘米"}, {"centimeters", "Zentimeter", "厘米"}, 10},
     {{"mm", "毫米"}, {"millimeters", "Millimeter", "毫米"}, 1}},
    {{{"t", "吨"}, {"tonnes", "Tonnen", "吨"}, 1000},
     {{"kg", "千克"}, {"kilograms", "Kilogramm", "公斤"}, 1000},
     {{"g", "克"}, {"grams", "Gramm", "克"}, 1000},
     {{"mg", "毫克"}, {"milligrams", "Milligramm", "毫克"}, 1}},
    {{{"l", "升"}, {"liters", "Liter", "升"}, 10},
     {{"dl", "分升"}, {"deciliters", "Deziliter", "分升"}, 10},
     {{"cl", "厘升"}, {"centiliters", "Zentiliter", "厘升"}, 10},
     {{"ml", "毫升"}, {"milliliters", "Milliliter", "毫升"}, 1}},
    {{{"TB", "TB"}, {"terabytes", "Terabyte", "TB"}, 1000},
     {{"GB", "GB"}, {"gigabytes", "Gigabyte", "GB"}, 1000},
     {{"MB", "MB"}, {"megabytes", "Megabyte", "MB"}, 1000},
     {{"kB", "kB"}, {"kilobytes", "Kilobyte", "kB"}, 1}},
    {{{"€", "欧元"}, {"euros", "Euro", "欧元"}, 100},
     {{"ct", "欧分"}, {"cents", "Cent", "欧分"}, 1}},
    {{{"wk", "周"}, {"weeks", "Wochen", "星期"}, 7},
     {{"d", "天"}, {"days", "Tage", "天"}, 24},
     {{"h", "小时"}, {"hours", "Stunden", "小时"}, 60},
     {{"min", "分钟"}, {"minutes", "Minuten", "分钟"}, 60},
     {{"s", "秒"}, {"seconds", "Sekunden", "秒"}, 1}},
    {{{"ft", "英尺"}, {"feet", "Fuß", "英尺"}, 12},
     {{"in", "英寸"}, {"inches", "Zoll", "英寸"}, 1}},
    {{{"yr", "年"}, {"years", "Jahre", "年"}, 12},
     {{"mo", "个月"}, {"months", "Monate", "个月"}, 1}},
};

enum { N_TENS = 5 }; /* the first groups have powers of ten only */

static const char *const ASK[TS_N_LANGS][10] = {
    {"Express {0} {1} in {2}.", "How many {2} are {0} {1}?", "Convert {0} {1} to {2}.",
     "{0} {1} in {2}", "{0} {1} = ? {2}", "What is {0} {1} in {2}?", "How many {2} is {0} {1}?",
     "Change {0} {1} into {2}."},
    {"Drücke {0} {1} in {2} aus.", "Wie viele {2} sind {0} {1}?", "Rechne {0} {1} in {2} um.",
     "{0} {1} in {2}", "{0} {1} = ? {2}", "Was sind {0} {1} in {2}?", "Wandle {0} {1} in {2} um."},
    {"把{0}{1}用{2}表示。", "{0}{1}等于多少{2}？", "把{0}{1}换算成{2}。", "{0}{1}是多少{2}？",
     "{0}{1}=？{2}", "{0}{1}换算成{2}"},
};

/* value * 10^-places, places >= 0 */
typedef struct amount {
    int64_t value;
    unsigned places;
} amount;

static amount tidy(amount a)
{
    while (a.places > 0 && a.value % 10 == 0) {
        a.value /= 10;
        a.places--;
    }
    return a;
}

static void put_amount(ts_maker *m, ts_buf *b, amount a, char point)
{
    const int64_t one = ts_power10(a.places);

    ts_put(m, b, "%lld", (long long)(a.value / one));
    if (a.places > 0)
        ts_put(m, b, "%c%0*lld", point, (int)a.places, (long long)(a.value % one));
}

static char point_of(const ts_maker *m)
{
    return m->lang == TS_LANG_DE ? ',' : '.';
}

/* The point moves n places, one at a time, to the right or to the left. */
static amount work_shift(ts_maker *m, amount a, unsigned n, bool grows)
{
    ts_put(m, &m->item->trace, " %c%u\n%u:", grows ? '*' : ':', n, n);
    put_amount(m, &m->item->trace, a, point_of(m));
    while (n-- > 0) {
        if (!grows)
            a.places++;
        else if (a.places > 0)
            a.places--;
        else
            a.value *= 10;
        a = tidy(a);
        ts_put(m, &m->item->trace, " %u:", n);
        put_amount(m, &m->item->trace, a, point_of(m));
    }
    return a;
}

static const char *sign_of(const ts_maker *m, const unit *u)
{
    return u->sign[m->lang == TS_LANG_ZH];
}

static void put_factor(ts_maker *m, const unit *large, const unit *small, int64_t factor)
{
    ts_line(m);
    ts_put(m, &m->item->trace, "1 %s=%lld %s", sign_of(m, large), (long long)factor,
           sign_of(m, small));
}

static amount work(ts_maker *m, const unit *group, size_t from, size_t to, amount a, bool is_tens)
{
    const size_t low = from < to ? from : to, high = from < to ? to : from;
    int64_t factor = 1;

    if (is_tens) {
        for (size_t i = low; i < high; i++)
            factor *= group[i].factor;
        put_factor(m, &group[low], &group[high], factor);
        return work_shift(m, a, ts_n_digits(factor) - 1, from < to);
    }
    while (from != to) {
        const size_t large = from < to ? from : from - 1;

        put_factor(m, &group[large], &group[large + 1], group[large].factor);
        if (from < to)
            a.value = ts_work_product(m, a.value, group[large].factor);
        else
            a.value = ts_work_quotient(m, a.value, group[large].factor);
        from = from < to ? from + 1 : from - 1;
    }
    return a;
}

/* An amount in unit from whose amount in unit to is short. */
static amount draw(ts_maker *m, const unit *group, size_t from, size_t to, bool is_tens)
{
    amount a = {.value = ts_of_digits(m, (unsigned)ts_between(m, 1, 3))};

    if (is_tens) {
        if (m->level >= 2 && ts_chance(m, 40))
            a.places = (unsigned)ts_between(m, 1, 2);
    } else if (from > to) { /* it comes out even */
        a.value = ts_between(m, 1, 30);
        for (size_t i = from; i > to; i--)
            a.value *= group[i - 1].factor;
    } else {
        a.value = ts_between(m, 1, 99);
    }
    return tidy(a);
}

static bool make_conversion(ts_maker *m, size_t g)
{
    const unit *group = GROUPS[g];
    const bool is_tens = g < N_TENS;
    size_t n = 0, from, to;

    while (group[n].factor)
        n++;
    from = (size_t)ts_pick(m, n);
    to = (size_t)ts_pick(m, n);
    const size_t steps = from < to ? to - from : from - to;
    if (steps == 0 || (!is_tens && steps > 2) || (m->level == 1 && from > to) ||
        (g != 0 && is_tens && steps > 2))
        return false;
    const amount a = draw(m, group, from, to, is_tens);
    if (a.value == 0 || a.value > 99999)
        return false;
    ts_put(m, &m->item->key, "%s %s ", group[from].sign[0], group[to].sign[0]);
    put_amount(m, &m->item->key, a, '.');
    if (!ts_maker_takes(m))
        return false;

    ts_buf text = ts_buf_make(64);
    put_amount(m, &text, a, point_of(m));
    const bool is_short = ts_chance(m, 50);
    if (text.ptr) {
        const unit *u = &group[from], *v = &group[to];
        const char *const args[] = {text.ptr, is_short ? sign_of(m, u) : u->names[m->lang],
                                    is_short ? sign_of(m, v) : v->names[m->lang]};
        ts_ask(m, ASK[m->lang], args);
    }
    put_amount(m, &m->item->trace, a, point_of(m));
    ts_put(m, &m->item->trace, " %s→%s", sign_of(m, &group[from]), sign_of(m, &group[to]));
    const amount b = work(m, group, from, to, a, is_tens);
    const char *const space = m->lang == TS_LANG_ZH ? "" : " ";
    ts_put(m, &m->item->answer, "%s%s%s = ", text.ptr ? text.ptr : "", space,
           sign_of(m, &group[from]));
    put_amount(m, &m->item->answer, b, point_of(m));
    ts_put(m, &m->item->answer, "%s%s", space, sign_of(m, &group[to]));
    put_amount(m, &m->item->truth, b, '.');
    ts_buf_free(&text);
    return true;
}

/* Degrees: multiples of five Celsius, which are whole Fahrenheit. */
static bool make_temperature(ts_maker *m)
{
    static const char *const names[2] = {"°C", "°F"};
    const bool to_fahrenheit = ts_pick(m, 2);
    const int64_t fifth = ts_between(m, -8, 60), c = 5 * fifth, f = 9 * fifth + 32;
    const int64_t from = to_fahrenheit ? c : f, to = to_fahrenheit ? f : c;
    char text[24];

    ts_put(m, &m->item->key, "%s %lld", names[!to_fahrenheit], (long long)from);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text, sizeof text, "%lld", (long long)from);
    const char *const args[] = {text, names[!to_fahrenheit], names[to_fahrenheit]};
    ts_ask(m, ASK[m->lang], args);
    ts_put(m, &m->item->trace, "%s %s→%s\n", text, args[1], args[2]);
    if (to_fahrenheit) {
        ts_step(m, fifth, "%lld:5", (long long)c);
        ts_line(m);
        ts_step(m, 9 * fifth, "%lld*9", (long long)fifth);
        ts_line(m);
        ts_step(m, f, "%lld+32", (long long)(9 * fifth));
    } else {
        ts_step(m, 9 * fifth, "%lld-32", (long long)f);
        ts_line(m);
        ts_step(m, fifth, "%lld:9", (long long)(9 * fifth));
        ts_line(m);
        ts_step(m, c, "%lld*5", (long long)fifth);
    }
    ts_put(m, &m->item->answer, "%s %s = %lld %s", text, args[1], (long long)to, args[2]);
    ts_put(m, &m->item->truth, "%lld", (long long)to);
    return true;
}

bool ts_make_units(ts_maker *m)
{
    if (m->level == 1)
        return make_conversion(m, (size_t)ts_pick(m, N_TENS));
    if (m->level == 2)
        return make_conversion(m, (size_t)ts_pick(m, N_GROUPS));
    return ts_chance(m, 20) ? make_temperature(m)
                            : make_conversion(m, N_TENS + (size_t)ts_pick(m, N_GROUPS - N_TENS));
}
