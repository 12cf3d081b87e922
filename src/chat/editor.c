/* editor.c - see editor.h.
 *
 * libedit's wide interface is used throughout, since its narrow one cannot hand
 * over a character that is not ASCII.  Two things it lacks are added as editor
 * functions of our own: bracketed paste (xterm's ESC [ 200 ~ ... ESC [ 201 ~) and
 * Ctrl-C as a key, for which the terminal's signal characters are switched off
 * while a line is edited (so Ctrl-Z is a key of ours too).
 */
#include "chat/editor.h"

#include <fcntl.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "core/alloc.h"
#include "core/utf8.h"

enum {
    MAX_MESSAGE = 16 << 20,
    MAX_PASTES = 32,
    LONG_PASTE = 400, /* characters that are still shown as they are */
    HISTORY_LINES = 1000,
    HISTORY_ENTRY_MAX = 4096
};

struct ts_editor {
    EditLine *el;
    HistoryW *history;
    const char *history_path; /* owned; NULL: none */
    bool is_pretty, has_escapes, was_interrupted, is_continued;
    ts_buf pastes[MAX_PASTES]; /* of the message that is being typed */
    size_t n_pastes;
    bool is_hushed;
    struct termios loud; /* the terminal before it was hushed */
};

static bool append_wide(ts_buf *to, const wchar_t *s, size_t n)
{
    bool is_good = true;

    for (size_t i = 0; i < n && is_good; i++) {
        char bytes[4];
        const uint32_t code = (uint32_t)s[i];
        const bool is_scalar = code < 0x110000 && (code < 0xd800 || code > 0xdfff);

        is_good = ts_buf_append(to, bytes, ts_utf8_encode(is_scalar ? code : 0xfffd, bytes));
    }
    return is_good;
}

static wchar_t *prompt(EditLine *el)
{
    static wchar_t first[] = L"\1\033[1m\1>\1\033[0m\1 ", first_plain[] = L"> ", more[] = L". ";
    ts_editor *e = NULL;

    (void)el_wget(el, EL_CLIENTDATA, &e);
    return e->is_continued ? more : e->is_pretty ? first : first_plain;
}

static unsigned char on_interrupt(EditLine *el, wint_t key)
{
    ts_editor *e = NULL;

    (void)key;
    (void)el_wget(el, EL_CLIENTDATA, &e);
    e->was_interrupted = true;
    return CC_NEWLINE;
}

static unsigned char on_suspend(EditLine *el, wint_t key)
{
    (void)key;
    (void)el_wset(el, EL_PREP_TERM, 0);
    (void)raise(SIGTSTP);
    (void)el_wset(el, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

/* Read up to the end of the paste; line ends become '\n', other control
 * characters are dropped. */
static bool read_paste(EditLine *el, ts_buf *to)
{
    static const wchar_t end[] = L"\033[201~";
    const size_t n_end = sizeof end / sizeof *end - 1;
    size_t matched = 0;
    wchar_t c, last = 0;
    bool is_good = true;

    while (matched < n_end) {
        if (el_wgetc(el, &c) != 1)
            return false;
        if (c == end[matched]) {
            matched++;
            continue;
        }
        /* A broken-off end sequence is dropped: it is not text. */
        matched = c == end[0];
        if (matched)
            continue;
        if (c == '\n' && last == '\r') {
            last = c;
            continue;
        }
        last = c;
        if (c == '\r')
            c = '\n';
        if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f && (c < 0x80 || c >= 0xa0)))
            is_good = is_good && append_wide(to, &c, 1);
    }
    return is_good;
}

static size_t count_lines(const ts_buf *text)
{
    size_t n = 1;

    for (size_t i = 0; i + 1 < text->len; i++)
        n += text->ptr[i] == '\n';
    return n;
}

static bool insert_utf8(EditLine *el, const char *text, size_t n)
{
    wchar_t wide[LONG_PASTE + 1];
    size_t n_wide = 0;

    for (size_t i = 0; i < n && n_wide < LONG_PASTE;) {
        uint32_t code;
        const size_t bytes = ts_utf8_decode(text + i, n - i, &code);

        wide[n_wide++] = bytes ? (wchar_t)code : 0xfffd;
        i += bytes ? bytes : 1;
    }
    wide[n_wide] = 0;
    return el_winsertstr(el, wide) == 0;
}

static unsigned char on_paste(EditLine *el, wint_t key)
{
    ts_editor *e = NULL;
    char name[64];
    int n;

    (void)key;
    (void)el_wget(el, EL_CLIENTDATA, &e);
    if (e->n_pastes == MAX_PASTES)
        return CC_ERROR;

    ts_buf *text = &e->pastes[e->n_pastes];
    *text = ts_buf_make(MAX_MESSAGE);
    const bool is_good = read_paste(el, text);
    if (!is_good || text->len == 0) {
        ts_buf_free(text);
        return is_good ? CC_REFRESH : CC_ERROR;
    }
    if (!memchr(text->ptr, '\n', text->len) && text->len <= LONG_PASTE) {
        const bool fits = insert_utf8(el, text->ptr, text->len);
        ts_buf_free(text);
        return fits ? CC_REFRESH : CC_ERROR;
    }
    e->n_pastes++;
    n = snprintf(name, sizeof name, "[paste %zu: %zu lines]", e->n_pastes, count_lines(text));
    return insert_utf8(el, name, (size_t)n) ? CC_REFRESH : CC_ERROR;
}

static void bind_keys(EditLine *el)
{
    static const wchar_t *const keys[][2] = {
        {L"\033[200~", L"ts-paste"},
        {L"^C", L"ts-interrupt"},
        {L"^Z", L"ts-suspend"},
        {L"^R", L"em-inc-search-prev"},
        {L"\033[3~", L"ed-delete-next-char"},
        {L"\033[H", L"ed-move-to-beg"},
        {L"\033[F", L"ed-move-to-end"},
        {L"\033[1~", L"ed-move-to-beg"},
        {L"\033[4~", L"ed-move-to-end"},
        {L"\033[1;5C", L"em-next-word"},
        {L"\033[1;5D", L"ed-prev-word"},
        {L"^W", L"ed-delete-prev-word"},
    };

    (void)el_wset(el, EL_EDITOR, L"emacs");
    (void)el_wset(el, EL_ADDFN, L"ts-paste", L"take a bracketed paste", on_paste);
    (void)el_wset(el, EL_ADDFN, L"ts-interrupt", L"give the line up", on_interrupt);
    (void)el_wset(el, EL_ADDFN, L"ts-suspend", L"let the shell have the terminal", on_suspend);
    for (size_t i = 0; i < TS_COUNT(keys); i++)
        (void)el_wset(el, EL_BIND, keys[i][0], keys[i][1], NULL);
    (void)el_wset(el, EL_SETTY, L"-d", L"-isig", NULL);
}

/* The file is created here so that nobody else can read it, whatever the umask. */
static void open_history(ts_editor *e, const char *path)
{
    HistEventW event;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    (void)fchmod(fd, 0600);
    (void)close(fd);
    e->history_path = ts_strdup_n(path, strlen(path));
    if (e->history_path)
        (void)history_w(e->history, &event, H_LOAD, e->history_path);
}

ts_editor *ts_editor_open(const char *history, bool is_pretty, bool has_escapes)
{
    ts_editor *e = ts_alloc_zero(1, sizeof *e);
    HistEventW event;

    if (!e)
        return NULL;
    e->is_pretty = is_pretty;
    e->has_escapes = has_escapes;
    e->el = el_init("tiefsee", stdin, stderr, stderr);
    e->history = history_winit();
    if (!e->el || !e->history) {
        ts_editor_close(e);
        return NULL;
    }
    (void)el_wset(e->el, EL_CLIENTDATA, e);
    (void)el_wset(e->el, EL_PROMPT_ESC, prompt, L'\1');
    (void)history_w(e->history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history_w(e->history, &event, H_SETUNIQUE, 1);
    (void)el_wset(e->el, EL_HIST, history_w, e->history);
    bind_keys(e->el);
    if (history)
        open_history(e, history);
    return e;
}

void ts_editor_close(ts_editor *e)
{
    HistEventW event;

    if (!e)
        return;
    if (e->history_path)
        (void)history_w(e->history, &event, H_SAVE, e->history_path);
    if (e->history)
        history_wend(e->history);
    if (e->el)
        el_end(e->el);
    for (size_t i = 0; i < e->n_pastes; i++)
        ts_buf_free(&e->pastes[i]);
    ts_free((void *)e->history_path);
    ts_free(e);
}

void ts_editor_hush(ts_editor *e, bool is_hushed)
{
    struct termios quiet;

    if (!is_hushed) {
        if (e->is_hushed)
            (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &e->loud);
        e->is_hushed = false;
        return;
    }
    if (e->is_hushed || tcgetattr(STDIN_FILENO, &e->loud) != 0)
        return;
    quiet = e->loud;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    e->is_hushed = tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet) == 0;
}

/* The line with its pastes in place. */
static bool expand_pastes(const ts_editor *e, const ts_buf *line, ts_buf *out)
{
    const char *rest = line->ptr;

    for (size_t i = 0; i < e->n_pastes; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "[paste %zu: %zu lines]", i + 1,
                       count_lines(&e->pastes[i]));
        const char *at = strstr(rest, name);
        if (!at)
            continue; /* the user deleted it */
        if (!ts_buf_append(out, rest, (size_t)(at - rest)) ||
            !ts_buf_append(out, e->pastes[i].ptr, e->pastes[i].len))
            return false;
        rest = at + strlen(name);
    }
    return ts_buf_append_str(out, rest);
}

/* One line as it was typed, without its line break. */
static ts_typed read_line(ts_editor *e, ts_buf *line)
{
    int n = 0;

    e->was_interrupted = false;
    /* Before the prompt: a key that answers it at once would else be read by the
     * terminal's own line editing, where Ctrl-D is lost. */
    (void)el_wset(e->el, EL_PREP_TERM, 1);
    (void)fputs(e->has_escapes ? "\033[?2004h" : "", stderr);
    const wchar_t *text = el_wgets(e->el, &n);
    (void)fputs(e->has_escapes ? "\033[?2004l" : "", stderr);
    (void)fflush(stderr);
    if (e->was_interrupted) {
        (void)fputs("^C\n", stderr);
        return n > 0 || e->is_continued ? TS_TYPED_INTERRUPT : TS_TYPED_NOTHING;
    }
    if (!text || n <= 0)
        return TS_TYPED_END;
    if (text[n - 1] == '\n')
        n--;
    return append_wide(line, text, (size_t)n) && ts_buf_append(line, "", 0) ? TS_TYPED_MESSAGE
                                                                            : TS_TYPED_INTERRUPT;
}

static void remember(ts_editor *e, const ts_buf *text)
{
    HistEventW event;
    wchar_t wide[HISTORY_ENTRY_MAX];
    size_t n = 0;

    for (size_t i = 0; i < text->len; n++) {
        uint32_t code;
        const size_t bytes = ts_utf8_decode(text->ptr + i, text->len - i, &code);

        if (n + 1 >= HISTORY_ENTRY_MAX)
            return; /* too long to be called back */
        wide[n] = bytes ? (wchar_t)code : 0xfffd;
        i += bytes ? bytes : 1;
    }
    wide[n] = 0;
    if (n > 0)
        (void)history_w(e->history, &event, H_ENTER, wide);
}

/* Whether text wants another line: an open block of three quotes, or a
 * backslash at the end, which is taken off. */
static bool wants_more(ts_buf *text)
{
    static const char quotes[] = "\"\"\"";

    if (strncmp(text->ptr, quotes, 3) == 0) {
        const bool is_closed = text->len >= 6 && strcmp(text->ptr + text->len - 3, quotes) == 0;
        if (is_closed) {
            text->len -= 6;
            memmove(text->ptr, text->ptr + 3, text->len);
            text->ptr[text->len] = '\0';
        }
        return !is_closed;
    }
    if (text->len > 0 && text->ptr[text->len - 1] == '\\') {
        text->ptr[--text->len] = '\0';
        return true;
    }
    return false;
}

ts_typed ts_editor_read(ts_editor *e, ts_buf *out)
{
    ts_buf line = ts_buf_make(MAX_MESSAGE);
    ts_typed typed;

    ts_buf_clear(out);
    e->is_continued = false;
    do {
        ts_buf_clear(&line);
        typed = read_line(e, &line);
        if (typed != TS_TYPED_MESSAGE)
            break;
        const bool is_good = (!e->is_continued || ts_buf_append(out, "\n", 1)) &&
                             expand_pastes(e, &line, out) && ts_buf_append(out, "", 0);
        if (!is_good)
            typed = TS_TYPED_INTERRUPT;
        for (size_t i = 0; i < e->n_pastes; i++)
            ts_buf_free(&e->pastes[i]);
        e->n_pastes = 0;
        e->is_continued = true;
    } while (typed == TS_TYPED_MESSAGE && wants_more(out));
    if (typed == TS_TYPED_MESSAGE)
        remember(e, out);
    ts_buf_free(&line);
    return typed;
}
