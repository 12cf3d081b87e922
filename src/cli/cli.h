/* cli.h - what the commands share: settings, models by name, errors at the edge. */
#ifndef TS_CLI_CLI_H
#define TS_CLI_CLI_H

#include "cli/opt.h"
#include "core/str.h"
#include "tiefsee/tiefsee.h"

enum {
    TS_EXIT_OK = 0,
    TS_EXIT_ERROR = 1,
    TS_EXIT_USAGE = 2,
    TS_EXIT_NO_MODEL = 3,
    TS_EXIT_INTERRUPTED = 130,
    TS_EXIT_NONE = -1 /* go on */
};

/* Options that several commands have.  One command runs per process, so they
 * live in one place. */
typedef struct ts_settings {
    const char *model, *adapter;
    uint64_t n_ctx, n_threads;
    bool precise;
    uint64_t max_tokens, top_k, seed; /* UINT64_MAX: not given */
    double temperature, top_p, min_p; /* below 0: not given */
    double repetition, presence, frequency;
    const char *system;
    ts_opt_list stop;
    bool no_thinking, hides_thinking, timings;
} ts_settings;

extern ts_settings ts_settings_now;

enum { TS_MAX_CTX = 1 << 26, TS_MAX_THREADS = 1024 };

#define TS_OPTIONS_MODEL                                                                         \
    {'m', "model", "MODEL", "the model, as the first argument", .text = &ts_settings_now.model}, \
        {'t',                                                                                    \
         "threads",                                                                              \
         "N",                                                                                    \
         "threads to compute with; default: one per physical core",                              \
         .count = &ts_settings_now.n_threads,                                                    \
         .min = 1,                                                                               \
         .max = TS_MAX_THREADS},                                                                 \
        {0, "lora", "FOLDER", "an adapter of train lora or PEFT, added to the model's products", \
         .text = &ts_settings_now.adapter},                                                      \
    {                                                                                            \
        0, "precise", .help = "keep activations in float32 beside quantised weights (slow)",     \
                      .flag = &ts_settings_now.precise                                           \
    }

#define TS_OPTIONS_CTX                                                                      \
    {                                                                                       \
        'c', "ctx", "N", "context in tokens; default: 4096, or less if the model has less", \
            .count = &ts_settings_now.n_ctx, .min = 1, .max = TS_MAX_CTX                    \
    }

#define TS_OPTIONS_ANSWER                                                                          \
    {'n',                                                                                          \
     "tokens",                                                                                     \
     "N",                                                                                          \
     "stop after N tokens; default: until the answer ends",                                        \
     .count = &ts_settings_now.max_tokens,                                                         \
     .min = 1,                                                                                     \
     .max = TS_MAX_CTX},                                                                           \
        {0, "system", "TEXT", "what the model is told before the conversation",                    \
         .text = &ts_settings_now.system},                                                         \
        {0,                                                                                        \
         "temp",                                                                                   \
         "X",                                                                                      \
         "temperature, 0 is greedy; default: what the model's makers recommend",                   \
         .number = &ts_settings_now.temperature,                                                   \
         .high = 10},                                                                              \
        {0,                                                                                        \
         "top-k",                                                                                  \
         "N",                                                                                      \
         "choose among the N likeliest tokens; 0: all",                                            \
         .count = &ts_settings_now.top_k,                                                          \
         .max = 1 << 21},                                                                          \
        {0,                                                                                        \
         "top-p",                                                                                  \
         "X",                                                                                      \
         "choose among the likeliest tokens that make up X of all; 1: all",                        \
         .number = &ts_settings_now.top_p,                                                         \
         .high = 1},                                                                               \
        {0,                                                                                        \
         "min-p",                                                                                  \
         "X",                                                                                      \
         "drop tokens less likely than X times the likeliest",                                     \
         .number = &ts_settings_now.min_p,                                                         \
         .high = 1},                                                                               \
        {0,                                                                                        \
         "repeat-penalty",                                                                         \
         "X",                                                                                      \
         "divide the logits of recent tokens by X; 1: off",                                        \
         .number = &ts_settings_now.repetition,                                                    \
         .low = 0.01,                                                                              \
         .high = 10},                                                                              \
        {0,                                                                                        \
         "presence-penalty",                                                                       \
         "X",                                                                                      \
         "lower tokens that were generated before by X",                                           \
         .number = &ts_settings_now.presence,                                                      \
         .low = -2,                                                                                \
         .high = 2},                                                                               \
        {0,                                                                                        \
         "frequency-penalty",                                                                      \
         "X",                                                                                      \
         "lower tokens by X for each time they were generated",                                    \
         .number = &ts_settings_now.frequency,                                                     \
         .low = -2,                                                                                \
         .high = 2},                                                                               \
        {'s', "seed", "N", "seed of the sampler; default: 0 (the same question, the same answer)", \
         .count = &ts_settings_now.seed},                                                          \
        {0, "stop", "TEXT", "end the answer before TEXT; up to 16 times",                          \
         .list = &ts_settings_now.stop},                                                           \
        {0, "no-think", .help = "answer without thinking first, where the model knows how",        \
         .flag = &ts_settings_now.no_thinking},                                                    \
        {0, "hide-thinking", .help = "think, but do not show it",                                  \
         .flag = &ts_settings_now.hides_thinking},                                                 \
    {                                                                                              \
        0, "timings", .help = "tokens and tokens per second behind the answer, on stderr",         \
                      .flag = &ts_settings_now.timings                                             \
    }

/* "tiefsee: message" on stderr; the exit code that belongs to it. */
int ts_cli_fail(const tiefsee_error *err);
int ts_cli_error(int exit_code, const char *fmt, ...) TS_PRINTF(2, 3);

/* Output that could not be written is a failure, also of the last bytes. */
int ts_cli_finish(int exit_code);

/* Settle -m and the first argument into ts_settings_now.model.  TS_EXIT_NONE, or
 * what went wrong. */
int ts_cli_take_model(int argc, char **argv);

void ts_cli_model_options(tiefsee_model_options *out); /* as the options say */

/* Open ts_settings_now.model: a path, or a name in the model folder. */
int ts_cli_open_model(tiefsee_model **out, bool metadata_only);

/* The same, leaving what the library refused to the caller: then the exit code
 * comes with a message in err; with none, it was printed. */
int ts_cli_try_model(tiefsee_model **out, bool metadata_only, tiefsee_error *err);

/* The path behind ts_settings_now.model; false for the embedded one. */
bool ts_cli_model_path(char *out, size_t size);

/* The same for one that must be there: TS_EXIT_NONE, or it was said that it is not. */
int ts_cli_find_model(char *path, size_t size);

/* The folder of models by name; false if there is no home to put it in. */
bool ts_cli_models_folder(char *out, size_t size);
/* A file below $XDG_STATE_HOME/tiefsee, whose folder exists then; else false. */
bool ts_cli_state_file(char *out, size_t size, const char *name);

void ts_cli_sampling(const tiefsee_model *model, tiefsee_sampling *out);

/* Everything on stdin, any bytes, at most max_bytes. */
tiefsee_status ts_cli_read_stdin(ts_buf *out, tiefsee_error *err) TS_MUST_CHECK;

/* The stream is a terminal that knows escape sequences; colour is welcome too
 * (NO_COLOR does not forbid it). */
bool ts_cli_has_escapes(int fd);
bool ts_cli_is_pretty(int fd);

void ts_cli_duration(char *out, size_t size, double seconds); /* "45 s", "12 min", "3.4 h" */

/* How many ranks mpirun has started; 0: there was no mpirun. */
uint64_t ts_cli_ranks(void);

extern const ts_command ts_cmd_bench, ts_cmd_chat, ts_cmd_conform, ts_cmd_doctor, ts_cmd_eval,
    ts_cmd_gdpr, ts_cmd_inspect, ts_cmd_keys, ts_cmd_logits, ts_cmd_prove_offline, ts_cmd_quantize,
    ts_cmd_run, ts_cmd_serve, ts_cmd_tokenize, ts_cmd_train, ts_cmd_train_all, ts_cmd_train_data,
    ts_cmd_train_lora, ts_cmd_train_reject, ts_cmd_train_report, ts_cmd_train_tokenizer;

#endif
