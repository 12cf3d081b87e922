/* openai_logprobs.c - see openai_logprobs.h. */
#include "server/api/openai_logprobs.h"

#include <math.h>

#include "engine/model.h"

enum { MAX_LOGPROBS = 256 << 20 };
enum { TOKENS, LOGPROBS, TOP, OFFSETS };

ts_openai_logprobs ts_openai_logprobs_make(bool is_wanted, bool is_chat, size_t n_top)
{
    ts_openai_logprobs l = {.is_wanted = is_wanted, .is_chat = is_chat, .n_top = n_top};

    for (size_t i = 0; i < TS_COUNT(l.lists); i++)
        l.lists[i] = ts_out_make(MAX_LOGPROBS);
    return l;
}

void ts_openai_logprobs_free(ts_openai_logprobs *l)
{
    for (size_t i = 0; i < TS_COUNT(l->lists); i++)
        ts_out_free(&l->lists[i]);
}

static ts_str text_of(const tiefsee_model *m, tiefsee_token token)
{
    size_t n = 0;
    const char *bytes = tiefsee_token_bytes(m, token, &n);

    return bytes ? (ts_str){bytes, n} : TS_STR("");
}

/* DeepSeek's spelling of "not among them"; JSON has no infinity. */
static void write_number(ts_out *o, float logprob)
{
    ts_out_f(o, "%.9g", isfinite(logprob) ? (double)logprob : -9999.0);
}

/* ---- chats */

static void write_entry(ts_out *o, const tiefsee_model *m, tiefsee_token token, float logprob)
{
    const ts_str text = text_of(m, token);

    ts_out_raw(o, "\"token\":");
    ts_out_text(o, text.ptr, text.len);
    ts_out_raw(o, ",\"logprob\":");
    write_number(o, logprob);
    ts_out_raw(o, ",\"bytes\":");
    ts_out_byte_array(o, text.ptr, text.len);
}

static void add_to_chat(ts_openai_logprobs *l, const ts_turn *t, const tiefsee_piece *piece)
{
    const tiefsee_model *m = t->model->model;
    /* The mark is the last token of the reasoning, although what it opens is content. */
    const bool is_reasoning =
        piece->channel == TIEFSEE_REASONING || (t->is_thinking && piece->token == m->think_end);
    ts_out *o = &l->lists[is_reasoning];

    ts_out_raw(o, o->buf.len ? ",{" : "{");
    write_entry(o, m, piece->token, piece->logprob);
    ts_out_raw(o, ",\"top_logprobs\":[");
    for (size_t i = 0; i < l->n_top && i < piece->n_top; i++) {
        ts_out_raw(o, i ? ",{" : "{");
        write_entry(o, m, piece->top[i].token, piece->top[i].logprob);
        ts_out_raw(o, "}");
    }
    ts_out_raw(o, "]}");
}

/* ---- completions */

static void add_to_text(ts_openai_logprobs *l, const ts_turn *t, const tiefsee_piece *piece)
{
    const tiefsee_model *m = t->model->model;
    const ts_str text = text_of(m, piece->token);
    const char *comma = l->lists[TOKENS].buf.len ? "," : "";

    for (size_t i = 0; i < TS_COUNT(l->lists); i++)
        ts_out_raw(&l->lists[i], comma);
    ts_out_text(&l->lists[TOKENS], text.ptr, text.len);
    write_number(&l->lists[LOGPROBS], piece->logprob);
    ts_out_f(&l->lists[OFFSETS], "%zu", l->offset);
    ts_out_raw(&l->lists[TOP], "{");
    for (size_t i = 0; i < l->n_top && i < piece->n_top; i++) {
        const ts_str other = text_of(m, piece->top[i].token);
        ts_out_raw(&l->lists[TOP], i ? "," : "");
        ts_out_text(&l->lists[TOP], other.ptr, other.len);
        ts_out_raw(&l->lists[TOP], ":");
        write_number(&l->lists[TOP], piece->top[i].logprob);
    }
    ts_out_raw(&l->lists[TOP], "}");
    for (size_t i = 0; i < text.len; i++)
        l->offset += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
}

/* ---- both */

void ts_openai_logprobs_add(ts_openai_logprobs *l, const ts_turn *t, const tiefsee_piece *piece)
{
    if (l->is_wanted && l->is_chat)
        add_to_chat(l, t, piece);
    else if (l->is_wanted)
        add_to_text(l, t, piece);
}

void ts_openai_logprobs_write(ts_openai_logprobs *l, ts_out *o)
{
    static const char *const before[] = {"{\"content\":[", "],\"reasoning_content\":["};
    static const char *const side_by_side[] = {"{\"tokens\":[", "],\"token_logprobs\":[",
                                               "],\"top_logprobs\":[", "],\"text_offset\":["};

    ts_out_raw(o, ",\"logprobs\":");
    if (!l->is_wanted) {
        ts_out_raw(o, "null");
        return;
    }
    for (size_t i = 0; i < (l->is_chat ? TS_COUNT(before) : TS_COUNT(side_by_side)); i++) {
        ts_out_raw(o, l->is_chat ? before[i] : side_by_side[i]);
        ts_out_append(o, &l->lists[i]);
        ts_buf_clear(&l->lists[i].buf);
    }
    ts_out_raw(o, l->is_chat ? "],\"refusal\":null}" : "]}");
}
