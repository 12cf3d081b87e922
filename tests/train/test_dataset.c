/* test_dataset.c - documents: the model's own chat format, answers learned, mistakes not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "formats/encoding.h"
#include "support/scratch.h"
#include "train/dataset.h"
#include "train/learn_bpe.h"
#include "train/read_chats.h"

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

/* Single questions only. */
static ts_dataset_options plain_options(void)
{
    ts_dataset_options o = ts_dataset_pretrain();

    o.several = o.system = 0;
    for (size_t i = 0; i < ts_n_families; i++)
        o.share[i] = ts_families[i].share;
    return o;
}

static void the_answer_is_learned_and_the_question_is_not(void **state)
{
    ts_dataset_options o = plain_options();
    tiefsee_error err;
    ts_document doc;
    size_t n_thinking = 0;

    o.mistakes = 0;
    o.thinking = 50;
    o.max_tokens = 1024; /* nothing is left out */
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

/* An answer as the engine keeps it: its calls taken out of the text. */
typedef struct spoken {
    tiefsee_tool_call call[8];
    char name[8][64], arguments[8][512];
    size_t n;
} spoken;

static void on_begin(void *user, const char *name)
{
    spoken *s = user;

    assert_true(s->n < TS_COUNT(s->call));
    (void)snprintf(s->name[s->n], sizeof s->name[0], "%s", name);
    s->arguments[s->n][0] = '\0';
}

static void on_arguments(void *user, const char *text, size_t n)
{
    spoken *s = user;

    (void)strncat(s->arguments[s->n], text, n);
}

static void on_end(void *user)
{
    spoken *s = user;

    s->call[s->n] = (tiefsee_tool_call){.name = s->name[s->n], .arguments = s->arguments[s->n]};
    s->n++;
}

static tiefsee_message answer_of(const ts_item *it, spoken *s)
{
    static const ts_call_events events = {on_begin, on_arguments, on_end};
    ts_call_parser p = {.style = TS_CALLS_PLAIN};

    s->n = 0;
    if (!it->has_calls)
        return (tiefsee_message){.role = TIEFSEE_ASSISTANT, .content = it->answer.ptr};
    ts_call_parser_feed(&p, it->answer.ptr, it->answer.len, &events, s);
    assert_true(s->n > 0);
    return (tiefsee_message){
        .role = TIEFSEE_ASSISTANT, .content = "", .calls = s->call, .n_calls = s->n};
}

/* What an answer is in the conversation behind it; with its end. */
static void append_answer(const ts_bpe *bpe, const tiefsee_message *m, ts_tokens *out)
{
    const tiefsee_message all[] = {{.role = TIEFSEE_USER, .content = "?"}, *m, all[0]};
    const ts_chat before = {.messages = all, .n = 1}, behind = {.messages = all, .n = 3};
    const size_t begin = out->n;
    ts_tokens a = {.max = 1 << 14}, b = {.max = 1 << 14};
    tiefsee_error err;
    size_t n_tail = 0;

    assert_int_equal(ts_encoding_render(TS_ENCODING_V31, bpe, &before, &a, &err), TIEFSEE_OK);
    assert_int_equal(ts_encoding_render(TS_ENCODING_V31, bpe, &behind, &b, &err), TIEFSEE_OK);
    while (b.ids[b.n - 1 - n_tail] != ts_bpe_eos(bpe))
        n_tail++;
    for (size_t i = a.n; i < b.n - n_tail; i++)
        assert_true(ts_tokens_push(out, b.ids[i]));
    assert_true(out->n > begin);
    ts_tokens_free(&a);
    ts_tokens_free(&b);
}

static void check_scene(const fixture *f, const ts_item *it, const ts_document *doc)
{
    ts_tokens whole = {.max = 1 << 14}, said = {.max = 1 << 14};
    ts_scene_view v;
    tiefsee_message all[TS_SCENE_MESSAGES + 3];
    tiefsee_error err = {0};
    spoken calls;

    ts_item_look(&v, it);
    memcpy(all, v.messages, v.n * sizeof *all);
    all[v.n] = answer_of(it, &calls);
    all[v.n + 1] = (tiefsee_message){.role = TIEFSEE_USER, .content = "and?"};
    const ts_chat chat = {.messages = all, .n = v.n + 2, .tools = v.tools, .n_tools = v.n_tools};
    if (ts_encoding_render(TS_ENCODING_V31, f->bpe, &chat, &whole, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_true(whole.n > doc->n);
    assert_memory_equal(whole.ids, doc->tokens, doc->n * sizeof *doc->tokens);
    for (size_t i = 0; i <= v.n; i++)
        if (all[i].role == TIEFSEE_ASSISTANT && (i == v.n || it->teaches_all))
            append_answer(f->bpe, &all[i], &said);
    size_t k = 0;
    for (size_t i = 0; i < doc->n; i++)
        if (doc->learned[i])
            assert_true(k < said.n && (uint32_t)said.ids[k++] == doc->tokens[i]);
    assert_int_equal(k, said.n);
    ts_tokens_free(&whole);
    ts_tokens_free(&said);
}

/* The tokens of a document are the engine's own rendering of the conversation, as it will
 * stand in front of the next question. */
static void a_conversation_is_what_the_engine_makes_of_it(void **state)
{
    static const char *const names[] = {"dialogue", "tools", "smalltalk"};
    const fixture *f = *state;
    ts_item it = ts_item_empty();
    size_t n_made = 0;

    for (size_t k = 0; k < TS_COUNT(names); k++) {
        const ts_family *family = ts_family_find(names[k]);
        ts_dataset_options o = plain_options();

        memset(o.share, 0, sizeof o.share);
        o.share[family - ts_families] = 1;
        o.thinking = 0;
        o.max_tokens = 4096;
        ts_dataset *d = open_set(f, &o);
        for (uint64_t i = 0; i < 300; i++) {
            const ts_item_spec spec = {
                .seed = o.seed, .index = i * TS_MAX_TURNS, .family = family, .lang = -1};
            tiefsee_error err;
            ts_document doc;

            assert_int_equal(ts_item_make(&it, &spec, &err), TIEFSEE_OK);
            assert_int_equal(ts_dataset_make(d, i, &doc, &err), TIEFSEE_OK);
            if (doc.n > 0)
                check_scene(f, &it, &doc);
            n_made += doc.n > 0;
        }
        ts_dataset_free(d);
    }
    assert_true(n_made > 850);
    ts_item_free(&it);
}

typedef struct wanted {
    ts_dataset *d;
    uint32_t *token;
    size_t n;
} wanted;

static tiefsee_status compare_tokens(void *user, const ts_chat *chat, tiefsee_error *err)
{
    const wanted *w = user;
    ts_document doc;

    assert_int_equal(ts_dataset_chat(w->d, chat, chat->n, &doc, err), TIEFSEE_OK);
    assert_int_equal(doc.n, w->n);
    assert_memory_equal(doc.tokens, w->token, w->n * sizeof *w->token);
    return TIEFSEE_OK;
}

static void a_line_of_json_is_the_same_document_again(void **state)
{
    const fixture *f = *state;
    ts_dataset_options o = ts_dataset_sft();
    ts_buf line = ts_buf_make(1 << 20);
    size_t n_with_tools = 0, n_with_calls = 0;

    o.max_tokens = 0;
    o.mistakes = 0;
    o.share[ts_family_find("tools") - ts_families] *= 20;
    ts_dataset *d = open_set(f, &o), *again = open_set(f, &o);
    for (uint64_t i = 0; i < 400; i++) {
        tiefsee_error err = {0};
        ts_document doc;

        assert_int_equal(ts_dataset_make(d, i, &doc, &err), TIEFSEE_OK);
        ts_buf_clear(&line);
        assert_int_equal(ts_dataset_line(d, &line, &err), TIEFSEE_OK);
        wanted w = {again, test_malloc(doc.n * sizeof *w.token), doc.n};
        memcpy(w.token, doc.tokens, doc.n * sizeof *w.token);
        if (ts_read_chat(line.ptr, line.len, compare_tokens, &w, &err) != TIEFSEE_OK)
            fail_msg("%s", err.message);
        test_free(w.token);
        n_with_tools += memmem(line.ptr, line.len, "\"tools\": [{", 11) != NULL;
        n_with_calls += memmem(line.ptr, line.len, "\"tool_calls\": [{", 16) != NULL;
    }
    assert_true(n_with_tools > 50 && n_with_calls > 20);
    ts_dataset_free(d);
    ts_dataset_free(again);
    ts_buf_free(&line);
}

static void documents_come_back_from_a_shard(void **state)
{
    ts_dataset_options o = ts_dataset_sft();
    const fixture *f = *state;

    o.max_tokens = 0; /* none is too long */
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
        cmocka_unit_test(a_conversation_is_what_the_engine_makes_of_it),
        cmocka_unit_test(a_line_of_json_is_the_same_document_again),
        cmocka_unit_test(documents_come_back_from_a_shard),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
