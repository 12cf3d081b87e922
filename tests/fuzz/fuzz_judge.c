/* fuzz_judge.c - judges take any answer to any problem, and give the same verdict again. */
#include "fuzz.h"

#include <string.h>

#include "train/tasks/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ts_item item;
    tiefsee_error err;

    if (size < 2 || size > 1 << 16)
        return 0;
    if (!item.question.max)
        item = ts_item_empty();
    const ts_item_spec spec = {.seed = 1,
                               .index = data[1],
                               .family = &ts_families[data[0] / 2 % ts_n_all_families],
                               .lang = -1};
    const bool thinks = data[0] & 1;
    const ts_str text = {(const char *)data + 2, size - 2};

    MUST(ts_item_make(&item, &spec, &err) == TIEFSEE_OK);
    const ts_verdict v = ts_judge(&item, text, thinks), w = ts_judge(&item, text, thinks);
    MUST(v.is_formed == w.is_formed && v.is_correct == w.is_correct);
    const ts_str own = {item.answer.ptr, item.answer.len};
    MUST(ts_judge(&item, own, false).is_correct);
    return 0;
}
