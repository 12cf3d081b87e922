/* test_kvcache.c - pages: found, shared, copied, given up, kept apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "engine/kvcache.h"

enum { ROW = 3, LAYERS = 2, MAX = 512 };

static ts_kvcache *cache(size_t n_pages)
{
    ts_kvcache *c;

    assert_int_equal(ts_kvcache_open(&c, ROW * LAYERS * TS_KV_PAGE, ROW, LAYERS, n_pages, NULL),
                     TIEFSEE_OK);
    return c;
}

/* What the row of position i after these tokens would hold. */
static float row_value(const int32_t *tokens, size_t i, size_t layer)
{
    uint32_t h = 17;

    for (size_t k = 0; k <= i; k++)
        h = h * 31 + (uint32_t)tokens[k];
    return (float)(h % 10007) + (float)layer * 0.25f;
}

/* Behave like a job: find, check, compute the rest, remember, drop. */
static size_t visit_about(ts_kvcache *c, const char *space, const char *topic,
                          const int32_t *tokens, size_t n)
{
    int32_t pages[MAX / TS_KV_PAGE + 1];
    size_t n_pages;
    const size_t found = ts_kvcache_find(c, space, tokens, n, pages, &n_pages);

    assert_true(found < n && n_pages == (found + TS_KV_PAGE - 1) / TS_KV_PAGE);
    for (size_t i = 0; i < n; i++) {
        if (i / TS_KV_PAGE == n_pages) {
            pages[n_pages] = ts_kvcache_take(c);
            assert_int_not_equal(pages[n_pages], TS_NO_PAGE);
            n_pages++;
        }
        for (size_t l = 0; l < LAYERS; l++) {
            float *row =
                ts_kvcache_data(c, pages[i / TS_KV_PAGE]) + (l * TS_KV_PAGE + i % TS_KV_PAGE) * ROW;
            if (i < found)
                assert_true(row[1] == row_value(tokens, i, l));
            else
                row[1] = row_value(tokens, i, l);
        }
    }
    ts_kvcache_remember(c, space, topic, tokens, n, pages);
    for (size_t i = 0; i < n_pages; i++)
        ts_kvcache_drop(c, pages[i]);
    return found;
}

static size_t visit(ts_kvcache *c, const char *space, const int32_t *tokens, size_t n)
{
    return visit_about(c, space, "", tokens, n);
}

static void fill(int32_t *tokens, size_t n, int32_t start)
{
    for (size_t i = 0; i < n; i++)
        tokens[i] = start + (int32_t)i;
}

static void a_prompt_finds_all_but_its_last_token_again(void **state)
{
    ts_kvcache *c = cache(20);
    int32_t t[200];

    (void)state;
    fill(t, 200, 0);
    assert_int_equal(visit(c, "a", t, 130), 0);
    assert_int_equal(visit(c, "a", t, 130), 129);
    assert_int_equal(visit(c, "a", t, 128), 127);
    assert_int_equal(visit(c, "a", t, 64), 63);
    assert_int_equal(visit(c, "a", t, 200), 130);
    assert_int_equal(visit(c, "a", t, 200), 199);
    ts_kvcache_free(c);
}

static void another_ending_shares_the_common_part(void **state)
{
    ts_kvcache *c = cache(20);
    int32_t a[150], b[150];

    (void)state;
    fill(a, 150, 0);
    fill(b, 150, 0);
    b[100] = -7;
    assert_int_equal(visit(c, "a", a, 150), 0);
    assert_int_equal(visit(c, "a", b, 150), 100);
    assert_int_equal(visit(c, "a", a, 150), 149);
    assert_int_equal(visit(c, "a", b, 150), 149);
    ts_kvcache_free(c);
}

static void name_spaces_never_meet(void **state)
{
    ts_kvcache *c = cache(20);
    int32_t t[100];

    (void)state;
    fill(t, 100, 0);
    assert_int_equal(visit(c, "anna", t, 100), 0);
    assert_int_equal(visit(c, "bert", t, 100), 0);
    assert_int_equal(visit(c, "anna", t, 100), 99);
    ts_kvcache_forget(c, "anna", NULL);
    assert_int_equal(visit(c, "anna", t, 100), 0);
    assert_int_equal(visit(c, "bert", t, 100), 99);
    ts_kvcache_free(c);
}

static void a_topic_is_forgotten_and_what_others_go_on_from_stays(void **state)
{
    ts_kvcache *c = cache(20);
    int32_t a[200], b[200];

    (void)state;
    fill(a, 200, 0);
    memcpy(b, a, sizeof b);
    b[100] = 7777; /* the first page is both */
    assert_int_equal(visit_about(c, "anna", "a", a, 200), 0);
    assert_int_equal(visit_about(c, "anna", "b", b, 200), 100);
    assert_int_equal(visit_about(c, "bert", "a", a, 200), 0);
    ts_kvcache_forget(c, "anna", "a");
    assert_int_equal(visit_about(c, "anna", "b", b, 200), 199);
    assert_int_equal(visit_about(c, "bert", "a", a, 200), 199);
    ts_kvcache_forget(c, "anna", "b"); /* what stayed is b's now */
    assert_int_equal(visit_about(c, "anna", "", a, 200), 0);
    assert_int_equal(visit_about(c, "bert", "a", a, 200), 199);
    ts_kvcache_forget(c, NULL, NULL);
    assert_int_equal(visit_about(c, "bert", "a", a, 200), 0);
    ts_kvcache_free(c);
}

static void a_long_beginning_is_of_what_goes_on_from_it(void **state)
{
    ts_kvcache *c = cache(20);
    int32_t a[300], b[300];

    (void)state;
    fill(a, 300, 0);
    memcpy(b, a, sizeof b);
    b[250] = 7777; /* the first three pages are both */
    assert_int_equal(visit_about(c, "anna", "a", a, 300), 0);
    assert_int_equal(visit_about(c, "anna", "b", b, 300), 250);
    ts_kvcache_forget(c, "anna", "a");
    ts_kvcache_forget(c, "anna", "b");
    assert_int_equal(ts_kvcache_used(c), 0);
    assert_int_equal(visit_about(c, "anna", "", a, 300), 0);
    ts_kvcache_free(c);
}

static bool is_zero(ts_kvcache *c, int32_t page)
{
    const float *data = ts_kvcache_data(c, page);

    for (size_t i = 0; i < (size_t)ROW * LAYERS * TS_KV_PAGE; i++)
        if (data[i] > 0 || data[i] < 0)
            return false;
    return true;
}

static void what_is_forgotten_is_zeroed_also_after_its_last_use(void **state)
{
    ts_kvcache *c = cache(4);
    int32_t t[TS_KV_PAGE], page = ts_kvcache_take(c);

    (void)state;
    fill(t, TS_KV_PAGE, 0);
    for (size_t i = 0; i < (size_t)ROW * LAYERS * TS_KV_PAGE; i++)
        ts_kvcache_data(c, page)[i] = 1;
    ts_kvcache_remember(c, "anna", "a", t, TS_KV_PAGE, &page);
    ts_kvcache_forget(c, "anna", "a");
    assert_false(is_zero(c, page)); /* still in use */
    ts_kvcache_drop(c, page);
    assert_true(is_zero(c, page));

    page = ts_kvcache_take(c);
    ts_kvcache_data(c, page)[5] = 1;
    ts_kvcache_remember(c, "anna", "a", t, TS_KV_PAGE, &page);
    ts_kvcache_forget(c, "anna", "a");
    ts_kvcache_remember(c, "anna", "b", t, TS_KV_PAGE, &page); /* of what goes on with it */
    ts_kvcache_drop(c, page);
    assert_false(is_zero(c, page));
    ts_kvcache_forget(c, "anna", NULL);
    assert_true(is_zero(c, page));
    ts_kvcache_free(c);
}

static void the_longest_unused_is_given_up_first(void **state)
{
    ts_kvcache *c = cache(4);
    int32_t a[100], b[100], d[100];

    (void)state;
    fill(a, 100, 0);
    fill(b, 100, 1000);
    fill(d, 100, 2000);
    (void)visit(c, "", a, 100);
    (void)visit(c, "", b, 100);
    assert_int_equal(ts_kvcache_used(c), 4);
    (void)visit(c, "", a, 60); /* a is the younger one now */
    assert_int_equal(visit(c, "", d, 60), 0);
    assert_true(visit(c, "", a, 64) >= 60);
    ts_kvcache_free(c);
}

static void pages_in_use_are_never_given_up(void **state)
{
    ts_kvcache *c = cache(2);
    const int32_t p = ts_kvcache_take(c), q = ts_kvcache_take(c);

    (void)state;
    assert_true(p != TS_NO_PAGE && q != TS_NO_PAGE && p != q);
    assert_int_equal(ts_kvcache_take(c), TS_NO_PAGE);
    ts_kvcache_drop(c, p);
    assert_int_equal(ts_kvcache_take(c), p);
    ts_kvcache_free(c);
}

static void a_long_random_life_keeps_every_row_true(void **state)
{
    ts_kvcache *c = cache(24);
    static int32_t t[MAX];
    size_t n_found = 0;
    ts_rng rng;

    (void)state;
    ts_rng_seed(&rng, 3);
    for (int i = 0; i < 3000; i++) {
        /* Few different tokens, so that beginnings agree by chance and by habit. */
        const size_t n = 2 + (size_t)ts_rng_below(&rng, MAX - 2);
        const size_t keep = (size_t)ts_rng_below(&rng, MAX);
        for (size_t k = keep; k < n; k++)
            t[k] = (int32_t)ts_rng_below(&rng, 2);
        n_found += visit(c, ts_rng_below(&rng, 2) ? "x" : "y", t, n);
    }
    assert_true(n_found > 10000);
    assert_true(ts_kvcache_used(c) <= 24);
    ts_kvcache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_finds_all_but_its_last_token_again),
        cmocka_unit_test(another_ending_shares_the_common_part),
        cmocka_unit_test(name_spaces_never_meet),
        cmocka_unit_test(a_topic_is_forgotten_and_what_others_go_on_from_stays),
        cmocka_unit_test(a_long_beginning_is_of_what_goes_on_from_it),
        cmocka_unit_test(what_is_forgotten_is_zeroed_also_after_its_last_use),
        cmocka_unit_test(the_longest_unused_is_given_up_first),
        cmocka_unit_test(pages_in_use_are_never_given_up),
        cmocka_unit_test(a_long_random_life_keeps_every_row_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
