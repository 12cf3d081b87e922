/* whole_call.c - see whole_call.h. */
#include "server/api/whole_call.h"

#include "formats/json.h"

enum { MAX_VALUES = 1 << 16 };

bool ts_call_is_whole(const ts_turn_call *call)
{
    json_t *value = NULL;
    const bool is_whole = call->arguments.len > 0 &&
                          ts_json_parse(&value, call->arguments.ptr, call->arguments.len,
                                        (ts_json_limits){.values = MAX_VALUES}, NULL) == TIEFSEE_OK;

    json_decref(value);
    return is_whole;
}

size_t ts_calls_count_whole(const ts_turn *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_calls; i++)
        n += ts_call_is_whole(&t->calls[i]);
    return n;
}
