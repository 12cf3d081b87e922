/* task_dates.c - weekdays, days from and between dates, times of a clock.
 *
 * A weekday comes from a sum modulo 7 (0 is Saturday): the last two digits of the
 * year, a quarter of them, a number that stands for the month, the day, and 6 for
 * the years from 2000; one less in January and February of a leap year. */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

static const char *const DAYS[TS_N_LANGS][7] = {
    {"Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday"},
    {"Samstag", "Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"},
    {"星期六", "星期日", "星期一", "星期二", "星期三", "星期四", "星期五"},
};
static const char *const SHORT_DAYS[7] = {"周六", "周日", "周一", "周二", "周三", "周四", "周五"};
static const char *const MONTHS[2][12] = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September",
     "October", "November", "December"},
    {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
     "November", "Dezember"},
};
static const uint8_t MONTH_CODES[12] = {1, 4, 4, 0, 2, 5, 0, 3, 6, 1, 4, 6};

typedef struct date {
    int64_t year, month, day; /* month 1..12 */
} date;

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t length_of(int64_t year, int64_t month)
{
    static const uint8_t length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return length[month - 1] + (month == 2 && is_leap(year));
}

static date draw_date(ts_maker *m)
{
    date d = {.year = ts_chance(m, 80) ? ts_between(m, 2000, 2050) : ts_between(m, 1901, 1999),
              .month = ts_between(m, 1, 12)};

    d.day = ts_between(m, 1, length_of(d.year, d.month));
    return d;
}

static void put_date(ts_maker *m, ts_buf *b, date d)
{
    const long long y = d.year, day = d.day;

    if (m->lang == TS_LANG_ZH)
        ts_put(m, b, "%lld年%lld月%lld日", y, (long long)d.month, day);
    else
        ts_put(m, b, m->lang == TS_LANG_DE ? "%lld. %s %lld" : "%lld %s %lld", day,
               MONTHS[m->lang][d.month - 1], y);
}

static void put_key(ts_maker *m, const char *kind, const int64_t *x, size_t n)
{
    ts_put(m, &m->item->key, "%s", kind);
    for (size_t i = 0; i < n; i++)
        ts_put(m, &m->item->key, " %lld", (long long)x[i]);
}

static void put_weekday(ts_maker *m, int64_t day)
{
    ts_put(m, &m->item->answer, "%s", DAYS[m->lang][day]);
    ts_put(m, &m->item->truth, "w%lld", (long long)day);
}

static const char *const WEEKDAY[TS_N_LANGS][8] = {
    {"On which weekday falls {0}?", "What day of the week is {0}?", "What weekday is {0}?",
     "Which day of the week was {0}?", "{0} is a ...?", "Weekday of {0}?"},
    {"Auf welchen Wochentag fällt der {0}?", "Welcher Wochentag ist der {0}?",
     "Was für ein Wochentag ist der {0}?", "Welcher Wochentag war der {0}?", "Der {0} ist ein ...?",
     "Wochentag am {0}?"},
    {"{0}落在星期几？", "{0}是星期几？", "{0}是周几？", "请问{0}星期几？", "{0}那天是星期几？"},
};

static bool make_weekday(ts_maker *m)
{
    const date d = draw_date(m);
    const int64_t key[] = {d.year, d.month, d.day};
    ts_buf text = ts_buf_make(64);

    put_key(m, "weekday", key, 3);
    if (!ts_maker_takes(m))
        return false;
    put_date(m, &text, d);
    const char *const args[] = {text.ptr ? text.ptr : ""};
    ts_ask(m, WEEKDAY[m->lang], args);
    ts_buf_free(&text);

    const int64_t y = d.year % 100, code = MONTH_CODES[d.month - 1];
    int64_t sum = y;
    ts_put(m, &m->item->trace, "%lld-%02lld-%02lld", (long long)d.year, (long long)d.month,
           (long long)d.day);
    ts_line(m);
    ts_put(m, &m->item->trace, "%lld:4→%lld", (long long)y, (long long)(y / 4));
    const int64_t terms[] = {y / 4, code, d.day, d.year >= 2000 ? 6 : 0};
    for (size_t i = 0; i < TS_COUNT(terms); i++) {
        ts_line(m);
        if (i == 1)
            ts_put(m, &m->item->trace, "[%lld]=%lld ", (long long)d.month, (long long)code);
        if (i == 3)
            ts_put(m, &m->item->trace, "%lld=%lld ", (long long)(d.year / 100),
                   (long long)terms[i]);
        ts_step(m, sum + terms[i], "%lld+%lld", (long long)sum, (long long)terms[i]);
        sum += terms[i];
    }
    if (d.month <= 2 && is_leap(d.year)) {
        ts_line(m);
        ts_step(m, sum - 1, "%lld-1", (long long)sum);
        sum--;
    }
    ts_line(m);
    ts_step(m, sum / 7 * 7, "7*%lld", (long long)(sum / 7));
    ts_line(m);
    ts_step(m, sum % 7, "%lld-%lld", (long long)sum, (long long)(sum / 7 * 7));
    put_weekday(m, sum % 7);
    return true;
}

static const char *const WEEKDAY_IN[TS_N_LANGS][6] = {
    {"Starting from {0}, name the weekday {1} days later.",
     "Today is {0}. Which weekday is it in {1} days?",
     "If today is {0}, what day is it in {1} days?",
     "It is {0}. What day of the week will it be {1} days from now?"},
    {"Von {0} an gezählt: welcher Wochentag ist {1} Tage später?",
     "Heute ist {0}. Welcher Wochentag ist in {1} Tagen?",
     "Wenn heute {0} ist, welcher Tag ist dann in {1} Tagen?",
     "Es ist {0}. Welchen Wochentag haben wir in {1} Tagen?"},
    {"从{0}算起，{1}天后是星期几？", "今天是{0}，{1}天后是星期几？",
     "如果今天是{0}，再过{1}天是星期几？", "今天{0}。{1}天以后是周几？"},
};
static const char *const WEEKDAY_AGO[TS_N_LANGS][5] = {
    {"Counting back from {0}, name the weekday {1} days earlier.",
     "Today is {0}. Which weekday was it {1} days ago?",
     "If today is {0}, what day was it {1} days ago?"},
    {"Von {0} zurück: welcher Wochentag war {1} Tage früher?",
     "Heute ist {0}. Welcher Wochentag war vor {1} Tagen?",
     "Wenn heute {0} ist, welcher Tag war dann vor {1} Tagen?"},
    {"从{0}往回数，{1}天前是星期几？", "今天是{0}，{1}天前是星期几？",
     "如果今天是{0}，那么{1}天前是周几？"},
};

static bool make_weekday_in(ts_maker *m)
{
    const bool is_ago = ts_chance(m, 30);
    const int64_t start = ts_between(m, 0, 6), n = ts_between(m, 2, 99), rest = n % 7;
    const int64_t end = is_ago ? (start - rest + 7) % 7 : (start + rest) % 7;
    const int64_t key[] = {start, n};
    char text[24];

    put_key(m, is_ago ? "ago" : "in", key, 2);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    const char *const args[] = {DAYS[m->lang][start], text};
    ts_ask(m, is_ago ? WEEKDAY_AGO[m->lang] : WEEKDAY_IN[m->lang], args);
    ts_step(m, rest, "%lld-7*%lld", (long long)n, (long long)(n / 7));
    ts_put(m, &m->item->trace, "\n0 %s", DAYS[m->lang][start]);
    for (int64_t i = 1; i <= rest; i++)
        ts_put(m, &m->item->trace, "\n%lld %s", (long long)i,
               DAYS[m->lang][is_ago ? (start - i + 7) % 7 : (start + i) % 7]);
    put_weekday(m, end);
    return true;
}

static const char *const CLOCK_ADD[TS_N_LANGS][6] = {
    {"Give the clock time {1} h {2} min after {0}.",
     "What time is it {1} hours and {2} minutes after {0}?",
     "It is {0}. What time is it in {1} h {2} min?", "{0} plus {1} h {2} min",
     "A film starts at {0} and lasts {1} hours {2} minutes. When does it end?"},
    {"Nenne die Uhrzeit {1} h {2} min nach {0}.",
     "Wie spät ist es {1} Stunden und {2} Minuten nach {0} Uhr?",
     "Es ist {0} Uhr. Wie spät ist es in {1} h {2} min?", "{0} plus {1} h {2} min",
     "Ein Film beginnt um {0} Uhr und dauert {1} Stunden {2} Minuten. Wann endet er?"},
    {"给出{0}之后{1}小时{2}分的时刻。", "{0}过{1}小时{2}分钟是几点？",
     "现在是{0}，再过{1}小时{2}分钟是几点？", "电影{0}开始，放映{1}小时{2}分钟，几点结束？"},
};
static const char *const CLOCK_BETWEEN[TS_N_LANGS][6] = {
    {"Measure the time from {0} to {1}.", "How long is it from {0} to {1}?",
     "How much time passes between {0} and {1}?",
     "A train leaves at {0} and arrives at {1}. How long is the trip?"},
    {"Miss die Zeit von {0} bis {1}.", "Wie lange ist es von {0} bis {1} Uhr?",
     "Wie viel Zeit vergeht zwischen {0} und {1} Uhr?",
     "Ein Zug fährt um {0} ab und kommt um {1} an. Wie lange dauert die Fahrt?"},
    {"求从{0}到{1}的时长。", "从{0}到{1}有多长时间？", "{0}到{1}之间过了多久？",
     "火车{0}出发，{1}到达，路上用了多久？"},
};

static bool make_clock_add(ts_maker *m)
{
    const int64_t h = ts_between(m, 0, 23), min = ts_between(m, 0, 59), dh = ts_between(m, 1, 12),
                  dmin = ts_between(m, 1, 59), key[] = {h, min, dh, dmin};
    char text[3][24];
    const char *const args[] = {text[0], text[1], text[2]};

    put_key(m, "clock", key, 4);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text[0], sizeof text[0], "%lld:%02lld", (long long)h, (long long)min);
    (void)snprintf(text[1], sizeof text[1], "%lld", (long long)dh);
    (void)snprintf(text[2], sizeof text[2], "%lld", (long long)dmin);
    ts_ask(m, CLOCK_ADD[m->lang], args);
    int64_t minutes = min + dmin, hours = h + dh;
    ts_step(m, minutes, "%lld+%lld", (long long)min, (long long)dmin);
    ts_line(m);
    if (minutes >= 60) {
        ts_step(m, minutes - 60, "%lld-60", (long long)minutes);
        ts_line(m);
        ts_step(m, hours + 1, "%lld+%lld+1", (long long)h, (long long)dh);
        minutes -= 60;
        hours++;
    } else {
        ts_step(m, hours, "%lld+%lld", (long long)h, (long long)dh);
    }
    if (hours >= 24) {
        ts_line(m);
        ts_step(m, hours - 24, "%lld-24", (long long)hours);
        hours -= 24;
    }
    ts_put(m, &m->item->answer, "%lld:%02lld", (long long)hours, (long long)minutes);
    ts_put(m, &m->item->truth, "c%lld %lld", (long long)hours, (long long)minutes);
    return true;
}

static bool make_clock_between(ts_maker *m)
{
    const int64_t a = ts_between(m, 0, 1380),
                  b = ts_between(m, a + 1, a + 720 < 1439 ? a + 720 : 1439), key[] = {a, b};
    const int64_t h = a / 60, min = a % 60, h2 = b / 60, min2 = b % 60;
    char text[2][24];
    const char *const args[] = {text[0], text[1]};

    put_key(m, "between", key, 2);
    if (!ts_maker_takes(m))
        return false;
    (void)snprintf(text[0], sizeof text[0], "%lld:%02lld", (long long)h, (long long)min);
    (void)snprintf(text[1], sizeof text[1], "%lld:%02lld", (long long)h2, (long long)min2);
    ts_ask(m, CLOCK_BETWEEN[m->lang], args);
    if (min2 >= min) {
        ts_step(m, min2 - min, "%lld-%lld", (long long)min2, (long long)min);
        ts_line(m);
        ts_step(m, h2 - h, "%lld-%lld", (long long)h2, (long long)h);
    } else {
        ts_step(m, min2 + 60, "%lld+60", (long long)min2);
        ts_line(m);
        ts_step(m, min2 + 60 - min, "%lld-%lld", (long long)(min2 + 60), (long long)min);
        ts_line(m);
        ts_step(m, h2 - h - 1, "%lld-%lld-1", (long long)h2, (long long)h);
    }
    ts_put(m, &m->item->answer, m->lang == TS_LANG_ZH ? "%lld小时%lld分钟" : "%lld h %lld min",
           (long long)((b - a) / 60), (long long)((b - a) % 60));
    ts_put(m, &m->item->truth, "c%lld %lld", (long long)((b - a) / 60), (long long)((b - a) % 60));
    return true;
}

static const char *const DATE_AFTER[TS_N_LANGS][6] = {
    {"Count {1} days on from {0}.", "Which date is {1} days after {0}?",
     "What is the date {1} days after {0}?", "{0} plus {1} days",
     "Today is {0}. What date is it in {1} days?"},
    {"Zähle vom {0} {1} Tage weiter.", "Welches Datum ist {1} Tage nach dem {0}?",
     "Welches Datum haben wir {1} Tage nach dem {0}?", "{0} plus {1} Tage",
     "Heute ist der {0}. Welches Datum ist in {1} Tagen?"},
    {"从{0}往后数{1}天。", "{0}之后{1}天是几月几日？", "{0}再过{1}天是哪一天？",
     "今天是{0}，{1}天后是几号？"},
};
static const char *const DAYS_BETWEEN[TS_N_LANGS][5] = {
    {"Count the days from {0} to {1}.", "How many days are there from {0} to {1}?",
     "How many days lie between {0} and {1}?", "{0} to {1}: how many days?"},
    {"Zähle die Tage vom {0} bis zum {1}.", "Wie viele Tage sind es vom {0} bis zum {1}?",
     "Wie viele Tage liegen zwischen dem {0} und dem {1}?", "{0} bis {1}: wie viele Tage?"},
    {"数一数从{0}到{1}的天数。", "从{0}到{1}有多少天？", "{0}到{1}相隔几天？",
     "{0}和{1}之间隔了多少天？"},
};

static bool make_date_after(ts_maker *m)
{
    date d = draw_date(m);
    const int64_t n = ts_between(m, 2, 99), key[] = {d.year, d.month, d.day, n};
    ts_buf text = ts_buf_make(64);
    char days[24];

    put_key(m, "after", key, 4);
    if (!ts_maker_takes(m))
        return false;
    put_date(m, &text, d);
    (void)snprintf(days, sizeof days, "%lld", (long long)n);
    const char *const args[] = {text.ptr ? text.ptr : "", days};
    ts_ask(m, DATE_AFTER[m->lang], args);
    ts_buf_free(&text);
    ts_step(m, d.day + n, "%lld+%lld", (long long)d.day, (long long)n);
    d.day += n;
    for (int64_t length; d.day > (length = length_of(d.year, d.month));) {
        ts_put(m, &m->item->trace, "\n%lld[%lld]=%lld ", (long long)d.year, (long long)d.month,
               (long long)length);
        ts_step(m, d.day - length, "%lld-%lld", (long long)d.day, (long long)length);
        d.day -= length;
        d.year += d.month == 12;
        d.month = d.month % 12 + 1;
    }
    ts_put(m, &m->item->trace, "\n%lld[%lld]=%lld", (long long)d.year, (long long)d.month,
           (long long)length_of(d.year, d.month));
    put_date(m, &m->item->answer, d);
    ts_put(m, &m->item->truth, "d%lld %lld %lld", (long long)d.year, (long long)d.month,
           (long long)d.day);
    return true;
}

static bool make_days_between(ts_maker *m)
{
    static const char *const units[TS_N_LANGS] = {" days", " Tage", "天"};
    date a = draw_date(m), b = a;
    b.month = ts_between(m, a.month, a.month + 3 < 12 ? a.month + 3 : 12);
    b.day = ts_between(m, 1, length_of(b.year, b.month));
    const int64_t key[] = {a.year, a.month, a.day, b.month, b.day};
    ts_buf text[2] = {ts_buf_make(64), ts_buf_make(64)};
    int64_t sum;

    if (b.month == a.month && b.day <= a.day)
        return false;
    put_key(m, "days", key, 5);
    if (!ts_maker_takes(m))
        return false;
    put_date(m, &text[0], a);
    put_date(m, &text[1], b);
    const char *const args[] = {text[0].ptr ? text[0].ptr : "", text[1].ptr ? text[1].ptr : ""};
    ts_ask(m, DAYS_BETWEEN[m->lang], args);
    ts_buf_free(&text[0]);
    ts_buf_free(&text[1]);
    ts_put(m, &m->item->trace, "[%lld]→[%lld]\n", (long long)a.month, (long long)b.month);
    if (a.month == b.month) {
        sum = b.day - a.day;
        ts_step(m, sum, "%lld-%lld", (long long)b.day, (long long)a.day);
    } else {
        const int64_t length = length_of(a.year, a.month);

        sum = length - a.day;
        ts_put(m, &m->item->trace, "[%lld]=%lld ", (long long)a.month, (long long)length);
        ts_step(m, sum, "%lld-%lld", (long long)length, (long long)a.day);
        for (int64_t i = a.month + 1; i <= b.month; i++) {
            const int64_t more = i < b.month ? length_of(a.year, i) : b.day;

            ts_put(m, &m->item->trace, i < b.month ? "\n[%lld]<[%lld]=%lld " : "\n[%lld]=[%lld] ",
                   (long long)i, (long long)b.month, (long long)more);
            ts_step(m, sum + more, "%lld+%lld", (long long)sum, (long long)more);
            sum += more;
        }
    }
    ts_put(m, &m->item->answer, "%lld%s", (long long)sum, units[m->lang]);
    ts_put(m, &m->item->truth, "n%lld", (long long)sum);
    return true;
}

bool ts_make_dates(ts_maker *m)
{
    switch (m->level) {
    case 1: return make_weekday_in(m);
    case 2: return ts_pick(m, 2) ? make_clock_add(m) : make_clock_between(m);
    case 3: return ts_pick(m, 2) ? make_date_after(m) : make_days_between(m);
    default: return make_weekday(m);
    }
}

static bool judge_weekday(ts_lang lang, size_t day, ts_str answer)
{
    char truth[700];
    size_t n = 0;

    for (size_t i = 0; i < 7; i++) {
        const size_t k = (day + i) % 7;

        n += (size_t)snprintf(truth + n, sizeof truth - n, "%s%s|%s|%s|%s%s",
                              i == 0   ? ""
                              : i == 1 ? ";"
                                       : "|",
                              DAYS[0][k], DAYS[1][k], DAYS[2][k], SHORT_DAYS[k],
                              k == 1 ? "|星期天" : "");
    }
    return ts_judge_word(lang, (ts_str){truth, n}, answer);
}

/* 1..12 for the month that is named last; 0: none. */
static int64_t named_month(ts_lang lang, ts_str answer)
{
    char truth[400];
    size_t n;

    for (size_t month = 0; month < 12; month++) {
        n = 0;
        for (size_t i = 0; i < 12; i++) {
            const size_t k = (month + i) % 12;

            n += (size_t)snprintf(truth + n, sizeof truth - n, "%s%s|%s",
                                  i == 0   ? ""
                                  : i == 1 ? ";"
                                           : "|",
                                  MONTHS[0][k], MONTHS[1][k]);
        }
        if (ts_judge_word(lang, (ts_str){truth, n}, answer))
            return (int64_t)month + 1;
    }
    return 0;
}

static bool judge_date(ts_lang lang, ts_str truth, ts_str answer)
{
    int64_t x[3] = {0, 0, 0};
    char text[4][64];
    size_t k = 0;

    for (size_t i = 0; i < truth.len && k < 3; i++) {
        if (truth.ptr[i] == ' ')
            k++;
        else
            x[k] = x[k] * 10 + (truth.ptr[i] - '0');
    }
    (void)snprintf(text[0], sizeof text[0], "%lld %lld", (long long)x[2], (long long)x[0]);
    (void)snprintf(text[1], sizeof text[1], "%lld %lld %lld", (long long)x[0], (long long)x[1],
                   (long long)x[2]);
    (void)snprintf(text[2], sizeof text[2], "%lld %lld %lld", (long long)x[2], (long long)x[1],
                   (long long)x[0]);
    const int64_t month = named_month(lang, answer);
    if (month)
        return month == x[1] && ts_judge_numbers(TS_LANG_EN, ts_str_of(text[0]), answer);
    return ts_judge_numbers(TS_LANG_EN, ts_str_of(text[1]), answer) ||
           ts_judge_numbers(TS_LANG_EN, ts_str_of(text[2]), answer);
}

/* truth: a letter for what is asked, then numbers. */
bool ts_judge_date(ts_lang lang, ts_str truth, ts_str answer)
{
    if (truth.len < 2)
        return false;
    const ts_str rest = {truth.ptr + 1, truth.len - 1};

    switch (truth.ptr[0]) {
    case 'w': return judge_weekday(lang, (size_t)(rest.ptr[0] - '0') % 7, answer);
    case 'd': return judge_date(lang, rest, answer);
    case 'c': return ts_judge_numbers(lang, rest, answer);
    default: return ts_judge_number(lang, rest, answer);
    }
}
