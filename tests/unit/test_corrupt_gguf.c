/* test_corrupt_gguf.c - damaged GGUF files of every kind that other loaders have
 * fallen for, in both versions of the format: each gives one line that names
 * what is wrong, fast, without taking memory for what the file claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "forge.h"
#include "formats/modelfile.h"

enum { REST = 600 }; /* bytes left behind a string's length */
enum { U8 = 0, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

typedef enum op {
    SET,       /* key = num of type */
    TEXT,      /* key = text */
    TEXTS,     /* key = array of texts */
    NUMBERS,   /* key = array of type, digits */
    DROP,      /* no key */
    TWICE,     /* key again, at the end */
    RENAME,    /* key becomes text of num bytes */
    KEY_SAYS,  /* key claims a length of num */
    TYPE,      /* key's type becomes num, its bytes stay */
    CLAIM,     /* key = array of type that claims num items and has none */
    NEST,      /* key = num arrays in each other */
    TEXT_SAYS, /* key = string that claims num bytes more than are left */
    MAGIC,     /* text */
    VERSION,
    N_TENSORS,
    N_ENTRIES,
    T_NAME, /* of tensor 1: text of num bytes */
    T_DIMS,
    T_DIM0,
    T_DIM1, /* of tensor 0 */
    T_TYPE,
    T_OFFSET, /* of tensor 2 */
    T_SWAP,   /* the offsets of tensors 1 and 2 */
    T_TWICE,  /* tensor 1 gets the name of tensor 0 */
    TRAIL,    /* num bytes behind the end */
    CUT       /* num bytes less */
} op;

typedef struct kind {
    const char *name;
    op op;
    const char *key;
    uint32_t type;
    uint64_t num;
    const char *text;
    const char *want; /* part of the message */
} kind;

static const char ALIGN[] = "general.alignment";
static const char BLOCKS[] = "llama.block_count";
static const char TOKENS[] = "tokenizer.ggml.tokens";
static const char TYPES[] = "tokenizer.ggml.token_type";
static const char EPS[] = "llama.attention.layer_norm_rms_epsilon";
static const char KV_HEADS[] = "llama.attention.head_count_kv";

static const kind kinds[] = {
    /* the header */
    {"wrong magic", MAGIC, .text = "GGLA", .want = "magic"},
    {"lower-case magic", MAGIC, .text = "gguf", .want = "magic"},
    {"a ZIP file", MAGIC, .text = "PK\3\4", .want = "magic"},
    {"version 0", VERSION, .num = 0, .want = "version 0"},
    {"version 1", VERSION, .num = 1, .want = "version 1"},
    {"version 4", VERSION, .num = 4, .want = "version 4"},
    {"big-endian", VERSION, .num = 0x03000000, .want = "big-endian"},
    {"no tensors", N_TENSORS, .num = 0, .want = "behind the last tensor"},
    {"one tensor too few", N_TENSORS, .num = 10, .want = "behind the last tensor"},
    {"2^31 tensors", N_TENSORS, .num = 1ull << 31, .want = "2147483648 tensors"},
    {"2^32 - 1 tensors", N_TENSORS, .num = UINT32_MAX, .want = "4294967295 tensors"},
    {"2^63 tensors", N_TENSORS, .num = 1ull << 63, .want = "9223372036854775808 tensors"},
    {"2^64 - 1 tensors", N_TENSORS, .num = UINT64_MAX, .want = "18446744073709551615 tensors"},
    {"no entries", N_ENTRIES, .num = 0, .want = ""},
    {"one entry", N_ENTRIES, .num = 1, .want = ""},
    {"2^31 entries", N_ENTRIES, .num = 1ull << 31, .want = "2147483648 metadata entries"},
    {"2^32 - 1 entries", N_ENTRIES, .num = UINT32_MAX, .want = "4294967295 metadata"},
    {"2^63 entries", N_ENTRIES, .num = 1ull << 63, .want = "metadata entries"},
    {"2^64 - 1 entries", N_ENTRIES, .num = UINT64_MAX, .want = "metadata entries"},
    /* keys */
    {"empty key", RENAME, BLOCKS, .num = 0, .text = "", .want = "0 bytes is not a name"},
    {"key of 2^63 bytes", KEY_SAYS, BLOCKS, .num = 1ull << 63, .want = "inside a metadata entry"},
    {"key of 2^64 - 1 bytes", KEY_SAYS, BLOCKS, .num = UINT64_MAX, .want = "inside a metadata"},
    {"key is not UTF-8", RENAME, BLOCKS, .num = 2, .text = "\xff\xfe", .want = "is not a name"},
    {"key holds NUL", RENAME, BLOCKS, .num = 3, .text = "a\0b", .want = "is not a name"},
    {"key holds a line break", RENAME, BLOCKS, .num = 3, .text = "a\nb", .want = "is not a name"},
    {"key of 300 bytes", RENAME, BLOCKS, .num = 300, .want = "300 bytes is not a name"},
    {"key twice", TWICE, BLOCKS, .want = "'llama.block_count' is there twice"},
    /* types and arrays */
    {"value of type 13", TYPE, BLOCKS, .num = 13, .want = "unknown value type 13"},
    {"value of type 2^32 - 1", TYPE, BLOCKS, .num = UINT32_MAX, .want = "unknown value type"},
    {"bool of value 2", SET, "llama.x", BOOL, 2, .want = "bool of value 2"},
    {"array of unknown type", CLAIM, "llama.x", 99, 1, .want = "array of unknown type 99"},
    {"arrays 5 deep", NEST, "llama.x", .num = 5, .want = "nested deeper than 4"},
    {"arrays 1000 deep", NEST, "llama.x", .num = 1000, .want = "nested deeper than 4"},
    {"array of 2^61 u64", CLAIM, "llama.x", U64, 1ull << 61, .want = "does not fit"},
    {"array of 2^62 u64", CLAIM, "llama.x", U64, 1ull << 62, .want = "does not fit"},
    {"array of 2^64 - 1 u8", CLAIM, "llama.x", U8, UINT64_MAX, .want = "does not fit"},
    {"array of 2^60 strings", CLAIM, "llama.x", STRING, 1ull << 60, .want = "does not fit"},
    {"array of 2^60 arrays", CLAIM, "llama.x", ARRAY, 1ull << 60, .want = "does not fit"},
    {"string one byte too long", TEXT_SAYS, "llama.x", .num = 1, .want = "inside the value"},
    {"string of 1 GiB", TEXT_SAYS, "llama.x", .num = 1 << 30, .want = "inside the value"},
    {"string of 2^64 - 1 bytes", TEXT_SAYS, "llama.x", .num = UINT64_MAX, .want = "inside the"},
    {"tokens are numbers", NUMBERS, TOKENS, U32, .text = "012345", .want = "array of u32"},
    {"tokens are no array", SET, TOKENS, U32, 6, .want = "array expected"},
    {"types are floats", NUMBERS, TYPES, F32, .text = "111133", .want = "array of f32"},
    {"types are bytes", NUMBERS, TYPES, U8, .text = "111133", .want = "array of u8"},
    {"merges are numbers", NUMBERS, "tokenizer.ggml.merges", I32, .text = "1", .want = "merges"},
    {"scores are integers", NUMBERS, "tokenizer.ggml.scores", I32, .text = "111133",
     .want = "scores"},
    /* alignment */
    {"alignment 0", SET, ALIGN, U32, 0, .want = "general.alignment is 0"},
    {"alignment 1", SET, ALIGN, U32, 1, .want = "general.alignment is 1"},
    {"alignment 3", SET, ALIGN, U32, 3, .want = "general.alignment is 3"},
    {"alignment 24", SET, ALIGN, U32, 24, .want = "general.alignment is 24"},
    {"alignment 2^31", SET, ALIGN, U32, 1u << 31, .want = "general.alignment is 2147483648"},
    {"alignment is a string", TEXT, ALIGN, .text = "32", .want = "general.alignment is a string"},
    {"alignment is an i32", SET, ALIGN, I32, 32, .want = "general.alignment is a i32"},
    /* shapes */
    {"0 dimensions", T_DIMS, .num = 0, .want = "0 dimensions"},
    {"5 dimensions", T_DIMS, .num = 5, .want = "5 dimensions"},
    {"2^32 - 1 dimensions", T_DIMS, .num = UINT32_MAX, .want = "4294967295 dimensions"},
    {"dimension 0", T_DIM0, .num = 0, .want = "dimension 0 is zero"},
    {"negative dimension", T_DIM0, .num = UINT64_MAX, .want = "overflows"},
    {"dimension 2^63", T_DIM1, .num = 1ull << 63, .want = "overflows"},
    {"product overflows to 0", T_DIM1, .num = 1ull << 59, .want = "overflows"},
    {"product just fits 64 bits", T_DIM1, .num = (1ull << 59) - 1, .want = "behind the file"},
    {"no whole blocks", T_TYPE, .num = 12, .want = "whole blocks of 256"},
    {"removed type 4", T_TYPE, .num = 4, .want = "unknown type 4"},
    {"removed type 31", T_TYPE, .num = 31, .want = "unknown type 31"},
    {"a type of our own", T_TYPE, .num = 64, .want = "unknown type 64"},
    {"type 2^32 - 1", T_TYPE, .num = UINT32_MAX, .want = "unknown type 4294967295"},
    /* places */
    {"offset unaligned", T_OFFSET, .num = 33, .want = "no multiple of the alignment"},
    {"offset behind the end", T_OFFSET, .num = 1 << 20, .want = "behind the file"},
    {"offset 2^64 - 32", T_OFFSET, .num = UINT64_MAX - 31, .want = "behind the file"},
    {"offset 2^63", T_OFFSET, .num = 1ull << 63, .want = "behind the file"},
    {"offset overlaps", T_OFFSET, .num = 32, .want = "inside or before"},
    {"offset equal", T_OFFSET, .num = 0, .want = "inside or before"},
    {"offsets decrease", T_SWAP, .want = "inside or before"},
    {"end is one byte behind the file", CUT, .num = 1, .want = "behind the file"},
    {"bytes behind the end", TRAIL, .num = 32, .want = "32 bytes behind the last tensor"},
    {"a ZIP behind the end", TRAIL, .num = 5000, .want = "5000 bytes behind"},
    {"tensor name twice", T_TWICE, .want = "'token_embd.weight' is there twice"},
    {"tensor name empty", T_NAME, .num = 0, .text = "", .want = "0 bytes are not a name"},
    {"tensor name of 300 bytes", T_NAME, .num = 300, .want = "300 bytes are not a name"},
    {"tensor name holds NUL", T_NAME, .num = 3, .text = "a\0b", .want = "are not a name"},
    {"tensor name holds an escape", T_NAME, .num = 4, .text = "\33[2J", .want = "not a name"},
    {"tensor name turns the line", T_NAME, .num = 4, .text = "\u202ea", .want = "not a name"},
    /* numbers of the model */
    {"no architecture", DROP, "general.architecture", .want = "general.architecture"},
    {"unknown architecture", TEXT, "general.architecture", .text = "gpt9", .want = "'gpt9'"},
    {"architecture is a path", TEXT, "general.architecture", .text = "../../etc/passwd",
     .want = "'../../etc/passwd' (supported"},
    {"architecture is a format", TEXT, "general.architecture", .text = "%n%s%x",
     .want = "'%n%s%x'"},
    {"architecture is empty", TEXT, "general.architecture", .text = "", .want = "architecture ''"},
    {"block_count 0", SET, BLOCKS, U32, 0, .want = "block_count' is 0"},
    {"block_count 2^32 - 1", SET, BLOCKS, U32, UINT32_MAX, .want = "block_count' is 4294967295"},
    {"block_count -1", SET, BLOCKS, I32, UINT32_MAX, .want = "block_count' is -1"},
    {"block_count 2^64 - 1", SET, BLOCKS, U64, UINT64_MAX, .want = "18446744073709551615"},
    {"block_count is a float", SET, BLOCKS, F32, 0x3f800000, .want = "f32 (an integer expected)"},
    {"block_count is a string", TEXT, BLOCKS, .text = "1", .want = "string (an integer expected)"},
    {"block_count is a bool", SET, BLOCKS, BOOL, 1, .want = "bool (an integer expected)"},
    {"block_count is an array", CLAIM, BLOCKS, U32, 0, .want = "array (an integer expected)"},
    {"no block_count", DROP, BLOCKS, .want = "'llama.block_count' is missing"},
    {"head_count 0", SET, "llama.attention.head_count", U32, 0, .want = "head_count' is 0"},
    {"head_count max", SET, "llama.attention.head_count", U32, UINT32_MAX, .want = "head_count'"},
    {"head_count 3 of 8", SET, "llama.attention.head_count", U32, 3, .want = "3 heads"},
    {"head_count_kv 0", SET, KV_HEADS, U32, 0, .want = "head_count_kv' is 0"},
    {"head_count_kv 4 of 2", SET, KV_HEADS, U32, 4, .want = "4 key-value heads"},
    {"width 0", SET, "llama.embedding_length", U32, 0, .want = "embedding_length' is 0"},
    {"width is not the tensors'", SET, "llama.embedding_length", U32, 16, .want = "6 rows of 8"},
    {"width max", SET, "llama.embedding_length", U32, UINT32_MAX, .want = "embedding_length'"},
    {"context 0", SET, "llama.context_length", U32, 0, .want = "context_length' is 0"},
    {"context max", SET, "llama.context_length", U64, UINT64_MAX, .want = "context_length'"},
    {"feed-forward 0", SET, "llama.feed_forward_length", U32, 0, .want = "feed_forward_length'"},
    {"experts in a dense model", SET, "llama.expert_count", U32, 8, .want = "experts"},
    {"vocab_size 0", SET, "llama.vocab_size", U32, 0, .want = "vocab_size' is 0"},
    {"vocab_size max", SET, "llama.vocab_size", U32, UINT32_MAX, .want = "vocab_size'"},
    {"vocab_size is not the rows", SET, "llama.vocab_size", U32, 7, .want = "6 rows of 8"},
    {"epsilon NaN", SET, EPS, F32, 0x7fc00000, .want = "nan"},
    {"epsilon infinite", SET, EPS, F32, 0x7f800000, .want = "inf"},
    {"epsilon negative", SET, EPS, F32, 0xbf800000, .want = "is -1"},
    {"epsilon 0", SET, EPS, F32, 0, .want = "is 0"},
    {"epsilon is an integer", SET, EPS, U32, 1, .want = "u32 (a float expected)"},
    {"theta NaN", SET, "llama.rope.freq_base", F64, 0x7ff8000000000000, .want = "nan"},
    {"theta 0", SET, "llama.rope.freq_base", F32, 0, .want = "freq_base' is 0"},
    {"odd rotated dimensions", SET, "llama.rope.dimension_count", U32, 3, .want = "3 rotated"},
    {"too many rotated dimensions", SET, "llama.rope.dimension_count", U32, 64, .want = "64 rot"},
    {"unknown rope scaling", TEXT, "llama.rope.scaling.type", .text = "longrope",
     .want = "'longrope'"},
    {"scaling without a factor", TEXT, "llama.rope.scaling.type", .text = "linear",
     .want = "rope.scaling.factor' is missing"},
    /* the tokenizer */
    {"no tokens", TEXTS, TOKENS, .text = "", .want = "tokens' is empty"},
    {"tokens missing", DROP, TOKENS, .want = "tokens' is missing"},
    {"token twice", TEXTS, TOKENS, .text = "a|b|ab|a|<s>|</s>", .want = "token 3, 'a', is there"},
    {"more tokens than rows", TEXTS, TOKENS, .text = "a|b|ab|c|<s>|</s>|d", .want = "7 tokens but"},
    {"token is not UTF-8", TEXTS, TOKENS, .text = "a|b|ab|\xff|<s>|</s>", .want = "token 3 is not"},
    {"types array short", NUMBERS, TYPES, I32, .text = "11113", .want = "6 tokens but 5"},
    {"token of type 9", NUMBERS, TYPES, I32, .text = "111193", .want = "unknown type 0"},
    {"byte token that is none", NUMBERS, TYPES, I32, .text = "611133", .want = "not a byte"},
    {"scores array short", NUMBERS, "tokenizer.ggml.scores", F32, .text = "11", .want = "2 scores"},
    {"merge of missing tokens", TEXTS, "tokenizer.ggml.merges", .text = "a x",
     .want = "'x' is not"},
    {"merge without a space", TEXTS, "tokenizer.ggml.merges", .text = "ab",
     .want = "merge 0, 'ab'"},
    {"merge of three", TEXTS, "tokenizer.ggml.merges", .text = "a b c", .want = "merge 0, 'a b c'"},
    {"merge of nothing", TEXTS, "tokenizer.ggml.merges", .text = " ", .want = "merge 0, ' '"},
    {"bos out of range", SET, "tokenizer.ggml.bos_token_id", U32, 6, .want = "bos_token_id' is 6"},
    {"eos -1", SET, "tokenizer.ggml.eos_token_id", I32, UINT32_MAX, .want = "eos_token_id' is -1"},
    {"pad max", SET, "tokenizer.ggml.padding_token_id", U32, UINT32_MAX, .want = "padding"},
    {"add_bos is a number", SET, "tokenizer.ggml.add_bos_token", U32, 1, .want = "a bool expected"},
    {"template is not UTF-8", TEXT, "tokenizer.chat_template", .text = "\xff", .want = "UTF-8"},
    /* shards */
    {"one of many shards, in memory", SET, "split.count", U16, 3, .want = "one of 3 shards"},
    {"65535 shards", SET, "split.count", U16, 65535, .want = "split.count' is 65535"},
};

static void nest(forge_buf *b, uint64_t depth)
{
    for (uint64_t i = 0; i < depth; i++) {
        forge_uint(b, i + 1 < depth ? ARRAY : U8, 4);
        forge_uint(b, 1, 8);
    }
    forge_uint(b, 0, 1);
}

static void set_name(char *out, size_t *len, const kind *k)
{
    *len = (size_t)k->num;
    if (k->text)
        memcpy(out, k->text, *len);
    else
        memset(out, 'x', *len);
}

static void damage_entry(forge *f, const kind *k)
{
    forge_entry *e;

    switch (k->op) {
    case SET: forge_set(f, k->key, k->type, k->num); break;
    case TEXT: forge_set_text(f, k->key, k->text, strlen(k->text)); break;
    case TEXTS: forge_set_texts(f, k->key, k->text); break;
    case NUMBERS: forge_set_numbers(f, k->key, k->type, k->text); break;
    case DROP: forge_drop(f, k->key); break;
    case TWICE:
        e = &f->entry[f->n_entries++];
        *e = *forge_find(f, k->key);
        e->value = (forge_buf){0};
        forge_put(&e->value, forge_find(f, k->key)->value.p, forge_find(f, k->key)->value.n);
        break;
    case RENAME:
        e = forge_find(f, k->key);
        set_name(e->key, &e->key_len, k);
        break;
    case KEY_SAYS: forge_find(f, k->key)->key_says = k->num; break;
    case TYPE: forge_find(f, k->key)->type = (uint32_t)k->num; break;
    case CLAIM:
        e = forge_entry_of(f, k->key, ARRAY);
        forge_uint(&e->value, k->type, 4);
        forge_uint(&e->value, k->num, 8);
        break;
    case NEST: nest(&forge_entry_of(f, k->key, ARRAY)->value, k->num); break;
    default: break;
    }
}

static void damage(forge *f, const kind *k)
{
    forge_tensor *t = f->tensor;
    uint64_t offset;

    switch (k->op) {
    case MAGIC: memcpy(f->magic, k->text, 4); break;
    case VERSION: f->version = (uint32_t)k->num; break;
    case N_TENSORS: f->n_tensors_says = k->num; break;
    case N_ENTRIES: f->n_entries_says = k->num; break;
    case T_NAME: set_name(t[1].name, &t[1].name_len, k); break;
    case T_DIMS: t[0].n_dims = (uint32_t)k->num; break;
    case T_DIM0: t[0].dim[0] = k->num; break;
    case T_DIM1: t[0].dim[1] = k->num; break;
    case T_TYPE: t[0].type = (uint32_t)k->num; break;
    case T_OFFSET: t[2].offset = k->num; break;
    case T_SWAP:
        offset = t[1].offset;
        t[1].offset = t[2].offset;
        t[2].offset = offset;
        break;
    case T_TWICE: t[1] = t[0]; break;
    default: damage_entry(f, k); break;
    }
}

static void make(forge_buf *out, const kind *k, uint32_t version)
{
    forge *f = malloc(sizeof *f);

    if (!f)
        abort();
    forge_good(f);
    f->version = version;
    damage(f, k);
    if (k->op == TEXT_SAYS)
        forge_entry_of(f, k->key, STRING);
    forge_write(f, out);
    if (k->op == TEXT_SAYS) { /* the rest of the file is the string, and more */
        out->n = 24;
        forge_text(out, k->key, strlen(k->key));
        forge_uint(out, STRING, 4);
        forge_uint(out, k->num < UINT32_MAX ? REST + k->num : k->num, 8);
        forge_put(out, (const char[REST]){0}, REST);
    }
    if (k->op == TRAIL)
        for (uint64_t i = 0; i < k->num; i++)
            forge_uint(out, i, 1);
    if (k->op == CUT)
        out->n -= (size_t)k->num;
    forge_free(f);
    free(f);
}

/* In an allocation of this very size: ASan guards the end. */
static tiefsee_status open_exact(const forge_buf *b, tiefsee_error *err)
{
    ts_modelfile *f = (ts_modelfile *)1;
    uint8_t *exact = malloc(b->n ? b->n : 1);

    if (!exact)
        abort();
    if (b->n)
        memcpy(exact, b->p, b->n);
    const tiefsee_status st = ts_modelfile_open_memory(&f, "forged.gguf", exact, b->n, err);
    if ((st == TIEFSEE_OK) != (f != NULL))
        abort();
    ts_modelfile_close(f);
    free(exact);
    return st;
}

static void expect_one_line(const char *name, tiefsee_status st, const tiefsee_error *err,
                            const char *want)
{
    if (st == TIEFSEE_OK)
        fail_msg("%s: opened", name);
    if (err->status != st || err->message[0] == '\0' || strpbrk(err->message, "\n\r\33"))
        fail_msg("%s: no one-line error: %s", name, err->message);
    if (strncmp(err->message, "forged.gguf: ", 13) != 0 || !strstr(err->message, want))
        fail_msg("%s: '%s' does not say '%s'", name, err->message, want);
}

static void every_kind_of_damage_is_one_line(void **state)
{
    forge_buf b = {0};

    (void)state;
    for (uint32_t version = 2; version <= 3; version++)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            tiefsee_error err = {0};
            make(&b, &kinds[i], version);
            const clock_t start_time = clock(); /* of the processor: others may use it too */
            const tiefsee_status st = open_exact(&b, &err);
            expect_one_line(kinds[i].name, st, &err, kinds[i].want);
            if (clock() - start_time > CLOCKS_PER_SEC)
                fail_msg("%s: took more than a second", kinds[i].name);
        }
    print_message("%zu kinds in two versions\n", sizeof kinds / sizeof *kinds);
    free(b.p);
}

static void the_undamaged_file_opens_in_both_versions(void **state)
{
    const kind none = {.op = CUT};
    forge_buf b = {0};

    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        tiefsee_error err = {0};
        make(&b, &none, version);
        if (open_exact(&b, &err) != TIEFSEE_OK)
            fail_msg("%s", err.message);
    }
    free(b.p);
}

static void every_truncation_is_one_line(void **state)
{
    const kind none = {.op = CUT};
    forge_buf b = {0};

    (void)state;
    make(&b, &none, 3);
    for (size_t n = b.n; n-- > 0;) {
        tiefsee_error err = {0};
        b.n = n;
        expect_one_line("truncated", open_exact(&b, &err), &err, "");
    }
    free(b.p);
}

/* One changed byte: either still a model, or one line. */
static void every_changed_byte_is_survived(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    const kind none = {.op = CUT};
    forge_buf b = {0};

    (void)state;
    make(&b, &none, 3);
    for (size_t at = 0; at < b.n; at++)
        for (size_t v = 0; v < sizeof values; v++) {
            tiefsee_error err = {0};
            const uint8_t old = b.p[at];
            b.p[at] = values[v];
            const tiefsee_status st = open_exact(&b, &err);
            if (st != TIEFSEE_OK)
                expect_one_line("changed byte", st, &err, "");
            b.p[at] = old;
        }
    free(b.p);
}

/* Every allocation fails once. */
static void out_of_memory_is_an_error_like_others(void **state)
{
    const kind none = {.op = CUT};
    forge_buf b = {0};
    uint64_t i = 0;
    tiefsee_status st;

    (void)state;
    make(&b, &none, 3);
    do {
        tiefsee_error err = {0};
        ts_alloc_reset(++i);
        st = open_exact(&b, &err);
        const uint64_t n_calls = ts_alloc_count();
        ts_alloc_reset(0);
        if (st != TIEFSEE_OK)
            assert_int_equal(st, TIEFSEE_E_NOMEM);
        else
            assert_true(n_calls < i);
    } while (st != TIEFSEE_OK);
    assert_true(i > 3);
    free(b.p);
}

static void damage_takes_little_memory(void **state)
{
    struct rusage usage;

    (void)state;
#ifdef FORGE_HAS_ASAN
    skip(); /* the shadow memory counts */
#endif
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < 48 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_undamaged_file_opens_in_both_versions),
        cmocka_unit_test(every_kind_of_damage_is_one_line),
        cmocka_unit_test(every_truncation_is_one_line),
        cmocka_unit_test(every_changed_byte_is_survived),
        cmocka_unit_test(out_of_memory_is_an_error_like_others),
        cmocka_unit_test(damage_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
