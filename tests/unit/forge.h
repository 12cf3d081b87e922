/* forge.h - makes small model files for tests, good ones and damaged ones.
 *
 * A forged GGUF is a list of entries and tensors that a test changes before it
 * is written, so every damage is one line that says what it does.
 */
#ifndef TS_TESTS_FORGE_H
#define TS_TESTS_FORGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define FORGE_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FORGE_HAS_ASAN 1
#endif
#endif

enum { FORGE_MAX = 48, FORGE_BYTES = 1 << 16 };

typedef struct forge_buf {
    uint8_t *p;
    size_t n, cap;
} forge_buf;

typedef struct forge_entry {
    char key[400];
    size_t key_len;
    uint64_t key_says; /* the length that the file claims; 0: the truth */
    uint32_t type;
    forge_buf value;
} forge_entry;

typedef struct forge_tensor {
    char name[400];
    size_t name_len;
    uint32_t n_dims, type;
    uint64_t dim[8], offset;
} forge_tensor;

typedef struct forge {
    char magic[4];
    uint32_t version;
    uint64_t n_tensors_says, n_entries_says; /* UINT64_MAX - 1: the truth */
    size_t n_entries, n_tensors, data_bytes, align;
    forge_entry entry[FORGE_MAX];
    forge_tensor tensor[FORGE_MAX];
} forge;

#define FORGE_TRUTH (UINT64_MAX - 1)

static inline void forge_put(forge_buf *b, const void *bytes, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2;
        b->p = realloc(b->p, b->cap);
        if (!b->p)
            abort();
    }
    if (n)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

static inline void forge_uint(forge_buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        const uint8_t byte = (uint8_t)(v >> (8 * i));
        forge_put(b, &byte, 1);
    }
}

static inline void forge_text(forge_buf *b, const char *s, size_t n)
{
    forge_uint(b, n, 8);
    forge_put(b, s, n);
}

static inline int forge_width(uint32_t type)
{
    static const int widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    return type < sizeof widths / sizeof *widths ? widths[type] : 4;
}

static inline forge_entry *forge_find(forge *f, const char *key)
{
    for (size_t i = 0; i < f->n_entries; i++)
        if (strcmp(f->entry[i].key, key) == 0)
            return &f->entry[i];
    return NULL;
}

/* The entry of this key, new or emptied. */
static inline forge_entry *forge_entry_of(forge *f, const char *key, uint32_t type)
{
    forge_entry *e = forge_find(f, key);

    if (!e) {
        if (f->n_entries == FORGE_MAX)
            abort();
        e = &f->entry[f->n_entries++];
        memset(e, 0, sizeof *e);
        e->key_len = strlen(key);
        memcpy(e->key, key, e->key_len);
    }
    e->type = type;
    e->value.n = 0;
    return e;
}

static inline void forge_set(forge *f, const char *key, uint32_t type, uint64_t v)
{
    forge_uint(&forge_entry_of(f, key, type)->value, v, forge_width(type));
}

static inline void forge_set_float(forge *f, const char *key, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    forge_set(f, key, 6, bits);
}

static inline void forge_set_text(forge *f, const char *key, const char *s, size_t n)
{
    forge_text(&forge_entry_of(f, key, 8)->value, s, n);
}

/* texts: separated by '|' */
static inline void forge_set_texts(forge *f, const char *key, const char *texts)
{
    forge_buf *b = &forge_entry_of(f, key, 9)->value;
    uint64_t n = 0;

    for (const char *p = texts; *p; p += strcspn(p, "|"), p += *p == '|')
        n++;
    forge_uint(b, 8, 4);
    forge_uint(b, n, 8);
    for (const char *p = texts; *p; p += strcspn(p, "|"), p += *p == '|')
        forge_text(b, p, strcspn(p, "|"));
}

/* numbers: one character each, '0'.. */
static inline void forge_set_numbers(forge *f, const char *key, uint32_t item, const char *digits)
{
    forge_buf *b = &forge_entry_of(f, key, 9)->value;

    forge_uint(b, item, 4);
    forge_uint(b, strlen(digits), 8);
    for (const char *p = digits; *p; p++)
        forge_uint(b, (uint64_t)(*p - '0'), forge_width(item));
}

static inline void forge_drop(forge *f, const char *key)
{
    forge_entry *e = forge_find(f, key);

    if (!e)
        abort();
    free(e->value.p);
    memmove(e, e + 1, (size_t)(f->entry + f->n_entries - e - 1) * sizeof *e);
    f->n_entries--;
}

/* float32 tensors, each on the next multiple of 32 */
static inline void forge_tensor_add(forge *f, const char *name, uint64_t ne0, uint64_t ne1)
{
    forge_tensor *t = &f->tensor[f->n_tensors++];

    memset(t, 0, sizeof *t);
    t->name_len = strlen(name);
    memcpy(t->name, name, t->name_len);
    t->n_dims = ne1 ? 2 : 1;
    t->dim[0] = ne0;
    t->dim[1] = ne1;
    t->offset = (f->data_bytes + 31) / 32 * 32;
    f->data_bytes = t->offset + ne0 * (ne1 ? ne1 : 1) * 4;
}

/* A llama of one layer, width 8, with a tokenizer of 6 tokens. */
static inline void forge_good(forge *f)
{
    static const char *const layer[] = {"attn_norm", "attn_q",      "attn_k",
                                        "attn_v",    "attn_output", "ffn_norm",
                                        "ffn_gate",  "ffn_down",    "ffn_up"};
    memset(f, 0, sizeof *f);
    memcpy(f->magic, "GGUF", 4);
    f->version = 3;
    f->align = 32;
    f->n_tensors_says = f->n_entries_says = FORGE_TRUTH;
    forge_set_text(f, "general.architecture", "llama", 5);
    forge_set_text(f, "general.name", "forged", 6);
    forge_set(f, "general.alignment", 4, 32);
    forge_set(f, "llama.block_count", 4, 1);
    forge_set(f, "llama.context_length", 4, 64);
    forge_set(f, "llama.embedding_length", 4, 8);
    forge_set(f, "llama.feed_forward_length", 4, 8);
    forge_set(f, "llama.attention.head_count", 4, 2);
    forge_set(f, "llama.attention.head_count_kv", 4, 2);
    forge_set_float(f, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    forge_set_float(f, "llama.rope.freq_base", 10000);
    forge_set(f, "llama.vocab_size", 4, 6);
    forge_set_text(f, "tokenizer.ggml.model", "gpt2", 4);
    forge_set_text(f, "tokenizer.ggml.pre", "llama-bpe", 9);
    forge_set_texts(f, "tokenizer.ggml.tokens", "a|b|ab|c|<s>|</s>");
    forge_set_numbers(f, "tokenizer.ggml.token_type", 5, "111133");
    forge_set_texts(f, "tokenizer.ggml.merges", "a b");
    forge_set(f, "tokenizer.ggml.bos_token_id", 4, 4);
    forge_set(f, "tokenizer.ggml.eos_token_id", 4, 5);
    forge_tensor_add(f, "token_embd.weight", 8, 6);
    forge_tensor_add(f, "output_norm.weight", 8, 0);
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "blk.0.%s.weight", layer[i]);
        forge_tensor_add(f, name, 8, strstr(layer[i], "norm") ? 0 : 8);
    }
}

static inline void forge_write(const forge *f, forge_buf *out)
{
    out->n = 0;
    forge_put(out, f->magic, 4);
    forge_uint(out, f->version, 4);
    forge_uint(out, f->n_tensors_says == FORGE_TRUTH ? f->n_tensors : f->n_tensors_says, 8);
    forge_uint(out, f->n_entries_says == FORGE_TRUTH ? f->n_entries : f->n_entries_says, 8);
    for (size_t i = 0; i < f->n_entries; i++) {
        const forge_entry *e = &f->entry[i];
        forge_uint(out, e->key_says ? e->key_says : e->key_len, 8);
        forge_put(out, e->key, e->key_len);
        forge_uint(out, e->type, 4);
        forge_put(out, e->value.p, e->value.n);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const forge_tensor *t = &f->tensor[i];
        forge_text(out, t->name, t->name_len);
        forge_uint(out, t->n_dims, 4);
        for (uint32_t d = 0; d < t->n_dims && d < 8; d++)
            forge_uint(out, t->dim[d], 8);
        forge_uint(out, t->type, 4);
        forge_uint(out, t->offset, 8);
    }
    while (out->n % f->align)
        forge_uint(out, 0, 1);
    for (size_t i = 0; i < f->data_bytes; i++)
        forge_uint(out, i % 4 == 3 ? 0x3f : 0, 1); /* finite floats */
}

static inline void forge_free(forge *f)
{
    for (size_t i = 0; i < f->n_entries; i++)
        free(f->entry[i].value.p);
    f->n_entries = 0;
}

/* ------------------------------------------------------ Hugging Face folders */

static const char forge_config[] =
    "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"hidden_size\":8,\"vocab_size\":6,"
    "\"max_position_embeddings\":64,\"intermediate_size\":8,\"num_attention_heads\":2,"
    "\"rms_norm_eps\":1e-05,\"rope_theta\":10000.0,\"bos_token_id\":4,\"eos_token_id\":[5],"
    "\"tie_word_embeddings\":true}";
static const char forge_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[6,8],\"data_offsets\":[0,192]},"
    "\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[192,224]}}";
enum { FORGE_HEADER_DATA = 224 };
static const char forge_tokenizer[] =
    "{\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,"
    "\"rstrip\":false,\"normalized\":false,\"special\":true},{\"id\":5,\"content\":\"</s>\","
    "\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\","
    "\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|"
    "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":false},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
    "\"use_regex\":false}]},\"model\":{\"type\":\"BPE\",\"ignore_merges\":true,"
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"c\":3},\"merges\":[\"a b\"]}}";
static const char forge_tokenizer_config[] =
    "{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"},\"add_bos_token\":true,"
    "\"chat_template\":\"{{x}}\",\"model_max_length\":1000000000000000019884624838656}";

/* header: its text; says: the length it claims (0: the truth). */
static inline void forge_safetensors(forge_buf *out, const char *header, uint64_t says, size_t data)
{
    out->n = 0;
    forge_uint(out, says ? says : strlen(header), 8);
    forge_put(out, header, strlen(header));
    for (size_t i = 0; i < data; i++)
        forge_uint(out, 0, 1);
}

static inline void forge_file(const char *folder, const char *name, const void *bytes, size_t n)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

/* text with its first `from` replaced by `to`; release with free(). */
static inline char *forge_replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    const size_t size = strlen(text) + strlen(to) + 1;
    char *out = malloc(size);

    if (!at || !out)
        abort();
    (void)snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

#endif
