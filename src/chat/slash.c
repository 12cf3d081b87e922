/* slash.c - the commands inside the chat: /help, /set and so on.  All they say
 * goes to stderr; stdout belongs to the answers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chat/chat.h"

typedef struct slash {
    const char *name, *arguments, *help;
    bool (*run)(ts_chat *c, const char *rest); /* false to leave */
} slash;

static bool slash_help(ts_chat *c, const char *rest);

/* ----------------------------------------------------------------- /set */

typedef struct setting {
    const char *name, *help;
    double low, high;
    float *(*number)(ts_chat *c); /* or */
    bool (*set)(ts_chat *c, const char *value);
    void (*show)(const ts_chat *c, char *text, size_t size);
} setting;

static float *temperature(ts_chat *c)
{
    return &c->talk.sampling.temperature;
}

static float *top_p(ts_chat *c)
{
    return &c->talk.sampling.top_p;
}

static float *min_p(ts_chat *c)
{
    return &c->talk.sampling.min_p;
}

static bool set_top_k(ts_chat *c, const char *value)
{
    uint64_t v;

    if (!ts_parse_u64(value, 0, 1 << 21, &v))
        return false;
    c->talk.sampling.top_k = (int)v;
    return true;
}

static void show_top_k(const ts_chat *c, char *text, size_t size)
{
    (void)snprintf(text, size, "%d", c->talk.sampling.top_k);
}

static bool set_seed(ts_chat *c, const char *value)
{
    return ts_parse_u64(value, 0, UINT64_MAX, &c->talk.sampling.seed);
}

static void show_seed(const ts_chat *c, char *text, size_t size)
{
    (void)snprintf(text, size, "%" PRIu64, c->talk.sampling.seed);
}

static bool set_tokens(ts_chat *c, const char *value)
{
    uint64_t v;

    if (!ts_parse_u64(value, 0, 1 << 26, &v))
        return false;
    c->talk.max_tokens = (size_t)v;
    return true;
}

static void show_tokens(const ts_chat *c, char *text, size_t size)
{
    (void)snprintf(text, size, "%zu", c->talk.max_tokens);
}

static bool set_switch(const char *value, bool *to)
{
    *to = strcmp(value, "on") == 0;
    return *to || strcmp(value, "off") == 0;
}

static bool set_timings(ts_chat *c, const char *value)
{
    bool v;

    if (!*value)
        value = "on";
    if (!set_switch(value, &v))
        return false;
    c->shows_timings = v;
    return true;
}

static void show_timings(const ts_chat *c, char *text, size_t size)
{
    (void)snprintf(text, size, "%s", c->shows_timings ? "on" : "off");
}

static bool set_thinking(ts_chat *c, const char *value)
{
    const bool hides = strcmp(value, "hide") == 0;

    if (!hides && strcmp(value, "show") != 0)
        return false;
    c->view.hides_thinking = hides;
    return true;
}

static void show_thinking(const ts_chat *c, char *text, size_t size)
{
    (void)snprintf(text, size, "%s", c->view.hides_thinking ? "hide" : "show");
}

static bool set_system(ts_chat *c, const char *value)
{
    return ts_conversation_set_system(&c->talk.messages, value, NULL) == TIEFSEE_OK;
}

static void show_system(const ts_chat *c, char *text, size_t size)
{
    const char *system = ts_conversation_system(&c->talk.messages);

    (void)snprintf(text, size, "%s", system ? system : "(none)");
}

static const setting settings[] = {
    {"temp", "temperature, 0 is greedy", 0, 10, .number = temperature},
    {"top_p", "choose among the likeliest tokens that make up this share; 1: all", 0, 1,
     .number = top_p},
    {"min_p", "drop tokens less likely than this times the likeliest", 0, 1, .number = min_p},
    {"top_k", "choose among so many likeliest tokens; 0: all", .set = set_top_k,
     .show = show_top_k},
    {"seed", "seed of the sampler", .set = set_seed, .show = show_seed},
    {"tokens", "longest answer; 0: until the context is full", .set = set_tokens,
     .show = show_tokens},
    {"timings", "on, off: tokens per second behind each answer", .set = set_timings,
     .show = show_timings},
    {"thinking", "show, hide: whether thinking is printed", .set = set_thinking,
     .show = show_thinking},
    {"system", "what the model is told before the conversation; empty: nothing", .set = set_system,
     .show = show_system},
};

static void value_of(ts_chat *c, const setting *s, char *text, size_t size)
{
    if (s->number)
        (void)snprintf(text, size, "%g", (double)*s->number(c));
    else
        s->show(c, text, size);
}

static bool assign(ts_chat *c, const setting *s, const char *value)
{
    double v;

    if (!s->number)
        return s->set(c, value);
    if (!ts_parse_double(value, s->low, s->high, &v))
        return false;
    *s->number(c) = (float)v;
    return true;
}

static void list_settings(ts_chat *c)
{
    for (size_t i = 0; i < TS_COUNT(settings); i++) {
        char value[200];

        value_of(c, &settings[i], value, sizeof value);
        (void)fprintf(stderr, "  %-10s %-12s %s\n", settings[i].name, value, settings[i].help);
    }
}

static bool slash_set(ts_chat *c, const char *rest)
{
    const size_t n = strcspn(rest, " \t\n");
    const char *value = rest + n + strspn(rest + n, " \t\n");

    if (n == 0) {
        list_settings(c);
        return true;
    }
    for (size_t i = 0; i < TS_COUNT(settings); i++) {
        char now[200];

        if (strlen(settings[i].name) != n || strncmp(settings[i].name, rest, n) != 0)
            continue;
        if (!assign(c, &settings[i], value)) {
            ts_view_note(&c->view, "(%s cannot be '%s': %s)", settings[i].name, value,
                         settings[i].help);
            return true;
        }
        value_of(c, &settings[i], now, sizeof now);
        ts_view_note(&c->view, "(%s: %s)", settings[i].name, now);
        return true;
    }
    ts_view_note(&c->view, "(no setting '%.*s'; /set alone lists them)", (int)n, rest);
    return true;
}

/* ------------------------------------------------------- the other ones */

static bool slash_show(ts_chat *c, const char *rest)
{
    tiefsee_model_info info = {0};
    char size[TS_NUMBER_MAX], bytes[TS_NUMBER_MAX], used[TS_NUMBER_MAX], all[TS_NUMBER_MAX];

    (void)rest;
    tiefsee_model_describe(c->talk.model, &info);
    (void)fprintf(stderr, "  model      %s\n", info.name);
    (void)fprintf(stderr, "  kind       %s, %s parameters, %s of weights (%s)\n", info.architecture,
                  ts_text_of_size(size, info.n_parameters),
                  ts_text_of_bytes(bytes, info.weight_bytes), info.weight_types);
    (void)fprintf(stderr, "  format     %s%s\n", *info.encoding ? info.encoding : "(unknown)",
                  info.can_think ? c->talk.no_thinking ? ", not thinking" : ", thinking" : "");
    (void)fprintf(stderr, "  kernels    %s, %d threads\n", info.kernels, info.n_threads);
    (void)fprintf(stderr, "  context    %s of %s tokens used, %zu messages\n",
                  ts_text_of_count(used, tiefsee_session_length(c->talk.session)),
                  ts_text_of_count(all, tiefsee_session_capacity(c->talk.session)),
                  c->talk.messages.n);
    list_settings(c);
    return true;
}

static bool set_no_thinking(ts_chat *c, bool no_thinking)
{
    const tiefsee_chat_options wanted = {.size = sizeof wanted, .no_thinking = no_thinking};
    tiefsee_model_info info = {0};

    tiefsee_model_describe(c->talk.model, &info);
    if (!info.can_think)
        ts_view_note(&c->view, "(this model does not think before it answers)");
    else if (no_thinking && tiefsee_chat_opens_reasoning(c->talk.model, &wanted))
        ts_view_note(&c->view, "(this model always thinks; /set thinking hide only hides it)");
    else {
        c->talk.no_thinking = no_thinking;
        ts_view_note(&c->view, no_thinking ? "(answers at once)" : "(thinks first)");
    }
    return true;
}

static bool slash_think(ts_chat *c, const char *rest)
{
    (void)rest;
    return set_no_thinking(c, false);
}

static bool slash_nothink(ts_chat *c, const char *rest)
{
    (void)rest;
    return set_no_thinking(c, true);
}

static bool slash_clear(ts_chat *c, const char *rest)
{
    (void)rest;
    ts_conversation_clear(&c->talk.messages);
    tiefsee_session_rewind(c->talk.session, 0);
    ts_view_note(&c->view, "(a new conversation)");
    return true;
}

static bool slash_save(ts_chat *c, const char *rest)
{
    tiefsee_error err = {0};

    if (!*rest)
        ts_view_note(&c->view, "(/save FILE)");
    else if (ts_conversation_save(&c->talk.messages, rest, &err) != TIEFSEE_OK)
        (void)fprintf(stderr, "tiefsee: %s\n", err.message);
    else
        ts_view_note(&c->view, "(%zu messages saved in %s)", c->talk.messages.n, rest);
    return true;
}

static bool slash_load(ts_chat *c, const char *rest)
{
    tiefsee_error err = {0};

    if (!*rest)
        ts_view_note(&c->view, "(/load FILE)");
    else if (ts_conversation_load(&c->talk.messages, rest, &err) != TIEFSEE_OK)
        (void)fprintf(stderr, "tiefsee: %s\n", err.message);
    else
        ts_view_note(&c->view, "(%zu messages from %s)", c->talk.messages.n, rest);
    return true;
}

static bool slash_bye(ts_chat *c, const char *rest)
{
    (void)c;
    (void)rest;
    return false;
}

static const slash commands[] = {
    {"help", "", "this list", slash_help},
    {"think", "", "think before answering", slash_think},
    {"nothink", "", "answer at once, where the model knows how", slash_nothink},
    {"set", "NAME VALUE", "change a setting; /set alone lists them", slash_set},
    {"show", "", "the model, the context, the settings", slash_show},
    {"save", "FILE", "save the conversation", slash_save},
    {"load", "FILE", "go on with a saved conversation", slash_load},
    {"clear", "", "forget the conversation", slash_clear},
    {"bye", "", "leave (also Ctrl-D)", slash_bye},
};

static bool slash_help(ts_chat *c, const char *rest)
{
    (void)c;
    (void)rest;
    for (size_t i = 0; i < TS_COUNT(commands); i++) {
        char left[40];

        (void)snprintf(left, sizeof left, "/%s %s", commands[i].name, commands[i].arguments);
        (void)fprintf(stderr, "  %-18s %s\n", left, commands[i].help);
    }
    (void)fprintf(stderr,
                  "  Several lines: paste them, end a line with a backslash, or write\n"
                  "  \"\"\" before the first and behind the last.  Ctrl-C stops an answer.\n");
    return true;
}

/* "/word" alone or with blanks behind it; "/etc/passwd" is a message. */
bool ts_chat_is_command(const char *line)
{
    const size_t n = *line == '/' ? strspn(line + 1, "abcdefghijklmnopqrstuvwxyz?") : 0;

    return n > 0 && strchr(" \t\n", line[1 + n]);
}

bool ts_chat_command(ts_chat *c, const char *line)
{
    const size_t n = strcspn(line + 1, " \t\n");
    const char *rest = line + 1 + n + strspn(line + 1 + n, " \t\n");

    if (n == 1 && line[1] == '?')
        return slash_help(c, rest);
    for (size_t i = 0; i < TS_COUNT(commands); i++)
        if (strlen(commands[i].name) == n && strncmp(commands[i].name, line + 1, n) == 0)
            return commands[i].run(c, rest);
    ts_view_note(&c->view, "(no command '/%.*s'; /help lists them)", (int)n, line + 1);
    return true;
}
