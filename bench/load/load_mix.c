/* load_mix.c - see load_mix.h. */
#include "load_mix.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/rng.h"

enum { MAX_FILE = 256 << 20 };

static const char *const words[] = {"the",  "river", "counts", "seven", "stones", "and",   "a",
                                    "lamp", "which", "turns",  "north", "before", "every", "rain"};

/* Most are short, some long, a few very long, as in real logs. */
static size_t words_of(const load_mix *m, ts_rng *rng)
{
    const double u = ts_rng_unit(rng);

    if (m->n_words > 0)
        return m->n_words;
    if (u < 0.7)
        return 5 + (size_t)ts_rng_below(rng, 30);
    return u < 0.95 ? 40 + (size_t)ts_rng_below(rng, 80) : 150 + (size_t)ts_rng_below(rng, 100);
}

static bool add_question(const load_mix *m, size_t client, size_t number, bool is_first,
                         ts_buf *out)
{
    char text[64];
    ts_rng rng;

    ts_rng_seed(&rng, m->seed * 1000003 + client * 1009 + number);
    bool is_good = ts_buf_append_str(out, "{\"role\":\"user\",\"content\":\"");
    for (size_t n = is_first ? words_of(m, &rng) : 6; n > 0 && is_good; n--)
        is_good = ts_buf_append_str(out, words[ts_rng_below(&rng, TS_COUNT(words))]) &&
                  ts_buf_append_str(out, " ");
    (void)snprintf(text, sizeof text, "%d + %d?\"}", (int)ts_rng_below(&rng, 100),
                   (int)ts_rng_below(&rng, 100));
    return is_good && ts_buf_append_str(out, text);
}

bool load_mix_body(const load_mix *m, size_t client, size_t number, ts_buf *history, ts_buf *body)
{
    char head[1200];

    ts_buf_clear(body);
    if (m->recorded)
        return ts_buf_append_str(body, m->recorded[(client * 7919 + number) % m->n_recorded]);
    const bool is_first = history->len == 0;
    if ((!is_first && !ts_buf_append_str(history, ",")) ||
        !add_question(m, client, number, is_first, history))
        return false;
    const int n = snprintf(head, sizeof head,
                           "{\"model\":\"%.200s\",\"stream\":true,\"stream_options\":"
                           "{\"include_usage\":true},\"max_tokens\":%zu,\"temperature\":1,"
                           "\"seed\":%zu,\"thinking\":{\"type\":\"%s\"}%s,\"messages\":[",
                           m->model, m->max_tokens, client * 1009 + number,
                           m->thinks ? "enabled" : "disabled", m->bias);
    return n > 0 && ts_buf_append(body, head, (size_t)n) &&
           ts_buf_append(body, history->ptr, history->len) && ts_buf_append_str(body, "]}");
}

bool load_mix_never(load_mix *m, const char *ids)
{
    size_t used = 0;
    char *end;

    for (const char *at = ids; *at; at = *end ? end + 1 : end) {
        const unsigned long id = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ',') || used + 40 > sizeof m->bias)
            return false;
        used += (size_t)snprintf(m->bias + used, sizeof m->bias - used, "%s\"%lu\":-100",
                                 used ? "," : ",\"logit_bias\":{", id);
    }
    return used > 0 && snprintf(m->bias + used, sizeof m->bias - used, "}") == 1;
}

static tiefsee_status add_line(load_mix *m, const char *line, size_t n, tiefsee_error *err)
{
    json_error_t why;
    json_t *body = json_loadb(line, n, 0, &why);

    if (!json_is_object(body)) {
        json_decref(body);
        return ts_fail(err, TIEFSEE_E_FORMAT, "line %zu is no JSON object: %s", m->n_recorded + 1,
                       why.text);
    }
    char *text = NULL;
    if (json_object_set_new(body, "stream", json_true()) == 0 &&
        json_object_set_new(body, "stream_options", json_pack("{s:b}", "include_usage", 1)) == 0)
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    char **more =
        ts_realloc(m->recorded, m->n_recorded * sizeof *more, (m->n_recorded + 1) * sizeof *more);
    if (more)
        m->recorded = more;
    if (!text || !more) {
        free(text);
        return ts_fail_nomem(err, n, "the recorded mix");
    }
    m->recorded[m->n_recorded++] = text;
    return TIEFSEE_OK;
}

tiefsee_status load_mix_read(load_mix *m, const char *path, tiefsee_error *err)
{
    ts_buf text;
    tiefsee_status st = ts_file_read(&text, path, MAX_FILE, err);

    for (size_t at = 0; st == TIEFSEE_OK && at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        const size_t n = end ? (size_t)(end - text.ptr) - at : text.len - at;
        if (n > 0)
            st = add_line(m, text.ptr + at, n, err);
        at += n + 1;
    }
    ts_buf_free(&text);
    if (st == TIEFSEE_OK && m->n_recorded == 0)
        st = ts_fail(err, TIEFSEE_E_FORMAT, "no requests");
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", path);
}

void load_mix_free(load_mix *m)
{
    for (size_t i = 0; i < m->n_recorded; i++)
        free(m->recorded[i]); /* jansson's */
    ts_free(m->recorded);
}
