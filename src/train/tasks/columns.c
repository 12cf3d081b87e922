/* columns.c - the four operations as a pupil writes them, the last digit first.
 *
 * Every step is within reach of one pass of a small model: two digits and a
 * carry, a product of two digits.  Behind the arrow stands what is known of the
 * result so far, so that its end is a copy and no digit must be looked for:
 *
 *     482+915        47*6
 *     2+5=7→7        7*6=42→2
 *     8+1=9→97       4*6+4=24+4=28→282
 *     4+9=13→1397
 *
 * With a divisor of two digits its multiples stand first, each with its number, and a
 * digit of the quotient is looked for among them: from the fifth on if that one is not
 * too large, else from the first, up to the first that is:
 *
 *     4821:37
 *     37:1 74:2 111:3 148:4 185:5 222:6 259:7 296:8 333:9
 *     4|185>37>0:0,4-0=4→0
 *     48|185>37<74>37:1,48-37=11→01
 *     112|185>37<74<111<148>111:3,112-111=1→013
 *     11|185>37>0:0,11-0=11→0130
 */
#include "train/tasks/maker.h"

static int64_t digit_of(int64_t a, unsigned i)
{
    return a / ts_power10(i) % 10;
}

/* "→" and the last n digits of what is known. */
static void put_known(ts_maker *m, int64_t known, unsigned n)
{
    ts_put(m, &m->item->trace, "→%0*lld", (int)n, (long long)(known % ts_power10(n)));
}

int64_t ts_work_sum(ts_maker *m, int64_t a, int64_t b)
{
    const unsigned na = ts_n_digits(a), nb = ts_n_digits(b), n = na > nb ? na : nb;
    int64_t carry = 0;

    ts_line(m);
    if (n == 1) {
        ts_step(m, a + b, "%lld+%lld", (long long)a, (long long)b);
        return a + b;
    }
    ts_put(m, &m->item->trace, "%0*lld+%0*lld", (int)n, (long long)a, (int)n, (long long)b);
    for (unsigned i = 0; i < n; i++) {
        const int64_t x = digit_of(a, i), y = digit_of(b, i), sum = x + y + carry;

        ts_line(m);
        if (carry)
            ts_step(m, sum, "%lld+%lld+1", (long long)x, (long long)y);
        else
            ts_step(m, sum, "%lld+%lld", (long long)x, (long long)y);
        carry = sum / 10;
        put_known(m, a + b, i + 1 < n ? i + 1 : ts_n_digits(a + b));
    }
    return a + b;
}

/* Which is larger: by length, else at the first digit that differs. */
static void put_comparison(ts_maker *m, int64_t a, int64_t b)
{
    const unsigned na = ts_n_digits(a), nb = ts_n_digits(b);
    ts_buf *t = &m->item->trace;

    if (na != nb) {
        ts_put(m, t, "#%u%c#%u", na, na > nb ? '>' : '<', nb);
        return;
    }
    for (unsigned i = na; i-- > 0;) {
        const int64_t x = digit_of(a, i), y = digit_of(b, i);

        ts_put(m, t, "%lld%c%lld", (long long)x, x > y ? '>' : x < y ? '<' : '=', (long long)y);
        if (x != y)
            return;
        if (i > 0)
            ts_put(m, t, " ");
    }
}

int64_t ts_work_difference(ts_maker *m, int64_t a, int64_t b)
{
    const int64_t high = a > b ? a : b, low = a > b ? b : a;
    const unsigned n = ts_n_digits(high);
    ts_buf *t = &m->item->trace;
    int64_t borrow = 0;

    ts_line(m);
    if (n == 1) {
        ts_step(m, a - b, "%lld-%lld", (long long)a, (long long)b);
        return a - b;
    }
    put_comparison(m, a, b);
    ts_put(m, t, "\n%s%0*lld-%0*lld%s", a < b ? "-(" : "", (int)n, (long long)high, (int)n,
           (long long)low, a < b ? ")" : "");
    for (unsigned i = 0; i < n; i++) {
        const int64_t y = digit_of(low, i), needs = digit_of(high, i) < y + borrow;
        const int64_t x = digit_of(high, i) + 10 * needs;

        ts_line(m);
        if (borrow)
            ts_step(m, x - y - 1, "%lld-%lld-1", (long long)x, (long long)y);
        else
            ts_step(m, x - y, "%lld-%lld", (long long)x, (long long)y);
        borrow = needs;
        put_known(m, high - low, i + 1);
    }
    ts_put(m, t, "\n=%lld", (long long)(a - b));
    return a - b;
}

/* a times one digit. */
static int64_t work_digit_product(ts_maker *m, int64_t a, int64_t d)
{
    const unsigned n = ts_n_digits(a);
    int64_t carry = 0;

    ts_line(m);
    if (n == 1) {
        ts_step(m, a * d, "%lld*%lld", (long long)a, (long long)d);
        return a * d;
    }
    ts_put(m, &m->item->trace, "%lld*%lld", (long long)a, (long long)d);
    if (d < 2) {
        ts_put(m, &m->item->trace, "=%lld", (long long)(a * d));
        return a * d;
    }
    for (unsigned i = 0; i < n; i++) {
        const int64_t x = digit_of(a, i), product = x * d;

        ts_line(m);
        if (carry) {
            ts_put(m, &m->item->trace, "%lld*%lld+%lld=", (long long)x, (long long)d,
                   (long long)carry);
            ts_step(m, product + carry, "%lld+%lld", (long long)product, (long long)carry);
        } else {
            ts_step(m, product, "%lld*%lld", (long long)x, (long long)d);
        }
        carry = (product + carry) / 10;
        put_known(m, a * d, i + 1 < n ? i + 1 : ts_n_digits(a * d));
    }
    return a * d;
}

int64_t ts_work_product(ts_maker *m, int64_t a, int64_t b)
{
    int64_t sum = 0;

    if (ts_n_digits(b) == 1)
        return work_digit_product(m, a, b);
    if (ts_n_digits(a) == 1)
        return work_digit_product(m, b, a);
    ts_line(m);
    ts_put(m, &m->item->trace, "%lld*%lld", (long long)a, (long long)b);
    for (unsigned i = 0; i < ts_n_digits(b); i++) {
        if (digit_of(b, i) == 0)
            continue;
        const int64_t part = work_digit_product(m, a, digit_of(b, i)) * ts_power10(i);

        if (i > 0)
            ts_put(m, &m->item->trace, "\n=%lld", (long long)part);
        sum = sum ? ts_work_sum(m, sum, part) : part;
    }
    return sum;
}

/* The multiples of b up to the first above now, and how many times b fits. */
static void look_up(ts_maker *m, int64_t now, int64_t b)
{
    const int64_t q = now / b;
    ts_buf *t = &m->item->trace;

    ts_put(m, t, "|%lld%c", (long long)(5 * b), 5 * b > now ? '>' : 5 * b == now ? '=' : '<');
    if (now % b != 0 || q != 5) {
        const int64_t last = now % b == 0 && q > 0 ? q : q + 1;

        for (int64_t k = q < 5 ? 1 : 6; k <= last && k < 10; k++)
            ts_put(m, t, "%lld%c", (long long)(k * b),
                   k * b > now    ? '>'
                   : k * b == now ? '='
                                  : '<');
    }
    ts_put(m, t, "%lld:%lld", (long long)(q * b), (long long)q);
}

int64_t ts_work_quotient(ts_maker *m, int64_t a, int64_t b)
{
    const unsigned n = ts_n_digits(a);
    ts_buf *t = &m->item->trace;
    int64_t rest = 0;

    ts_line(m);
    ts_put(m, t, "%lld:%lld", (long long)a, (long long)b);
    if (b >= 10) {
        ts_line(m);
        for (int64_t k = 1; k < 10; k++)
            ts_put(m, t, "%s%lld:%lld", k > 1 ? " " : "", (long long)(k * b), (long long)k);
    }
    for (unsigned i = n; i-- > 0;) {
        const int64_t now = rest * 10 + digit_of(a, i), q = now / b;

        ts_line(m);
        ts_put(m, t, "%lld", (long long)now);
        if (b >= 10) {
            look_up(m, now, b);
        } else {
            ts_put(m, t, ":");
            ts_step(m, q * b, "%lld*%lld", (long long)q, (long long)b);
        }
        ts_put(m, t, ",");
        ts_step(m, now - q * b, "%lld-%lld", (long long)now, (long long)(q * b));
        rest = now - q * b;
        put_known(m, a / ts_power10(i) / b, n - i);
    }
    return a / b;
}
