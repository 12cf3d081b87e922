/* answer.c - see answer.h. */
#include "cli/answer.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int ts_cli_open_talk(ts_talk *t, tiefsee_model *model)
{
    const ts_settings *s = &ts_settings_now;
    tiefsee_model_info info = {0};
    tiefsee_error err = {0};

    *t = (ts_talk){0};
    tiefsee_model_describe(model, &info);
    if (!info.has_tokenizer)
        return ts_cli_error(TS_EXIT_ERROR, "%s has no tokenizer, so it cannot talk", info.name);
    if (!*info.encoding)
        return ts_cli_error(TS_EXIT_ERROR, "%s has no chat format that is known", info.name);
    if (ts_talk_open(t, model, (size_t)s->n_ctx, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    ts_cli_sampling(model, &t->sampling);
    t->max_tokens = (size_t)s->max_tokens;
    t->stop = s->stop.at;
    t->n_stop = s->stop.n;
    t->no_thinking = s->no_thinking;
    if (ts_conversation_set_system(&t->messages, s->system, &err) != TIEFSEE_OK) {
        ts_talk_close(t);
        return ts_cli_fail(&err);
    }
    return TS_EXIT_NONE;
}

ts_view ts_cli_view(void)
{
    return (ts_view){
        .is_out_pretty = ts_cli_is_pretty(STDOUT_FILENO),
        .is_err_pretty = ts_cli_is_pretty(STDERR_FILENO),
        .is_out_terminal = isatty(STDOUT_FILENO) != 0,
        .is_err_terminal = isatty(STDERR_FILENO) != 0,
        .hides_thinking = ts_settings_now.hides_thinking,
    };
}

size_t ts_cli_trim_end(ts_buf *text)
{
    while (text->len > 0 && strchr(" \t\r\n", text->ptr[text->len - 1]) &&
           text->ptr[text->len - 1] != '\0')
        text->len--;
    text->ptr[text->len] = '\0';
    return text->len;
}
