/* check_goldens.c - our ids against those of the published library.
 *
 *     check_goldens FOLDER FAMILY
 *
 * The folder holds FAMILY.json, texts.bin and FAMILY.ids; make_tokenizers.py
 * says what is in them.  Decoding must give the text back, but for qwen2 (it
 * gives the NFC) and deepseek-llm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "formats/bpe.h"
#include "support/json_vocab.h"

typedef struct reader {
    ts_map map;
    size_t at;
} reader;

static bool open_reader(reader *r, const char *folder, const char *name, const char *suffix)
{
    char path[4096];
    tiefsee_error err = {0};

    *r = (reader){0};
    if (snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix) >= (int)sizeof path)
        return false;
    if (ts_map_open(&r->map, path, &err) == TIEFSEE_OK)
        return true;
    fprintf(stderr, "%s\n", err.message);
    return false;
}

static const uint8_t *take(reader *r, size_t n)
{
    if (n > r->map.size - r->at) {
        fprintf(stderr, "a golden file is too short\n");
        exit(1);
    }
    r->at += n;
    return r->map.ptr + r->at - n;
}

static uint32_t take_u32(reader *r)
{
    uint32_t v;

    memcpy(&v, take(r, sizeof v), sizeof v);
    return v;
}

/* False if one of the ids differs; the first is shown. */
static bool has_ids(const ts_tokens *got, reader *want)
{
    const uint32_t n = take_u32(want);
    const uint8_t *p = take(want, 2 * (size_t)n);

    for (size_t i = 0; i < n || i < got->n; i++) {
        const int w = i < n ? p[2 * i] | p[2 * i + 1] << 8 : -1;
        const int g = i < got->n ? got->ids[i] : -1;
        if (w != g) {
            fprintf(stderr, "id %zu is %d, the library says %d\n", i, g, w);
            return false;
        }
    }
    return true;
}

static bool decodes_to(const ts_bpe *b, const ts_tokens *ids, const uint8_t *text, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < ids->n; i++) {
        const ts_str t = ts_bpe_bytes(b, ids->ids[i]);
        if (t.len > n - at || memcmp(text + at, t.ptr, t.len) != 0)
            return false;
        at += t.len;
    }
    return at == n;
}

static size_t check_family(const ts_bpe *b, bool comes_back, reader *texts, reader *ids)
{
    const uint32_t n_texts = take_u32(texts);
    size_t n_bad = 0;

    for (uint32_t i = 0; i < n_texts; i++) {
        ts_tokens got = {.max = 1 << 20};
        tiefsee_error err = {0};
        const uint32_t n = take_u32(texts);
        const uint8_t *text = take(texts, n);

        if (ts_bpe_encode(b, (const char *)text, n, i % 2 == 0, &got, &err) != TIEFSEE_OK) {
            fprintf(stderr, "text %u: %s\n", i, err.message);
            exit(1);
        }
        const bool same = has_ids(&got, ids);
        const bool back = !comes_back || decodes_to(b, &got, text, n);
        if (!same || !back) {
            fprintf(stderr, "text %u (%u bytes): %s\n", i, n,
                    same ? "does not come back" : "differs");
            n_bad++;
        }
        ts_tokens_free(&got);
    }
    printf("%u texts, %zu differ\n", n_texts, n_bad);
    return n_bad + (ids->at != ids->map.size || n_texts == 0);
}

int main(int argc, char **argv)
{
    char path[4096];
    json_vocab v;
    ts_bpe *b;
    tiefsee_error err = {0};
    reader texts, ids;

    if (argc != 3 ||
        snprintf(path, sizeof path, "%s/%s.json", argv[1], argv[2]) >= (int)sizeof path ||
        !json_vocab_open(&v, path) || !open_reader(&texts, argv[1], "texts", ".bin") ||
        !open_reader(&ids, argv[1], argv[2], ".ids"))
        return 1;
    if (ts_bpe_new(&b, &v.vocab, &err) != TIEFSEE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    /* deepseek-llm has one token for the byte 0xfc and the text "ü". */
    const bool comes_back = !v.vocab.normalizes_nfc && v.vocab.pre != TS_PRE_DEEPSEEK_LLM;
    const size_t n_bad = check_family(b, comes_back, &texts, &ids);

    ts_map_close(&texts.map);
    ts_map_close(&ids.map);
    ts_bpe_free(b);
    json_vocab_close(&v);
    return n_bad ? 1 : 0;
}
