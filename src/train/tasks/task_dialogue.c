/* task_dialogue.c - questions that refer to what was said before.
 *
 * A follow-up is a problem of its own ("and times 3?" behind 58 is 3 * 58) and has that
 * problem's key, so what is tested is never trained on in this guise either. */
#include <stdio.h>
#include <string.h>

#include "formats/title_prompt.h"
#include "train/tasks/maker.h"

typedef enum operation { PLUS, MINUS, TIMES, OVER, N_OPERATIONS } operation;

static const char *const CHANGE[N_OPERATIONS][TS_N_LANGS] = {
    {"Increase it by {0}.|And plus {0}?|and plus {0}?|plus {0}|Add {0}.|Now add {0}.|Add {0} to "
     "that.|+ {0}|+{0}|And {0} more?|Plus {0}?|What is that plus {0}?",
     "Erhöhe das um {0}.|Und plus {0}?|und plus {0}?|plus {0}|Addiere {0}.|Jetzt noch plus "
     "{0}.|Zähle {0} dazu.|+ {0}|+{0}|Plus {0}?|Und {0} dazu?|Wie viel ist das plus {0}?",
     "把它增加{0}。|再加{0}呢？|加{0}呢？|再加上{0}|加{0}|加上{0}等于多少？|+{0}|+ {0}|"
     "然后加{0}呢？"},
    {"Decrease it by {0}.|And minus {0}?|and minus {0}?|minus {0}|Subtract {0}.|Now subtract "
     "{0}.|Take away {0}.|- {0}|-{0}|And {0} less?|Minus {0}?|What is that minus {0}?",
     "Verringere das um {0}.|Und minus {0}?|und minus {0}?|minus {0}|Subtrahiere {0}.|Jetzt noch "
     "minus {0}.|Ziehe {0} ab.|- {0}|-{0}|Minus {0}?|Und {0} weniger?|Wie viel ist das minus {0}?",
     "把它减少{0}。|再减{0}呢？|再减去{0}呢？|减{0}呢？|减去{0}|减{0}等于多少？|-{0}|- {0}|"
     "然后减{0}呢？"},
    {"Take it {0} times.|And times {0}?|and times {0}?|times {0}|Multiply that by {0}.|Now times "
     "{0}.|* {0}|*{0}|Times {0}?|What is that times {0}?|Multiply by {0}.",
     "Nimm das {0}-fach.|Und mal {0}?|und mal {0}?|mal {0}|Multipliziere das mit {0}.|Jetzt mal "
     "{0}.|* {0}|*{0}|Mal {0}?|Wie viel ist das mal {0}?|Und das mal {0}?",
     "取它的{0}倍。|再乘以{0}呢？|乘以{0}呢？|再乘{0}|乘以{0}|乘{0}等于多少？|*{0}|* {0}|"
     "然后乘以{0}呢？"},
    {"Split it by {0}.|And divided by {0}?|and divided by {0}?|divided by {0}|Divide that by "
     "{0}.|Now divide by {0}.|/ {0}|/{0}|What is that divided by {0}?",
     "Zerlege das in {0} Teile.|Und durch {0}?|und durch {0}?|durch {0}|Teile das durch {0}.|Jetzt "
     "durch {0}.|: {0}|/{0}|Wie viel ist das durch {0}?|Und geteilt durch {0}?",
     "把它分成{0}份。|再除以{0}呢？|除以{0}呢？|再除以{0}|除以{0}|除以{0}等于多少？|/{0}|÷{0}|"
     "然后除以{0}呢？"},
};
static const char *const SURE[TS_N_LANGS] = {
    "Verify that.|Are you sure?|are you sure?|Really?|Is that right?|Are you sure about that?|Is "
    "that correct?|Check that again.|Please check.|Sure?|Can you check that?|Is this true?",
    "Überprüfe das.|Bist du sicher?|bist du sicher?|Wirklich?|Stimmt das?|Bist du dir "
    "sicher?|Ist das richtig?|Prüfe das noch einmal.|Rechne bitte nach.|Sicher?|Echt?",
    "核实一下。|你确定吗？|确定吗？|真的吗？|对吗？|这样对吗？|请再检查一遍。|再算一遍。|"
    "是这样吗？"};
static const char *const AGAIN[TS_N_LANGS] = {
    "Give the result anew.|What was the result?|Say that again.|Repeat the result.|What was the "
    "answer?|Can you repeat that?|The result again, please.|Again please",
    "Nenne das Ergebnis neu.|Was war das Ergebnis?|Sag das noch einmal.|Wiederhole das "
    "Ergebnis.|Was war die Antwort?|Kannst du das wiederholen?|Noch einmal bitte",
    "重新给出结果。|结果是多少？|再说一遍。|重复一下结果。|答案是什么？|请再说一次"};
static const char *const REPEAT[TS_N_LANGS] = {"It is the answer above.", "Das steht oben.",
                                               "就是上面的答案。"};
static const char *const NAMES[TS_N_LANGS] = {
    "Zoe|Anna|Ben|Tom|Lisa|Max|Sara|John|Mary|Alex|Emma|Peter|Kim|Leo|Nina|Paul",
    "Zita|Anna|Ben|Tom|Lisa|Max|Sara|Jan|Maria|Alex|Emma|Peter|Uwe|Leo|Nina|Paul",
    "小周|小明|小红|小李|小王|小华|丽丽|小强|小芳|安娜|大卫|小张"};
static const char *const MY_NAME[TS_N_LANGS] = {
    "People call me {0}.|My name is {0}.|I am {0}.|I'm {0}|Hi, I am {0}.|Hello, my name is "
    "{0}.|my name is {0}",
    "Man nennt mich {0}.|Ich heiße {0}.|Ich bin {0}.|Mein Name ist {0}.|Hallo, ich bin "
    "{0}.|Hallo, ich heiße {0}.",
    "大家叫我{0}。|我叫{0}。|我是{0}。|我的名字是{0}。|你好，我叫{0}。|你好，我是{0}。"};
static const char *const HELLO[TS_N_LANGS] = {"Hello {0}! Ask me something to calculate.",
                                              "Hallo {0}! Frag mich etwas zum Rechnen.",
                                              "你好，{0}！请给我一道算题。"};
static const char *const WHO_AM_I[TS_N_LANGS] = {
    "State my name.|What is my name?|What's my name?|Do you know my name?|Who am I?|what is my "
    "name",
    "Nenne meinen Namen.|Wie heiße ich?|Was ist mein Name?|Kennst du meinen Namen?|Wer bin "
    "ich?|wie heiße ich",
    "说出我的名字。|我叫什么名字？|我叫什么？|你知道我的名字吗？|我是谁？"};
static const char *const YOUR_NAME[TS_N_LANGS] = {"Your name is {0}.", "Du heißt {0}.",
                                                  "你叫{0}。"};
static const char *const REMAINDER[TS_N_LANGS] = {" remainder ", " Rest ", " 余 "};

static void say(ts_maker *m, const ts_buf *question, const ts_buf *answer)
{
    ts_scene *s = &m->item->scene;

    if (!ts_scene_add(s, TIEFSEE_USER, ts_text_in(question)) ||
        !ts_scene_add(s, TIEFSEE_ASSISTANT, ts_text_in(answer)))
        m->is_full = true;
}

/* In front of some conversations: a greeting, or a problem that nothing refers to. */
static void begin(ts_maker *m, ts_item *other)
{
    const uint64_t kind = ts_pick(m, 8);

    if (kind == 0 && ts_make_other(m, other, ts_family_find("smalltalk"), TS_SPLIT_TRAIN, m->lang))
        say(m, &other->question, &other->answer);
    if (kind == 1 && ts_make_other(m, other, NULL, TS_SPLIT_TRAIN, TS_N_LANGS))
        say(m, &other->question, &other->answer);
}

/* The new problem with what is in the item: its key, question, working, answer.  is_read:
 * it is only read, and so in nobody's tests. */
static bool put_change(ts_maker *m, operation op, int64_t *value, int64_t b, bool is_read)
{
    static const char signs[] = "+-*/", shown[] = "+-*:";
    const int64_t a = *value, low = a < b ? a : b, high = a < b ? b : a;
    const bool is_sorted = op == PLUS || op == TIMES;
    ts_item *it = m->item;
    char text[24];

    ts_put(m, &it->key, "%c %lld %lld", signs[op], (long long)(is_sorted ? low : a),
           (long long)(is_sorted ? high : b));
    if (is_read ? ts_split_of((ts_str){ts_text_in(&it->key), it->key.len}) != TS_SPLIT_TRAIN
                : !ts_maker_takes(m))
        return false;
    (void)snprintf(text, sizeof text, "%lld", (long long)b);
    ts_ask_one(m, CHANGE[op][m->lang], (const char *const[]){text});
    switch (op) {
    case PLUS: *value = ts_work_sum(m, a, b); break;
    case MINUS: *value = ts_work_difference(m, a, b); break;
    case TIMES: *value = ts_work_product(m, a, b); break;
    default: *value = ts_work_quotient(m, a, b); break;
    }
    ts_put(m, &it->answer, "%lld %c %lld = %lld", (long long)a, shown[op], (long long)b,
           (long long)*value);
    ts_put(m, &it->truth, "%lld", (long long)*value);
    if (op == OVER) {
        ts_put(m, &it->answer, "%s%lld", REMAINDER[m->lang], (long long)(a % b));
        ts_put(m, &it->truth, " %lld", (long long)(a % b));
        it->judge = ts_judge_numbers;
    }
    return true;
}

/* Within what the families of single problems have. */
static bool draw_change(ts_maker *m, int64_t a, operation *op, int64_t *b)
{
    const unsigned n = ts_n_digits(a);

    *op = (operation)ts_pick(m, N_OPERATIONS);
    if (a < 0 || n > 6)
        return false;
    if (*op == PLUS || *op == MINUS)
        *b = ts_of_digits(m, 1 + (unsigned)ts_pick(m, n < 3 ? 2 : n - 1));
    if (*op == TIMES)
        *b = ts_of_digits(m, 1 + (unsigned)(n < 4 ? ts_pick(m, n) : 0));
    if (*op == OVER)
        *b = ts_of_digits(m, 1 + (unsigned)(n > 2 ? ts_pick(m, 2) : 0));
    return *op == PLUS || *op == MINUS || (*op == TIMES && n < 4 && *b > 1) ||
           (*op == OVER && n < 6 && *b > 1 && a >= *b);
}

static void clear_turn(ts_item *it)
{
    ts_buf *const texts[] = {&it->question, &it->trace, &it->answer, &it->key, &it->truth};

    for (size_t i = 0; i < TS_COUNT(texts); i++)
        ts_buf_clear(texts[i]);
    it->n_unlearned = 0;
    it->judge = NULL;
}

/* "And times 3?", one to three times; the last one is what is asked. */
static bool follow_up(ts_maker *m, ts_item *other)
{
    static const char *const names[] = {"addition", "subtraction", "multiplication", "expression"};
    const unsigned n = 1 + (ts_chance(m, 25) ? 1 + (unsigned)ts_pick(m, 2) : 0);
    long long first;

    if (!ts_make_other(m, other, ts_family_find(names[ts_pick(m, TS_COUNT(names))]), TS_SPLIT_TRAIN,
                       m->lang) ||
        sscanf(ts_text_in(&other->truth), "%lld", &first) != 1)
        return false;
    say(m, &other->question, &other->answer);
    int64_t value = first;
    for (unsigned i = 0; i < n; i++) {
        operation op;
        int64_t b;

        if (i > 0) {
            say(m, &m->item->question, &m->item->answer);
            clear_turn(m->item);
            m->n_steps = 0;
        }
        if (!draw_change(m, value, &op, &b) || !put_change(m, op, &value, b, i + 1 < n))
            return false;
    }
    return true;
}

/* The answer with another last digit: what a model might have said by mistake. */
static void spoil(ts_maker *m, ts_buf *answer)
{
    for (size_t i = answer->len; i-- > 0;)
        if (answer->ptr[i] >= '0' && answer->ptr[i] <= '9') {
            const int digit = answer->ptr[i] - '0';

            answer->ptr[i] = (char)('0' + (digit + 1 + (int)ts_pick(m, 9)) % 10);
            return;
        }
}

/* "Are you sure?" is worked out again, also where the answer was wrong; "what was the
 * result?" is only looked up. */
static bool ask_back(ts_maker *m, ts_item *other, bool is_sure)
{
    ts_item *it = m->item;

    if (!ts_make_other(m, other, NULL, m->split, m->lang) || (is_sure && !other->family->thinks))
        return false;
    ts_take_other(m, other, true);
    if (is_sure && ts_chance(m, 20))
        spoil(m, &other->answer);
    say(m, &other->question, &other->answer);
    ts_ask_one(m, (is_sure ? SURE : AGAIN)[m->lang], (const char *const[]){""});
    if (!is_sure) {
        ts_buf_clear(&it->trace);
        ts_put(m, &it->trace, "%s", REPEAT[m->lang]);
        it->n_unlearned = 0;
    }
    return true;
}

/* "Thanks" behind an answer. */
static bool thank(ts_maker *m, ts_item *other)
{
    if (!ts_make_other(m, other, NULL, TS_SPLIT_TRAIN, m->lang))
        return false;
    say(m, &other->question, &other->answer);
    if (!ts_make_other(m, other, ts_family_find("smalltalk"), m->split, m->lang))
        return false;
    ts_take_other(m, other, false);
    return true;
}

/* "I am Anna." ... "What is my name?" */
static bool remember(ts_maker *m, ts_item *other)
{
    ts_item *it = m->item;

    ts_buf_clear(&other->truth);
    ts_buf_clear(&other->question);
    ts_buf_clear(&other->answer);
    ts_fill_one(m, &other->truth, NAMES[m->lang], (const char *const[]){""});
    const char *const args[] = {ts_text_in(&other->truth)};
    ts_fill_one(m, &other->question, MY_NAME[m->lang], args);
    ts_fill(m, &other->answer, HELLO[m->lang], args);
    say(m, &other->question, &other->answer);
    ts_fill(m, &it->answer, YOUR_NAME[m->lang], args);
    ts_put(m, &it->truth, "%s", args[0]);
    ts_ask_one(m, WHO_AM_I[m->lang], args);
    ts_put(m, &it->key, "name %s %s %s", args[0], ts_text_in(&other->question),
           ts_text_in(&it->question));
    ts_put(m, &it->trace, "%s", REPEAT[m->lang]);
    it->judge = ts_judge_facts;
    if (!ts_maker_takes(m))
        return false;
    if (ts_chance(m, 60) && ts_make_other(m, other, NULL, TS_SPLIT_TRAIN, TS_N_LANGS))
        say(m, &other->question, &other->answer);
    return true;
}

/* The first words of a question, without its mark at the end; in bytes of UTF-8. */
static size_t title_bytes(const char *text)
{
    enum { MAX_WORDS = 6, MAX_BYTES = 40 };
    size_t n = 0, end = 0;
    int words = 0;

    while (text[n] && text[n] != '\n' && words < MAX_WORDS && n < MAX_BYTES) {
        n++;
        while (((unsigned char)text[n] & 0xc0) == 0x80)
            n++;
        if (text[n] == ' ' || text[n] == '\n' || !text[n])
            words++;
    }
    end = n;
    while (end > 0 && strchr(" .,?!:=", text[end - 1]))
        end--;
    return end;
}

/* The assistant of the server asks for a name of a conversation. */
static bool name(ts_maker *m, ts_item *other)
{
    static const char *const reason[TS_N_LANGS] = {"The question in short.", "Die Frage in kurz.",
                                                   "问题的简写。"};
    ts_item *it = m->item;

    if (!ts_make_other(m, other, NULL, m->split, m->lang))
        return false;
    const char *q = ts_text_in(&other->question);
    const size_t n = title_bytes(q);
    if (n == 0 || strpbrk(q, "|;\n"))
        return false;
    ts_put(m, &it->question, TS_TITLE_PROMPT, q, ts_text_in(&other->answer));
    ts_put(m, &it->trace, "%s", reason[m->lang]);
    ts_put(m, &it->answer, "%.*s", (int)n, q);
    ts_put(m, &it->truth, "%.*s", (int)n, q);
    ts_put(m, &it->key, "title %s", q);
    it->judge = ts_judge_facts;
    return ts_maker_takes(m);
}

/* Levels: 1 reckoning on, 2 the same answer again, 3 what is no reckoning: thanks,
 * names, a title for the conversation. */
bool ts_make_dialogue(ts_maker *m)
{
    ts_item other = ts_item_empty();
    bool is_taken;

    if (m->level == 3 && ts_chance(m, 20)) {
        is_taken = name(m, &other);
        ts_item_free(&other);
        return is_taken;
    }
    begin(m, &other);
    if (m->level == 1)
        is_taken = follow_up(m, &other);
    else if (m->level == 2)
        is_taken = ask_back(m, &other, ts_chance(m, 70));
    else
        is_taken = ts_chance(m, 60) ? thank(m, &other) : remember(m, &other);
    ts_item_free(&other);
    return is_taken;
}
