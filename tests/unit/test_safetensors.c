/* test_safetensors.c - shapes, types and places of what a good file holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forge.h"
#include "formats/safetensors.h"

static void parse(ts_safetensors *s, forge_buf *b, ts_arena **arena, const char *header,
                  size_t data)
{
    tiefsee_error err = {0};

    forge_safetensors(b, header, 0, data);
    *arena = ts_arena_new(1 << 24);
    assert_non_null(*arena);
    if (ts_safetensors_parse(s, b->p, b->n, *arena, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void shapes_are_turned_and_tensors_sorted_by_place(void **state)
{
    static const char header[] =
        "{\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3,4],\"data_offsets\":[2,50]},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}}   ";
    forge_buf b = {0};
    ts_arena *arena;
    ts_safetensors s;

    (void)state;
    parse(&s, &b, &arena, header, 50);
    assert_int_equal(s.n_tensors, 2);
    assert_true(ts_str_is(s.tensors[0].name, "a"));
    assert_int_equal(s.tensors[0].tensor.n_dims, 1);
    assert_int_equal(s.tensors[0].tensor.ne[0], 1);
    const ts_tensor *t = &s.tensors[1].tensor;
    assert_int_equal(t->type, TS_BF16);
    assert_int_equal(t->n_dims, 3);
    assert_int_equal(t->ne[0], 4);
    assert_int_equal(t->ne[1], 3);
    assert_int_equal(t->ne[2], 2);
    assert_int_equal(t->ne[3], 1);
    assert_int_equal(t->row_bytes, 8);
    assert_int_equal(t->bytes, 48);
    assert_ptr_equal(t->data, b.p + 8 + sizeof header - 1 + 2);
    ts_arena_free(arena);
    free(b.p);
}

static void every_type_has_its_size(void **state)
{
    static const struct {
        const char *name;
        ts_dtype type;
        size_t size;
    } cases[] = {{"F64", TS_F64, 8},         {"F32", TS_F32, 4},         {"F16", TS_F16, 2},
                 {"BF16", TS_BF16, 2},       {"F8_E4M3", TS_F8_E4M3, 1}, {"F8_E5M2", TS_F8_E5M2, 1},
                 {"F8_E8M0", TS_F8_E8M0, 1}, {"I64", TS_I64, 8},         {"I32", TS_I32, 4},
                 {"I16", TS_I16, 2},         {"I8", TS_I8, 1},           {"U8", TS_U8, 1},
                 {"U16", TS_U16, 2},         {"U32", TS_U32, 4},         {"U64", TS_U64, 8},
                 {"BOOL", TS_BOOL, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[256];
        forge_buf b = {0};
        ts_arena *arena;
        ts_safetensors s;
        (void)snprintf(header, sizeof header,
                       "{\"x\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}",
                       cases[i].name, 3 * cases[i].size);
        parse(&s, &b, &arena, header, 3 * cases[i].size);
        assert_int_equal(s.tensors[0].tensor.type, cases[i].type);
        ts_arena_free(arena);
        free(b.p);
    }
}

static void a_file_without_tensors_is_one(void **state)
{
    forge_buf b = {0};
    ts_arena *arena;
    ts_safetensors s;

    (void)state;
    parse(&s, &b, &arena, "{}", 0);
    assert_int_equal(s.n_tensors, 0);
    ts_arena_free(arena);
    free(b.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_turned_and_tensors_sorted_by_place),
        cmocka_unit_test(every_type_has_its_size),
        cmocka_unit_test(a_file_without_tensors_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
