/* lora_fixture.c - see lora_fixture.h. */
#include "support/lora_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool is_good, const char *what)
{
    if (!is_good) {
        (void)fprintf(stderr, "lora fixture: %s\n", what);
        abort();
    }
}

void lora_fixture_open(lora_fixture *f, const char *name)
{
    char path[128];
    tiefsee_error err = {0};

    *f = (lora_fixture){.arena = ts_arena_new(1 << 24)};
    (void)snprintf(f->base, sizeof f->base, "tests/conformance/fixtures/%s-f32", name);
    (void)snprintf(f->adapter, sizeof f->adapter, "tests/train/fixtures/lora-%s", name);
    (void)snprintf(path, sizeof path, "%s/expected.safetensors", f->adapter);
    must(f->arena && ts_map_open(&f->map, path, &err) == TIEFSEE_OK, err.message);
    must(ts_safetensors_parse(&f->tensors, f->map.ptr, f->map.size, f->arena, &err) == TIEFSEE_OK,
         err.message);
}

void lora_fixture_close(lora_fixture *f)
{
    ts_map_close(&f->map);
    ts_arena_free(f->arena);
}

const void *lora_fixture_data(const lora_fixture *f, const char *name, size_t *n)
{
    for (size_t i = 0; i < f->tensors.n_tensors; i++) {
        const ts_named_tensor *t = &f->tensors.tensors[i];
        if (!ts_str_is(t->name, name))
            continue;
        if (n)
            *n = (size_t)(t->tensor.ne[0] * ts_tensor_rows(&t->tensor));
        return t->tensor.data;
    }
    must(false, name);
    return NULL;
}
