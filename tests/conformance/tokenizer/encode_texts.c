/* encode_texts.c - the C side of tools/test/compare_tokenizer.py.
 *
 *     encode_texts TOKENIZER.json 0|1 < texts > ids
 *
 * stdin: u32 n, n bytes, again and again.  stdout: u32 n_ids, ids, u32 n_bytes,
 * the decoded text.  Little endian.  1: control tokens are recognised.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/bpe.h"
#include "support/json_vocab.h"

static void put(const void *bytes, size_t n)
{
    if (fwrite(bytes, 1, n, stdout) != n)
        exit(1);
}

static void put_decoded(const ts_bpe *b, const ts_tokens *ids)
{
    ts_buf text = ts_buf_make(SIZE_MAX / 2);
    ts_utf8_stream stream = {0};
    char *out = NULL;

    for (size_t i = 0; i < ids->n; i++) {
        const ts_str bytes = ts_bpe_bytes(b, ids->ids[i]);
        out = realloc(out, 3 * (bytes.len + 4));
        if (!out ||
            !ts_buf_append(&text, out, ts_utf8_stream_feed(&stream, bytes.ptr, bytes.len, out)))
            exit(1);
    }
    out = realloc(out, 12);
    if (!out || !ts_buf_append(&text, out, ts_utf8_stream_end(&stream, out)))
        exit(1);
    const uint32_t n = (uint32_t)text.len;
    put(&n, sizeof n);
    put(text.ptr, text.len);
    ts_buf_free(&text);
    free(out);
}

int main(int argc, char **argv)
{
    json_vocab v;
    tiefsee_error err = {0};
    ts_bpe *b;
    ts_tokens ids = {.max = SIZE_MAX / 8};
    uint32_t n;

    if (argc != 3 || !json_vocab_open(&v, argv[1]))
        return 1;
    if (ts_bpe_new(&b, &v.vocab, &err) != TIEFSEE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    while (fread(&n, sizeof n, 1, stdin) == 1) {
        char *text = malloc(n ? n : 1);
        if (!text || fread(text, 1, n, stdin) != n)
            return 1;
        ids.n = 0;
        if (ts_bpe_encode(b, text, n, argv[2][0] == '1', &ids, &err) != TIEFSEE_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        const uint32_t n_ids = (uint32_t)ids.n;
        put(&n_ids, sizeof n_ids);
        put(ids.ids, ids.n * sizeof *ids.ids);
        put_decoded(b, &ids);
        free(text);
    }
    ts_tokens_free(&ids);
    ts_bpe_free(b);
    json_vocab_close(&v);
    return 0;
}
