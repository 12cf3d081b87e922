/* encoding.c - which chat format, and from its spans to text and ids.
 *
 * A template that a file carries is never run: it is compared with the published
 * ones by hash.  tests/conformance/encoding/make_goldens.py prints the hashes
 * (core/hash.h over the text without white space at its end) and renders the
 * same templates into the goldens that the renderers are held to.
 */
#include "formats/encoding.h"

#include <assert.h>
#include <string.h>

#include "core/hash.h"
#include "formats/encoding_spans.h"

enum { MAX_TEXT_BYTES = 256 << 20, MAX_MARKER_BYTES = 64 };

static const struct {
    const char *name;
    ts_encoding_renderer *render;
    bool can_think, can_skip;
    ts_call_style calls;
    float temperature, top_p;
} encodings[TS_ENCODING_COUNT] = {
    [TS_ENCODING_NONE] = {"", NULL, false, false, TS_CALLS_NONE, 0.6f, 0.95f},
    [TS_ENCODING_V2] = {"deepseek-v2", ts_encoding_render_v2, false, true, TS_CALLS_NONE, 0.3f,
                        0.95f},
    [TS_ENCODING_V25] = {"deepseek-v2.5", ts_encoding_render_v3, false, true, TS_CALLS_FENCED, 0.3f,
                         0.95f},
    [TS_ENCODING_V3] = {"deepseek-v3", ts_encoding_render_v3, false, true, TS_CALLS_FENCED, 0.3f,
                        0.95f},
    [TS_ENCODING_R1] = {"deepseek-r1", ts_encoding_render_r1, true, false, TS_CALLS_FENCED, 0.6f,
                        0.95f},
    [TS_ENCODING_V31] = {"deepseek-v3.1", ts_encoding_render_v31, true, true, TS_CALLS_PLAIN, 0.6f,
                         0.95f},
};

static const struct {
    uint64_t hash;
    ts_encoding encoding;
} known_templates[] = {
    {0xcb9b66a9e7b28aaeu, TS_ENCODING_V2},  /* V2, V2-Lite, Coder-V2 */
    {0x9ac5c6bc409cfa3du, TS_ENCODING_V25}, /* V2.5 */
    {0x082d4ad872c32369u, TS_ENCODING_V3},  /* V3 */
    {0xbf4ba59931267502u, TS_ENCODING_V3},  /* V3-0324 */
    {0xecebf20aba59cce7u, TS_ENCODING_R1},  /* distills, January 2025 */
    {0xbdddf91afe677bc3u, TS_ENCODING_R1},  /* distills, with <think> */
    {0x68ded2790e191ba3u, TS_ENCODING_R1},  /* R1-0528 */
    {0xc0793b2bc567c723u, TS_ENCODING_V31}, /* V3.1 */
    {0x82c904b120ec4e2cu, TS_ENCODING_V31}, /* V3.1-Terminus */
};

const char *ts_encoding_name(ts_encoding e)
{
    assert(e >= 0 && e < TS_ENCODING_COUNT);
    return encodings[e].name;
}

bool ts_encoding_by_name(ts_encoding *out, ts_str name)
{
    for (int e = TS_ENCODING_NONE + 1; e < TS_ENCODING_COUNT; e++)
        if (ts_str_is(name, encodings[e].name)) {
            *out = (ts_encoding)e;
            return true;
        }
    return false;
}

static ts_encoding by_template(ts_str text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]))
        text.len--;

    const uint64_t hash = ts_hash(text.ptr, text.len);
    for (size_t i = 0; i < TS_COUNT(known_templates); i++)
        if (known_templates[i].hash == hash)
            return known_templates[i].encoding;
    return TS_ENCODING_NONE;
}

/* Tokens tell the generations apart: V2.5 brought the roles, R1 <think>, V3.1
 * the search markers; later generations added what must not be taken for V3.1. */
static ts_encoding by_tokens(const ts_bpe *bpe)
{
    if (ts_bpe_find(bpe, "｜DSML｜") >= 0 || ts_bpe_find(bpe, "<｜System｜>") >= 0)
        return TS_ENCODING_NONE;
    if (ts_bpe_find(bpe, "<｜begin▁of▁sentence｜>") < 0)
        return TS_ENCODING_NONE;
    if (ts_bpe_find(bpe, "<｜User｜>") < 0 || ts_bpe_find(bpe, "<｜Assistant｜>") < 0)
        return TS_ENCODING_V2;
    if (ts_bpe_find(bpe, "<think>") < 0 || ts_bpe_find(bpe, "</think>") < 0)
        return TS_ENCODING_V3;
    return ts_bpe_find(bpe, "<｜search▁begin｜>") < 0 ? TS_ENCODING_R1 : TS_ENCODING_V31;
}

ts_encoding ts_encoding_detect(const ts_vocab *vocab, const ts_bpe *bpe)
{
    ts_encoding e = TS_ENCODING_NONE;

    if (vocab->encoding.len > 0) {
        /* The file says it, so a name we do not know is no reason to guess. */
        (void)ts_encoding_by_name(&e, vocab->encoding);
        return e;
    }
    if (vocab->chat_template.len > 0)
        e = by_template(vocab->chat_template);
    return e == TS_ENCODING_NONE ? by_tokens(bpe) : e;
}

bool ts_encoding_can_think(ts_encoding e)
{
    assert(e >= 0 && e < TS_ENCODING_COUNT);
    return encodings[e].can_think;
}

bool ts_encoding_can_skip(ts_encoding e)
{
    assert(e >= 0 && e < TS_ENCODING_COUNT);
    return encodings[e].can_skip;
}

ts_call_style ts_encoding_calls(ts_encoding e, const ts_bpe *bpe)
{
    static const char *const markers[] = {TS_CALLS_BEGIN, TS_CALLS_END,     TS_CALL_BEGIN,
                                          TS_CALL_END,    TS_CALL_SEP,      TS_OUTPUT_BEGIN,
                                          TS_OUTPUT_END,  TS_OUTPUTS_BEGIN, TS_OUTPUTS_END};
    /* V3.1 does not write the last two. */
    const size_t n = TS_COUNT(markers) - (encodings[e].calls == TS_CALLS_PLAIN ? 2 : 0);

    assert(e >= 0 && e < TS_ENCODING_COUNT);
    for (size_t i = 0; i < n; i++)
        if (ts_bpe_find(bpe, markers[i]) < 0)
            return TS_CALLS_NONE;
    return encodings[e].calls;
}

void ts_encoding_sampling(ts_encoding e, float *temperature, float *top_p)
{
    assert(e >= 0 && e < TS_ENCODING_COUNT);
    *temperature = encodings[e].temperature;
    *top_p = encodings[e].top_p;
}

static tiefsee_status check_message(ts_encoding e, const tiefsee_message *m, size_t i,
                                    tiefsee_error *err)
{
    const tiefsee_message *before = i > 0 ? m - 1 : NULL;

    if (m->role < TIEFSEE_SYSTEM || m->role > TIEFSEE_TOOL)
        return ts_fail(err, TIEFSEE_E_INVALID, "message %zu: no such role: %d", i + 1,
                       (int)m->role);
    if (!m->content && (m->role != TIEFSEE_ASSISTANT || m->n_calls == 0))
        return ts_fail(err, TIEFSEE_E_INVALID, "message %zu has no content", i + 1);
    if (m->role != TIEFSEE_TOOL && m->n_calls == 0)
        return TIEFSEE_OK;
    if (encodings[e].calls == TS_CALLS_NONE)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "message %zu: chat format %s has no tool calls",
                       i + 1, encodings[e].name);
    if (m->role == TIEFSEE_TOOL &&
        (!before || (before->role != TIEFSEE_TOOL &&
                     (before->role != TIEFSEE_ASSISTANT || before->n_calls == 0))))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "message %zu is a tool's, but no tool call stands before it", i + 1);
    return TIEFSEE_OK;
}

static tiefsee_status check_chat(ts_encoding e, const ts_chat *chat, tiefsee_error *err)
{
    const size_t n = chat->n;

    if (e <= TS_ENCODING_NONE || e >= TS_ENCODING_COUNT)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "the model has no chat format that is known");
    if (n == 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "a conversation of 0 messages");
    for (size_t i = 0; i < n; i++) {
        const tiefsee_status st = check_message(e, &chat->messages[i], i, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    const tiefsee_role last = chat->messages[n - 1].role;
    if (chat->continues && last != TIEFSEE_ASSISTANT)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "message %zu, the last, is not the assistant's and cannot be continued", n);
    if (!chat->continues && last != TIEFSEE_USER && last != TIEFSEE_TOOL)
        return ts_fail(err, TIEFSEE_E_INVALID, "message %zu, the last, is not the user's", n);
    if (chat->n_tools > 0 && encodings[e].calls == TS_CALLS_NONE)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "chat format %s has no tool calls",
                       encodings[e].name);
    return TIEFSEE_OK;
}

/* Check and render; *out is to be freed in any case. */
static tiefsee_status make_spans(ts_spans *out, ts_encoding e, const ts_chat *chat,
                                 tiefsee_error *err)
{
    *out = (ts_spans){0};
    const tiefsee_status st = check_chat(e, chat, err);
    if (st != TIEFSEE_OK)
        return st;
    encodings[e].render(out, chat);
    if (out->has_failed)
        return ts_fail_nomem(err, 2 * out->cap * sizeof *out->at, "a conversation");
    return TIEFSEE_OK;
}

static tiefsee_status append_text(ts_buf *buf, ts_str text, tiefsee_error *err)
{
    if (text.len > buf->max - buf->len)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a conversation of more than %zu bytes", buf->max);
    if (!ts_buf_append(buf, text.ptr, text.len))
        return ts_fail_nomem(err, buf->len + text.len, "a conversation");
    return TIEFSEE_OK;
}

/* Bytes of what looks like a marker at s, which begins with '<'; 0 if nothing. */
static size_t marker_length(const char *s, size_t n)
{
    static const char *const plain[] = {"<think>", "</think>", "<|EOT|>"};
    static const char open[] = "<｜", close[] = "｜>";

    for (size_t i = 0; i < TS_COUNT(plain); i++)
        if (n >= strlen(plain[i]) && memcmp(s, plain[i], strlen(plain[i])) == 0)
            return strlen(plain[i]);
    if (n < sizeof open - 1 || memcmp(s, open, sizeof open - 1) != 0)
        return 0;
    const size_t most = n < MAX_MARKER_BYTES ? n : MAX_MARKER_BYTES;
    const char *end = memmem(s, most, close, sizeof close - 1);
    return end ? (size_t)(end - s) + sizeof close - 1 : 0;
}

static tiefsee_status encode_part(const ts_bpe *bpe, const char *s, size_t n, ts_tokens *out,
                                  tiefsee_error *err)
{
    return n ? ts_bpe_encode(bpe, s, n, false, out, err) : TIEFSEE_OK;
}

static tiefsee_status is_one_token(const ts_bpe *bpe, const char *s, size_t n, bool *is_one,
                                   tiefsee_error *err)
{
    ts_tokens ids = {.max = MAX_MARKER_BYTES};
    const tiefsee_status st = encode_part(bpe, s, n, &ids, err);

    *is_one = ids.n == 1;
    ts_tokens_free(&ids);
    return st;
}

/* Text of a person or a model.  The published tokenizers have <｜User｜> and its
 * kind as "added, but not special", and find such tokens in any text; here they
 * are cut behind their first byte, so that they stay text. */
static tiefsee_status encode_text(const ts_bpe *bpe, const ts_buf *text, ts_tokens *out,
                                  tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;
    size_t done = 0, i = 0;
    const char *next;

    while (st == TIEFSEE_OK && (next = memchr(text->ptr + i, '<', text->len - i)) != NULL) {
        bool is_one = false;

        i = (size_t)(next - text->ptr);
        const size_t n = marker_length(next, text->len - i);
        i++;
        if (n > 0)
            st = is_one_token(bpe, next, n, &is_one, err);
        if (st == TIEFSEE_OK && is_one) {
            st = encode_part(bpe, text->ptr + done, i - done, out, err);
            done = i;
        }
    }
    return st == TIEFSEE_OK ? encode_part(bpe, text->ptr + done, text->len - done, out, err) : st;
}

static tiefsee_status push_marker(ts_encoding e, const ts_bpe *bpe, const ts_span *span,
                                  ts_tokens *out, tiefsee_error *err)
{
    int32_t id = ts_bpe_find(bpe, span->text.ptr);

    /* Small and foreign vocabularies spell the borders of a text otherwise. */
    if (id < 0 && span->kind == TS_SPAN_BOS)
        id = ts_bpe_bos(bpe);
    if (id < 0 && span->kind == TS_SPAN_EOS)
        id = ts_bpe_eos(bpe);
    if (id < 0)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "the vocabulary lacks '%s', which chat format %s needs", span->text.ptr,
                       encodings[e].name);
    if (!ts_tokens_push(out, id))
        return ts_fail(err, TIEFSEE_E_LIMIT, "a conversation of more than %zu tokens", out->n);
    return TIEFSEE_OK;
}

tiefsee_status ts_encoding_render(ts_encoding e, const ts_bpe *bpe, const ts_chat *chat,
                                  ts_tokens *out, tiefsee_error *err)
{
    const size_t n_before = out->n;
    ts_buf text = ts_buf_make(MAX_TEXT_BYTES);
    ts_spans spans;
    tiefsee_status st = make_spans(&spans, e, chat, err);

    for (size_t i = 0; i <= spans.n && st == TIEFSEE_OK; i++) {
        const ts_span *span = i < spans.n ? &spans.at[i] : NULL;

        if (span && span->kind == TS_SPAN_TEXT) {
            st = append_text(&text, span->text, err);
            continue;
        }
        if (text.len > 0)
            st = encode_text(bpe, &text, out, err);
        ts_buf_clear(&text);
        if (st == TIEFSEE_OK && span)
            st = push_marker(e, bpe, span, out, err);
    }
    if (st != TIEFSEE_OK)
        out->n = n_before;
    ts_spans_free(&spans);
    ts_buf_free(&text);
    return st;
}

static tiefsee_status push_text(const ts_bpe *bpe, ts_str text, ts_tokens *out, tiefsee_error *err)
{
    ts_buf buf = ts_buf_make(MAX_TEXT_BYTES);
    tiefsee_status st = append_text(&buf, text, err);

    if (st == TIEFSEE_OK && buf.len > 0)
        st = encode_text(bpe, &buf, out, err);
    ts_buf_free(&buf);
    return st;
}

tiefsee_status ts_encoding_render_middle(const ts_bpe *bpe, ts_str before, ts_str behind,
                                         ts_tokens *out, tiefsee_error *err)
{
    static const char *const markers[] = {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"};
    const ts_str texts[] = {before, behind, {0}};
    const size_t n_before = out->n;
    tiefsee_status st = TIEFSEE_OK;

    if (ts_bpe_bos(bpe) >= 0 && !ts_tokens_push(out, ts_bpe_bos(bpe)))
        st = ts_fail(err, TIEFSEE_E_LIMIT, "a prompt of more than %zu tokens", out->n);
    for (size_t i = 0; i < TS_COUNT(markers) && st == TIEFSEE_OK; i++) {
        const int32_t id = ts_bpe_find(bpe, markers[i]);

        if (id < 0)
            st =
                ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                        "the model was not made to fill in: its vocabulary lacks '%s'", markers[i]);
        else if (!ts_tokens_push(out, id))
            st = ts_fail(err, TIEFSEE_E_LIMIT, "a prompt of more than %zu tokens", out->n);
        else
            st = push_text(bpe, texts[i], out, err);
    }
    if (st != TIEFSEE_OK)
        out->n = n_before;
    return st;
}

tiefsee_status ts_encoding_render_text(ts_encoding e, const ts_chat *chat, ts_buf *out,
                                       tiefsee_error *err)
{
    ts_spans spans;
    tiefsee_status st = make_spans(&spans, e, chat, err);

    for (size_t i = 0; i < spans.n && st == TIEFSEE_OK; i++)
        st = append_text(out, spans.at[i].text, err);
    ts_spans_free(&spans);
    return st;
}
