/* test_tasks.c - problems: made again they are the same, their answers are right, and
 * nothing that is tested is ever trained on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"
#include "formats/toolcalls.h"
#include "train/tasks/beyond_list.h"
#include "train/tasks/facts.h"
#include "train/tasks/task.h"

enum { N_ITEMS = 400 };

static ts_str text_of(const ts_buf *b)
{
    return (ts_str){b->ptr, b->len};
}

static void make(ts_item *it, const ts_item_spec *spec)
{
    tiefsee_error err = {0};

    if (ts_item_make(it, spec, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void every_family_makes_items_whose_answers_its_judge_accepts(void **state)
{
    ts_item it = ts_item_empty();
    ts_buf text = ts_buf_make(1 << 16);

    (void)state;
    for (size_t f = 0; f < ts_n_all_families; f++)
        for (uint64_t i = 0; i < N_ITEMS; i++) {
            const ts_item_spec spec = {.seed = 1,
                                       .index = i,
                                       .family = &ts_families[f],
                                       .split = (ts_split)(i % 3),
                                       .lang = -1,
                                       .mistakes = 50,
                                       .has_new_phrase = i % 5 == 0};
            make(&it, &spec);
            ts_buf_clear(&text);
            assert_true(ts_buf_append_str(&text, "<think>"));
            assert_true(ts_buf_append(&text, it.trace.ptr, it.trace.len));
            assert_true(ts_buf_append_str(&text, "</think>"));
            assert_true(ts_buf_append(&text, it.answer.ptr, it.answer.len));
            const ts_verdict v = ts_judge(&it, text_of(&text), true);
            if (!v.is_formed || !v.is_correct)
                fail_msg("%s: %s: %s (%s)", it.family->name, it.question.ptr, text.ptr,
                         it.truth.ptr);
            const ts_verdict direct = ts_judge(&it, text_of(&it.answer), false);
            assert_true(direct.is_formed && direct.is_correct);
            assert_true(ts_utf8_is_valid(it.question.ptr, it.question.len));
            for (size_t k = 0; k < it.n_unlearned; k++)
                assert_true(it.unlearned[k].end <= it.trace.len &&
                            it.unlearned[k].begin < it.unlearned[k].end);
            assert_null(strstr(it.question.ptr, "{")); /* every gap was filled */
        }
    ts_buf_free(&text);
    ts_item_free(&it);
}

/* The answer of one problem is not accepted for another, except where both are right. */
static void judges_refuse_the_answers_of_other_problems(void **state)
{
    ts_item a = ts_item_empty(), b = ts_item_empty();

    (void)state;
    for (size_t f = 0; f < ts_n_all_families; f++) {
        size_t n_accepted = 0;

        if (!ts_families[f].thinks)
            continue;
        for (uint64_t i = 0; i < N_ITEMS; i++) {
            ts_item_spec spec = {.seed = 2, .index = i, .family = &ts_families[f], .lang = 0};
            make(&a, &spec);
            spec.index = i + 1;
            make(&b, &spec);
            n_accepted += ts_judge(&a, text_of(&b.answer), false).is_correct;
        }
        if (n_accepted > N_ITEMS * 6 / 10)
            fail_msg("%s: %zu of %d answers of others are accepted", ts_families[f].name,
                     n_accepted, N_ITEMS);
    }
    ts_item_free(&a);
    ts_item_free(&b);
}

static void the_same_spec_gives_the_same_item(void **state)
{
    ts_item a = ts_item_empty(), b = ts_item_empty();

    (void)state;
    for (uint64_t i = 0; i < N_ITEMS; i++) {
        const ts_item_spec spec = {.seed = 3, .index = i, .lang = -1, .mistakes = 10};
        const ts_item_spec other = {.seed = 4, .index = i, .lang = -1, .mistakes = 10};

        make(&a, &spec);
        make(&b, &other);
        make(&b, &spec);
        assert_string_equal(a.question.ptr, b.question.ptr);
        assert_string_equal(a.answer.ptr, b.answer.ptr);
        assert_int_equal(a.trace.len, b.trace.len);
        assert_memory_equal(a.trace.ptr, b.trace.ptr, a.trace.len);
        assert_true(a.lang == b.lang && a.level == b.level && a.family == b.family);
    }
    ts_item_free(&a);
    ts_item_free(&b);
}

enum { N_SLOTS = 1 << 16 };

static bool insert(uint64_t *set, uint64_t h)
{
    size_t i = (size_t)h % N_SLOTS;

    for (; set[i]; i = (i + 1) % N_SLOTS)
        if (set[i] == h)
            return false;
    set[i] = h;
    return true;
}

static bool contains(const uint64_t *set, uint64_t h)
{
    for (size_t i = (size_t)h % N_SLOTS; set[i]; i = (i + 1) % N_SLOTS)
        if (set[i] == h)
            return true;
    return false;
}

/* No problem of the tests is in the training set, in any language or wording, and
 * no question is, word for word. */
static void tests_and_training_share_no_problem(void **state)
{
    static uint64_t keys[N_SLOTS], questions[N_SLOTS];
    ts_item it = ts_item_empty();

    (void)state;
    for (size_t f = 0; f < ts_n_all_families; f++) {
        memset(keys, 0, sizeof keys);
        memset(questions, 0, sizeof questions);
        for (uint64_t i = 0; i < 10 * N_ITEMS; i++) {
            const ts_item_spec spec = {
                .seed = 5, .index = i, .family = &ts_families[f], .lang = -1};
            make(&it, &spec);
            (void)insert(keys, ts_hash(it.key.ptr, it.key.len));
            (void)insert(questions, ts_hash(it.question.ptr, it.question.len));
        }
        for (uint64_t i = 0; i < 2 * N_ITEMS; i++) {
            const ts_item_spec spec = {.seed = 6,
                                       .index = i,
                                       .family = &ts_families[f],
                                       .split = i % 2 ? TS_SPLIT_TEST : TS_SPLIT_VALID,
                                       .lang = -1};
            make(&it, &spec);
            assert_int_equal(ts_split_of(text_of(&it.key)), spec.split);
            /* "And times 3?" is not all of the question. */
            if (contains(keys, ts_hash(it.key.ptr, it.key.len)) ||
                (!ts_families[f].has_scene &&
                 contains(questions, ts_hash(it.question.ptr, it.question.len))))
                fail_msg("%s: trained on '%s'", it.family->name, it.question.ptr);
        }
    }
    ts_item_free(&it);
}

/* What a wording is without its case, blanks and marks; all of it, if it has nothing else. */
static uint64_t hash_of_letters(const char *text, size_t n)
{
    static const char *const marks[] = {" ", ".", ",",  ";",  ":",  "!",
                                        "?", "'", "，", "。", "！", "？"};
    char letters[256];
    size_t len = 0;

    assert_true(n < sizeof letters);
    for (size_t i = 0; i < n;) {
        size_t skip = 0;

        for (size_t k = 0; k < TS_COUNT(marks) && skip == 0; k++)
            if (strlen(marks[k]) <= n - i && memcmp(text + i, marks[k], strlen(marks[k])) == 0)
                skip = strlen(marks[k]);
        if (skip == 0)
            letters[len++] =
                (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
        i += skip ? skip : 1;
    }
    return len > 0 ? ts_hash(letters, len) : ts_hash(text, n);
}

/* Calls insert() or checks with contains(); returns how many there are. */
static size_t go_through(const char *forms, uint64_t *set, bool is_held)
{
    size_t n = 0;

    for (const char *p = forms;; p++) {
        const size_t len = strcspn(p, "|");
        const uint64_t h = hash_of_letters(p, len);

        assert_true(len > 0);
        n++;
        if (is_held && contains(set, h))
            fail_msg("trained on and held out: %.*s", (int)len, p);
        if (!is_held)
            (void)insert(set, h);
        p += len;
        if (!*p)
            return n;
    }
}

/* In no language, and of no other fact either. */
static void no_wording_that_is_held_out_is_trained(void **state)
{
    static const ts_facts *const families[] = {&ts_self_facts, &ts_smalltalk_facts};

    (void)state;
    for (size_t f = 0; f < TS_COUNT(families); f++) {
        static uint64_t trained[N_SLOTS];

        memset(trained, 0, sizeof trained);
        for (unsigned is_held = 0; is_held < 2; is_held++)
            for (size_t i = 0; i < TS_N_LANGS * families[f]->n; i++) {
                const ts_wording *w = &families[f]->in[i % TS_N_LANGS][i / TS_N_LANGS];

                if (is_held)
                    assert_true(go_through(w->held, trained, true) >= 4);
                else
                    assert_true(go_through(w->trained, trained, false) >= 12);
            }
    }
}

static ts_verdict judged(const char *family, ts_lang lang, const char *truth, const char *text,
                         bool thinks)
{
    ts_item it = ts_item_empty();

    it.family = ts_family_find(family);
    it.lang = lang;
    assert_non_null(it.family);
    assert_true(ts_buf_append_str(&it.truth, truth));
    const ts_verdict v = ts_judge(&it, ts_str_of(text), thinks);
    ts_item_free(&it);
    return v;
}

static bool accepts(const char *family, ts_lang lang, const char *truth, const char *text)
{
    return judged(family, lang, truth, text, false).is_correct;
}

static void numbers_are_read_as_people_write_them(void **state)
{
    (void)state;
    assert_true(accepts("addition", 0, "1234", "1,234"));
    assert_true(accepts("addition", 0, "1234", "= 01234."));
    assert_true(accepts("addition", TS_LANG_DE, "1234", "1.234"));
    assert_true(accepts("addition", TS_LANG_DE, "2.5", "2,50"));
    assert_true(accepts("addition", 0, "-42", "40 - 82 = -42"));
    assert_true(accepts("addition", 0, "-42",
                        "\xe2\x88\x92"
                        "42"));
    assert_true(accepts("addition", 0, "42", "82-42"));
    assert_true(accepts("addition", 0, "0", "-0"));
    assert_false(accepts("addition", 0, "42", "42 or 43"));
    assert_false(accepts("addition", 0, "42", "-42"));
    assert_false(accepts("addition", 0, "42", "142"));
    assert_false(accepts("addition", 0, "42", ""));
    assert_false(accepts("addition", 0, "42", "4 2"));
    assert_false(accepts("addition", 0, "12345", "1,2345"));
    assert_true(accepts("division", 0, "9 3", "48 : 5 = 9 remainder 3"));
    assert_false(accepts("division", 0, "9 3", "9"));
    assert_true(accepts("ordering", 0, "100 200 300", "100,200,300"));
}

static void countdown_needs_every_number_once_and_the_target(void **state)
{
    static const char *const right[] = {"(3*5)+7 = 22", "22 = 3×5+7", "3*5+7", "So: 7+5*3=22.",
                                        "a\n((3*5)) + (7)\n"};
    static const char *const wrong[] = {"3*5+7 = 23", "22",         "22=22",         "3*7+1=22",
                                        "3*5+7+0=22", "3+5+7+7=22", "(3*5+7",        "3*5+7)",
                                        "3**5+7",     "15+7=22",    "3*5+7=22=22",   "1/0",
                                        "",           "=",          "3*5+7=22 no: 1"};

    (void)state;
    for (size_t i = 0; i < TS_COUNT(right); i++)
        if (!accepts("countdown3", 0, "22 7 5 3", right[i]))
            fail_msg("refused: %s", right[i]);
    for (size_t i = 0; i < TS_COUNT(wrong); i++)
        if (accepts("countdown3", 0, "22 7 5 3", wrong[i]))
            fail_msg("accepted: %s", wrong[i]);
    assert_true(accepts("countdown4", 0, "24 8 3 8 3", "8/(3-(8/3)) = 24"));
}

#define CALL(name, arguments) TS_CALL_BEGIN name TS_CALL_SEP arguments TS_CALL_END

static void calls_are_the_same_in_any_order_and_spelling(void **state)
{
    static const char truth[] = TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
        CALL("f", "{\"a\": \"Oslo\", \"n\": 6}") TS_CALLS_END;
    static const char *const right[] = {
        truth,
        TS_CALLS_BEGIN CALL("f", "{\"n\":6,\"a\":\"oslo\"}") CALL("f", "{\"n\":5.0,\"a\":\"Rome\"}")
            TS_CALLS_END,
        "Let me see." TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
            CALL("f", "{\"a\": \"Oslo\", \"n\": 6}"),
        TS_CALLS_BEGIN TS_CALL_BEGIN "function" TS_CALL_SEP
                                     "f\n```json\n{\"a\": \"Rome\", \"n\": 5}\n```" TS_CALL_END
                                     "\n" TS_CALL_BEGIN "function" TS_CALL_SEP
                                     "f\n```json\n{\"a\": \"Oslo\", \"n\": 6}\n```" TS_CALL_END,
    };
    static const char *const wrong[] = {
        "",
        "f",
        CALL("f", "{\"a\": \"Rome\", \"n\": 5}") CALL("f", "{\"a\": \"Oslo\", \"n\": 6}"),
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}") TS_CALLS_END,
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
            CALL("f", "{\"a\": \"Rome\", \"n\": 5}") TS_CALLS_END,
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
            CALL("g", "{\"a\": \"Oslo\", \"n\": 6}") TS_CALLS_END,
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
            CALL("f", "{\"a\": \"Oslo\", \"n\": \"6\"}") TS_CALLS_END,
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}")
            CALL("f", "{\"a\": \"Oslo\", \"n\": 6, \"x\": 1}") TS_CALLS_END,
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}") TS_CALL_BEGIN
        "f" TS_CALL_SEP "{\"a\": \"Oslo\", \"n\": 6}",
        TS_CALLS_BEGIN CALL("f", "{\"a\": \"Rome\", \"n\": 5}") CALL("f", "[]") TS_CALLS_END,
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(right); i++)
        if (!accepts("tools", 0, truth, right[i]))
            fail_msg("refused: %s", right[i]);
    for (size_t i = 0; i < TS_COUNT(wrong); i++)
        if (accepts("tools", 0, truth, wrong[i]))
            fail_msg("accepted: %s", wrong[i]);
}

/* What stands in front of a question can be rendered, and what was only read there is no
 * problem that is tested. */
static void scenes_end_where_an_answer_begins(void **state)
{
    ts_item it = ts_item_empty();
    size_t n_calls = 0, n_results = 0, n_plain = 0, n_titles = 0;

    (void)state;
    for (size_t f = 0; f < ts_n_all_families; f++)
        for (uint64_t i = 0; i < N_ITEMS; i++) {
            const ts_item_spec spec = {
                .seed = 11, .index = i, .family = &ts_families[f], .lang = -1};
            ts_scene_view v;

            make(&it, &spec);
            ts_item_look(&v, &it);
            const bool is_title = ts_str_starts((ts_str){it.key.ptr, it.key.len}, "title ");
            n_titles += is_title;
            assert_true(v.n > 0 && (v.n > 1 || v.n_tools > 0 || !strcmp(it.family->name, "tools") ||
                                    is_title || !it.family->has_scene));
            assert_int_equal(v.messages[v.n - 1].role,
                             it.is_behind_tool ? TIEFSEE_TOOL : TIEFSEE_USER);
            assert_int_equal(v.n_tools > 0, strcmp(it.family->name, "tools") == 0);
            n_calls += it.has_calls;
            n_results += it.is_behind_tool;
            n_plain += v.n_tools > 0 && !it.has_calls && !it.is_behind_tool;
        }
    assert_true(n_calls > N_ITEMS / 3 && n_results > N_ITEMS / 10 && n_plain > N_ITEMS / 10);
    assert_true(n_titles > N_ITEMS / 50 && n_titles < N_ITEMS / 5);
    ts_item_free(&it);
}

static void the_form_is_one_thinking_and_one_answer(void **state)
{
    static const struct {
        const char *text;
        bool thinks, is_formed;
    } cases[] = {
        {"<think>1+1=2</think>2", true, true},
        {"1+1=2</think>2", true, true},
        {"1+1=2</think>\n\n2", true, true},
        {"1+1=2", true, false},
        {"</think>2", true, false},
        {"1+1=2</think>", true, false},
        {"1</think>2</think>2", true, false},
        {"<think><think>1</think>2", true, false},
        {"1</think><think>2", true, false},
        {"2", false, true},
        {"1+1=2</think>2", false, false},
        {"<think>2", false, false},
        {" ", false, false},
        {"\xff", false, false},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        if (judged("addition", 0, "2", cases[i].text, cases[i].thinks).is_formed !=
            cases[i].is_formed)
            fail_msg("case %zu: %s", i, cases[i].text);
    assert_false(judged("addition", 0, "2", "1+1=2", true).is_correct); /* no answer yet */
}

static void the_two_hundred_questions_beyond_it_are_asked_once_each(void **state)
{
    static uint64_t seen[N_SLOTS];
    ts_item it = ts_item_empty();

    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        const ts_item_spec spec = {.seed = i % 3,
                                   .index = i,
                                   .family = ts_family_find("beyond"),
                                   .split = TS_SPLIT_TEST,
                                   .lang = -1};
        make(&it, &spec);
        assert_true(insert(seen, ts_hash(it.question.ptr, it.question.len)));
    }
    ts_item_free(&it);
}

/* Not even with words around it. */
static void no_question_of_the_list_is_made_for_training(void **state)
{
    ts_item it = ts_item_empty();
    tiefsee_error err;

    (void)state;
    for (uint64_t i = 0; i < 20 * N_ITEMS; i++) {
        const ts_item_spec spec = {
            .seed = 12, .index = i, .family = ts_family_find("beyond"), .lang = -1};

        assert_int_equal(ts_item_make(&it, &spec, &err), TIEFSEE_OK);
        for (size_t k = 0; k < TS_N_BEYOND; k++)
            if (strstr(it.question.ptr, ts_beyond_list[k].question))
                fail_msg("trained on: %s", it.question.ptr);
    }
    ts_item_free(&it);
}

/* A family's level changes what is asked, its language how. */
static void levels_and_languages_are_what_was_asked_for(void **state)
{
    ts_item it = ts_item_empty();
    size_t n_lang[TS_N_LANGS] = {0};
    tiefsee_error err;

    (void)state;
    for (unsigned level = 1; level <= 8; level++)
        for (uint64_t i = 0; i < 50; i++) {
            const ts_item_spec spec = {.seed = 8,
                                       .index = i,
                                       .family = ts_family_find("addition"),
                                       .level = level,
                                       .lang = TS_LANG_ZH};
            make(&it, &spec);
            assert_true(it.lang == TS_LANG_ZH && it.level == level);
            assert_in_range(it.truth.len, 1, level + 2);
        }
    for (uint64_t i = 0; i < 4000; i++) {
        const ts_item_spec spec = {.seed = 9, .index = i, .lang = -1};

        make(&it, &spec);
        n_lang[it.lang]++;
    }
    assert_in_range(n_lang[TS_LANG_EN], 1850, 2150);
    assert_in_range(n_lang[TS_LANG_DE], 850, 1150);
    const ts_item_spec none = {.family = ts_family_find("addition"), .level = 9};
    assert_int_equal(ts_item_make(&it, &none, &err), TIEFSEE_E_INVALID);
    ts_item_free(&it);
}

static void traces_fit_a_short_context(void **state)
{
    ts_item it = ts_item_empty();

    (void)state;
    for (size_t f = 0; f < ts_n_all_families; f++) {
        size_t longest = 0, sum = 0;

        for (uint64_t i = 0; i < N_ITEMS; i++) {
            const ts_item_spec spec = {
                .seed = 7, .index = i, .family = &ts_families[f], .lang = -1, .mistakes = 10};
            make(&it, &spec);
            size_t n = 0; /* characters: about tokens */
            for (size_t k = 0; k < it.trace.len; k++)
                n += ((unsigned char)it.trace.ptr[k] & 0xC0) != 0x80;
            longest = n > longest ? n : longest;
            sum += n;
        }
        print_message("%-14s characters of a trace: mean %zu, longest %zu\n", ts_families[f].name,
                      sum / N_ITEMS, longest);
        assert_true(longest <= 640);
    }
    ts_item_free(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_makes_items_whose_answers_its_judge_accepts),
        cmocka_unit_test(judges_refuse_the_answers_of_other_problems),
        cmocka_unit_test(the_same_spec_gives_the_same_item),
        cmocka_unit_test(tests_and_training_share_no_problem),
        cmocka_unit_test(no_wording_that_is_held_out_is_trained),
        cmocka_unit_test(numbers_are_read_as_people_write_them),
        cmocka_unit_test(countdown_needs_every_number_once_and_the_target),
        cmocka_unit_test(calls_are_the_same_in_any_order_and_spelling),
        cmocka_unit_test(scenes_end_where_an_answer_begins),
        cmocka_unit_test(the_form_is_one_thinking_and_one_answer),
        cmocka_unit_test(the_two_hundred_questions_beyond_it_are_asked_once_each),
        cmocka_unit_test(no_question_of_the_list_is_made_for_training),
        cmocka_unit_test(levels_and_languages_are_what_was_asked_for),
        cmocka_unit_test(traces_fit_a_short_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
