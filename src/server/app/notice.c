/* notice.c - see notice.h.
 *
 * Every sentence is about something that the code does or keeps: a table of
 * app_... that is not named here is a mistake.
 */
#include "server/app/notice.h"

#include <stdio.h>
#include <string.h>

#include "server/app/accounts.h"

enum { EN, DE, ZH, N_LANGUAGES };

static const char *const codes[N_LANGUAGES] = {"en", "de", "zh"};

static const char *const ai[N_LANGUAGES] = {
    "You are talking to an AI. Its answers can be wrong; check what matters.",
    "Sie sprechen mit einer KI. Ihre Antworten können falsch sein; prüfen Sie, was wichtig ist.",
    "您正在与人工智能对话。它的回答可能有误，重要内容请自行核实。"};

json_t *ts_notice_ai(void)
{
    return json_pack("{s:s,s:s,s:s}", codes[EN], ai[EN], codes[DE], ai[DE], codes[ZH], ai[ZH]);
}

typedef struct line {
    const char *title[N_LANGUAGES], *text[N_LANGUAGES];
} line;

static const char *const notice_title[N_LANGUAGES] = {"Privacy notice", "Datenschutzhinweise",
                                                      "隐私说明"};

/* %s: name and contact of the operator. */
static const line operator_named = {{"Who is responsible", "Wer verantwortlich ist", "负责方"},
                                    {"%s, %s", "%s, %s", "%s，%s"}};
static const line operator_unnamed = {
    {"Who is responsible", "Wer verantwortlich ist", "负责方"},
    {"Whoever runs this server. No name was entered.",
     "Wer diesen Server betreibt. Es wurde kein Name eingetragen.",
     "运行此服务器的人。尚未填写名称。"}};
static const line purpose = {
    {"Purpose and legal basis", "Zweck und Rechtsgrundlage", "目的与法律依据"},
    {"%s (%s)", "%s (%s)", "%s（%s）"}};
static const line kept = {
    {"What is kept", "Was gespeichert wird", "保存的内容"},
    {"Conversations with their messages, thoughts of the model and texts of files; search filters "
     "made of them; settings and presets: all sealed with your own key. In the clear: your user "
     "name, role and the times of conversations; a hash of your password; sessions (a hash, "
     "times); "
     "how many tokens you used per day and model; an audit log of logins and changes without any "
     "content. No address, no browser name, no typing, no drafts.",
     "Unterhaltungen mit Nachrichten, Gedanken des Modells und Texten von Dateien; daraus "
     "gebildete "
     "Suchfilter; Einstellungen und Vorlagen: alles mit Ihrem eigenen Schlüssel versiegelt. Im "
     "Klartext: Ihr Benutzername, Ihre Rolle und die Zeiten von Unterhaltungen; ein Hash Ihres "
     "Passworts; Sitzungen (ein Hash, Zeiten); verbrauchte Token je Tag und Modell; ein Protokoll "
     "von Anmeldungen und Änderungen ohne Inhalte. Keine Adresse, kein Browsername, keine "
     "Tastatureingaben, keine Entwürfe.",
     "对话及其消息、模型的思考过程和文件文本，由此生成的搜索过滤器，以及设置和预设：全部用您自己的"
     "密钥加密。"
     "明文保存：您的用户名、角色和对话时间；密码的哈希值；会话（哈希值和时间）；每天每个模型使用的"
     "令牌数；"
     "不含任何内容的登录和更改日志。不保存地址、浏览器名称、键入过程或草稿。"}};
static const line where = {
    {"Where it goes", "Wohin es geht", "数据去向"},
    {"Nowhere. Everything stays on this server; the model runs here. There are no recipients, no "
     "transfers to other countries, and nothing is used for training.",
     "Nirgendwohin. Alles bleibt auf diesem Server; das Modell läuft hier. Es gibt keine "
     "Empfänger, "
     "keine Übermittlung in andere Länder, und nichts wird zum Training verwendet.",
     "不会去任何地方。一切都留在这台服务器上，模型也在此运行。没有接收方，没有跨境传输，也不用于训"
     "练。"}};
/* %lld: days. */
static const line retention = {
    {"How long", "Wie lange", "保存期限"},
    {"Conversations are deleted %lld days after their last change, earlier if you set it so. "
     "Sessions end after 12 hours without use, at most 30 days.",
     "Unterhaltungen werden %lld Tage nach ihrer letzten Änderung gelöscht, früher, wenn Sie es "
     "einstellen. Sitzungen enden nach 12 Stunden ohne Nutzung, spätestens nach 30 Tagen.",
     "对话在最后一次更改 %lld 天后删除，您可以设置更短的期限。会话在 12 小时未使用后结束，最长 30 "
     "天。"}};
static const line forever = {
    {"How long", "Wie lange", "保存期限"},
    {"Conversations are kept until you delete them or a time that you set is over. Sessions end "
     "after 12 hours without use, at most 30 days.",
     "Unterhaltungen bleiben, bis Sie sie löschen oder eine von Ihnen gesetzte Frist abläuft. "
     "Sitzungen enden nach 12 Stunden ohne Nutzung, spätestens nach 30 Tagen.",
     "对话会一直保存，直到您删除或您设定的期限届满。会话在 12 小时未使用后结束，最长 30 天。"}};
static const line rights = {
    {"Your rights", "Ihre Rechte", "您的权利"},
    {"In the settings you can export everything about you, correct it, freeze your account, and "
     "erase "
     "a conversation, a range of time or yourself; erasing yourself destroys your key. You may "
     "also "
     "complain to a supervisory authority.",
     "In den Einstellungen können Sie alles über Sie exportieren, berichtigen, Ihr Konto "
     "einfrieren "
     "und eine Unterhaltung, einen Zeitraum oder sich selbst löschen; dabei wird Ihr Schlüssel "
     "vernichtet. Sie können sich auch bei einer Aufsichtsbehörde beschweren.",
     "您可以在设置中导出与您有关的全部内容、更正内容、冻结账户，以及删除某个对话、某段时间或您自己"
     "；"
     "删除自己会销毁您的密钥。您也可以向监管机构投诉。"}};
static const line machine = {
    {"Artificial intelligence", "Künstliche Intelligenz", "人工智能"},
    {"Answers are made by a language model and can be wrong. No decisions about people are made "
     "automatically. Answers and exports are marked as made by AI.",
     "Antworten stammen von einem Sprachmodell und können falsch sein. Es werden keine "
     "Entscheidungen "
     "über Menschen automatisch getroffen. Antworten und Exporte sind als KI-erzeugt "
     "gekennzeichnet.",
     "回答由语言模型生成，可能有误。不会对人作出自动决定。回答和导出内容都标明由人工智能生成。"}};
/* %lld: years. */
static const line age = {
    {"Age", "Alter", "年龄"},
    {"For people of %lld years and older.", "Ab %lld Jahren.", "适用于 %lld 岁及以上的人。"}};

static const char *text_of(const json_t *settings, const char *name)
{
    const char *text = json_string_value(json_object_get(settings, name));

    return text ? text : "";
}

static void add_text(json_t *sections, const line *l, int language, const char *text)
{
    (void)json_array_append_new(sections,
                                json_pack("{s:s,s:s}", "title", l->title[language], "text", text));
}

static void add_plain(json_t *sections, const line *l, int language)
{
    add_text(sections, l, language, l->text[language]);
}

/* The two words of a line with two %s, or its number: by hand, since the format is of a
 * table. */
static void add_filled(json_t *sections, const line *l, int language, const char *const *words)
{
    ts_buf out = ts_buf_make(1 << 16);
    bool is_good = true;
    size_t n = 0;

    for (const char *p = l->text[language]; *p && is_good; p++) {
        if (p[0] == '%' && (p[1] == 's' || p[1] == 'l')) {
            is_good = ts_buf_append_str(&out, words[n++]);
            p += p[1] == 's' ? 1 : 3;
        } else
            is_good = ts_buf_append(&out, p, 1);
    }
    add_text(sections, l, language, is_good && out.ptr ? out.ptr : "");
    ts_buf_free(&out);
}

static json_t *make(ts_app *app, int language)
{
    json_t *sections = json_array();

    ts_lock_take(app->store_lock);
    json_t *s = ts_accounts_settings(app);
    ts_lock_give(app->store_lock);
    const json_int_t days = json_integer_value(json_object_get(s, "retention_days_max"));
    const json_int_t years = json_integer_value(json_object_get(s, "minimum_age"));
    const char *who[] = {text_of(s, "operator_name"), text_of(s, "operator_contact")};
    const char *why[] = {text_of(s, "purpose"), text_of(s, "legal_basis")};
    char number[32];
    const char *numbers[] = {number};

    if (*who[0])
        add_filled(sections, &operator_named, language, who);
    else
        add_plain(sections, &operator_unnamed, language);
    if (*why[0])
        add_filled(sections, &purpose, language, why);
    add_plain(sections, &kept, language);
    add_plain(sections, &where, language);
    (void)snprintf(number, sizeof number, "%lld", (long long)days);
    if (days > 0)
        add_filled(sections, &retention, language, numbers);
    else
        add_plain(sections, &forever, language);
    add_plain(sections, &rights, language);
    add_plain(sections, &machine, language);
    (void)snprintf(number, sizeof number, "%lld", (long long)years);
    if (years > 0)
        add_filled(sections, &age, language, numbers);
    json_decref(s);
    return json_pack("{s:i,s:s,s:s,s:o}", "version", TS_NOTICE_VERSION, "language", codes[language],
                     "title", notice_title[language], "sections", sections);
}

void ts_notice_show(ts_http_request *req, ts_reply *reply)
{
    int language = EN;
    ts_str wanted;

    if (ts_http_query(req, "language", &wanted))
        for (int i = 0; i < N_LANGUAGES; i++)
            if (ts_str_starts(wanted, codes[i]))
                language = i;
    ts_app_send(reply, 200, make(ts_server_of(req)->app, language));
}
