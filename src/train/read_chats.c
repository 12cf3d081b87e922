/* read_chats.c - see read_chats.h. */
#include "train/read_chats.h"

#include <string.h>

#include "formats/json.h"

enum { MAX_LINE = 1 << 20, MAX_MESSAGES = 256 };

static tiefsee_status take_message(const json_t *j, size_t i, size_t n, tiefsee_message *out,
                                   tiefsee_role before, tiefsee_error *err)
{
    static const struct {
        const char *name;
        tiefsee_role role;
    } roles[] = {
        {"system", TIEFSEE_SYSTEM}, {"user", TIEFSEE_USER}, {"assistant", TIEFSEE_ASSISTANT}};
    const ts_str role = ts_json_str(json_object_get(j, "role"));
    const ts_str content = ts_json_str(json_object_get(j, "content"));
    const ts_str reasoning = ts_json_str(json_object_get(j, "reasoning_content"));
    size_t k = 0;

    while (k < TS_COUNT(roles) && !ts_str_is(role, roles[k].name))
        k++;
    if (k == TS_COUNT(roles))
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "message %zu: role '%.*s' (system, user or assistant)", i + 1,
                       TS_STR_ARG(role));
    if (content.len == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu has no content", i + 1);
    *out = (tiefsee_message){.role = roles[k].role, .content = content.ptr};
    if (out->role == TIEFSEE_ASSISTANT && reasoning.len > 0)
        out->reasoning = reasoning.ptr;
    if (i > 0 && out->role == TIEFSEE_SYSTEM)
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu: a system message is the first", i + 1);
    if (out->role == (i == 0 ? TIEFSEE_ASSISTANT : before) ||
        (before == TIEFSEE_SYSTEM && i > 0 && out->role != TIEFSEE_USER))
        return ts_fail(err, TIEFSEE_E_FORMAT, "message %zu: '%s' has no turn here", i + 1,
                       roles[k].name);
    if (i + 1 == n && out->role != TIEFSEE_ASSISTANT)
        return ts_fail(err, TIEFSEE_E_FORMAT, "the last message is no answer");
    return TIEFSEE_OK;
}

tiefsee_status ts_read_chat(const char *line, size_t n, ts_on_chat *on_chat, void *user,
                            tiefsee_error *err)
{
    const ts_json_limits limits = {.bytes = MAX_LINE, .values = 10000};
    tiefsee_message messages[MAX_MESSAGES];
    json_t *all = NULL;

    tiefsee_status st = ts_json_parse(&all, line, n, limits, err);
    if (st != TIEFSEE_OK)
        return st;
    const json_t *list = json_object_get(all, "messages");
    const size_t n_messages = json_array_size(list);
    if (n_messages == 0 || n_messages > MAX_MESSAGES)
        st = ts_fail(err, TIEFSEE_E_FORMAT, "%zu messages (1 to %d)", n_messages, MAX_MESSAGES);
    for (size_t i = 0; i < n_messages && st == TIEFSEE_OK; i++)
        st = take_message(json_array_get(list, i), i, n_messages, &messages[i],
                          i > 0 ? messages[i - 1].role : TIEFSEE_SYSTEM, err);
    if (st == TIEFSEE_OK)
        st = on_chat(user, messages, n_messages, err);
    json_decref(all);
    return st;
}
