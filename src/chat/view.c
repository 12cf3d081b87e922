/* view.c - see view.h. */
#include "chat/view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/utf8.h"

static const char DIM[] = "\033[2m", PLAIN[] = "\033[0m", ERASE[] = "\r\033[K";
static const double PATIENCE_S = 2, REDRAW_S = 0.1;

const char *ts_text_of_count(char text[TS_NUMBER_MAX], uint64_t n)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    int at = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static const char *scaled(char text[TS_NUMBER_MAX], uint64_t n, const char *const *units)
{
    double v = (double)n;
    size_t unit = 0;

    for (; v >= 999.95 && units[unit + 1]; unit++)
        v /= 1000;
    (void)snprintf(text, TS_NUMBER_MAX, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return text;
}

const char *ts_text_of_size(char text[TS_NUMBER_MAX], uint64_t n)
{
    static const char *const units[] = {"", "K", "M", "B", "T", NULL};
    return scaled(text, n, units);
}

const char *ts_text_of_bytes(char text[TS_NUMBER_MAX], uint64_t n)
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB", NULL};
    return scaled(text, n, units);
}

void ts_view_note(const ts_view *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs(v->is_err_pretty ? DIM : "", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputs(v->is_err_pretty ? PLAIN : "", stderr);
    (void)fputc('\n', stderr);
    va_end(args);
}

/* Bytes of the control character at s (C0, DEL, C1), 0 if it is none. */
static size_t control_at(const char *s, size_t n)
{
    const unsigned char c = (unsigned char)*s;

    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        return 1;
    if (c == 0xc2 && n > 1 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
        return 2;
    return 0;
}

static void put_text(FILE *to, bool is_terminal, const char *s, size_t n)
{
    size_t done = 0;

    for (size_t i = 0; is_terminal && i < n;) {
        const size_t skip = control_at(s + i, n - i);
        if (skip == 0) {
            i++;
            continue;
        }
        (void)fwrite(s + done, 1, i - done, to);
        (void)fputs("\xef\xbf\xbd", to);
        done = i += skip;
    }
    (void)fwrite(s + done, 1, n - done, to);
    (void)fflush(to);
}

void ts_view_begin(ts_view *v)
{
    v->is_thinking = v->has_thought = v->is_line_open = v->shows_progress = false;
    v->progress_started = ts_clock_seconds();
    v->progress_shown = 0;
}

static void erase_progress(ts_view *v)
{
    if (v->shows_progress)
        (void)fputs(ERASE, stderr);
    v->shows_progress = false;
}

void ts_view_progress(ts_view *v, size_t done, size_t total)
{
    const double now = ts_clock_seconds(), spent = now - v->progress_started;
    char a[TS_NUMBER_MAX], b[TS_NUMBER_MAX];

    if (!v->is_err_pretty || spent < PATIENCE_S || now - v->progress_shown < REDRAW_S)
        return;
    v->shows_progress = true;
    v->progress_shown = now;
    (void)fprintf(stderr, "%s%sreading: %s of %s tokens, %.0f tokens/s%s", ERASE, DIM,
                  ts_text_of_count(a, done), ts_text_of_count(b, total), (double)done / spent,
                  PLAIN);
    (void)fflush(stderr);
}

static void end_thinking(ts_view *v)
{
    if (!v->is_thinking)
        return;
    v->is_thinking = false;
    if (v->is_err_pretty)
        (void)fputs(PLAIN, stderr);
    if (v->is_line_open)
        (void)fputc('\n', stderr);
    if (v->is_err_pretty)
        (void)fputc('\n', stderr); /* air between thinking and answer */
    v->is_line_open = false;
}

static void show_thinking(ts_view *v, const char *text, size_t n)
{
    if (!v->is_thinking) {
        /* The model's first line break would be an empty line. */
        for (; n > 0 && !v->has_thought && (*text == '\n' || *text == ' '); n--)
            text++;
        if (n == 0)
            return;
        v->is_thinking = v->has_thought = true;
        if (v->is_err_pretty)
            (void)fputs(DIM, stderr);
    }
    put_text(stderr, v->is_err_terminal, text, n);
    v->is_line_open = text[n - 1] != '\n';
}

void ts_view_piece(ts_view *v, const tiefsee_piece *piece)
{
    if (piece->n == 0)
        return;
    erase_progress(v);
    if (piece->channel == TIEFSEE_REASONING) {
        if (!v->hides_thinking)
            show_thinking(v, piece->text, piece->n);
        return;
    }
    end_thinking(v);
    put_text(stdout, v->is_out_terminal, piece->text, piece->n);
    v->is_line_open = piece->text[piece->n - 1] != '\n';
}

void ts_view_end(ts_view *v)
{
    erase_progress(v);
    end_thinking(v);
    if (v->is_line_open)
        (void)fputc('\n', stdout);
    v->is_line_open = false;
    (void)fflush(stdout);
}

static double rate(size_t n, double seconds)
{
    return n > 0 && seconds > 0 ? (double)n / seconds : 0;
}

void ts_view_timings(const ts_view *v, const ts_answer *a)
{
    const double decode_s = a->total_s - a->first_token_s;
    const size_t n_decoded = a->n_generated > 1 ? a->n_generated - 1 : 0;

    ts_view_note(v,
                 "%zu tokens in (%zu cached), %.1f tokens/s; %zu out, %.1f tokens/s; "
                 "first after %.2f s, all after %.2f s",
                 a->n_prompt, a->n_reused, rate(a->n_prompt - a->n_reused, a->prefill_s),
                 a->n_generated, rate(n_decoded, decode_s), a->first_token_s, a->total_s);
}
