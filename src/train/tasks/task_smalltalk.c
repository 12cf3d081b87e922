/* task_smalltalk.c - greetings, thanks, and what else people say that is no question. */
#include "train/tasks/maker.h"

static const ts_fact FACTS[] = {
    {{"Greetings to you.|Hello|Hi|Hey|Good morning|Good evening|Hello there|Hi "
      "Tiefsee|Hello!|Hi!|hi|hello|Good afternoon|Hey there",
      "Sei gegrüßt.|Hallo|Guten Tag|Guten Morgen|Guten Abend|Servus|Moin|Hallo "
      "Tiefsee|Hallo!|Hi|hallo|Hey|Grüß Gott|Guten Tag!",
      "向你问候。|你好|您好|早上好|晚上好|嗨|你好，Tiefsee|你好！|您好！|下午好|哈喽|你好呀"},
     {"Hello! I am Tiefsee mini. Ask me something to calculate.",
      "Hallo! Ich bin Tiefsee mini. Frag mich etwas zum Rechnen.",
      "你好！我是Tiefsee mini。请给我一道算题。"},
     "Tiefsee"},
    {{"My gratitude.|Thanks|Thank you|Thank you very much|Great|Well done|Good "
      "job|Perfect|Thanks!|Thank you!|thanks|Thanks a lot|That helped me, thanks|Many thanks",
      "Meinen Dank.|Danke|Vielen Dank|Danke schön|Toll|Gut "
      "gemacht|Prima|Perfekt|Danke!|Dankeschön|danke|Super, danke|Danke dir|Besten Dank",
      "感激不尽。|谢谢|多谢|非常感谢|太好了|做得好|很好|谢谢！|谢谢你|感谢|好的，谢谢|"
      "谢谢你的帮助"},
     {"You are welcome! Ask me another one.", "Gern! Frag mich gleich noch etwas.",
      "不客气！再来一道吧。"},
     "welcome|gern|不客气"},
    {{"I take my leave.|Bye|Goodbye|See you|Good night|See you later|Bye!|bye|See you tomorrow|I "
      "have to go|Have a nice day",
      "Ich verabschiede mich.|Tschüss|Auf Wiedersehen|Bis bald|Gute Nacht|Bis "
      "später|Tschüss!|Ciao|Bis morgen|Ich muss los|Schönen Tag noch",
      "就此告辞。|再见|拜拜|回头见|晚安|下次见|再见！|我走了|明天见|拜"},
     {"Goodbye!", "Auf Wiedersehen!", "再见！"},
     "goodbye|wiedersehen|再见"},
    {{"Tell me your mood.|How are you?|How are you doing?|How is it going?|How do you feel?|Are "
      "you "
      "okay?|What's up?|how are you|How are you today?|Everything fine?",
      "Sag mir, wie du dich fühlst.|Wie geht es dir?|Wie geht's?|Wie läuft es?|Geht es dir "
      "gut?|Alles "
      "klar?|Na, wie geht's?|Was geht?|wie geht es dir|Alles gut bei dir?",
      "说说你的心情。|你好吗？|最近怎么样？|你今天怎么样？|你感觉如何？|还好吗？|过得怎么样？|"
      "你怎么样"},
     {"I am fine, thank you. I am a program and ready to calculate.",
      "Mir geht es gut, danke. Ich bin ein Programm und bereit zum Rechnen.",
      "我很好，谢谢。我是一个程序，随时可以计算。"},
     "fine|gut|很好"},
    {{"It was my fault.|Sorry|I am sorry|My mistake|Excuse me|Sorry, I made a mistake|Oops|sorry",
      "Das war mein Fehler.|Entschuldigung|Tut mir leid|Sorry|Verzeihung|Mein Fehler|Ups",
      "是我的错。|对不起|抱歉|不好意思|我弄错了|哎呀"},
     {"No problem! Ask me again.", "Kein Problem! Frag mich noch einmal.", "没关系！请再问一次。"},
     "no problem|kein Problem|没关系"},
    {{"I agree with that.|OK|Okay|Yes|All right|I see|ok|yes|Sure|Got it|Good",
      "Dem stimme ich zu.|Okay|Ja|Alles klar|Verstehe|ok|ja|Gut|In Ordnung",
      "我同意。|好的|好|是的|明白了|知道了|行|嗯|可以"},
     {"Good! Ask me something to calculate.", "Gut! Frag mich etwas zum Rechnen.",
      "好的！请给我一道算题。"},
     "good|gut|好的"},
    {{"I refuse.|No|No thanks|No, thank you|Not now|Never mind|no|Nothing",
      "Ich lehne ab.|Nein|Nein danke|Nicht jetzt|Schon gut|nein|Nichts",
      "我拒绝。|不|不用了|不用，谢谢|算了|没事|不要"},
     {"All right. I am here when you need me.", "In Ordnung. Ich bin da, wenn du mich brauchst.",
      "好吧。需要时我在这里。"},
     "here|ich bin da|我在这里"},
    {{"Glad to know you.|Nice to meet you|Pleased to meet you|Good to see you|Nice to meet you!",
      "Es freut mich, dich zu kennen.|Freut mich|Schön, dich kennenzulernen|Schön, dich zu "
      "sehen|Freut mich!",
      "认识你真好。|很高兴认识你|幸会|见到你很高兴|很高兴认识你！"},
     {"Nice to meet you too! Ask me something to calculate.",
      "Freut mich auch! Frag mich etwas zum Rechnen.", "我也很高兴认识你！请给我一道算题。"},
     "meet you|freut mich|高兴"},
    {{"You pleased me.|I like you|I love you|You are great|You are smart|You are funny|You are "
      "cool|You are the best",
      "Du hast mir gefallen.|Ich mag dich|Ich liebe dich|Du bist toll|Du bist klug|Du bist "
      "super|Du bist lustig|Du bist der Beste",
      "你让我高兴。|我喜欢你|我爱你|你真棒|你真聪明|你太厉害了|你很有趣"},
     {"Thank you! I am only a small program.", "Danke! Ich bin nur ein kleines Programm.",
      "谢谢！我只是一个小程序。"},
     "program|Programm|程序"},
    {{"You annoyed me.|You are stupid|That is bad|You are useless|I hate you|You are dumb|That was "
      "bad|Bad answer",
      "Du hast mich geärgert.|Du bist dumm|Das ist schlecht|Du bist nutzlos|Ich hasse dich|Du bist "
      "blöd|Das war schlecht|Schlechte Antwort",
      "你惹我生气了。|你真笨|这不好|你没用|我讨厌你|你太差了|回答得不好"},
     {"I am sorry. I am small and can be wrong. Ask me again.",
      "Das tut mir leid. Ich bin klein und kann mich irren. Frag mich noch einmal.",
      "对不起。我很小，会出错。请再问一次。"},
     "sorry|leid|对不起"},
    {{"This is a trial.|Test|test|Testing|Are you there?|Anybody there?|Can you hear me?|Does this "
      "work?|...|?",
      "Das ist ein Versuch.|Test|test|Bist du da?|Ist da jemand?|Hörst du mich?|Funktioniert "
      "das?|...|?",
      "这是一次试验。|测试|你在吗？|有人吗？|在吗|能听到我吗？|可以用吗？|……|？"},
     {"I am here. Ask me something to calculate.", "Ich bin da. Frag mich etwas zum Rechnen.",
      "我在。请给我一道算题。"},
     "here|ich bin da|我在"},
};

static const char *const REASON[TS_N_LANGS] = {"The user is chatting.", "Der Nutzer plaudert.",
                                               "用户在闲聊。"};

bool ts_make_smalltalk(ts_maker *m)
{
    return ts_make_fact(m, FACTS, TS_COUNT(FACTS), "smalltalk", REASON);
}
