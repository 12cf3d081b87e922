/* test_gguf.c - the container: every type of value, typed access, placement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forge.h"
#include "formats/gguf.h"

typedef struct parsed {
    forge f;
    forge_buf bytes;
    ts_arena *arena;
    ts_gguf g;
    tiefsee_error err;
    tiefsee_status st;
} parsed;

static parsed *parse(parsed *p)
{
    forge_write(&p->f, &p->bytes);
    ts_arena_free(p->arena);
    p->arena = ts_arena_new(1 << 24);
    assert_non_null(p->arena);
    p->st = ts_gguf_parse(&p->g, p->bytes.p, p->bytes.n, p->arena, &p->err);
    return p;
}

static int start(void **state)
{
    parsed *p = calloc(1, sizeof *p);

    if (!p)
        return -1;
    forge_good(&p->f);
    *state = p;
    return 0;
}

static int stop(void **state)
{
    parsed *p = *state;

    ts_arena_free(p->arena);
    forge_free(&p->f);
    free(p->bytes.p);
    free(p);
    return 0;
}

static void reads_numbers_of_every_width(void **state)
{
    static const struct {
        uint32_t type;
        uint64_t bits, value;
        const char *text;
    } cases[] = {
        {GGUF_U8, 200, 200, "200"},
        {GGUF_I8, 100, 100, "100"},
        {GGUF_U16, 60000, 60000, "60000"},
        {GGUF_I16, 30000, 30000, "30000"},
        {GGUF_U32, 4000000000u, 4000000000u, "4000000000"},
        {GGUF_I32, 7, 7, "7"},
        {GGUF_U64, 1ull << 40, 1ull << 40, "1099511627776"},
        {GGUF_I64, 9, 9, "9"},
    };
    parsed *p = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        uint64_t v = 0;
        forge_set(&p->f, "x", cases[i].type, cases[i].bits);
        assert_int_equal(parse(p)->st, TIEFSEE_OK);
        assert_int_equal(ts_gguf_uint(&p->g, "x", 0, UINT64_MAX, &v, &p->err), TIEFSEE_OK);
        assert_int_equal(v, cases[i].value);
        (void)ts_gguf_print(ts_gguf_find(&p->g, "x"), text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void negative_numbers_keep_their_sign(void **state)
{
    parsed *p = *state;
    char text[64];
    uint64_t v;

    forge_set(&p->f, "x", GGUF_I8, 0xfe);
    assert_int_equal(parse(p)->st, TIEFSEE_OK);
    (void)ts_gguf_print(ts_gguf_find(&p->g, "x"), text, sizeof text);
    assert_string_equal(text, "-2");
    assert_int_equal(ts_gguf_uint(&p->g, "x", 0, 10, &v, &p->err), TIEFSEE_E_FORMAT);
    assert_string_equal(p->err.message, "key 'x' is -2 (0 to 10 allowed)");
}

static void reads_floats_bools_and_strings(void **state)
{
    parsed *p = *state;
    double d;
    bool b = false;
    ts_str s;

    forge_set_float(&p->f, "f", 0.5f);
    forge_set(&p->f, "d", GGUF_F64, 0xc000000000000000);
    forge_set(&p->f, "b", GGUF_BOOL, 1);
    forge_set_text(&p->f, "s", "", 0);
    assert_int_equal(parse(p)->st, TIEFSEE_OK);
    assert_int_equal(ts_gguf_double(&p->g, "f", 0, 1, &d, &p->err), TIEFSEE_OK);
    assert_true(d == 0.5);
    assert_int_equal(ts_gguf_double(&p->g, "d", -3, 1, &d, &p->err), TIEFSEE_OK);
    assert_true(d == -2);
    assert_int_equal(ts_gguf_double(&p->g, "d", 0, 1, &d, &p->err), TIEFSEE_E_FORMAT);
    assert_int_equal(ts_gguf_bool(&p->g, "b", &b, &p->err), TIEFSEE_OK);
    assert_true(b);
    assert_int_equal(ts_gguf_string(&p->g, "s", &s, &p->err), TIEFSEE_OK);
    assert_int_equal(s.len, 0);
    assert_int_equal(ts_gguf_string(&p->g, "t", &s, &p->err), TIEFSEE_E_FORMAT);
    assert_string_equal(p->err.message, "key 't' is missing");
}

static void walks_arrays_of_strings_and_of_arrays(void **state)
{
    parsed *p = *state;
    const ts_gguf_value *v;
    char text[64];
    size_t pos = 0;

    forge_set_texts(&p->f, "s", "one|twelve|x");
    forge_set_numbers(&p->f, "n", GGUF_I16, "123");
    forge_buf *b = &forge_entry_of(&p->f, "nested", GGUF_ARRAY)->value;
    forge_uint(b, GGUF_ARRAY, 4); /* two arrays: of one u8, of no strings */
    forge_uint(b, 2, 8);
    forge_uint(b, GGUF_U8, 4);
    forge_uint(b, 1, 8);
    forge_uint(b, 7, 1);
    forge_uint(b, GGUF_STRING, 4);
    forge_uint(b, 0, 8);
    forge_set(&p->f, "last", GGUF_U8, 1);
    assert_int_equal(parse(p)->st, TIEFSEE_OK);
    assert_int_equal(ts_gguf_array(&p->g, "s", GGUF_STRING, 3, &v, &p->err), TIEFSEE_OK);
    assert_true(ts_str_is(ts_gguf_next_string(v, &pos), "one"));
    assert_true(ts_str_is(ts_gguf_next_string(v, &pos), "twelve"));
    assert_true(ts_str_is(ts_gguf_next_string(v, &pos), "x"));
    assert_int_equal(pos, v->size);
    assert_int_equal(ts_gguf_array(&p->g, "s", GGUF_STRING, 2, &v, &p->err), TIEFSEE_E_LIMIT);
    assert_int_equal(ts_gguf_array(&p->g, "n", GGUF_I16, 9, &v, &p->err), TIEFSEE_OK);
    assert_int_equal(ts_gguf_int_item(v, 2), 3);
    (void)ts_gguf_print(ts_gguf_find(&p->g, "nested"), text, sizeof text);
    assert_string_equal(text, "[2 x array]");
    assert_non_null(ts_gguf_find(&p->g, "last"));
}

static void tensors_lie_where_the_table_says(void **state)
{
    parsed *p = *state;

    assert_int_equal(parse(p)->st, TIEFSEE_OK);
    assert_int_equal(p->g.n_tensors, 11);
    const ts_tensor *t = ts_gguf_find_tensor(&p->g, "blk.0.attn_q.weight");
    assert_non_null(t);
    assert_int_equal(t->type, TS_F32);
    assert_int_equal(t->ne[0], 8);
    assert_int_equal(t->ne[1], 8);
    assert_int_equal(t->ne[2], 1);
    assert_int_equal(t->row_bytes, 32);
    assert_int_equal(t->bytes, 256);
    const size_t data = p->bytes.n - p->f.data_bytes;
    assert_ptr_equal(t->data, p->bytes.p + data + p->f.tensor[3].offset);
}

static void another_alignment_is_obeyed(void **state)
{
    parsed *p = *state;

    forge_set(&p->f, "general.alignment", GGUF_U32, 8);
    p->f.align = 8;
    assert_int_equal(parse(p)->st, TIEFSEE_OK);
    assert_int_equal(p->g.alignment, 8);
    forge_set(&p->f, "general.alignment", GGUF_U32, 4096);
    assert_int_equal(parse(p)->st, TIEFSEE_E_FORMAT); /* the offsets are multiples of 32 */
}

static void a_gap_between_tensors_is_allowed(void **state)
{
    parsed *p = *state;

    for (size_t i = 5; i < p->f.n_tensors; i++)
        p->f.tensor[i].offset += 64;
    p->f.data_bytes += 64;
    assert_int_equal(parse(p)->st, TIEFSEE_OK);
}

static void types_that_nothing_computes_can_be_listed(void **state)
{
    static const uint32_t ids[] = {TS_IQ2_XXS, TS_IQ1_S, TS_TQ1_0, TS_Q8_K, TS_NVFP4};
    parsed *p = *state;

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const ts_dtype_info info = ts_dtype_of(ids[i]);
        assert_false(info.can_compute);
        forge_tensor *t = &p->f.tensor[p->f.n_tensors - 1];
        p->f.data_bytes = t->offset + info.block_bytes;
        t->type = ids[i];
        t->dim[0] = info.block;
        t->dim[1] = 1;
        assert_int_equal(parse(p)->st, TIEFSEE_OK);
        assert_int_equal(p->g.tensors[p->g.n_tensors - 1].tensor.bytes, info.block_bytes);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_numbers_of_every_width),     TEST(negative_numbers_keep_their_sign),
        TEST(reads_floats_bools_and_strings),   TEST(walks_arrays_of_strings_and_of_arrays),
        TEST(tensors_lie_where_the_table_says), TEST(another_alignment_is_obeyed),
        TEST(a_gap_between_tensors_is_allowed), TEST(types_that_nothing_computes_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
