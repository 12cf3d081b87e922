/* fuzz_bpe.c - any bytes, encoded and decoded, are the same bytes; encoding in
 * two halves at a piece's border, or twice, changes nothing.
 *
 * The first byte picks the pre-tokenizer and whether control tokens are wanted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "formats/bpe.h"
#include "support/tiny_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that survives NDEBUG: a fuzz target has nothing else to say. */
#define MUST(cond) ((cond) ? (void)0 : abort())

enum { MAX_INPUT = 1 << 16, N_PRE = TS_PRE_LLAMA3 };

static ts_bpe *tokenizers[N_PRE];

static void make_tokenizers(void)
{
    static const char *const merges[] = {
        "a a",
        "a b",
        "b c",
        "aa aa",
        "c a",
        "ab c",
        "\xc4\xa0 \xc4\xa0",
        "\xc4\xa0 a",
        "ca b", /* made before its part "c a" would be, if it were first */
        "1 2",
        "12 3",
        "\xc3\x83 \xc2\xa9",
        "\xc3\xa4 \xc2\xb8",
        "\xc4\x8a \xc4\x8a",
        "' s",
        NULL};
    static tiny_vocab v;

    for (int pre = 1; pre <= N_PRE; pre++) {
        tiny_vocab_init(&v, (ts_pretokenizer)pre, merges);
        tiny_vocab_add(&v, "<think>", TS_TOKEN_USER_DEFINED);
        tiny_vocab_add(&v, "<\xef\xbd\x9cUser\xef\xbd\x9c>", TS_TOKEN_CONTROL);
        tiny_vocab_add(&v, "<|EOT|>", TS_TOKEN_CONTROL);
        tiny_vocab_add(&v, "bcbc", TS_TOKEN_NORMAL);
        v.vocab.ignore_merges = pre == TS_PRE_LLAMA3;
        MUST(ts_bpe_new(&tokenizers[pre - 1], &v.vocab, NULL) == TIEFSEE_OK);
    }
}

static ts_tokens encode(const ts_bpe *b, const char *text, size_t n, bool special)
{
    ts_tokens ids = {.max = n};

    /* There are never more tokens than bytes. */
    MUST(ts_bpe_encode(b, text, n, special, &ids, NULL) == TIEFSEE_OK);
    return ids;
}

static void check_decoding(const ts_bpe *b, const ts_tokens *ids, const char *text, size_t n)
{
    ts_utf8_stream stream = {0};
    size_t at = 0;

    for (size_t i = 0; i < ids->n; i++) {
        const ts_str t = ts_bpe_bytes(b, ids->ids[i]);
        char out[3 * (64 + 4)];

        MUST(t.len > 0 && t.len <= 64 && t.len <= n - at);
        MUST(memcmp(text + at, t.ptr, t.len) == 0);
        at += t.len;
        const size_t written = ts_utf8_stream_feed(&stream, t.ptr, t.len, out);
        MUST(written <= 3 * (t.len + 4) && ts_utf8_is_valid(out, written));
    }
    MUST(at == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tokenizers[0])
        make_tokenizers();
    if (size < 1 || size > MAX_INPUT)
        return 0;
    const ts_bpe *b = tokenizers[(data[0] & 0x7f) % N_PRE];
    const bool special = data[0] & 0x80;
    const size_t n = size - 1;
    char *text = malloc(n ? n : 1); /* exact size: ASan guards the end */

    MUST(text);
    memcpy(text, data + 1, n);
    ts_tokens ids = encode(b, text, n, special);
    ts_tokens again = encode(b, text, n, special);
    check_decoding(b, &ids, text, n);
    MUST(ids.n == again.n &&
         (ids.n == 0 || memcmp(ids.ids, again.ids, ids.n * sizeof *ids.ids) == 0));
    ts_tokens_free(&ids);
    ts_tokens_free(&again);
    free(text);
    return 0;
}
