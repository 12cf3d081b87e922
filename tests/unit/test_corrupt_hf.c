/* test_corrupt_hf.c - damaged Hugging Face folders of every kind, and things
 * that are no model at all: each gives one line, fast, with little memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "forge.h"
#include "formats/gguf.h"
#include "formats/modelfile.h"
#include "formats/safetensors.h"

static char folder[] = "/tmp/tiefsee-corrupt-XXXXXX";

static const char *const files[] = {
    "config.json",          "model.safetensors",   "model.safetensors.index.json",
    "tokenizer.json",       "chat_template.jinja", "tokenizer_config.json",
    "a.safetensors",        "b.safetensors",       "m-00001-of-00002.gguf",
    "m-00002-of-00002.gguf"};

static void empty_folder(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
}

static void put_text(const char *name, const char *text)
{
    forge_file(folder, name, text, strlen(text));
}

static void put_weights(const char *name, const char *header, uint64_t says, size_t data)
{
    forge_buf b = {0};

    forge_safetensors(&b, header, says, data);
    forge_file(folder, name, b.p, b.n);
    free(b.p);
}

static void put_good_folder(void)
{
    empty_folder();
    put_text("config.json", forge_config);
    put_weights("model.safetensors", forge_header, 0, FORGE_HEADER_DATA);
    put_text("tokenizer.json", forge_tokenizer);
    put_text("tokenizer_config.json", forge_tokenizer_config);
}

static void expect_refused(const char *kind, const char *path, const char *want)
{
    tiefsee_error err = {0};
    ts_modelfile *f = (ts_modelfile *)1;
    const clock_t start = clock(); /* of the processor: others may use it too */
    const tiefsee_status st = ts_modelfile_open(&f, path, &err);

    if (st == TIEFSEE_OK)
        fail_msg("%s: opened", kind);
    if (f || err.status != st || err.message[0] == '\0' || strpbrk(err.message, "\n\r\33"))
        fail_msg("%s: no one-line error: %s", kind, err.message);
    if (!strstr(err.message, want))
        fail_msg("%s: '%s' does not say '%s'", kind, err.message, want);
    if (clock() - start > CLOCKS_PER_SEC)
        fail_msg("%s: took more than a second", kind);
}

/* ------------------------------------------------------------------- config */

typedef struct change {
    const char *name, *from, *to, *want;
} change;

static const change config_changes[] = {
    {"empty", forge_config, "", "JSON"},
    {"cut", "true}", "tr", "JSON"},
    {"a list", forge_config, "[1]", "not an object"},
    {"bytes behind", "true}", "true} {}", "JSON"},
    {"key twice", "{\"model", "{\"vocab_size\":6,\"model", "duplicate"},
    {"NaN", "1e-05", "NaN", "JSON"},
    {"infinity", "1e-05", "1e999", "JSON"},
    {"huge integer", ":6,", ":99999999999999999999,", "too big integer"},
    {"NUL in a key", "{\"model", "{\"a\\u0000b\":1,\"model", "NUL"},
    {"not UTF-8", "llama", "\xff\xfe", "JSON"},
    {"no model_type", "\"model_type\":\"llama\",", "", "'model_type' is missing"},
    {"model_type is a number", "\"llama\"", "1", "'model_type' is not a text"},
    {"model_type is unknown", "llama", "gpt9", "model_type 'gpt9' (supported"},
    {"layers 0", "layers\":1", "layers\":0", "'num_hidden_layers' is 0"},
    {"layers -1", "layers\":1", "layers\":-1", "'num_hidden_layers' is -1"},
    {"layers 2^62", "layers\":1", "layers\":4611686018427387904", "4611686018427387904"},
    {"layers 1.0", "layers\":1", "layers\":1.0", "'num_hidden_layers' is not a whole number"},
    {"layers are text", "layers\":1", "layers\":\"1\"", "not a whole number"},
    {"layers null", "layers\":1", "layers\":null", "'num_hidden_layers' is missing"},
    {"layers true", "layers\":1", "layers\":true", "not a whole number"},
    {"width 0", "hidden_size\":8", "hidden_size\":0", "'hidden_size' is 0"},
    {"width max", "hidden_size\":8", "hidden_size\":4294967295", "'hidden_size'"},
    {"width is not the tensors'", "hidden_size\":8", "hidden_size\":16", "6 rows of 8"},
    {"vocabulary is not the rows", "vocab_size\":6", "vocab_size\":7", "6 rows of 8"},
    {"vocabulary max", "vocab_size\":6", "vocab_size\":4294967295", "'vocab_size'"},
    {"context 0", "embeddings\":64", "embeddings\":0", "'max_position_embeddings' is 0"},
    {"heads 0", "heads\":2", "heads\":0", "'num_attention_heads' is 0"},
    {"heads 3", "heads\":2", "heads\":2,\"num_key_value_heads\":3", "key-value heads"},
    {"more heads than width", "heads\":2", "heads\":16", "'hidden_size' 8 for 16 heads"},
    {"odd heads", "heads\":2", "heads\":8", "1 rotated dimensions"},
    {"epsilon 0", "1e-05", "0", "'rms_norm_eps' is 0"},
    {"epsilon -1", "1e-05", "-1", "'rms_norm_eps' is -1"},
    {"epsilon is text", "1e-05", "\"1e-5\"", "'rms_norm_eps' is not a number"},
    {"no theta", "\"rope_theta\":10000.0,", "", "'rope_theta' is missing"},
    {"theta 0", "10000.0", "0", "'rope_theta' is 0"},
    {"bos out of range", "bos_token_id\":4", "bos_token_id\":6", "'bos_token_id' is not a token"},
    {"eos -1", "[5]", "[-1]", "'eos_token_id' is not a token"},
    {"tied is a number", "ings\":true", "ings\":1", "'tie_word_embeddings' is not true or false"},
    {"rope_scaling is a list", "true}", "true,\"rope_scaling\":[]}",
     "'rope_scaling' is not an obj"},
    {"rope type unknown", "true}", "true,\"rope_scaling\":{\"type\":\"dynamic\"}}", "'dynamic'"},
    {"yarn without factor", "true}", "true,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":null}}",
     "original_max_position"},
    {"llama3 upside down", "true}",
     "true,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
     "\"high_freq_factor\":1,\"original_max_position_embeddings\":8}}",
     "high_freq_factor 1"},
    {"partial rotation", "true}", "true,\"partial_rotary_factor\":0.5}", "partial_rotary_factor"},
    {"biases", "true}", "true,\"attention_bias\":true}", "'attention_bias' true"},
    {"another activation", "true}", "true,\"hidden_act\":\"gelu\"}", "'gelu'"},
    {"another quantisation", "true}", "true,\"quantization_config\":{\"quant_method\":\"awq\"}}",
     "'awq'"},
    {"another block size", "true}",
     "true,\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[32,32]}}",
     "weight_block_size' is not [128, 128]"},
};

static const change header_changes[] = {
    {"not JSON", forge_header, "{]", "JSON"},
    {"a list", forge_header, "[]", "does not begin with {"},
    {"blanks first", forge_header, " {}", "does not begin with {"},
    {"a span behind the end", "[192,224]", "[196,228]", "bytes 196 to 228 of 224"},
    {"a hole inside", "[192,224]}",
     "[192,224]},\"x\":{\"dtype\":\"U8\",\"shape\":[1],"
     "\"data_offsets\":[225,226]}",
     "of 224"},
    {"a hole at the start", "[0,192]", "[32,224]", "a hole between bytes 0 and 32"},
    {"an overlap", "[192,224]", "[160,192]", "an overlap between bytes 160 and 192"},
    {"the same bytes twice", "\"shape\":[8],\"data_offsets\":[192,224]",
     "\"shape\":[6,8],\"data_offsets\":[0,192]", "an overlap between bytes 0 and 192"},
    {"tensor twice", "\"model.norm.weight\"", "\"model.embed_tokens.weight\"",
     "'model.embed_tokens.weight' is there twice"},
    {"negative offset", "[192,224]", "[-32,0]", "data_offsets are not two numbers"},
    {"offset 2^63", "[192,224]", "[192,9223372036854775808]", "bytes 192 to 9223372036854775808"},
    {"offset 2^63 - 1", "[192,224]", "[192,9223372036854775807]", "bytes 192 to 9223372036854775"},
    {"offset is a float", "[192,224]", "[192,224.0]", "a whole number expected"},
    {"offsets turned", "[192,224]", "[224,192]", "bytes 224 to 192"},
    {"three offsets", "[192,224]", "[192,224,224]", "data_offsets are not two numbers"},
    {"no offsets", ",\"data_offsets\":[192,224]", "", "data_offsets expected"},
    {"another key", "\"shape\":[8]", "\"shape\":[8],\"x\":1", "'x' is not dtype"},
    {"unknown dtype", "\"dtype\":\"F32\",\"shape\":[8]", "\"dtype\":\"F3\",\"shape\":[8]", "'F3'"},
    {"dtype is a number", "\"dtype\":\"F32\",\"shape\":[8]", "\"dtype\":32,\"shape\":[8]",
     "a text expected"},
    {"another dtype", "\"dtype\":\"F32\",\"shape\":[8]", "\"dtype\":\"F16\",\"shape\":[8]",
     "32 bytes for a shape of 16"},
    {"another shape", "\"shape\":[8]", "\"shape\":[9]", "32 bytes for a shape of 36"},
    {"dimension 0", "\"shape\":[8]", "\"shape\":[0]", "dimension 0 is zero"},
    {"dimension -1", "\"shape\":[8]", "\"shape\":[-8]", "a whole number expected"},
    {"dimension 1.5", "\"shape\":[8]", "\"shape\":[1.5]", "a whole number expected"},
    {"shape overflows", "\"shape\":[8]", "\"shape\":[4294967296,4294967296]", "overflows"},
    {"shape overflows to it", "\"shape\":[8]", "\"shape\":[4611686018427387904,8]", "overflows"},
    {"five dimensions", "\"shape\":[8]", "\"shape\":[1,1,1,1,8]", "more than 4 dimensions"},
    {"shape is a number", "\"shape\":[8]", "\"shape\":8", "a list expected"},
    {"metadata is a list", "{\"format\":\"pt\"}", "[]", "an object expected"},
    {"metadata of numbers", "\"pt\"", "1", "a text expected"},
    {"empty name", "\"model.norm.weight\"", "\"\"", "a name of 0 bytes"},
    {"NUL in a name", "\"model.norm.weight\"", "\"a\\u0000\"", "a bad character"},
    {"FP8 without config", "\"dtype\":\"F32\",\"shape\":[8]",
     "\"dtype\":\"F8_E4M3\",\"shape\":[8,4]", "FP8 without a quantization_config"},
};

static const change tokenizer_changes[] = {
    {"empty", forge_tokenizer, "", "the file is empty"},
    {"model missing", "\"model\":{", "\"mode\":{", "model is missing"},
    {"vocabulary missing", "\"vocab\":", "\"voca\":", "model.vocab is missing"},
    {"merges missing", "\"merges\":", "\"merge\":", "model.merges is missing"},
    {"id -1", "\"a\":0", "\"a\":-1", "a whole number expected"},
    {"id 2^40", "\"a\":0", "\"a\":1099511627776", "'a' is empty or has no id"},
    {"id is a float", "\"a\":0", "\"a\":0.0", "a whole number expected"},
    {"id far away", "\"a\":0", "\"a\":2000000", "6 tokens with ids up to 2000001"},
    {"id beyond the model", "\"a\":0", "\"a\":6", "tokenizer of 7 tokens for a model of 6"},
    {"id twice", "\"a\":0", "\"a\":1", "is there twice"},
    {"empty token", "\"a\":0", "\"\":0", "is empty"},
    {"added token without id", "{\"id\":4,", "{\"ix\":4,", "added_tokens 0"},
    {"added token elsewhere", "{\"id\":4,", "{\"id\":0,", "token 0 is 'a' and '<s>'"},
    {"added token twice", "\"content\":\"</s>\"", "\"content\":\"<s>\"", "'</s>' is no token"},
    {"added tokens are no list", "\"added_tokens\":[", "\"added_tokens\":1,\"x\":[",
     "added_tokens is not a list"},
    {"merge of one", "[\"a b\"]", "[\"ab\"]", "merges 0 is not two texts"},
    {"merge of three", "[\"a b\"]", "[[\"a\",\"b\",\"c\"]]", "merges 0 is not two texts"},
    {"merge of numbers", "[\"a b\"]", "[[0,1]]", "a text expected"},
    {"merge of missing tokens", "[\"a b\"]", "[\"a x\"]", "'x' is not a token"},
};

static void try_changes(const char *file, const char *good, const change *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *bad = forge_replace(good, c[i].from, c[i].to);
        put_good_folder();
        if (strcmp(file, "model.safetensors") == 0)
            put_weights(file, bad, 0, FORGE_HEADER_DATA);
        else
            put_text(file, bad);
        expect_refused(c[i].name, folder, c[i].want);
        free(bad);
    }
    print_message("%zu kinds of %s\n", n, file);
}

static void a_damaged_config_is_one_line(void **state)
{
    (void)state;
    try_changes("config.json", forge_config, config_changes,
                sizeof config_changes / sizeof *config_changes);
}

static void a_damaged_header_is_one_line(void **state)
{
    (void)state;
    try_changes("model.safetensors", forge_header, header_changes,
                sizeof header_changes / sizeof *header_changes);
}

static void a_damaged_tokenizer_is_one_line(void **state)
{
    (void)state;
    try_changes("tokenizer.json", forge_tokenizer, tokenizer_changes,
                sizeof tokenizer_changes / sizeof *tokenizer_changes);
}

static void a_header_that_lies_about_its_length_is_one_line(void **state)
{
    static const uint64_t says[] = {1,         5,          sizeof forge_header + 500,
                                    100000001, 1ull << 63, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        put_good_folder();
        put_weights("model.safetensors", forge_header, says[i], FORGE_HEADER_DATA);
        expect_refused("length", folder, "header");
    }
    put_weights("model.safetensors", forge_header, 0, FORGE_HEADER_DATA + 1);
    expect_refused("trailing byte", folder, "1 bytes behind the last tensor");
    put_weights("model.safetensors", forge_header, 0, FORGE_HEADER_DATA - 1);
    expect_refused("byte missing", folder, "bytes 192 to 224 of 223");
}

/* Texts that would grow large, deep or slow in a careless parser. */
static void a_costly_json_is_one_line(void **state)
{
    const size_t n = 16 << 20, small = 3 << 20;
    char *text = malloc(n + 1);

    (void)state;
    assert_non_null(text);
    put_good_folder();
    text[small] = '\0';
    memset(text, '[', small);
    memcpy(text, "{\"a\":", 5);
    put_text("config.json", text);
    expect_refused("deep config", folder, "nested deeper than 32");
    put_good_folder();
    put_text("tokenizer.json", text);
    expect_refused("deep tokenizer", folder, "nested deeper than 32");
    memset(text, ',', small);
    memcpy(text, "{\"a\":[0", 7);
    put_text("config.json", text);
    expect_refused("many values", folder, "more than 65536 values");
    memset(text, ' ', small);
    put_text("config.json", text);
    expect_refused("blank config", folder, "JSON");

    text[n] = '\0';
    put_good_folder();
    memset(text, ' ', n);
    text[0] = '{';
    put_weights("model.safetensors", text, 0, 0);
    expect_refused("blank header", folder, "JSON");
    memset(text, 'x', n);
    memcpy(text, "{\"", 2);
    put_weights("model.safetensors", text, 0, 0);
    expect_refused("header of one name", folder, "JSON");
    put_good_folder();
    for (size_t i = 0; i + 1 < n; i += 2)
        memcpy(text + i, "0,", 2);
    memcpy(text, "{\"model\":{\"merges\":[", 20);
    put_text("tokenizer.json", text);
    expect_refused("8 million values", folder, "tokenizer.json");
    memcpy(text, "{\"x\":[0,0,0,0,0,0,0,", 20);
    memcpy(text + n - 4, "]}  ", 4);
    text[n - 5] = ' ';
    put_text("tokenizer.json", text);
    expect_refused("8 million values in a list", folder, "JSON of more than");
    free(text);
}

static void every_truncation_of_a_file_is_one_line(void **state)
{
    (void)state;
    put_good_folder();
    forge_file(folder, "config.json", forge_config, sizeof forge_config); /* with its zero byte */
    expect_refused("a zero byte behind", folder, "zero byte");
    put_good_folder();
    for (size_t n = 0; n + 1 < sizeof forge_config; n++) {
        forge_file(folder, "config.json", forge_config, n);
        expect_refused("config", folder, "config.json");
    }
    put_good_folder();
    for (size_t n = 0; n + 1 < sizeof forge_tokenizer; n++) {
        forge_file(folder, "tokenizer.json", forge_tokenizer, n);
        expect_refused("tokenizer", folder, "tokenizer.json");
    }
    put_good_folder();
    forge_buf b = {0};
    forge_safetensors(&b, forge_header, 0, FORGE_HEADER_DATA);
    for (size_t n = 0; n < b.n; n++) {
        forge_file(folder, "model.safetensors", b.p, n);
        expect_refused("weights", folder, "model.safetensors");
    }
    free(b.p);
}

/* ------------------------------------------------------------------- shards */

static const char one_a[] =
    "{\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[6,8],\"data_offsets\":[0,192]}}";
static const char one_b[] =
    "{\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}";
static const char good_index[] = "{\"weight_map\":{\"model.embed_tokens.weight\":\"a.safetensors\","
                                 "\"model.norm.weight\":\"b.safetensors\"}}";

static const change index_changes[] = {
    {"shard above the folder", "\"b.safe", "\"../b.safe", "weight_map: 'model.norm.weight'"},
    {"absolute shard", "\"b.safe", "\"/etc/b.safe", "weight_map"},
    {"shard in a folder", "\"b.safe", "\"x/b.safe", "weight_map"},
    {"hidden shard", "\"b.safe", "\".b.safe", "weight_map"},
    {"shard with another ending", "b.safetensors", "b.bin", "weight_map"},
    {"the index itself", "b.safetensors", "model.safetensors.index.json", "weight_map"},
    {"shard is a number", "\"b.safetensors\"", "1", "weight_map"},
    {"shard is missing", "\"b.safe", "\"c.safe", "No such file"},
    {"tensor in the other shard", "\"b.safe", "\"a.safe", "'model.norm.weight' is not in"},
    {"tensor in no shard", "model.norm.weight", "model.nor.weight", "'model.nor.weight' is not"},
    {"no tensors",
     "\"model.embed_tokens.weight\":\"a.safetensors\","
     "\"model.norm.weight\":\"b.safetensors\"",
     "", "no weight_map with tensors"},
    {"no map", "weight_map", "weights", "no weight_map with tensors"},
};

static void put_sharded(void)
{
    char path[256];

    put_good_folder();
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    (void)unlink(path);
    put_weights("a.safetensors", one_a, 0, 192);
    put_weights("b.safetensors", one_b, 0, 32);
    put_text("model.safetensors.index.json", good_index);
}

static void a_damaged_index_is_one_line(void **state)
{
    tiefsee_error err = {0};
    ts_modelfile *f;

    (void)state;
    put_sharded();
    if (ts_modelfile_open(&f, folder, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(ts_modelfile_count(f), 2);
    ts_modelfile_close(f);
    for (size_t i = 0; i < sizeof index_changes / sizeof *index_changes; i++) {
        char *bad = forge_replace(good_index, index_changes[i].from, index_changes[i].to);
        put_sharded();
        put_text("model.safetensors.index.json", bad);
        expect_refused(index_changes[i].name, folder, index_changes[i].want);
        free(bad);
    }
    put_sharded();
    put_weights("b.safetensors", one_a, 0, 192);
    expect_refused("tensor in two shards", folder, "is in two shards");
}

static void put_gguf_shard(const char *name, uint64_t no, uint64_t count, uint64_t tensors,
                           int skip)
{
    forge_buf b = {0};
    forge *f = malloc(sizeof *f);

    assert_non_null(f);
    forge_good(f);
    forge_set(f, "split.no", 2, no);
    forge_set(f, "split.count", 2, count);
    forge_set(f, "split.tensors.count", 5, tensors);
    if (skip) { /* one tensor only, of another name */
        f->n_tensors = 1;
        f->data_bytes = 192;
        memcpy(f->tensor[0].name, "other", 6);
        f->tensor[0].name_len = 5;
    }
    forge_write(f, &b);
    forge_file(folder, name, b.p, b.n);
    forge_free(f);
    free(f);
    free(b.p);
}

static void damaged_gguf_shards_are_one_line(void **state)
{
    static const char first_name[] = "m-00001-of-00002.gguf", next_name[] = "m-00002-of-00002.gguf";
    char first[256], next[256], odd[256];
    tiefsee_error err = {0};
    ts_modelfile *f;

    (void)state;
    (void)snprintf(first, sizeof first, "%s/%s", folder, first_name);
    (void)snprintf(next, sizeof next, "%s/%s", folder, next_name);
    (void)snprintf(odd, sizeof odd, "%s/config.json", folder);
    empty_folder();
    put_gguf_shard(first_name, 0, 2, 12, 0);
    expect_refused("second shard missing", first, "No such file");
    put_gguf_shard(next_name, 1, 2, 12, 1);
    if (ts_modelfile_open(&f, first, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(ts_modelfile_count(f), 12);
    assert_non_null(ts_modelfile_find(f, "other"));
    ts_modelfile_close(f);
    expect_refused("the second", next, "shard 2 of 2 (open the first)");
    put_gguf_shard(next_name, 0, 2, 12, 1);
    expect_refused("wrong number", first, "split.no is 0 (1 expected)");
    put_gguf_shard(next_name, 1, 3, 12, 1);
    expect_refused("wrong count", first, "split.count is 3, the first shard says 2");
    put_gguf_shard(next_name, 1, 2, 12, 0);
    expect_refused("wrong sum", first, "split.tensors.count is 12, the shards hold 22");
    put_gguf_shard(first_name, 0, 2, 22, 0);
    expect_refused("tensors twice", first, "is in two shards");
    put_gguf_shard("config.json", 0, 2, 12, 0);
    expect_refused("another name", odd, "must be named *-00001-of-00002.gguf");
}

/* ---------------------------------------------------------- things, no files */

static void what_is_no_regular_file_is_one_line(void **state)
{
    char path[256];

    (void)state;
    empty_folder();
    expect_refused("empty folder", folder, "no config.json");
    expect_refused("nothing", "/nonexistent/model.gguf", "No such file");
    expect_refused("device", "/dev/zero", "/dev/zero");
    expect_refused("empty device", "/dev/null", "/dev/null");
    (void)snprintf(path, sizeof path, "%s/a.safetensors", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused("pipe", path, "Invalid argument");
    (void)unlink(path);
    assert_int_equal(symlink("/nonexistent", path), 0);
    expect_refused("link to nothing", path, "No such file");
    (void)unlink(path);
    put_text("a.safetensors", "");
    expect_refused("empty file", path, "is empty");
    put_text("a.safetensors", "hello, I am a text");
    expect_refused("text", path, "not a GGUF file");
    put_text("config.json", forge_config);
    expect_refused("no weights", folder, "neither model.safetensors nor");
    put_good_folder();
    (void)snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused("tokenizer is a pipe", folder, "Invalid argument");
}

/* A file of 1 TiB without contents must not be read. */
static void a_sparse_file_is_refused_at_once(void **state)
{
    /* no tensors, one entry: k = array of strings, how many follows */
    static const char head[] = "GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                               "\1\0\0\0\0\0\0\0k\11\0\0\0\10\0\0\0";
    forge_buf b = {0};
    char path[256];

    (void)state;
    put_good_folder();
    (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (truncate(path, (off_t)1 << 40) != 0)
        skip(); /* a file system without holes */
    expect_refused("sparse safetensors", folder, "bytes behind the last tensor");
    put_text("a.safetensors", "");
    (void)snprintf(path, sizeof path, "%s/a.safetensors", folder);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    expect_refused("1 TiB of zeros", path, "not a GGUF file");
    /* strings without end: a count that the file's size would allow */
    forge_put(&b, head, sizeof head - 1);
    forge_uint(&b, 1ull << 36, 8);
    forge_file(folder, "a.safetensors", b.p, b.n);
    free(b.p);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    expect_refused("2^36 strings", path, "strings in arrays");
    /* as many empty strings as are allowed */
    b = (forge_buf){0};
    forge_put(&b, head, sizeof head - 1);
    forge_uint(&b, GGUF_MAX_STRINGS, 8);
    forge_file(folder, "a.safetensors", b.p, b.n);
    free(b.p);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    expect_refused("2^22 strings", path, "bytes behind the last tensor");
}

static void out_of_memory_is_an_error_like_others(void **state)
{
    uint64_t i = 0;
    tiefsee_status st;

    (void)state;
    for (int sharded = 0; sharded < 2; sharded++, i = 0) {
        if (sharded)
            put_sharded();
        else
            put_good_folder();
        do {
            ts_modelfile *f = NULL;
            tiefsee_error err = {0};
            ts_alloc_reset(++i);
            st = ts_modelfile_open(&f, folder, &err);
            ts_alloc_reset(0);
            if (st != TIEFSEE_OK && st != TIEFSEE_E_NOMEM)
                fail_msg("allocation %llu: %s", (unsigned long long)i, err.message);
            ts_modelfile_close(f);
        } while (st != TIEFSEE_OK);
        assert_true(i > 5);
    }
}

static void damage_takes_little_memory(void **state)
{
    struct rusage usage;

    (void)state;
#ifdef FORGE_HAS_ASAN
    skip(); /* the shadow memory counts */
#endif
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(usage.ru_maxrss < 128 * 1024);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    empty_folder();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_config_is_one_line),
        cmocka_unit_test(a_damaged_header_is_one_line),
        cmocka_unit_test(a_damaged_tokenizer_is_one_line),
        cmocka_unit_test(a_header_that_lies_about_its_length_is_one_line),
        cmocka_unit_test(a_costly_json_is_one_line),
        cmocka_unit_test(every_truncation_of_a_file_is_one_line),
        cmocka_unit_test(a_damaged_index_is_one_line),
        cmocka_unit_test(damaged_gguf_shards_are_one_line),
        cmocka_unit_test(what_is_no_regular_file_is_one_line),
        cmocka_unit_test(a_sparse_file_is_refused_at_once),
        cmocka_unit_test(out_of_memory_is_an_error_like_others),
        cmocka_unit_test(damage_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
