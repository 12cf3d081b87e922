/* tiefsee.h - run DeepSeek models from C.
 *
 * Two objects.  A tiefsee_model is weights and tokenizer: immutable once open,
 * shared by any number of threads.  A tiefsee_session is one conversation: a KV
 * cache and a position, used by one thread at a time.
 *
 * Every call that can fail returns a tiefsee_status and takes a tiefsee_error
 * last, which may be NULL.  On failure nothing is allocated, *out is NULL and
 * the session is as it was before the call.  The library never prints, never
 * exits and never asserts on input it did not produce itself.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TIEFSEE_TIEFSEE_H
#define TIEFSEE_TIEFSEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TIEFSEE_API        __attribute__((visibility("default")))
#define TIEFSEE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TIEFSEE_API
#define TIEFSEE_MUST_CHECK
#endif

typedef struct tiefsee_model tiefsee_model;
typedef struct tiefsee_session tiefsee_session;
typedef int32_t tiefsee_token;

/* Values are part of the ABI: append, never renumber. */
typedef enum tiefsee_status {
    TIEFSEE_OK = 0,
    TIEFSEE_E_INVALID = 1,     /* the caller broke the contract of the call */
    TIEFSEE_E_NOMEM = 2,       /* out of memory, on the host or on a device */
    TIEFSEE_E_IO = 3,          /* the system said no; see os_errno */
    TIEFSEE_E_FORMAT = 4,      /* a file is damaged or not what it claims */
    TIEFSEE_E_UNSUPPORTED = 5, /* valid, but this build cannot do it */
    TIEFSEE_E_LIMIT = 6,       /* context, batch or quota exhausted */
    TIEFSEE_E_CANCELLED = 7,   /* stopped by tiefsee_session_cancel() */
    TIEFSEE_E_DEVICE = 8       /* an accelerator failed */
} tiefsee_status;

/* Owned by the caller, usually on the stack; never allocates.  The message is
 * one line of UTF-8 that names the thing that failed, outermost first:
 *     model.gguf: tensor 'blk.3.ffn_up': 5 dimensions (4 allowed) */
typedef struct tiefsee_error {
    tiefsee_status status;
    int os_errno;    /* 0 unless status is TIEFSEE_E_IO */
    uint64_t offset; /* byte offset in the file, when one is to blame */
    char message[256];
} tiefsee_error;

/* "0.1.0" */
TIEFSEE_API const char *tiefsee_version(void);

/* ------------------------------------------------------------------ models */

/* size = sizeof(tiefsee_model_options) lets an old caller meet a new library:
 * fields beyond size take their defaults; zero means default everywhere. */
typedef struct tiefsee_model_options {
    size_t size;
    int n_threads;      /* 0: one per physical core that the process may use */
    bool precise;       /* keep activations and cache float32 also beside quantised weights */
    bool metadata_only; /* for inspection: bind no weights, start no threads */
    const char *cpu;    /* "ref", "avx2", "avx512", ...: lower the kernel level; NULL: best */
    /* Folder of a LoRA adapter as PEFT keeps it (adapter_config.json and
     * adapter_model.safetensors), added to every product; NULL: none.  Dense models only. */
    const char *adapter;
} tiefsee_model_options;

/* Open a GGUF file (or the first of its shards) or a Hugging Face folder; NULL
 * opens the model that is embedded in the library, if one is.  opt may be NULL.
 * Any thread.  Released by tiefsee_model_close(), which accepts NULL; sessions
 * must be closed before their model. */
TIEFSEE_API tiefsee_status tiefsee_model_open(tiefsee_model **out, const char *path,
                                              const tiefsee_model_options *opt,
                                              tiefsee_error *err) TIEFSEE_MUST_CHECK;
TIEFSEE_API void tiefsee_model_close(tiefsee_model *model);

/* Facts about an open model.  Strings live as long as the model. */
typedef struct tiefsee_model_info {
    const char *name;         /* general.name, or the file's name */
    const char *architecture; /* "deepseek2", "qwen2", ... as the file says it */
    const char *encoding;     /* chat encoding: "deepseek-v3.1", ...; "" if unknown */
    const char *kernels;      /* "ref", "avx2", "avxvnni", "avx512", "neon" ... */
    const char *weight_types; /* "q4_k 83%, q6_k 12%, f32 5%" by bytes */
    uint64_t n_parameters;
    uint64_t weight_bytes;
    size_t n_layers, n_vocab;
    size_t n_ctx_train; /* the longest context that the file declares */
    int n_threads;
    bool has_tokenizer;
    bool can_think; /* the encoding knows <think> */
} tiefsee_model_info;

TIEFSEE_API void tiefsee_model_describe(const tiefsee_model *model, tiefsee_model_info *info);

/* The memory bill of one session of n_ctx tokens beside the model. */
typedef struct tiefsee_plan {
    uint64_t weight_bytes;    /* mapped from the file; reclaimable page cache */
    uint64_t kv_bytes;        /* the session's cache, allocated at open */
    uint64_t scratch_bytes;   /* activations and an adapter, allocated at open */
    uint64_t total_bytes;     /* the sum of the three */
    uint64_t available_bytes; /* what the system can give now (container limits included) */
} tiefsee_plan;

TIEFSEE_API void tiefsee_model_plan(const tiefsee_model *model, size_t n_ctx, tiefsee_plan *plan);

/* -------------------------------------------------------------- quantising */

typedef struct tiefsee_quantize_options {
    size_t size;
    const char *type; /* of the large matrices: "q4_k", "q8_0", "bf16", ... */
    int n_threads;    /* 0: one per physical core */
    /* Bytes of weights read so far; false stops (TIEFSEE_E_CANCELLED).  May be NULL. */
    bool (*on_progress)(void *user, uint64_t done, uint64_t total);
    void *user;
    const char *adapter; /* folder of a LoRA adapter, added to the weights; NULL: none */
} tiefsee_quantize_options;

/* Write the model of a GGUF file or a Hugging Face folder as one GGUF file.  Vectors and
 * routers stay float32; what is most sensitive gets a wider type than asked for.  out
 * appears only when it is whole; what was there before is replaced.  The same bytes for
 * any number of threads. */
TIEFSEE_API tiefsee_status tiefsee_quantize(const char *in, const char *out,
                                            const tiefsee_quantize_options *opt,
                                            tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* ------------------------------------------------------------------ tokens */

/* Encode n bytes of text (any bytes; invalid UTF-8 is encoded byte by byte).
 * *n_tokens is set to the number needed even if it exceeds cap; tokens beyond
 * cap are not written.  with_special: texts such as "<think>" become their
 * single token; leave it false for anything a user typed. */
TIEFSEE_API tiefsee_status tiefsee_tokenize(const tiefsee_model *model, const char *text, size_t n,
                                            bool with_special, tiefsee_token *tokens, size_t cap,
                                            size_t *n_tokens,
                                            tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* The bytes of one token, valid as long as the model; may be part of a UTF-8
 * character.  Special tokens give their text.  NULL if there is no such id. */
TIEFSEE_API const char *tiefsee_token_bytes(const tiefsee_model *model, tiefsee_token token,
                                            size_t *n);

TIEFSEE_API tiefsee_token tiefsee_token_bos(const tiefsee_model *model); /* -1 if none */
TIEFSEE_API tiefsee_token tiefsee_token_eos(const tiefsee_model *model); /* -1 if none */

/* -------------------------------------------------------------------- chat */

typedef enum tiefsee_role {
    TIEFSEE_SYSTEM = 0,
    TIEFSEE_USER = 1,
    TIEFSEE_ASSISTANT = 2,
    TIEFSEE_TOOL = 3 /* what a tool answered to a call of the assistant */
} tiefsee_role;

typedef struct tiefsee_tool_call {
    const char *id; /* the caller's name for it; NULL if none */
    const char *name;
    const char *arguments; /* a JSON object, as text */
} tiefsee_tool_call;

/* Strings are UTF-8 and NUL-terminated. */
typedef struct tiefsee_message {
    tiefsee_role role;
    const char *content;            /* NULL: none; only where there are calls */
    const char *reasoning;          /* assistant turns only; NULL if none */
    const tiefsee_tool_call *calls; /* assistant turns only: what it asked for */
    size_t n_calls;
    const char *call_id; /* tool turns only: whose answer it is; NULL: the next call's */
} tiefsee_message;

/* What the model may call. */
typedef struct tiefsee_tool {
    const char *name;
    const char *description; /* NULL: none */
    const char *parameters;  /* a JSON Schema, as text; NULL: none */
} tiefsee_tool;

typedef struct tiefsee_chat_options {
    size_t size;
    bool no_thinking;          /* ask for an answer without reasoning, where the model knows how */
    bool continues;            /* the last message is the assistant's beginning, to be continued */
    const tiefsee_tool *tools; /* told to the model, where its chat format has tool calls */
    size_t n_tools;
} tiefsee_chat_options;

/* Render a conversation that ends with a user's or a tool's turn (or see continues),
 * exactly as the model's own chat format has it, into tokens (counted and cut as in
 * tiefsee_tokenize). */
TIEFSEE_API tiefsee_status tiefsee_chat_encode(const tiefsee_model *model,
                                               const tiefsee_message *messages, size_t n_messages,
                                               const tiefsee_chat_options *opt,
                                               tiefsee_token *tokens, size_t cap, size_t *n_tokens,
                                               tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* ---------------------------------------------------------------- sessions */

typedef struct tiefsee_session_options {
    size_t size;
    size_t n_ctx; /* 0: min(4096, what the model declares) */
} tiefsee_session_options;

/* Reserve everything a session will ever need; refuses with TIEFSEE_E_NOMEM,
 * naming the plan, before it allocates. */
TIEFSEE_API tiefsee_status tiefsee_session_open(tiefsee_session **out, tiefsee_model *model,
                                                const tiefsee_session_options *opt,
                                                tiefsee_error *err) TIEFSEE_MUST_CHECK;
TIEFSEE_API void tiefsee_session_close(tiefsee_session *s);

/* Append tokens to the context.  Either all of them are in the cache
 * afterwards or none; TIEFSEE_E_LIMIT says they would not fit. */
TIEFSEE_API tiefsee_status tiefsee_session_feed(tiefsee_session *s, const tiefsee_token *tokens,
                                                size_t n_tokens,
                                                tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* As feed, and on_logits(user, i, row) for every position: the n_vocab logits
 * after tokens[i].  Called on the calling thread; row is valid during the call. */
typedef void tiefsee_on_logits(void *user, size_t i, const float *row);
TIEFSEE_API tiefsee_status tiefsee_session_feed_all(tiefsee_session *s, const tiefsee_token *tokens,
                                                    size_t n_tokens, tiefsee_on_logits *on_logits,
                                                    void *user,
                                                    tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* Progress of a long feed: called on the calling thread between chunks. */
typedef void tiefsee_on_progress(void *user, size_t done, size_t total);
TIEFSEE_API void tiefsee_session_on_progress(tiefsee_session *s, tiefsee_on_progress *on_progress,
                                             void *user);

/* The n_vocab logits after the last fed token; NULL before the first feed. */
TIEFSEE_API const float *tiefsee_session_logits(const tiefsee_session *s);

TIEFSEE_API size_t tiefsee_session_length(const tiefsee_session *s);   /* tokens in the cache */
TIEFSEE_API size_t tiefsee_session_capacity(const tiefsee_session *s); /* n_ctx */

/* The tokens in the cache, valid until the next feed. */
TIEFSEE_API const tiefsee_token *tiefsee_session_tokens(const tiefsee_session *s);

/* Drop everything behind the first n tokens; logits are gone until the next feed. */
TIEFSEE_API void tiefsee_session_rewind(tiefsee_session *s, size_t n);

/* Make the context be exactly these tokens, keeping the longest common prefix. */
TIEFSEE_API tiefsee_status tiefsee_session_set(tiefsee_session *s, const tiefsee_token *tokens,
                                               size_t n_tokens, size_t *n_reused,
                                               tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* Stop a running feed or generate with TIEFSEE_E_CANCELLED, within one step.
 * The only call that may come from another thread or a signal handler while one
 * is running.  The mark stays until the stopped call has returned. */
TIEFSEE_API void tiefsee_session_cancel(tiefsee_session *s);

/* ---------------------------------------------------------------- sampling */

typedef struct tiefsee_logit_bias {
    tiefsee_token token;
    float bias;
} tiefsee_logit_bias;

/* Applied in this order: bias, penalties, temperature, top-k, top-p, min-p.
 * All zero is greedy. */
typedef struct tiefsee_sampling {
    size_t size;
    float temperature;        /* 0: greedy */
    int top_k;                /* 0: off */
    float top_p;              /* 0 or 1: off */
    float min_p;              /* 0: off */
    float repetition_penalty; /* 0 or 1: off; over the last repetition_window tokens */
    float presence_penalty, frequency_penalty; /* over generated tokens */
    int repetition_window;                     /* 0: 64 */
    uint64_t seed;
    const tiefsee_logit_bias *bias;
    size_t n_bias;
} tiefsee_sampling;

typedef struct tiefsee_token_logprob {
    tiefsee_token token;
    float logprob; /* natural logarithm, of the model's own distribution (before sampling) */
} tiefsee_token_logprob;

/* The sampling that the model's makers recommend. */
TIEFSEE_API void tiefsee_model_sampling(const tiefsee_model *model, tiefsee_sampling *out);

/* -------------------------------------------------------------- generation */

typedef enum tiefsee_channel {
    TIEFSEE_CONTENT = 0,
    TIEFSEE_REASONING = 1,
    TIEFSEE_CALLS = 2 /* tool calls as the model writes them, see splits_calls */
} tiefsee_channel;

typedef enum tiefsee_finish {
    TIEFSEE_FINISH_STOP = 0,     /* end token or stop string */
    TIEFSEE_FINISH_LENGTH = 1,   /* max_tokens or the context is full */
    TIEFSEE_FINISH_CANCELLED = 2 /* tiefsee_session_cancel() or on_text returned false */
} tiefsee_finish;

/* One piece of the answer: whole UTF-8 characters, never half of one, never a
 * part of a stop string.  A token may give no text yet, or text of several. */
typedef struct tiefsee_piece {
    tiefsee_channel channel;
    const char *text;
    size_t n;
    tiefsee_token token; /* the token that completed it */
    float logprob;
    const tiefsee_token_logprob *top; /* n_top of them, if asked for */
    size_t n_top;
    size_t index; /* of that token in the answer: several pieces can belong to one */
} tiefsee_piece;

typedef struct tiefsee_generate_options {
    size_t size;
    tiefsee_sampling sampling;
    size_t max_tokens; /* 0: until the context is full */
    const char *const *stop;
    size_t n_stop;         /* at most 16 */
    size_t n_top_logprobs; /* 0..20 */
    bool ignore_eos;       /* benchmarks */
    bool raw;              /* no splitting into channels: everything is content */
    bool in_reasoning;     /* the prompt ended inside a reasoning block */
    bool (*on_piece)(void *user, const tiefsee_piece *piece); /* calling thread; false stops */
    void *user;
    bool splits_calls; /* what follows the marker of tool calls goes to TIEFSEE_CALLS; else
                        * such markers have no text */
} tiefsee_generate_options;

typedef struct tiefsee_generate_result {
    tiefsee_finish finish;
    size_t n_generated, n_reasoning; /* tokens; reasoning is part of generated */
    double first_token_s, total_s;   /* seconds from the call */
    int stop_index;                  /* which stop string; -1: a token */
} tiefsee_generate_result;

/* Sample, append, repeat.  The context must hold a prompt.  Cancelling is a
 * result (TIEFSEE_FINISH_CANCELLED), not an error. */
TIEFSEE_API tiefsee_status tiefsee_session_generate(tiefsee_session *s,
                                                    const tiefsee_generate_options *opt,
                                                    tiefsee_generate_result *result,
                                                    tiefsee_error *err) TIEFSEE_MUST_CHECK;

/* True if the prompt that tiefsee_chat_encode() made with these options ends
 * inside a reasoning block (pass it on as in_reasoning). */
TIEFSEE_API bool tiefsee_chat_opens_reasoning(const tiefsee_model *model,
                                              const tiefsee_chat_options *opt);

#ifdef __cplusplus
}
#endif
#endif
