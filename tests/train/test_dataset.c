/* test_dataset.c - documents: the model's own chat format, answers learned, mistakes not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/scratch.h"
#include "train/dataset.h"
#include "train/learn_bpe.h"

typedef struct fixture {
    ts_bpe_learner *learner;
    ts_vocab vocab;
    ts_bpe *bpe;
} fixture;

static int open_fixture(void **state)
{
    static fixture f;
    ts_item it = ts_item_empty();
    tiefsee_error err;

    f.learner = ts_bpe_learner_new();
    for (uint64_t i = 0; i < 1000; i++) {
        const ts_item_spec spec = {.seed = 1, .index = i, .lang = -1};

        assert_int_equal(ts_item_make(&it, &spec, &err), TIEFSEE_OK);
        assert_int_equal(ts_bpe_learner_add(f.learner, it.question.ptr, it.question.len, &err),
                         TIEFSEE_OK);
    }
    ts_item_free(&it);
    assert_int_equal(ts_bpe_learner_finish(f.learner, 1024, &f.vocab, &err), TIEFSEE_OK);
    assert_int_equal(ts_bpe_new(&f.bpe, &f.vocab, &err), TIEFSEE_OK);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    const fixture *f = *state;

    ts_bpe_free(f->bpe);
    ts_bpe_learner_free(f->learner);
    return 0;
}

/* The text of the tokens that are learned, or of those that are not. */
static const char *text_of(const fixture *f, const ts_document *doc, bool learned)
{
    static char out[1 << 16];
    size_t len = 0;

    for (size_t i = 0; i < doc->n; i++) {
        const ts_str s = ts_bpe_bytes(f->bpe, (int32_t)doc->tokens[i]);

        if ((doc->learned[i] != 0) != learned)
            continue;
        assert_true(len + s.len < sizeof out);
        memcpy(out + len, s.ptr, s.len);
        len += s.len;
    }
    out[len] = '\0';
    return out;
}

static ts_dataset *open_set(const fixture *f, const ts_dataset_options *o)
{
    tiefsee_error err = {0};
    ts_dataset *d;

    if (ts_dataset_new(&d, o, f->bpe, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return d;
}

static void the_answer_is_learned_and_the_question_is_not(void **state)
{
    ts_dataset_options o = ts_dataset_pretrain();
    tiefsee_error err;
    ts_document doc;
    size_t n_thinking = 0;

    o.several = o.system = o.mistakes = 0;
    o.thinking = 50;
    ts_dataset *d = open_set(*state, &o);
    for (uint64_t i = 0; i < 300; i++) {
        assert_int_equal(ts_dataset_make(d, i, &doc, &err), TIEFSEE_OK);
        assert_true(doc.n > 4 && doc.n <= o.max_tokens);
        const char *read = text_of(*state, &doc, false);
        const bool thinks = strstr(read, "<｜Assistant｜><think>") != NULL;

        n_thinking += thinks;
        assert_ptr_equal(strstr(read, "<｜begin▁of▁sentence｜><｜User｜>"), read);
        assert_true(thinks || strstr(read, "<｜Assistant｜></think>"));
        const char *said = text_of(*state, &doc, true);
        assert_int_equal(thinks, strstr(said, "</think>") != NULL);
        assert_null(strstr(said, "<think>"));
        assert_string_equal(said + strlen(said) - strlen("<｜end▁of▁sentence｜>"),
                            "<｜end▁of▁sentence｜>");
    }
    assert_in_range(n_thinking, 100, 200);
    ts_dataset_free(d);
}

static void a_mistake_is_read_but_not_learned(void **state)
{
    ts_dataset_options o = ts_dataset_pretrain();
    tiefsee_error err;
    ts_document doc;
    size_t n_mistakes = 0;

    o.several = o.system = 0;
    o.thinking = o.mistakes = 100;
    o.share[0] = 1; /* additions */
    ts_dataset *d = open_set(*state, &o);
    for (uint64_t i = 0; i < 200; i++) {
        assert_int_equal(ts_dataset_make(d, i, &doc, &err), TIEFSEE_OK);
        const char *said = text_of(*state, &doc, true), *mark = strstr(said, "✗");

        if (!mark)
            continue;
        n_mistakes++;
        assert_true(mark > said && mark[-1] == '='); /* the wrong digits are missing */
        const char *read = text_of(*state, &doc, false), *open = strstr(read, "<think>");
        assert_non_null(open);
        assert_true(open[strlen("<think>")] >= '0' && open[strlen("<think>")] <= '9');
    }
    assert_true(n_mistakes > 50);
    ts_dataset_free(d);
}

static void documents_come_back_from_a_shard(void **state)
{
    const ts_dataset_options o = ts_dataset_sft();
    const fixture *f = *state;
    ts_shard_writer w = ts_shard_writer_make(f->vocab.n_tokens, 5, 1 << 24);
    ts_dataset *d = open_set(f, &o);
    tiefsee_error err;
    ts_document doc;
    scratch folder;
    ts_shard s;

    scratch_make(&folder);
    const char *path = scratch_path(&folder, "shard");
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(ts_dataset_make(d, i, &doc, &err), TIEFSEE_OK);
        assert_int_equal(ts_shard_add(&w, doc.tokens, doc.learned, doc.n, &err), TIEFSEE_OK);
    }
    assert_int_equal(ts_dataset_text(d, "Tiefsee", 7, &doc, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_add(&w, doc.tokens, doc.learned, doc.n, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_write(&w, path, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_open(&s, path, &err), TIEFSEE_OK);
    assert_int_equal(s.n_docs, 101);
    assert_int_equal(ts_dataset_make(d, 40, &doc, &err), TIEFSEE_OK); /* out of order */
    assert_int_equal(ts_shard_offset(&s, 41) - ts_shard_offset(&s, 40), doc.n);
    for (size_t k = 0; k < doc.n; k++) {
        assert_int_equal(ts_shard_token(&s, ts_shard_offset(&s, 40) + k), doc.tokens[k]);
        assert_int_equal(ts_shard_is_learned(&s, ts_shard_offset(&s, 40) + k), doc.learned[k]);
    }
    ts_shard_close(&s);
    ts_shard_writer_free(&w);
    ts_dataset_free(d);
    scratch_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_learned_and_the_question_is_not),
        cmocka_unit_test(a_mistake_is_read_but_not_learned),
        cmocka_unit_test(documents_come_back_from_a_shard),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
