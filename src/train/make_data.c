/* make_data.c - see make_data.h. */
#include "train/make_data.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "formats/hf_vocab.h"
#include "formats/hf_vocab_write.h"
#include "train/dataset.h"
#include "train/learn_bpe.h"
#include "train/read_chats.h"

enum { MAX_JSON = 256 << 20, N_PROBES = 500, MAX_FILES = 1000, TOOLS_EVERY = 120 };

/* --------------------------------------------------------------- tokenizer */

static tiefsee_status learn_text(void *user, const char *text, size_t n, tiefsee_error *err)
{
    return ts_bpe_learner_add(user, text, n, err);
}

static tiefsee_status learn(ts_bpe_learner *l, const ts_buf *b, tiefsee_error *err)
{
    return b->ptr ? ts_bpe_learner_add(l, b->ptr, b->len, err) : TIEFSEE_OK;
}

/* A third of the problems in each language, so that each gets its words. */
static tiefsee_status learn_items(ts_bpe_learner *l, const ts_tokenizer_spec *spec,
                                  ts_on_made *on_made, void *user, tiefsee_error *err)
{
    ts_item it = ts_item_empty();
    tiefsee_status st = TIEFSEE_OK;

    for (uint64_t i = 0; i < spec->n_items && st == TIEFSEE_OK; i++) {
        const ts_item_spec item = {.seed = spec->seed,
                                   .index = i,
                                   .family = &ts_families[i / TS_N_LANGS % ts_n_families],
                                   .lang = (int)(i % TS_N_LANGS),
                                   .mistakes = 10};

        if (i % 256 == 0 && !on_made(user, i, spec->n_items, "problems"))
            st = ts_fail(err, TIEFSEE_E_CANCELLED, "stopped");
        if (st == TIEFSEE_OK)
            st = ts_item_make(&it, &item, err);
        if (st == TIEFSEE_OK)
            st = learn(l, &it.question, err);
        if (st == TIEFSEE_OK)
            st = learn(l, &it.trace, err);
        if (st == TIEFSEE_OK)
            st = learn(l, &it.answer, err);
    }
    ts_item_free(&it);
    return st;
}

/* What stands between the markers of a rendered conversation, which are tokens anyway. */
static tiefsee_status learn_rendered(ts_bpe_learner *l, const ts_buf *text, tiefsee_error *err)
{
    static const char open[] = "<｜", shut[] = "｜>";
    const char *p = text->ptr, *end = p + text->len;
    tiefsee_status st = TIEFSEE_OK;

    while (p < end && st == TIEFSEE_OK) {
        const char *mark = memmem(p, (size_t)(end - p), open, sizeof open - 1);
        const char *stop = mark ? mark : end;
        const char *behind =
            mark ? memmem(mark, (size_t)(end - mark), shut, sizeof shut - 1) : NULL;

        if (stop > p)
            st = ts_bpe_learner_add(l, p, (size_t)(stop - p), err);
        p = behind ? behind + sizeof shut - 1 : end;
    }
    return st;
}

/* One for every TOOLS_EVERY problems: they are long, and their words are the same. */
static tiefsee_status learn_tools(ts_bpe_learner *l, const ts_tokenizer_spec *spec,
                                  tiefsee_error *err)
{
    const ts_family *tools = ts_family_find("tools");
    ts_buf text = ts_buf_make(1 << 20);
    ts_item it = ts_item_empty();
    tiefsee_status st = TIEFSEE_OK;

    for (uint64_t i = 0; i * TOOLS_EVERY < spec->n_items && st == TIEFSEE_OK; i++) {
        const ts_item_spec item = {
            .seed = spec->seed, .index = i, .family = tools, .lang = (int)(i % TS_N_LANGS)};
        ts_scene_view scene;

        st = ts_item_make(&it, &item, err);
        if (st != TIEFSEE_OK)
            break;
        ts_item_look(&scene, &it);
        const ts_chat chat = {.messages = scene.messages,
                              .n = scene.n,
                              .tools = scene.tools,
                              .n_tools = scene.n_tools};
        ts_buf_clear(&text);
        st = ts_encoding_render_text(TS_ENCODING_V31, &chat, &text, err);
        if (st == TIEFSEE_OK && !ts_buf_append(&text, it.answer.ptr, it.answer.len))
            st = ts_fail_nomem(err, it.answer.len, "a prompt");
        if (st == TIEFSEE_OK)
            st = learn_rendered(l, &text, err);
    }
    ts_item_free(&it);
    ts_buf_free(&text);
    return st;
}

static tiefsee_status measure(ts_tokenizer_made *made, const ts_vocab *v, tiefsee_error *err)
{
    ts_item it = ts_item_empty();
    ts_bpe *bpe = NULL;
    tiefsee_status st = ts_bpe_new(&bpe, v, err);

    for (int lang = 0; lang < TS_N_LANGS && st == TIEFSEE_OK; lang++) {
        ts_tokens tokens = {.max = 1 << 24};
        size_t n_bytes = 0;

        for (uint64_t i = 0; i < N_PROBES && st == TIEFSEE_OK; i++) {
            const ts_item_spec item = {
                .seed = 77, .index = i, .split = TS_SPLIT_VALID, .lang = lang};

            st = ts_item_make(&it, &item, err);
            if (st == TIEFSEE_OK)
                st = ts_bpe_encode(bpe, it.question.ptr, it.question.len, false, &tokens, err);
            n_bytes += it.question.len;
        }
        made->bytes_per_token[lang] = tokens.n ? (double)n_bytes / (double)tokens.n : 0;
        ts_tokens_free(&tokens);
    }
    ts_bpe_free(bpe);
    ts_item_free(&it);
    return st;
}

tiefsee_status ts_make_tokenizer(ts_tokenizer_made *made, ts_tokenizer_spec *spec,
                                 ts_on_made *on_made, void *user, tiefsee_error *err)
{
    ts_bpe_learner *l = ts_bpe_learner_new();
    ts_buf json = ts_buf_make(MAX_JSON);
    ts_vocab v;

    *made = (ts_tokenizer_made){0};
    if (!l)
        return ts_fail_nomem(err, 1, "a vocabulary");
    tiefsee_status st = learn_items(l, spec, on_made, user, err);
    if (st == TIEFSEE_OK && spec->has_tools)
        st = learn_tools(l, spec, err);
    if (st == TIEFSEE_OK)
        st = ts_read_lines(&spec->text, learn_text, l, err);
    if (st == TIEFSEE_OK)
        st = ts_bpe_learner_finish(l, spec->n_vocab, &v, err);
    if (st == TIEFSEE_OK)
        st = measure(made, &v, err);
    if (st == TIEFSEE_OK)
        st = ts_hf_vocab_write(&v, &json, err);
    if (st == TIEFSEE_OK)
        st = ts_file_write(spec->out, json.ptr, json.len, err);
    if (st == TIEFSEE_OK)
        made->n_tokens = v.n_tokens;
    ts_buf_free(&json);
    ts_bpe_learner_free(l);
    return st;
}

/* ------------------------------------------------------------------ shards */

typedef struct writer {
    ts_data_spec *spec;
    ts_data_made *made;
    ts_dataset *set;
    ts_shard_writer shard;
    uint32_t n_vocab;
    uint64_t fingerprint;
    ts_buf lines;
} writer;

static void file_name(char *out, size_t size, const ts_data_spec *s, uint64_t number)
{
    static const char *const kinds[] = {"pretrain", "sft", "anneal"}, *const splits[] = {
                                                                          "", "-valid", ""};

    if (s->as_jsonl)
        (void)snprintf(out, size, "%s/%s%s.jsonl", s->folder, kinds[s->kind], splits[s->split]);
    else
        (void)snprintf(out, size, "%s/%s%s-%03llu.shard", s->folder, kinds[s->kind],
                       splits[s->split], (unsigned long long)number);
}

static void begin_shard(writer *w)
{
    const size_t most = (size_t)(w->spec->shard_tokens + (1 << 20)) * 4;

    w->shard = ts_shard_writer_make(w->n_vocab, w->fingerprint, most);
}

static tiefsee_status end_shard(writer *w, tiefsee_error *err)
{
    char path[4096];

    if (w->shard.n_docs == 0)
        return TIEFSEE_OK;
    file_name(path, sizeof path, w->spec, w->made->n_files);
    const tiefsee_status st = ts_shard_write(&w->shard, path, err);
    ts_shard_writer_free(&w->shard);
    w->made->n_files++;
    begin_shard(w);
    return st;
}

static tiefsee_status add(writer *w, const ts_document *doc, tiefsee_error *err)
{
    if (doc->n == 0) {
        w->made->n_left_out++;
        return TIEFSEE_OK;
    }
    tiefsee_status st = ts_shard_add(&w->shard, doc->tokens, doc->learned, doc->n, err);
    w->made->n_docs++;
    w->made->n_tokens += doc->n;
    for (size_t i = 0; i < doc->n; i++)
        w->made->n_learned += doc->learned[i];
    if (st == TIEFSEE_OK && w->shard.n_tokens >= w->spec->shard_tokens)
        st = end_shard(w, err);
    return st;
}

static tiefsee_status add_text(void *user, const char *text, size_t n, tiefsee_error *err)
{
    writer *w = user;
    ts_document doc;
    const tiefsee_status st = ts_dataset_text(w->set, text, n, &doc, err);

    return st == TIEFSEE_OK ? add(w, &doc, err) : st;
}

/* Every answer of a conversation is the end of a document. */
static tiefsee_status add_messages(void *user, const ts_chat *chat, tiefsee_error *err)
{
    writer *w = user;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < chat->n && st == TIEFSEE_OK; i++) {
        ts_document doc;

        if (chat->messages[i].role != TIEFSEE_ASSISTANT)
            continue;
        st = ts_dataset_chat(w->set, chat, i + 1, &doc, err);
        if (st == TIEFSEE_OK)
            st = add(w, &doc, err);
    }
    return st;
}

static tiefsee_status add_chat(void *user, const char *text, size_t n, tiefsee_error *err)
{
    return ts_read_chat(text, n, add_messages, user, err);
}

static tiefsee_status add_documents(writer *w, ts_on_made *on_made, void *user, tiefsee_error *err)
{
    const ts_data_spec *s = w->spec;
    tiefsee_status st = TIEFSEE_OK;

    for (uint64_t i = 0; st == TIEFSEE_OK && w->made->n_tokens < s->n_tokens; i++) {
        ts_document doc;

        if (i % 256 == 0 && !on_made(user, w->made->n_tokens, s->n_tokens, "tokens"))
            return ts_fail(err, TIEFSEE_E_CANCELLED, "stopped; whole shards are kept");
        if (w->made->n_left_out > 1000 && w->made->n_docs == 0)
            return ts_fail(err, TIEFSEE_E_LIMIT, "no document fits into %zu tokens", s->max_length);
        st = ts_dataset_make(w->set, i, &doc, err);
        if (st != TIEFSEE_OK)
            continue;
        if (!s->as_jsonl) {
            st = add(w, &doc, err);
        } else {
            w->made->n_tokens += doc.n;
            w->made->n_left_out += doc.n == 0;
            for (size_t k = 0; k < doc.n; k++)
                w->made->n_learned += doc.learned[k];
            w->made->n_docs += doc.n > 0;
            st = doc.n > 0 ? ts_dataset_line(w->set, &w->lines, err) : st;
        }
    }
    return st;
}

static tiefsee_status take_families(ts_dataset_options *o, const ts_data_spec *s,
                                    tiefsee_error *err)
{
    if (s->n_families > 0)
        memset(o->share, 0, sizeof o->share);
    for (size_t i = 0; i < s->n_families; i++) {
        const ts_family *f = ts_family_find(s->families[i]);

        if (!f)
            return ts_fail(err, TIEFSEE_E_INVALID, "no family of problems '%s'", s->families[i]);
        o->share[f - ts_families] = f->share;
    }
    o->level = s->level;
    for (size_t i = 0; s->level && i < ts_n_all_families; i++)
        if ((s->n_families == 0 || o->share[i]) && s->level > ts_families[i].n_levels)
            return ts_fail(err, TIEFSEE_E_INVALID, "no level %u: %s has %u", s->level,
                           ts_families[i].name, ts_families[i].n_levels);
    return TIEFSEE_OK;
}

tiefsee_status ts_read_tokenizer(ts_vocab *v, ts_arena *arena, const char *path, tiefsee_error *err)
{
    const char *why = "";
    bool has_vocab = false;
    ts_map map;
    tiefsee_status st = ts_map_open(&map, path, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_hf_vocab(v, &has_vocab, &why, (ts_str){(const char *)map.ptr, map.size}, NULL, arena,
                     err);
    ts_map_close(&map);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "%s", path);
    if (!has_vocab)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "%s: %s", path, why);
    /* tokenizer.json does not say which markers they are. */
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        v->bos = ts_str_is(v->text[i], "<｜begin▁of▁sentence｜>") ? (int32_t)i : v->bos;
        v->eos = ts_str_is(v->text[i], "<｜end▁of▁sentence｜>") ? (int32_t)i : v->eos;
    }
    return TIEFSEE_OK;
}

static tiefsee_status open_tokenizer(ts_bpe **bpe, ts_vocab *v, ts_arena *arena, const char *path,
                                     tiefsee_error *err)
{
    const tiefsee_status st = ts_read_tokenizer(v, arena, path, err);

    return st == TIEFSEE_OK ? ts_bpe_new(bpe, v, err) : st;
}

static tiefsee_status write_all(writer *w, ts_on_made *on_made, void *user, tiefsee_error *err)
{
    char path[4096];
    tiefsee_status st = TIEFSEE_OK;

    begin_shard(w);
    if (!w->spec->as_jsonl)
        st = ts_read_lines(&w->spec->text, add_text, w, err);
    if (st == TIEFSEE_OK && !w->spec->as_jsonl)
        st = ts_read_lines(&w->spec->chats, add_chat, w, err);
    if (st == TIEFSEE_OK)
        st = add_documents(w, on_made, user, err);
    if (st == TIEFSEE_OK && w->spec->as_jsonl) {
        file_name(path, sizeof path, w->spec, 0);
        st = ts_file_write(path, w->lines.ptr, w->lines.len, err);
        w->made->n_files = 1;
    } else if (st == TIEFSEE_OK) {
        st = end_shard(w, err);
    }
    ts_shard_writer_free(&w->shard);
    ts_buf_free(&w->lines);
    return st;
}

static ts_dataset_options mixture(ts_data_kind kind)
{
    return kind == TS_DATA_SFT      ? ts_dataset_sft()
           : kind == TS_DATA_ANNEAL ? ts_dataset_anneal()
                                    : ts_dataset_pretrain();
}

tiefsee_status ts_make_data(ts_data_made *made, ts_data_spec *spec, ts_on_made *on_made, void *user,
                            tiefsee_error *err)
{
    ts_dataset_options o = mixture(spec->kind);
    ts_arena *arena = ts_arena_new((size_t)1 << 30);
    writer w = {.spec = spec, .made = made, .lines = ts_buf_make((size_t)1 << 33)};
    ts_bpe *bpe = NULL;
    ts_vocab v = {.bos = -1};

    *made = (ts_data_made){0};
    o.seed = spec->seed;
    o.split = (ts_split)spec->split;
    o.max_tokens = spec->max_length;
    if (spec->thinking >= 0)
        o.thinking = (unsigned)spec->thinking;
    tiefsee_status st = arena ? TIEFSEE_OK : ts_fail_nomem(err, 1, "a tokenizer");
    if (st == TIEFSEE_OK && spec->split == TS_SPLIT_TEST)
        st = ts_fail(err, TIEFSEE_E_INVALID, "problems for tests are not written as data");
    if (st == TIEFSEE_OK &&
        spec->n_tokens / (spec->shard_tokens ? spec->shard_tokens : 1) > MAX_FILES)
        st = ts_fail(err, TIEFSEE_E_INVALID, "more than %d shards", MAX_FILES);
    if (st == TIEFSEE_OK)
        st = take_families(&o, spec, err);
    if (st == TIEFSEE_OK)
        st = open_tokenizer(&bpe, &v, arena, spec->tokenizer, err);
    if (st == TIEFSEE_OK)
        st = ts_dataset_new(&w.set, &o, bpe, err);
    if (st == TIEFSEE_OK) {
        w.n_vocab = v.n_tokens;
        w.fingerprint = ts_vocab_fingerprint(&v);
        st = write_all(&w, on_made, user, err);
    }
    ts_dataset_free(w.set);
    ts_bpe_free(bpe);
    ts_arena_free(arena);
    return st;
}
