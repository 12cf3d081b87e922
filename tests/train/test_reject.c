/* test_reject.c - rejection sampling: what is kept, going on, the mixture; and which
 * language an answer has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>

#include "core/file.h"
#include "support/scratch.h"
#include "tiny_trunk.h"
#include "train/checkpoint.h"
#include "train/language.h"
#include "train/reject.h"

static const char VOCAB_MODEL[] = "assets/tiefsee-mini.gguf";
enum { N_VOCAB = 2048, N_CTX = 256 };

static scratch folder;
static char checkpoint[600];

static bool yes(void *user, const ts_run_stats *s)
{
    (void)user;
    (void)s;
    return true;
}

/* Random weights, one step old. */
static void write_checkpoint(void)
{
    static const char *shards[1];
    static char shard[512], path[512];
    const uint32_t token[4] = {0, 300, 301, 1};
    const uint8_t learned[4] = {0, 0, 1, 1};
    ts_shard_writer w = ts_shard_writer_make(N_VOCAB, 0, 1 << 20);
    ts_config c = tiny_config();
    ts_run_options o;
    tiefsee_error err;
    ts_run *r;

    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "run"));
    (void)snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.bin", path);
    assert_int_equal(ts_shard_add(&w, token, learned, 4, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_write(&w, shard, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
    c.n_vocab = N_VOCAB;
    c.n_ctx = N_CTX;
    ts_run_defaults(&o, &c, 1);
    o.batch_tokens = o.micro_tokens = N_CTX;
    shards[0] = shard;
    const ts_run_files files = {.folder = path, .shards = shards, .n_shards = 1, .n_threads = 1};
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_OK);
    assert_int_equal(ts_run_go(r, yes, NULL, &err), TIEFSEE_OK);
    ts_run_close(r);
}

static bool is_even(const ts_item *it, const uint32_t *tokens, size_t n)
{
    (void)it;
    return n > 0 && tokens[0] % 2 == 0;
}

static ts_reject_spec spec_in(const char *path, int n_threads)
{
    (void)mkdir(path, 0777);
    return (ts_reject_spec){.checkpoint = checkpoint,
                            .tokenizer = VOCAB_MODEL,
                            .folder = path,
                            .seed = 5,
                            .n_tokens = 20000,
                            .n_problems = 3000,
                            .n_answers = 3,
                            .max_answer = 2,
                            .temperature = 1,
                            .n_threads = n_threads,
                            .judge = is_even};
}

typedef struct watch {
    uint64_t stop_at; /* problems; 0: never */
} watch;

static bool on_made(void *user, const ts_reject_made *now)
{
    const watch *w = user;

    return w->stop_at == 0 || now->all.n_problems < w->stop_at;
}

static ts_buf read_in(const char *path, const char *name)
{
    char full[600];
    tiefsee_error err = {0};
    ts_buf b;

    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    if (ts_file_read(&b, full, 1 << 24, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return b;
}

static bool is_there(const char *path, const char *name)
{
    char full[600];

    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    return ts_file_exists(full);
}

static ts_reject_made sample(const ts_reject_spec *spec, uint64_t stop_at, tiefsee_status expected)
{
    tiefsee_error err = {0};
    ts_reject_made made;

    const tiefsee_status st = ts_reject(&made, spec, on_made, &(watch){stop_at}, &err);
    if (st != expected)
        fail_msg("%d: %s", (int)st, err.message);
    return made;
}

static char whole[512];

static void what_was_right_and_as_much_of_fresh_problems_become_a_shard(void **state)
{
    char name[600];
    tiefsee_error err;
    ts_shard s;
    size_t n_kept = 0;

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    const ts_reject_spec spec = spec_in(whole, 1);
    const ts_reject_made m = sample(&spec, 0, TIEFSEE_OK);
    print_message("%llu problems, %llu answers, %llu kept\n", (unsigned long long)m.all.n_problems,
                  (unsigned long long)m.all.n_answers, (unsigned long long)m.all.n_kept);
    assert_true(m.all.n_tokens >= 10000 && m.all.n_tokens < 10000 + N_CTX);
    assert_true(m.n_fresh_tokens >= 9000);
    assert_true(m.all.n_answers > m.all.n_problems && m.all.n_answers < 3 * m.all.n_problems);
    (void)snprintf(name, sizeof name, "%s/reject-000.shard", whole);
    assert_int_equal(ts_shard_open(&s, name, &err), TIEFSEE_OK);
    assert_int_equal(s.n_docs, m.n_docs);
    for (uint64_t d = 0; d < m.all.n_kept; d++) {
        uint64_t t = ts_shard_offset(&s, d);

        while (!ts_shard_is_learned(&s, t))
            t++;
        assert_true(ts_shard_token(&s, t) % 2 == 0); /* the answer, and a right one */
        assert_true(ts_shard_offset(&s, d + 1) - t <= 2);
        n_kept++;
    }
    assert_true(n_kept < s.n_docs);
    ts_shard_close(&s);
    assert_false(is_there(whole, "reject.part"));
    assert_false(is_there(whole, "policy.gguf"));
}

static void an_interrupted_call_goes_on_and_has_the_same_bytes(void **state)
{
    char path[512];

    (void)state;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "parts"));
    ts_reject_spec spec = spec_in(path, 2);
    const ts_reject_made first = sample(&spec, 60, TIEFSEE_E_CANCELLED);
    assert_true(is_there(path, "reject.part"));
    spec.n_threads = 1;
    const ts_reject_made m = sample(&spec, 0, TIEFSEE_OK);
    assert_true(m.has_resumed && m.all.n_problems > first.all.n_problems);
    static const char *const names[] = {"reject-000.shard", "reject.json"};
    for (size_t i = 0; i < TS_COUNT(names); i++) {
        ts_buf a = read_in(whole, names[i]), b = read_in(path, names[i]);

        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.ptr, b.ptr, a.len);
        ts_buf_free(&a);
        ts_buf_free(&b);
    }
}

/* Other options, or a state that was damaged: from the beginning. */
static void what_does_not_belong_together_is_not_gone_on_with(void **state)
{
    static const char *const bad[] = {"{}", "", "{\"key\":", "[1]"};
    char path[512], name[600];
    tiefsee_error err;

    (void)state;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "other"));
    (void)snprintf(name, sizeof name, "%s/reject.json", path);
    ts_reject_spec spec = spec_in(path, 1);
    spec.n_tokens = 2000;
    (void)sample(&spec, 10, TIEFSEE_E_CANCELLED);
    ts_buf kept = read_in(path, "reject.json");
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        assert_int_equal(ts_file_write(name, bad[i], strlen(bad[i]), &err), TIEFSEE_OK);
        assert_false(sample(&spec, 1, TIEFSEE_E_CANCELLED).has_resumed);
    }
    assert_int_equal(ts_file_write(name, kept.ptr, kept.len, &err), TIEFSEE_OK);
    (void)snprintf(name, sizeof name, "%s/reject.part", path);
    assert_int_equal(ts_file_write(name, "x", 1, &err), TIEFSEE_OK);
    assert_false(sample(&spec, 1, TIEFSEE_E_CANCELLED).has_resumed);
    spec.seed = 6;
    assert_false(sample(&spec, 1, TIEFSEE_E_CANCELLED).has_resumed);
    ts_buf_free(&kept);
}

static void a_model_that_is_never_right_leaves_fresh_problems(void **state)
{
    (void)state;
    ts_reject_spec spec = spec_in(scratch_path(&folder, "wrong"), 1);
    spec.judge = NULL;
    spec.n_tokens = 2000;
    spec.n_problems = 5;
    spec.families = 1;
    const ts_reject_made m = sample(&spec, 0, TIEFSEE_OK);
    assert_int_equal(m.all.n_problems, 5);
    assert_int_equal(m.all.n_answers, 15);
    assert_int_equal(m.all.n_kept, 0);
    assert_true(m.n_fresh_tokens >= 2000);
}

static void answers_keep_the_language_of_their_question(void **state)
{
    static const struct {
        ts_lang lang;
        const char *text;
        bool keeps;
    } cases[] = {
        {TS_LANG_DE, "17:5\n</think>17 : 5 = 3 Rest 2", true},
        {TS_LANG_DE, "17:5\n</think>17 : 5 = 3 remainder 2", false},
        {TS_LANG_DE, "Montag", true},
        {TS_LANG_DE, "Monday", false},
        {TS_LANG_DE, "星期一", false},
        {TS_LANG_DE, "für den Rest", true},
        {TS_LANG_ZH, "2133:1\n</think>2133 : 1 = 2133 余 0", true},
        {TS_LANG_ZH, "445 TB = 445000000 MB", true},
        {TS_LANG_ZH, "Montag", false},
        {TS_LANG_ZH, "THE answer", false},
        {TS_LANG_EN, "2 and 3", true},
        {TS_LANG_EN, "2 und 3", false},
        {TS_LANG_EN, "\xe6\x98\x9f", false},
        {TS_LANG_EN, "\xe6", true}, /* no character */
        {TS_LANG_EN, "wunderlich theater", true},
        {TS_LANG_EN, "", true},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        if (ts_keeps_language(cases[i].lang, ts_str_of(cases[i].text)) != cases[i].keeps)
            fail_msg("%s", cases[i].text);
}

/* The generators' own answers do, in every family and language. */
static void generated_answers_keep_their_language(void **state)
{
    ts_item it = ts_item_empty();
    tiefsee_error err;

    (void)state;
    for (size_t f = 0; f < ts_n_families; f++)
        for (uint64_t i = 0; i < 600; i++) {
            const ts_item_spec spec = {
                .seed = 9, .index = i, .family = &ts_families[f], .lang = (int)(i % TS_N_LANGS)};

            assert_int_equal(ts_item_make(&it, &spec, &err), TIEFSEE_OK);
            const ts_str texts[] = {{it.trace.ptr, it.trace.len}, {it.answer.ptr, it.answer.len}};
            for (size_t k = 0; k < 2; k++)
                if (!ts_keeps_language(it.lang, texts[k]))
                    fail_msg("%s, %s: %.*s", ts_families[f].name, ts_lang_names[it.lang],
                             TS_STR_ARG(texts[k]));
        }
    ts_item_free(&it);
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    write_checkpoint();
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_right_and_as_much_of_fresh_problems_become_a_shard),
        cmocka_unit_test(an_interrupted_call_goes_on_and_has_the_same_bytes),
        cmocka_unit_test(what_does_not_belong_together_is_not_gone_on_with),
        cmocka_unit_test(a_model_that_is_never_right_leaves_fresh_problems),
        cmocka_unit_test(answers_keep_the_language_of_their_question),
        cmocka_unit_test(generated_answers_keep_their_language),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
