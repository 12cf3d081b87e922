/* cmd_train_data.c - the first stages of the recipe: the tokenizer and the data. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "train/make_data.h"

static const char *out_path, *folder, *tokenizer_path, *kind = "pretrain", *split = "train";
static ts_opt_list texts, chats, families;
static uint64_t n_vocab = 2560, n_items = 48000, seed = UINT64_MAX, n_tokens = 10000000,
                shard_tokens = 32000000, max_length = 512, thinking = UINT64_MAX, level;
static bool skips_bad, as_jsonl, has_tools;

static const char *const kinds[] = {"pretrain", "sft", "anneal", NULL};
static const char *const splits[] = {"train", "valid", NULL};

#define OPTIONS_TEXT                                                                       \
    {0, "text", "FILE", "plain text to learn too, a document a line; up to 16 times",      \
     .list = &texts},                                                                      \
        {0, "skip-bad", .help = "leave out lines that cannot be read, and say how many",   \
         .flag = &skips_bad},                                                              \
    {                                                                                      \
        's', "seed", "N", "of the problems; default: one per kind of data", .count = &seed \
    }

static const ts_opt tokenizer_options[] = {
    {'o', "out", "FILE", "the tokenizer.json to write", .text = &out_path},
    {0, "vocab", "N", "tokens; default: 2560", .count = &n_vocab, .min = 512, .max = 1 << 17},
    {'n', "problems", "N", "problems to learn from; default: 48000", .count = &n_items,
     .max = 1 << 30},
    {0, "tools", .help = "learn from prompts with tools too, one for every 120 problems",
     .flag = &has_tools},
    OPTIONS_TEXT,
    {0}};

static const ts_opt data_options[] = {
    {'o', "out", "FOLDER", "where the shards go; made if it is missing", .text = &folder},
    {0, "tokenizer", "FILE", "default: tokenizer.json in FOLDER", .text = &tokenizer_path},
    {0, "kind", "KIND", "pretrain, sft, or anneal; default: pretrain", .text = &kind,
     .choices = kinds},
    {0, "split", "SPLIT", "train or valid; default: train", .text = &split, .choices = splits},
    {'n', "tokens", "N", "tokens in all; default: 10000000", .count = &n_tokens, .min = 1,
     .max = (uint64_t)1 << 40},
    {0, "shard-tokens", "N", "tokens of one file; default: 32000000", .count = &shard_tokens,
     .min = 1000, .max = 1 << 28},
    {0, "max-length", "N", "tokens of a document, longer ones are left out; default: 512",
     .count = &max_length, .min = 32, .max = 1 << 16},
    {0, "thinking", "PERCENT", "documents that think first; default: as the kind has it",
     .count = &thinking, .max = 100},
    {0, "family", "NAME", "only these problems; up to 16 times; default: all", .list = &families},
    {0, "level", "N",
     "only problems of this difficulty, which the families must have; default: all",
     .count = &level, .min = 1, .max = 8},
    {0, "chat", "FILE", "conversations to learn too, {\"messages\": [...]} a line; up to 16 times",
     .list = &chats},
    {0, "jsonl", .help = "write conversations as lines of JSON instead", .flag = &as_jsonl},
    OPTIONS_TEXT,
    {0}};

static volatile sig_atomic_t was_interrupted;

static void on_signal(int number)
{
    (void)number;
    was_interrupted = 1;
}

typedef struct progress {
    bool is_live;
    double shown_at;
} progress;

static bool show(void *user, uint64_t done, uint64_t total, const char *unit)
{
    progress *p = user;
    const double now = ts_clock_seconds();

    if (p->is_live && now - p->shown_at > 0.25) {
        p->shown_at = now;
        (void)fprintf(stderr, "\r\033[K%llu of %llu %s", (unsigned long long)done,
                      (unsigned long long)total, unit);
        (void)fflush(stderr);
    }
    return !was_interrupted;
}

static progress begin(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return (progress){.is_live = ts_cli_has_escapes(STDERR_FILENO)};
}

/* The exit code after st; clears the line of progress. */
static int end(const progress *p, tiefsee_status st, const tiefsee_error *err,
               const ts_text_files *text)
{
    if (p->is_live)
        (void)fprintf(stderr, "\r\033[K");
    if (st == TIEFSEE_E_CANCELLED)
        return TS_EXIT_INTERRUPTED;
    if (st != TIEFSEE_OK)
        return ts_cli_fail(err);
    if (text->n > 0)
        (void)fprintf(stderr, "%llu lines of text, %llu left out\n",
                      (unsigned long long)text->n_lines, (unsigned long long)text->n_bad);
    return TS_EXIT_OK;
}

static ts_text_files text_files(void)
{
    return (ts_text_files){.paths = texts.at, .n = texts.n, .skips_bad = skips_bad};
}

static int run_tokenizer(int argc, char **argv)
{
    ts_tokenizer_spec spec = {.out = out_path,
                              .n_vocab = (uint32_t)n_vocab,
                              .seed = seed == UINT64_MAX ? 3 : seed,
                              .n_items = n_items,
                              .has_tools = has_tools,
                              .text = text_files()};
    ts_tokenizer_made made;
    tiefsee_error err;

    (void)argc;
    (void)argv;
    if (!out_path)
        return ts_cli_error(TS_EXIT_USAGE, "train tokenizer: --out FILE is needed");
    progress p = begin();
    const tiefsee_status st = ts_make_tokenizer(&made, &spec, show, &p, &err);
    const int code = end(&p, st, &err, &spec.text);
    if (code == TS_EXIT_OK)
        (void)fprintf(stderr,
                      "%u tokens; bytes per token of questions: %.2f en, %.2f de, %.2f zh\n",
                      made.n_tokens, made.bytes_per_token[0], made.bytes_per_token[1],
                      made.bytes_per_token[2]);
    return code;
}

static int run_data(int argc, char **argv)
{
    const ts_data_kind of = strcmp(kind, "sft") == 0      ? TS_DATA_SFT
                            : strcmp(kind, "anneal") == 0 ? TS_DATA_ANNEAL
                                                          : TS_DATA_PRETRAIN;
    const bool is_valid = strcmp(split, "valid") == 0;
    static const uint64_t seeds[] = {1, 2, 4}; /* 3: the tokenizer's */
    char beside[4096];
    ts_data_spec spec = {.tokenizer = tokenizer_path,
                         .folder = folder,
                         .kind = of,
                         .split = is_valid,
                         .seed = seed == UINT64_MAX ? seeds[of] : seed,
                         .n_tokens = n_tokens,
                         .shard_tokens = shard_tokens,
                         .max_length = (size_t)max_length,
                         .thinking = thinking == UINT64_MAX ? -1 : (int)thinking,
                         .families = families.at,
                         .n_families = families.n,
                         .level = (unsigned)level,
                         .as_jsonl = as_jsonl,
                         .text = text_files(),
                         .chats = {.paths = chats.at, .n = chats.n, .skips_bad = skips_bad}};
    ts_data_made made;
    tiefsee_error err;

    (void)argc;
    (void)argv;
    if (!folder)
        return ts_cli_error(TS_EXIT_USAGE, "train data: --out FOLDER is needed");
    if (as_jsonl && texts.n + chats.n > 0)
        return ts_cli_error(TS_EXIT_USAGE,
                            "train data: --text and --chat go into shards, not --jsonl");
    if (!tokenizer_path) {
        const int n = snprintf(beside, sizeof beside, "%s/tokenizer.json", folder);

        if (n < 0 || (size_t)n >= sizeof beside)
            return ts_cli_error(TS_EXIT_USAGE, "train data: the name of the folder is too long");
        spec.tokenizer = beside;
    }
    (void)mkdir(folder, 0777); /* if it cannot be, writing says why */
    progress p = begin();
    const tiefsee_status st = ts_make_data(&made, &spec, show, &p, &err);
    const int code = end(&p, st, &err, &spec.text);
    if (code == TS_EXIT_OK && chats.n > 0)
        (void)fprintf(stderr, "%llu conversations, %llu left out\n",
                      (unsigned long long)spec.chats.n_lines, (unsigned long long)spec.chats.n_bad);
    if (code == TS_EXIT_OK)
        (void)fprintf(stderr,
                      "%llu documents, %llu tokens, %.0f%% of them learned, %llu file%s, "
                      "%llu too long\n",
                      (unsigned long long)made.n_docs, (unsigned long long)made.n_tokens,
                      100 * (double)made.n_learned / (double)(made.n_tokens ? made.n_tokens : 1),
                      (unsigned long long)made.n_files, made.n_files == 1 ? "" : "s",
                      (unsigned long long)made.n_left_out);
    return code;
}

const ts_command ts_cmd_train_tokenizer = {
    .name = "train tokenizer",
    .arguments = "--out FILE [options]",
    .summary = "learn a tokenizer from problems and texts",
    .details = "Learns byte-level BPE with DeepSeek-V3's pieces and markers from generated "
               "problems in English, German and Chinese, and writes a tokenizer.json that the "
               "tokenizers package reads too. Digits and signs are tokens of their own. The same "
               "options give the same file.",
    .options = tokenizer_options,
    .run = run_tokenizer,
};

const ts_command ts_cmd_train_data = {
    .name = "train data",
    .arguments = "--out FOLDER [options]",
    .summary = "make shards of tokens to train on",
    .details =
        "Writes problems with their working as conversations, answers marked as learned, "
        "until there are --tokens of them. Problems that eval tests with, and those for "
        "validation, are never among the training data. The same options give the same "
        "files. --chat reads conversations of one's own, once; with -n 1 nothing else comes in.",
    .options = data_options,
    .run = run_data,
};
