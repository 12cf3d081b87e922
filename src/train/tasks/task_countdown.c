/* task_countdown.c - make a number out of three or four others, each used once.
 *
 * Three numbers: each in turn, the largest first, is the one that is used last;
 * what the other two then have to give stands on the left, what they can give on
 * the right, each with a mark that says whether it is on the left:
 *
 *     22:7,5,3
 *     7:15 29|5,3:8.2.15✓
 *     15=5*3,22=15+7
 *
 * Four numbers: two are replaced by what they give, then it is three.  A trace
 * shows up to five different replacements that lead nowhere before one that does;
 * to choose those is not learned, only to go on behind them. */
#include <stdio.h>
#include <string.h>

#include "train/tasks/maker.h"

enum { MAX_NUMBER = 25, MAX_TARGET = 300, MAX_VALUE = 400, MAX_FORMS = 4 };

static const char *const ASK[TS_N_LANGS][8] = {
    {"Reach {1} with the numbers {0}, each once.", "Make {1} from {0}.",
     "Use {0} to make {1}. Each number exactly once.", "Countdown: numbers {0}, target {1}.",
     "Combine {0} with + - * / to get {1}.", "How do you get {1} from {0}?",
     "Using each of {0} once, make {1}."},
    {"Erreiche {1} mit den Zahlen {0}, jede einmal.", "Bilde {1} aus {0}.",
     "Benutze {0}, um {1} zu bilden. Jede Zahl genau einmal.", "Countdown: Zahlen {0}, Ziel {1}.",
     "Verbinde {0} mit + - * /, sodass {1} herauskommt.", "Wie kommt man mit {0} auf {1}?"},
    {"用{0}得到{1}，每个数用一次。", "用{0}算出{1}。", "用{0}凑出{1}，每个数恰好用一次。",
     "倒计时：数字{0}，目标{1}。", "用 + - * / 把{0}组合成{1}。", "怎样用{0}得到{1}？"},
};

/* x op y = value, x >= y. */
typedef struct form {
    char op;
    int64_t x, y, value;
} form;

static size_t forms_of(int64_t a, int64_t b, form out[MAX_FORMS])
{
    const int64_t x = a > b ? a : b, y = a > b ? b : a;
    size_t n = 0;

    if (x + y <= MAX_VALUE)
        out[n++] = (form){'+', x, y, x + y};
    if (x > y)
        out[n++] = (form){'-', x, y, x - y};
    if (y > 1 && x * y <= MAX_VALUE)
        out[n++] = (form){'*', x, y, x * y};
    if (y > 1 && x % y == 0)
        out[n++] = (form){'/', x, y, x / y};
    return n;
}

/* What two numbers must give so that a last step with n makes the target. */
static size_t needs_of(int64_t target, int64_t n, form out[MAX_FORMS])
{
    size_t k = 0;

    if (target > n)
        out[k++] = (form){'+', target - n, n, target - n};
    if (n > target)
        out[k++] = (form){'~', n, n - target, n - target}; /* n minus it */
    if (target + n <= MAX_VALUE)
        out[k++] = (form){'-', target + n, n, target + n};
    if (n > 1 && target % n == 0)
        out[k++] = (form){'*', target / n, n, target / n};
    if (n > 1 && target * n <= MAX_VALUE)
        out[k++] = (form){'/', target * n, n, target * n};
    return k;
}

static void sort_down(int64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && x[k] > x[k - 1]; k--) {
            const int64_t swap = x[k];

            x[k] = x[k - 1];
            x[k - 1] = swap;
        }
}

typedef struct solution {
    form inner, outer; /* outer.x is the value of inner, or outer.op is '~' */
} solution;

/* One line: is x, of the three numbers at place i, the last one?  m NULL: only look. */
static bool probe(ts_maker *m, int64_t target, const int64_t x[3], size_t i, solution *out)
{
    const int64_t a = x[i == 0 ? 1 : 0], b = x[i == 2 ? 1 : 2];
    form need[MAX_FORMS + 1], can[MAX_FORMS];
    const size_t n_need = needs_of(target, x[i], need), n_can = forms_of(a, b, can);
    bool is_found = false;

    size_t n_seen = 0;
    for (; n_seen < n_can && !is_found; n_seen++)
        for (size_t k = 0; k < n_need && !is_found; k++)
            if (need[k].value == can[n_seen].value) {
                *out = (solution){can[n_seen], need[k]};
                is_found = true;
            }
    if (!m)
        return is_found;
    ts_buf *t = &m->item->trace;
    ts_put(m, t, "\n%lld:", (long long)x[i]);
    for (size_t k = 0; k < n_need; k++)
        ts_put(m, t, "%s%lld", k ? " " : "", (long long)need[k].value);
    ts_put(m, t, "|%lld,%lld:", (long long)a, (long long)b);
    for (size_t c = 0; c < n_seen; c++)
        ts_put(m, t, "%lld%s", (long long)can[c].value, is_found && c + 1 == n_seen ? "✓" : ".");
    return is_found;
}

static bool solve3(ts_maker *m, int64_t target, const int64_t x[3], solution *out)
{
    for (size_t i = 0; i < 3; i++)
        if (probe(m, target, x, i, out))
            return true;
    return false;
}

static void put_solution(ts_maker *m, int64_t target, const solution *s)
{
    ts_put(m, &m->item->trace, "\n%lld=%lld%c%lld,%lld=", (long long)s->inner.value,
           (long long)s->inner.x, s->inner.op, (long long)s->inner.y, (long long)target);
    if (s->outer.op == '~')
        ts_put(m, &m->item->trace, "%lld-%lld", (long long)s->outer.x, (long long)s->inner.value);
    else
        ts_put(m, &m->item->trace, "%lld%c%lld", (long long)s->inner.value, s->outer.op,
               (long long)s->outer.y);
}

/* A number of the solution, or the operation that stands for it (once). */
static void put_operand(ts_maker *m, int64_t x, form *merged)
{
    if (merged && merged->op && merged->value == x) {
        ts_put(m, &m->item->answer, "(%lld%c%lld)", (long long)merged->x, merged->op,
               (long long)merged->y);
        merged->op = 0;
    } else {
        ts_put(m, &m->item->answer, "%lld", (long long)x);
    }
}

static void put_answer(ts_maker *m, int64_t target, const solution *s, form *merged)
{
    ts_buf *a = &m->item->answer;

    if (s->outer.op == '~') {
        put_operand(m, s->outer.x, merged);
        ts_put(m, a, "-");
    }
    ts_put(m, a, "(");
    put_operand(m, s->inner.x, merged);
    ts_put(m, a, "%c", s->inner.op);
    put_operand(m, s->inner.y, merged);
    ts_put(m, a, ")");
    if (s->outer.op != '~') {
        ts_put(m, a, "%c", s->outer.op);
        put_operand(m, s->outer.y, merged);
    }
    ts_put(m, a, " = %lld", (long long)target);
}

/* A target that the numbers reach by some tree, drawn at random. */
static bool draw(ts_maker *m, int64_t *x, size_t n, int64_t *target)
{
    const int64_t top = m->level == 1 ? 12 : MAX_NUMBER;
    int64_t left[4];
    form f[MAX_FORMS];

    for (size_t i = 0; i < n; i++)
        left[i] = x[i] = ts_between(m, 1, top);
    for (size_t k = n; k > 1; k--) {
        const size_t i = (size_t)ts_pick(m, k), j = (i + 1 + (size_t)ts_pick(m, k - 1)) % k;
        const size_t n_forms = forms_of(left[i], left[j], f);

        if (n_forms == 0)
            return false;
        const int64_t value = f[ts_pick(m, n_forms)].value;

        left[i] = left[k - 1]; /* close the gap, whichever of the two is last */
        left[i == k - 1 ? j : j == k - 1 ? i : j] = value;
    }
    *target = left[0];
    return *target <= MAX_TARGET;
}

static void put_numbers(ts_maker *m, ts_buf *b, const int64_t *x, size_t n, const char *between)
{
    for (size_t i = 0; i < n; i++)
        ts_put(m, b, "%s%lld", i ? between : "", (long long)x[i]);
}

static bool begin(ts_maker *m, const int64_t *x, const int64_t *sorted, size_t n, int64_t target)
{
    ts_put(m, &m->item->key, "=%lld ", (long long)target);
    put_numbers(m, &m->item->key, sorted, n, " ");
    if (!ts_maker_takes(m))
        return false;

    ts_buf list = ts_buf_make(64);
    char goal[24];
    (void)snprintf(goal, sizeof goal, "%lld", (long long)target);
    put_numbers(m, &list, x, n, ", ");
    if (list.ptr) {
        const char *const args[] = {list.ptr, goal};

        ts_ask(m, ASK[m->lang], args);
    }
    ts_buf_free(&list);
    ts_put(m, &m->item->truth, "%lld ", (long long)target);
    put_numbers(m, &m->item->truth, sorted, n, " ");
    ts_put(m, &m->item->trace, "%lld:", (long long)target);
    put_numbers(m, &m->item->trace, sorted, n, ",");
    return true;
}

bool ts_make_countdown3(ts_maker *m)
{
    int64_t x[3], sorted[3], target;
    solution s;

    if (!draw(m, x, 3, &target))
        return false;
    memcpy(sorted, x, sizeof x);
    sort_down(sorted, 3);
    if (!solve3(NULL, target, sorted, &s) || !begin(m, x, sorted, 3, target))
        return false;
    (void)solve3(m, target, sorted, &s);
    put_solution(m, target, &s);
    put_answer(m, target, &s, NULL);
    return true;
}

enum { MAX_MERGES = 6 * MAX_FORMS };

typedef struct merge {
    form f;
    int64_t left[3]; /* the value and the two others, the largest first */
    bool leads;
} merge;

static size_t merges_of(int64_t target, const int64_t x[4], merge out[MAX_MERGES])
{
    size_t n = 0;

    for (size_t i = 0; i < 4; i++)
        for (size_t j = i + 1; j < 4; j++) {
            form f[MAX_FORMS];
            const size_t n_forms = forms_of(x[i], x[j], f);

            for (size_t k = 0; k < n_forms; k++) {
                merge *g = &out[n++];
                size_t at = 0;
                solution s;

                g->f = f[k];
                g->left[at++] = f[k].value;
                for (size_t other = 0; other < 4; other++)
                    if (other != i && other != j)
                        g->left[at++] = x[other];
                sort_down(g->left, 3);
                g->leads = solve3(NULL, target, g->left, &s);
            }
        }
    return n;
}

/* Is an earlier one the same, because two numbers are equal? */
static bool has_twin(const merge *g, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (g[k].f.x == g[i].f.x && g[k].f.y == g[i].f.y && g[k].f.op == g[i].f.op)
            return true;
    return false;
}

/* Up to k merges that lead nowhere, each once, in any order; returns how many. */
static size_t choose_failures(ts_maker *m, const merge *g, size_t n, size_t k, size_t *out)
{
    size_t pool[MAX_MERGES], n_pool = 0, n_out = 0;

    for (size_t i = 0; i < n; i++)
        if (!g[i].leads && !has_twin(g, i))
            pool[n_pool++] = i;
    for (; n_out < k && n_pool > 0; n_out++) {
        const size_t at = (size_t)ts_pick(m, n_pool);

        out[n_out] = pool[at];
        pool[at] = pool[--n_pool];
    }
    return n_out;
}

/* Two numbers are replaced, and the three that are left looked through. */
static void try_merge(ts_maker *m, int64_t target, const merge *g, solution *s)
{
    const size_t begin = m->item->trace.len + 1;

    ts_line(m);
    if (g->leads)
        ts_step(m, g->f.value, "%lld%c%lld", (long long)g->f.x, g->f.op, (long long)g->f.y);
    else
        ts_put(m, &m->item->trace, "%lld%c%lld=%lld", (long long)g->f.x, g->f.op, (long long)g->f.y,
               (long long)g->f.value);
    if (!g->leads)
        ts_unlearn(m, begin);
    ts_put(m, &m->item->trace, ":");
    put_numbers(m, &m->item->trace, g->left, 3, ",");
    (void)solve3(m, target, g->left, s);
}

bool ts_make_countdown4(ts_maker *m)
{
    static const uint8_t n_failures[] = {0, 0, 0, 1, 1, 2, 2, 3, 4, 5};
    int64_t x[4], sorted[4], target;
    merge g[MAX_MERGES];
    size_t failures[5], n_leading = 0, taken = 0;
    solution s = {0};

    if (!draw(m, x, 4, &target))
        return false;
    memcpy(sorted, x, sizeof x);
    sort_down(sorted, 4);
    const size_t n = merges_of(target, sorted, g);
    for (size_t i = 0; i < n; i++)
        n_leading += g[i].leads;
    if (n_leading == 0 || !begin(m, x, sorted, 4, target))
        return false;
    for (size_t which = (size_t)ts_pick(m, n_leading) + 1; which > 0; taken++)
        which -= g[taken].leads;
    taken--;
    const size_t n_failed =
        choose_failures(m, g, n, n_failures[ts_pick(m, TS_COUNT(n_failures))], failures);
    for (size_t i = 0; i < n_failed; i++)
        try_merge(m, target, &g[failures[i]], &s);
    try_merge(m, target, &g[taken], &s);
    put_solution(m, target, &s);
    put_answer(m, target, &s, &g[taken].f);
    return true;
}
