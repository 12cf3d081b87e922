/* task_brackets.c - expressions: one operation at a time is replaced by its result.
 *
 *     3+4*(5-2)      5-2=3      3+4*3      4*3=12      3+12      3+12=15
 *
 * Where both factors have two digits, their product comes from two simpler ones:
 * 33*10+33*1=330+33→33*11=363.
 */
#include <string.h>

#include "train/tasks/maker.h"

static const char *const ASK[TS_N_LANGS][10] = {
    {"Evaluate {0}.", "What is {0}?", "{0}", "{0} =", "Calculate {0}.", "How much is {0}?",
     "Work out {0}.", "Compute {0}"},
    {"Werte {0} aus.", "Was ist {0}?", "{0}", "{0} =", "Berechne {0}.", "Wie viel ist {0}?",
     "Rechne {0} aus.", "Was ergibt {0}?"},
    {"求{0}的值。", "{0} 等于多少？", "{0}", "{0}=？", "计算 {0}。", "{0}是多少？", "算一下 {0}"},
};

enum { MAX_NODES = 13 };

typedef struct node {
    char op; /* 0: a number */
    int64_t value;
    int left, right;
    bool has_brackets;
} node;

typedef struct tree {
    node at[MAX_NODES];
    int n, root;
} tree;

static int binding(char op)
{
    return op == '*' || op == ':' ? 2 : op ? 1 : 3;
}

static int64_t result_of(char op, int64_t a, int64_t b)
{
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

/* A tree of n_ops operations; its text says all of its shape.
 * -1: an operation whose result is no easy step. */
static int grow(ts_maker *m, tree *t, unsigned n_ops)
{
    const int i = t->n++;
    node *p = &t->at[i];

    *p = (node){.left = -1, .right = -1};
    if (n_ops == 0) {
        p->value = ts_pick(m, 3) ? ts_between(m, 1, 12) : ts_between(m, 2, 60);
        return i;
    }
    const unsigned n_left = (unsigned)ts_pick(m, n_ops);
    p->op = "++--**:"[ts_pick(m, 7)];
    p->left = grow(m, t, n_left);
    p->right = p->left < 0 ? -1 : grow(m, t, n_ops - 1 - n_left);
    if (p->left < 0 || p->right < 0)
        return -1;
    const node *a = &t->at[p->left], *b = &t->at[p->right];
    if (p->op == ':' && (b->value == 0 || a->value % b->value != 0))
        return -1;
    if (p->op == '*' && (a->value > 99 || b->value > 99 || (a->value > 12 && b->value > 12)))
        return -1;
    p->value = result_of(p->op, a->value, b->value);
    t->at[p->left].has_brackets = binding(a->op) < binding(p->op);
    t->at[p->right].has_brackets = binding(b->op) <= binding(p->op);
    return p->value < 0 || p->value > 999 ? -1 : i;
}

static void put_tree(ts_maker *m, ts_buf *b, const tree *t, int i, const char *space)
{
    const node *p = &t->at[i];

    if (!p->op) {
        ts_put(m, b, "%lld", (long long)p->value);
        return;
    }
    if (p->has_brackets)
        ts_put(m, b, "(");
    put_tree(m, b, t, p->left, space);
    ts_put(m, b, "%s%c%s", space, p->op, space);
    put_tree(m, b, t, p->right, space);
    if (p->has_brackets)
        ts_put(m, b, ")");
}

/* The operation that is done next: brackets first, then * and :, from the left.
 * That is the first in reading order whose operands are numbers, unless one that
 * binds tighter or stands in brackets comes behind it. */
static int next_of(const tree *t, int i, int depth, int *best_rank)
{
    const node *p = &t->at[i];

    if (!p->op)
        return -1;
    depth += p->has_brackets;
    int best = -1;
    const int left = next_of(t, p->left, depth, best_rank);
    if (left >= 0)
        best = left;
    if (!t->at[p->left].op && !t->at[p->right].op) {
        const int rank = 2 * depth + (binding(p->op) == 2);

        if (rank > *best_rank) {
            *best_rank = rank;
            best = i;
        }
    }
    const int right = next_of(t, p->right, depth, best_rank);
    return right >= 0 ? right : best;
}

/* A product of two numbers of two digits is a sum of two. */
static void put_product(ts_maker *m, const tree *t, const node *p)
{
    const int64_t a = t->at[p->left].value, b = t->at[p->right].value;

    if (p->op != '*' || a < 10 || b < 10)
        return;
    const int64_t low = a < b ? a : b, high = a < b ? b : a;
    ts_put(m, &m->item->trace, "%lld*%lld+%lld*%lld=%lld+%lld→", (long long)high,
           (long long)(low - low % 10), (long long)high, (long long)(low % 10),
           (long long)(high * (low - low % 10)), (long long)(high * (low % 10)));
}

static void work(ts_maker *m, tree t)
{
    ts_buf *b = &m->item->trace;

    put_tree(m, b, &t, t.root, "");
    while (t.at[t.root].op) {
        int rank = -1;
        node *p = &t.at[next_of(&t, t.root, 0, &rank)];

        ts_line(m);
        put_product(m, &t, p);
        ts_step(m, p->value, "%lld%c%lld", (long long)t.at[p->left].value, p->op,
                (long long)t.at[p->right].value);
        p->op = 0;
        if (t.at[t.root].op) {
            ts_put(m, b, "→");
            put_tree(m, b, &t, t.root, "");
        }
    }
}

bool ts_make_expression(ts_maker *m)
{
    ts_buf text = ts_buf_make(256);
    tree t = {0};
    bool is_taken = false;

    t.root = grow(m, &t, m->level + 1);
    if (t.root < 0)
        return false;
    put_tree(m, &m->item->key, &t, t.root, "");
    if (ts_maker_takes(m)) {
        put_tree(m, &text, &t, t.root, ts_chance(m, 40) ? " " : "");
        const char *const args[] = {text.ptr ? text.ptr : ""};
        ts_ask(m, ASK[m->lang], args);
        work(m, t);
        ts_put(m, &m->item->truth, "%lld", (long long)t.at[t.root].value);
        put_tree(m, &m->item->answer, &t, t.root, "");
        ts_put(m, &m->item->answer, " = %lld", (long long)t.at[t.root].value);
        is_taken = true;
    }
    ts_buf_free(&text);
    return is_taken;
}
