/* fingerprint.c - see fingerprint.h. */
#include "engine/fingerprint.h"

#include <sodium.h>
#include <string.h>

#include "core/alloc.h"
#include "engine/sequence.h"

/* Raise it when what a page holds changes in a way that the probe cannot see. */
static const char FORMAT[] = "tiefsee latents 2";

/* A tensor is hashed whole up to SAMPLE bytes, else its beginning, middle and end;
 * a model of at most SMALL bytes is hashed whole. */
enum { SAMPLE = 4096, SMALL = 64 << 20, N_PROBE = 5 };

typedef crypto_generichash_state hash;

static void add(hash *h, const void *p, size_t n)
{
    (void)crypto_generichash_update(h, p, n);
}

static void add_number(hash *h, uint64_t x)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(x >> (8 * i));
    add(h, bytes, sizeof bytes);
}

/* With its length, so that two texts never read like two others. */
static void add_text(hash *h, ts_str s)
{
    add_number(h, s.len);
    if (s.len > 0)
        add(h, s.ptr, s.len);
}

static void add_metadata(hash *h, const ts_modelfile *f)
{
    ts_str key, value;

    add_number(h, ts_modelfile_bytes(f));
    for (size_t i = 0; i < ts_modelfile_meta_count(f); i++) {
        ts_modelfile_meta(f, i, &key, &value);
        add_text(h, key);
        add_text(h, value);
    }
}

static void add_tensor(hash *h, const ts_named_tensor *t, bool is_whole)
{
    const uint8_t *p = t->tensor.data;
    const size_t n = (size_t)t->tensor.bytes;

    add_text(h, t->name);
    add_number(h, (uint64_t)t->tensor.type);
    for (size_t i = 0; i < t->tensor.n_dims; i++)
        add_number(h, t->tensor.ne[i]);
    add_number(h, n);
    if (is_whole || n <= 3 * SAMPLE) {
        if (n > 0)
            add(h, p, n);
        return;
    }
    add(h, p, SAMPLE);
    add(h, p + n / 2, SAMPLE);
    add(h, p + n - SAMPLE, SAMPLE);
}

/* The rows that a few tokens leave in every layer. */
static tiefsee_status add_probe(hash *h, tiefsee_model *m, tiefsee_error *err)
{
    const size_t row = ts_net_kv_row_floats(m->net), n_layers = m->net->config.n_layers;
    const size_t n_floats = row * n_layers * TS_KV_PAGE, n_vocab = m->net->config.n_vocab;
    int32_t tokens[TS_KV_PAGE], probe[N_PROBE];
    float *page = ts_alloc(n_floats * sizeof *page);
    ts_sequence s = {.n_ctx = TS_KV_PAGE, .tokens = tokens, .kv = ts_net_kv(m->net, &page, 1)};

    if (!page)
        return ts_fail_nomem(err, n_floats * sizeof *page, "a page of the cache");
    for (size_t i = 0; i < N_PROBE; i++)
        probe[i] = (int32_t)(n_vocab * i / N_PROBE);
    ts_feed feed = {.seq = &s, .tokens = probe, .n = N_PROBE};
    const bool is_done = ts_model_step(m, &feed, 1, NULL);
    for (size_t l = 0; is_done && l < n_layers; l++)
        add(h, page + l * TS_KV_PAGE * row, N_PROBE * row * sizeof *page);
    ts_free(page);
    return is_done ? TIEFSEE_OK : ts_fail(err, TIEFSEE_E_CANCELLED, "the probe was given up");
}

tiefsee_status ts_model_fingerprint(tiefsee_model *m, uint8_t out[TS_FINGERPRINT_LEN],
                                    tiefsee_error *err)
{
    const bool is_whole = m->weight_bytes <= SMALL;
    hash h;

    if (sodium_init() < 0)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "libsodium cannot be used");
    (void)crypto_generichash_init(&h, NULL, 0, TS_FINGERPRINT_LEN);
    add(&h, FORMAT, sizeof FORMAT);
    add_number(&h, TS_KV_PAGE);
    add_number(&h, sizeof(float));
    add_number(&h, m->net->config.n_layers);
    add_number(&h, ts_net_kv_row_floats(m->net));
    add_metadata(&h, m->file);
    add_number(&h, ts_modelfile_stamp(m->file));
    if (m->adapter)
        add_number(&h, m->adapter);
    for (size_t i = 0; i < ts_modelfile_count(m->file); i++)
        add_tensor(&h, ts_modelfile_tensor(m->file, i), is_whole);
    const tiefsee_status st = add_probe(&h, m, err);
    (void)crypto_generichash_final(&h, out, TS_FINGERPRINT_LEN);
    return st;
}

void ts_model_hash(const tiefsee_model *m, uint8_t out[TS_MODEL_HASH_LEN])
{
    uint8_t whole[TS_FINGERPRINT_LEN];
    hash h;

    (void)crypto_generichash_init(&h, NULL, 0, sizeof whole);
    add_metadata(&h, m->file);
    if (m->adapter)
        add_number(&h, m->adapter);
    for (size_t i = 0; i < ts_modelfile_count(m->file); i++)
        add_tensor(&h, ts_modelfile_tensor(m->file, i), false);
    (void)crypto_generichash_final(&h, whole, sizeof whole);
    memcpy(out, whole, TS_MODEL_HASH_LEN);
}
