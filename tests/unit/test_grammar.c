/* test_grammar.c - constrained output: what texts a grammar accepts, by tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "engine/grammar.h"

enum { MAX_TEXTS = 12 };

typedef struct language {
    const char *source;
    const char *yes[MAX_TEXTS], *no[MAX_TEXTS];
} language;

static ts_grammar_rules *compiled(ts_grammar_kind kind, const char *source)
{
    tiefsee_error err = {0};
    ts_grammar_rules *rules;

    if (ts_grammar_compile(&rules, kind, source, strlen(source), &err) != TIEFSEE_OK)
        fail_msg("%s: %s", source, err.message);
    return rules;
}

static void check(ts_grammar_kind kind, const language *l, size_t n)
{
    for (; n > 0; n--, l++) {
        ts_grammar_rules *rules = compiled(kind, l->source);
        for (size_t i = 0; i < MAX_TEXTS; i++) {
            if (l->yes[i] && !ts_grammar_matches(rules, l->yes[i], strlen(l->yes[i])))
                fail_msg("%s rejects %s", l->source, l->yes[i]);
            if (l->no[i] && ts_grammar_matches(rules, l->no[i], strlen(l->no[i])))
                fail_msg("%s accepts %s", l->source, l->no[i]);
        }
        ts_grammar_rules_free(rules);
    }
}

static void accepts_the_json_of_rfc_8259_with_few_blanks(void **state)
{
    static const language l[] = {
        {"",
         {"{}", "{ }", "{\"a\":1}", "{\"a\": 1, \"b\": [1,2, 3.5e-7, -0]}",
          "{\n  \"a\": {\n    \"b\": null\n  }\n}", "{\"\\u00e9\\\"\\ud83d\\ude00\": \"\xc3\xa9\"}",
          "{\"a\":[true,false,null,\"\",{},[]]}"},
         {"", "[]", "1", "{", "{\"a\":01}", "{\"a\":\"\\x\"}", "{\"a\":\"\n\"}", "{a:1}",
          "{\"a\":\"\\ud83d\"}", "{\"a\":1,}", "{\"a\"  :1}", "{\"a\":\"\xff\"}"}}};

    (void)state;
    check(TS_GRAMMAR_JSON, l, TS_COUNT(l));
}

static const language schemas[] = {
    {"{\"type\":\"string\"}", {"\"\"", "\"a\\n\""}, {"1", "null", "\"", ""}},
    {"{\"type\":\"integer\"}", {"0", "-17", "123"}, {"1.5", "01", "-", "1e3", "+1"}},
    {"{\"type\":\"number\"}", {"0", "-1.50", "2e10", "2E-3"}, {".5", "1.", "NaN", "1e100"}},
    {"{\"type\":[\"null\",\"boolean\"]}", {"null", "true", "false"}, {"0", "\"true\""}},
    {"true", {"1", "{\"a\":[]}", "null"}, {"", "x"}},
    {"{\"type\":\"string\",\"nullable\":true}", {"null", "\"x\""}, {"1"}},
    {"{\"type\":\"integer\",\"minimum\":-5,\"maximum\":120}",
     {"-5", "-1", "0", "9", "10", "99", "100", "120"},
     {"-6", "121", "-0", "1000", "-10", "00", "130"}},
    {"{\"type\":\"integer\",\"exclusiveMinimum\":10}", {"11", "99", "1000"}, {"10", "9", "-11"}},
    {"{\"type\":\"integer\",\"minimum\":3,\"exclusiveMinimum\":true}", {"4"}, {"3", "2"}},
    {"{\"type\":\"integer\",\"maximum\":-20}", {"-20", "-21", "-100"}, {"-19", "0", "-2", "20"}},
    {"{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
     {"0", "0.0", "0.25", "1", "1.000", "0.999"},
     {"-0.1", "1.001", "2", "-0", "1e-1"}},
    {"{\"type\":\"number\",\"exclusiveMinimum\":0.5,\"maximum\":12.25}",
     {"0.51", "0.500001", "1", "9.75", "12.25", "12.2", "12"},
     {"0.5", "0.50", "0.4", "12.26", "13", "100", "0"}},
    {"{\"type\":\"number\",\"exclusiveMaximum\":-2.5}",
     {"-2.51", "-3", "-100"},
     {"-2.5", "-2", "0"}},
    {"{\"type\":\"integer\",\"multipleOf\":15,\"minimum\":1,\"maximum\":100}",
     {"15", "30", "90"},
     {"0", "20", "105", "-15"}},
    {"{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
     {"\"ab\"", "\"\xc3\xa4\xf0\x9f\x98\x80\\n\"", "\"\\ud83d\\ude00x\""},
     {"\"a\"", "\"abcd\"", "\"\xc3\xa4\""}},
    {"{\"type\":\"string\",\"maxLength\":100000}", {"\"\"", "\"abc\""}, {"\"\n\""}},
    {"{\"type\":\"string\",\"pattern\":\"^[a-z]+(-[0-9]{2})?$\",\"maxLength\":6}",
     {"\"abc\"", "\"abc-12\""},
     {"\"abcd-12\"", "\"abc-\"", "\"\"", "\"Abc\""}},
    {"{\"type\":\"string\",\"pattern\":\"b.d\"}",
     {"\"abcde\"", "\"bxd\""},
     {"\"bd\"", "\"b\\nd\""}},
    {"{\"pattern\":\"^\\\"\\\\\\\\$\"}", {"\"\\\"\\\\\"", "5"}, {"\"\\\"\""}},
    {"{\"type\":\"string\",\"format\":\"date\"}",
     {"\"2024-02-29\"", "\"1999-12-31\"", "\"2000-02-29\""},
     {"\"2023-02-29\"", "\"1900-02-29\"", "\"2023-04-31\"", "\"2023-13-01\"", "\"0000-01-01\""}},
    {"{\"type\":\"string\",\"format\":\"date-time\"}",
     {"\"2024-02-29T23:59:59Z\"", "\"2024-01-01T00:00:00.5+01:00\""},
     {"\"2024-01-01\"", "\"2024-01-01T24:00:00Z\"", "\"2024-01-01T00:00:00\""}},
    {"{\"type\":\"string\",\"format\":\"ipv6\"}",
     {"\"::\"", "\"::1\"", "\"1:2:3:4:5:6:7:8\"", "\"fe80::1.2.3.4\"", "\"1::8\""},
     {"\"1:2\"", "\":::\"", "\"12345::\"", "\"1::2::3\""}},
    {"{\"type\":\"string\",\"format\":\"email\"}",
     {"\"a.b+c@x-y.example\""},
     {"\"a\"", "\"a@\"", "\"@b\"", "\".a@b\""}},
    {"{\"enum\":[\"a\",\"ab\",1,null,[1,{\"b\":2}],\"\\n\"]}",
     {"\"a\"", "\"ab\"", "1", "null", "[1,{\"b\":2}]", "[1, {\"b\": 2}]", "\"\\n\""},
     {"\"b\"", "\"\"", "2", "[1]", "true"}},
    {"{\"const\":-2.0}", {"-2", "-2.0"}, {"-2.0.0", "-2.", "-2.00"}},
    {"{\"const\":{\"a\":\"\xc3\xa9\"}}", {"{\"a\":\"\xc3\xa9\"}"}, {"{}", "{\"a\":\"e\"}"}},
    {"{\"type\":\"string\",\"enum\":[\"a\",1,\"bcd\"],\"maxLength\":2}",
     {"\"a\""},
     {"1", "\"bcd\""}},
};

static const language structures[] = {
    {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":3}",
     {"[1]", "[1, 2]", "[1,2,3]", "[\n  1,\n  2\n]"},
     {"[]", "[1,2,3,4]", "[\"a\"]", "[1,]"}},
    {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"integer\"}],"
     "\"items\":false}",
     {"[]", "[\"a\"]", "[\"a\",1]"},
     {"[1]", "[\"a\",1,2]"}},
    {"{\"type\":\"array\",\"items\":[{\"const\":1}],\"additionalItems\":{\"const\":2},"
     "\"minItems\":2}",
     {"[1,2]", "[1,2,2]"},
     {"[1]", "[2,2]", "[1,1]", "[]"}},
    {"{\"type\":\"array\",\"maxItems\":1,\"uniqueItems\":true}", {"[]", "[1]"}, {"[1,1]"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"}"
     ","
     "\"c\":{}},\"required\":[\"b\"],\"additionalProperties\":false}",
     {"{\"b\":\"\"}", "{\"a\":1,\"b\":\"x\"}", "{\"a\": 1, \"b\": \"x\", \"c\": null}",
      "{\"b\":\"x\",\"c\":[]}"},
     {"{}", "{\"a\":1}", "{\"b\":\"x\",\"a\":1}", "{\"b\":1}", "{\"b\":\"\",\"d\":1}",
      "{\"b\":\"\",\"b\":\"\"}", "{,\"b\":\"\"}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}",
     {"{}", "{\"a\":1}", "{\"x\":[]}", "{\"a\":1,\"aa\":\"\",\"\":2}"},
     {"{\"a\":\"x\"}", "{\"x\":1,\"a\":\"x\"}", "{\"\\u0061\":\"x\"}"}},
    {"{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"},\"maxProperties\":2,"
     "\"minProperties\":1}",
     {"{\"x\":1}", "{\"x\":1,\"y\":2}"},
     {"{}", "{\"x\":\"\"}", "{\"x\":1,\"y\":2,\"z\":3}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":true,\"c\":true},"
     "\"additionalProperties\":false,\"minProperties\":2,\"maxProperties\":2}",
     {"{\"a\":1,\"b\":1}", "{\"b\":1,\"c\":1}", "{\"a\":1,\"c\":1}"},
     {"{}", "{\"a\":1}", "{\"a\":1,\"b\":1,\"c\":1}"}},
    {"{\"type\":\"object\",\"patternProperties\":{\"^n_\":{\"type\":\"integer\"},"
     "\"x$\":{\"minimum\":5}},\"additionalProperties\":{\"type\":\"string\"}}",
     {"{\"n_a\":1}", "{\"n_x\":7}", "{\"x\":7.5}", "{\"x\":null}", "{\"q\":\"\"}"},
     {"{\"n_a\":\"\"}", "{\"n_x\":4}", "{\"x\":4}", "{\"q\":1}", "{\"n_x\":7.5}"}},
    {"{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[a-z]$\"}}",
     {"{}", "{\"a\":1}"},
     {"{\"ab\":1}", "{\"\":1}"}},
    {"{\"type\":\"object\",\"required\":[\"z\"],\"properties\":{\"a\":false}}",
     {"{\"z\":1}", "{\"z\":1,\"b\":2}"},
     {"{}", "{\"a\":1,\"z\":1}", "{\"z\":1,\"a\":1}"}},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"maxLength\":1}]}",
     {"12", "\"a\""},
     {"\"ab\"", "null"}},
    {"{\"type\":\"object\",\"properties\":{\"k\":{}},\"required\":[\"k\"],\"anyOf\":["
     "{\"properties\":{\"k\":{\"const\":1}}},{\"properties\":{\"k\":{\"const\":2}}}]}",
     {"{\"k\":1}", "{\"k\":2}"},
     {"{\"k\":3}", "{}"}},
    {"{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"t\":{\"const\":\"a\"},\"v\":{\"type\":"
     "\"integer\"}},\"required\":[\"t\"]},{\"type\":\"object\",\"properties\":{\"t\":{\"enum\":"
     "[\"b\",\"c\"]}},\"required\":[\"t\"]},{\"type\":\"integer\",\"maximum\":3},"
     "{\"type\":\"integer\",\"exclusiveMinimum\":3}]}",
     {"{\"t\":\"a\",\"v\":1}", "{\"t\":\"c\",\"v\":\"\"}", "3", "4"},
     {"{\"t\":\"a\",\"v\":\"\"}", "{\"t\":\"d\"}", "3.5"}},
    {"{\"allOf\":[{\"properties\":{\"a\":{\"minimum\":3}},\"required\":[\"a\"]},{\"type\":"
     "\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"maximum\":9}},"
     "\"additionalProperties\":false}]}",
     {"{\"a\":3}", "{\"a\":9}"},
     {"{\"a\":10}", "{}", "{\"a\":5,\"b\":1}", "{\"a\":2}"}},
    {"{\"$ref\":\"#/$defs/list\",\"$defs\":{\"list\":{\"type\":\"object\",\"properties\":{\"v\":"
     "{\"type\":\"integer\"},\"next\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/list\"}]}"
     "},\"required\":[\"v\",\"next\"],\"additionalProperties\":false}}}",
     {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3,\"next\":null}}}"},
     {"{\"v\":1}", "{\"v\":1,\"next\":{}}"}},
    {"{\"allOf\":[{\"$ref\":\"#/$defs/a~1b\"},{\"maximum\":5}],\"$defs\":{\"a/b\":"
     "{\"type\":\"integer\",\"minimum\":4}}}",
     {"4", "5"},
     {"3", "6"}},
    {"{\"type\":\"object\",\"properties\":{\"\xc3\xa9\\\"\":{\"type\":\"null\"}},"
     "\"required\":[\"\xc3\xa9\\\"\"]}",
     {"{\"\xc3\xa9\\\"\":null}"},
     {"{\"\xc3\xa9\\\"\":1}", "{}"}},
};

static const language opposites[] = {
    {"{\"not\":{\"type\":[\"null\",\"object\"]}}", {"1", "\"\"", "[]"}, {"null", "{}"}},
    {"{\"type\":\"string\",\"not\":{\"enum\":[\"a\",\"bc\"]}}",
     {"\"\"", "\"b\"", "\"bcd\""},
     {"\"a\"", "\"bc\""}},
    {"{\"type\":[\"string\",\"null\"],\"not\":{\"const\":null}}", {"\"\""}, {"null"}},
    {"{\"type\":\"string\",\"not\":{\"pattern\":\"^a\"}}", {"\"ba\"", "\"\""}, {"\"ab\""}},
    {"{\"type\":\"object\",\"not\":{\"required\":[\"a\",\"b\"]}}",
     {"{}", "{\"a\":1}", "{\"b\":1,\"c\":1}"},
     {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":2,\"b\":1}"}},
    {"{\"type\":\"integer\",\"not\":{\"anyOf\":[{\"minimum\":10},{\"maximum\":3}]}}",
     {"4", "9"},
     {"3", "10"}},
    {"{\"type\":\"object\",\"properties\":{\"t\":{\"enum\":[\"x\",\"y\"]},\"n\":{}},"
     "\"required\":[\"t\"],\"if\":{\"properties\":{\"t\":{\"const\":\"x\"}}},"
     "\"then\":{\"required\":[\"n\"]},\"else\":{\"properties\":{\"n\":false}}}",
     {"{\"t\":\"x\",\"n\":1}", "{\"t\":\"y\"}"},
     {"{\"t\":\"x\"}", "{\"t\":\"y\",\"n\":1}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"dependentRequired\":{\"a\":"
     "[\"b\"]},\"additionalProperties\":false}",
     {"{}", "{\"b\":1}", "{\"a\":1,\"b\":1}"},
     {"{\"a\":1}"}},
    {"{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false,"
     "\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
     {"{\"a\":1}", "{\"b\":1}"},
     {"{}", "{\"a\":1,\"b\":1}"}},
    {"{\"oneOf\":[{\"type\":\"number\",\"maximum\":5},{\"type\":\"number\",\"minimum\":4}]}",
     {"3", "6", "3.5"},
     {"4", "5", "4.5"}},
};

static void follows_json_schema(void **state)
{
    (void)state;
    check(TS_GRAMMAR_SCHEMA, schemas, TS_COUNT(schemas));
    check(TS_GRAMMAR_SCHEMA, structures, TS_COUNT(structures));
    check(TS_GRAMMAR_SCHEMA, opposites, TS_COUNT(opposites));
}

static void follows_regular_expressions(void **state)
{
    static const language l[] = {
        {"[a-c]+\\d{2,3}", {"a12", "abc123"}, {"a1", "a1234", "12", ""}},
        {"^(yes|no)$", {"yes", "no"}, {"y", "yesno"}},
        {"", {""}, {"a"}},
        {"a|b|", {"a", "b", ""}, {"ab"}},
        {"(?:ab?)*?", {"", "a", "abab", "aab"}, {"b"}},
        {"[^\\x41-\\u005a]", {"a", "\xc3\xa9", "\xf0\x9f\x98\x80"}, {"A", "Z", "ab", ""}},
        {".{3}", {"abc", "\xe4\xb8\xad\xe6\x96\x87!"}, {"ab", "abcd", "a\nb"}},
        {"\\ud83d\\ude00|\\u{1F601}",
         {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x81"},
         {"\xf0\x9f\x98\x82"}},
        {"[\\]\\-a]{,2}", {"a{,2}"}, {"a", "aa"}},
        {"\\s\\S\\w\\W", {" a_-", "\xe3\x80\x80.Z."}, {"aaaa"}},
        {"(a{2}){3}", {"aaaaaa"}, {"aaaa", "aaaaaaa"}},
        {"[]|x", {"x"}, {"", "]"}},
    };

    (void)state;
    check(TS_GRAMMAR_REGEX, l, TS_COUNT(l));
}

static void follows_gbnf(void **state)
{
    static const language l[] = {
        {"root ::= \"yes\" | \"no\" list # comment\nlist ::= (\" \" [a-z]+){1,3}\n",
         {"yes", "no a", "no a bc d"},
         {"no", "no a b c d", "yes a", ""}},
        {"root ::= expr\nexpr ::= term (\n  [-+] term\n)*\nterm ::= [0-9]+ | \"(\" expr \")\"\n",
         {"1", "1+2-3", "(1+(2))"},
         {"", "1+", "(1"}},
        {"root ::= [^a\\n]? \"\\x41\\u00e9\" .", {"A\xc3\xa9z", "bA\xc3\xa9\n"}, {"aA\xc3\xa9z"}},
        {"root ::= item root | \"\"\nitem ::= \"x\"", {"", "x", "xxxxxxxx"}, {"y"}},
        {"root ::= \"\" (\"a\"* \"b\"?)+", {"", "aab", "bb"}, {"c"}},
    };

    (void)state;
    check(TS_GRAMMAR_GBNF, l, TS_COUNT(l));
}

static void refuses_by_name_and_place(void **state)
{
    static const struct {
        ts_grammar_kind kind;
        const char *source, *words;
    } cases[] = {
        {TS_GRAMMAR_SCHEMA, "{\"properties\":{\"a/b\":{\"not\":{\"multipleOf\":2}}}}",
         "schema, /properties/a/b/not: this keyword is not supported"},
        {TS_GRAMMAR_SCHEMA, "{\"frobnicate\":1}", "schema, /frobnicate: "},
        {TS_GRAMMAR_SCHEMA, "{\"items\":{\"uniqueItems\":true}}", "/items/uniqueItems: "},
        {TS_GRAMMAR_SCHEMA, "{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}",
         "/oneOf: not supported where a value may match two of the schemas, as 0 and 1"},
        {TS_GRAMMAR_SCHEMA, "{\"$ref\":\"http://x/y\"}", "outside this schema"},
        {TS_GRAMMAR_SCHEMA, "{\"$ref\":\"#/$defs/x\"}", "is not in this schema"},
        {TS_GRAMMAR_SCHEMA, "{\"$ref\":\"#\"}", "/$ref: leads back to itself"},
        {TS_GRAMMAR_SCHEMA, "{\"anyOf\":[{\"$ref\":\"#\"}]}", "no text can satisfy it"},
        {TS_GRAMMAR_SCHEMA, "false", "no text can satisfy it"},
        {TS_GRAMMAR_SCHEMA,
         "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":false}}",
         "no text can satisfy it"},
        {TS_GRAMMAR_SCHEMA, "{\"pattern\":\"(?=a)\"}", "lookahead is not supported"},
        {TS_GRAMMAR_SCHEMA, "{\"format\":\"regex\"}", "the format \"regex\" is not supported"},
        {TS_GRAMMAR_SCHEMA, "{\"multipleOf\":0.01}", "/multipleOf: "},
        {TS_GRAMMAR_SCHEMA, "{\"type\":\"strin\"}", "/type: not a type of JSON"},
        {TS_GRAMMAR_SCHEMA, "{\"type\":1,", "schema, line 1: "},
        {TS_GRAMMAR_SCHEMA, "{\"type\":\"null\",\"type\":\"null\"}", "duplicate"},
        {TS_GRAMMAR_REGEX, "(a", "pattern, byte 2: ( without )"},
        {TS_GRAMMAR_REGEX, "a\\1", "backreference"},
        {TS_GRAMMAR_REGEX, "a\\b", "word border"},
        {TS_GRAMMAR_REGEX, "[b-a]", "runs backwards"},
        {TS_GRAMMAR_REGEX, "a**", "nothing to repeat"},
        {TS_GRAMMAR_GBNF, "root ::= a\n", "line 1, column 11: no such rule: a"},
        {TS_GRAMMAR_GBNF, "a ::= \"x\"\n", "no rule root"},
        {TS_GRAMMAR_GBNF, "root ::= b\nb ::= root \"x\" | \"y\"\n", "root refers to itself"},
        {TS_GRAMMAR_GBNF, "root ::= \"x\nroot", "\" without \""},
        {TS_GRAMMAR_GBNF, "root ::= \"x\"\nroot ::= \"y\"",
         "line 2, column 1: defined twice: root"},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        tiefsee_error err = {0};
        ts_grammar_rules *rules;
        const char *source = cases[i].source;
        if (ts_grammar_compile(&rules, cases[i].kind, source, strlen(source), &err) == TIEFSEE_OK)
            fail_msg("%s was not refused", source);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: \"%s\" does not say \"%s\"", source, err.message, cases[i].words);
    }
}

/* `times` copies of `part`, between `head` and `tail`. */
static void repeat(char *out, size_t size, const char *head, const char *part, const char *tail,
                   int times)
{
    size_t n = (size_t)snprintf(out, size, "%s", head);

    for (int i = 0; i < times; i++)
        n += (size_t)snprintf(out + n, size - n, "%s", part);
    (void)snprintf(out + n, size - n, "%s", tail);
}

static void answers_hostile_grammars_within_a_second(void **state)
{
    static const struct {
        ts_grammar_kind kind;
        const char *head, *part, *tail;
        int times;
    } cases[] = {
        {TS_GRAMMAR_SCHEMA, "", "{\"items\":", "true", 100000},
        {TS_GRAMMAR_SCHEMA, "", "{\"not\":", "{}", 190},
        {TS_GRAMMAR_SCHEMA, "{\"enum\":[0", ",\"abcdefghijklmnopqrst\"", "]}", 40000},
        {TS_GRAMMAR_SCHEMA, "{\"allOf\":[true",
         ",{\"anyOf\":[{\"minimum\":1},{\"maxLength\":2},{\"minItems\":3}]}", "]}", 30},
        {TS_GRAMMAR_SCHEMA, "{\"pattern\":\"", "(a*", "x\"}", 90},
        {TS_GRAMMAR_REGEX, "(.*a", ".", ")", 40},
        {TS_GRAMMAR_REGEX, "a", "{100}", "", 1},
        {TS_GRAMMAR_REGEX, "", "(", "", 100000},
        {TS_GRAMMAR_REGEX, "", "(((a{1000}){1000}){1000})", "", 3},
        {TS_GRAMMAR_REGEX, "", "(x+x+)+y|", "", 2000},
        {TS_GRAMMAR_GBNF, "root ::= ", "(", "", 100000},
        {TS_GRAMMAR_GBNF, "root ::= ", "(\"a\"*){1,60} ", "", 300},
        {TS_GRAMMAR_GBNF, "root ::= a\na ::= ", "a|", "", 50000},
    };
    static char source[2 << 20];

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        ts_grammar_rules *rules;
        repeat(source, sizeof source, cases[i].head, cases[i].part, cases[i].tail, cases[i].times);
        const double start = ts_clock_thread_seconds();
        const tiefsee_status st =
            ts_grammar_compile(&rules, cases[i].kind, source, strlen(source), NULL);
        if (st == TIEFSEE_OK) {
            (void)ts_grammar_matches(rules, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 38);
            ts_grammar_rules_free(rules);
        }
        const double took = ts_clock_thread_seconds() - start;
        if (took > 2.0) /* of the processor: the machine may be busy */
            fail_msg("case %zu took %.2f s", i, took);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_json_of_rfc_8259_with_few_blanks),
        cmocka_unit_test(follows_json_schema),
        cmocka_unit_test(follows_regular_expressions),
        cmocka_unit_test(follows_gbnf),
        cmocka_unit_test(refuses_by_name_and_place),
        cmocka_unit_test(answers_hostile_grammars_within_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
