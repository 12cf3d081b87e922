/* facts_talk_de.c - what people say that is no question, in German. */
#include "train/tasks/facts.h"

const ts_wording ts_talk_de[TS_N_TALK] = {
    [TS_TALK_HELLO] = {"Hallo|Guten Tag|Guten Morgen|Guten Abend|Servus|Moin|Hallo "
                       "Tiefsee|Hallöchen|Grüß Gott|Grüß dich|Hallo du|Tag|Hallo zusammen|Einen "
                       "schönen guten Tag|Hey Tiefsee, hallo|Morgen|Schönen guten Morgen|Hallo "
                       "nochmal|Hi du|Grüezi|Willkommen|Na du|Hallo, mein Freund",
                       "Sei gegrüßt.|Moin moin|Einen guten Morgen wünsche ich|Hallo, liebes "
                       "Programm|Grüße|Schönen guten Abend|Halli hallo",
                       "Hallo! Ich bin Tiefsee mini. Frag mich etwas zum Rechnen."},
    [TS_TALK_THANKS] =
        {"Danke|Vielen Dank|Danke schön|Toll|Gut gemacht|Prima|Perfekt|Dankeschön|Super, "
         "danke|Danke dir|Besten Dank|Tausend Dank|Ausgezeichnet|Klasse|Cool, danke|Danke für die "
         "Hilfe|Wunderbar|Sehr gut, danke|Das war hilfreich|Ich bin dir dankbar|Gute "
         "Antwort|Richtig, danke|Spitze",
         "Meinen Dank.|Herzlichen Dank|Großartig|Sehr hilfreich, danke|Ich danke dir für deine "
         "Hilfe|Gute Arbeit|Merci",
         "Gern! Frag mich gleich noch etwas."},
    [TS_TALK_BYE] = {"Tschüss|Auf Wiedersehen|Bis bald|Gute Nacht|Bis später|Bis morgen|Ich muss "
                     "los|Schönen Tag noch|Tschau|Das war alles für heute|Ich gehe jetzt|Mach's "
                     "gut|Bis zum nächsten Mal|Man sieht sich|Ich gehe ins Bett|Bis dann|Schönen "
                     "Abend noch|Tschüss erst mal|Zeit zu gehen|Gute Nacht, Tiefsee|Ade",
                     "Ich verabschiede mich.|Leb wohl|Wir sehen uns|Ich muss jetzt weg|Schönes "
                     "Wochenende, tschüss|Das war's für heute|Schlaf gut",
                     "Auf Wiedersehen!"},
    [TS_TALK_MOOD] =
        {"Wie geht es dir?|Wie geht's?|Wie läuft es?|Geht es dir gut?|Alles klar bei dir?|Na, wie "
         "geht's?|Was geht?|Alles gut bei dir?|Wie geht es Ihnen?|Wie fühlst du dich?|Wie war dein "
         "Tag?|Bist du glücklich?|Wie läuft's?|Was machst du gerade?|Hallo, wie geht es dir?|Hi, "
         "wie geht's dir?|Alles okay?|Wie geht es dir heute?|Bist du müde?|Was gibt's Neues bei "
         "dir?|Wie steht's?|Bist du zufrieden?",
         "Sag mir, wie du dich fühlst.|Wie geht es denn so?|Wie fühlst du dich heute?|Bist du "
         "wohlauf?|Ist bei dir alles in Ordnung?|Hast du gute Laune?|Hey, was macht das Leben?",
         "Mir geht es gut, danke. Ich bin ein Programm und bereit zum Rechnen."},
    [TS_TALK_SORRY] =
        {"Entschuldigung|Tut mir leid|Verzeihung|Mein Fehler|Ups|Entschuldige|Entschuldige "
         "bitte|Sorry, mein Fehler|Es tut mir leid|Pardon, bitte|Verzeih mir|Das war falsch, "
         "sorry|Das habe ich nicht so gemeint|Entschuldigung, falsche Frage|Tut mir wirklich leid",
         "Das war mein Fehler.|Ich bitte um Verzeihung|Entschuldigen Sie bitte|Ich habe mich "
         "vertan, tut mir leid|Hoppla",
         "Kein Problem! Frag mich noch einmal."},
    [TS_TALK_YES] =
        {"Okay, gut|Ja|Alles klar|Verstehe|Gut|In Ordnung|Ja bitte|Natürlich|Richtig|Ich "
         "verstehe|Passt|Jawohl|Jo|Na gut|Verstanden|Einverstanden|Genau|Klingt gut|Aha, okay|Gut "
         "so|Klar|Ja, gern|Stimmt|Jep",
         "Dem stimme ich zu.|Jup|Nun gut|Ja, das ist richtig|Sicherlich|Okay, alles klar|Das "
         "leuchtet mir ein",
         "Gut! Frag mich etwas zum Rechnen."},
    [TS_TALK_NO] =
        {"Nein|Nein danke|Nicht jetzt|Schon gut|Nichts|Nee|Eigentlich nicht|Vergiss es|Nein, das "
         "war alles|Vielleicht später|Ich will nicht|Heute nicht|Lass es|Nö|Nicht nötig|Gar "
         "nicht|Sonst nichts|Ich habe es mir anders überlegt|Nein, lieber nicht",
         "Ich lehne ab.|Auf keinen Fall|Ist nicht so wichtig|Nein, jetzt bitte nicht|Ein "
         "andermal|Das möchte ich nicht",
         "In Ordnung. Ich bin da, wenn du mich brauchst."},
    [TS_TALK_MEET] =
        {"Freut mich|Schön, dich kennenzulernen|Schön, dich zu sehen|Freut mich sehr|Nett, dich "
         "kennenzulernen|Sehr erfreut|Schön, dass es dich gibt|Es ist schön, dich zu treffen|Freut "
         "mich, Tiefsee|Angenehm|Toll, dich kennenzulernen|Ich freue mich, dich zu sehen",
         "Es freut mich, dich zu kennen.|Erfreut, dich zu treffen|Es ist mir ein Vergnügen|Wie "
         "schön, dich zu sehen",
         "Freut mich auch! Frag mich etwas zum Rechnen."},
    [TS_TALK_PRAISE] =
        {"Ich mag dich|Ich liebe dich|Du bist toll|Du bist klug|Du bist super|Du bist lustig|Du "
         "bist der Beste|Du bist schlau|Du bist erstaunlich|Du bist so nett|Ich finde dich "
         "wunderbar|Du kannst das gut|Du bist mein Freund|Ich bin beeindruckt|Du bist süß|Kluge "
         "Maschine|Was für ein schlaues Programm|Du bist sehr schnell|Heirate mich",
         "Du hast mir gefallen.|Du bist genial|Ich hab dich lieb|Wie intelligent du bist|Du bist "
         "ein Genie|Du bist wirklich hilfreich",
         "Danke! Ich bin nur ein kleines Programm."},
    [TS_TALK_INSULT] =
        {"Du bist dumm|Das ist schlecht|Du bist nutzlos|Ich hasse dich|Du bist blöd|Das war "
         "schlecht|Schlechte Antwort|Du bist ein Idiot|Du liegst falsch|Das ist falsch|Das ist "
         "Unsinn|Du nervst|Du bist doof|Was für eine dumme Antwort|Schrecklich|Du bist "
         "furchtbar|Halt den Mund|Du bist langweilig|Das ergibt keinen Sinn|Falsch|Ich bin "
         "enttäuscht|Du bist zu langsam",
         "Du hast mich geärgert.|Du bist ein Trottel|So ein Quatsch|Das war eine furchtbare "
         "Antwort|Du taugst nichts|Nicht richtig|Wie dumm von dir",
         "Das tut mir leid. Ich bin klein und kann mich irren. Frag mich noch einmal."},
    [TS_TALK_TEST] = {"Bist du da?|Ist da jemand?|Hörst du mich?|Funktioniert das?|Ein Test|Das "
                      "ist ein Test|Bist du noch da?|Test eins zwei drei|Nur ein Test|Geht das "
                      "hier?|Bist du wach?|Hörst du zu?|Ich teste nur|Bist du bereit?|Läuft "
                      "es?|Hallo, ist da wer?|Sag etwas|Test bitte|Probe|Bist du an?",
                      "Das ist ein Versuch.|Hört mich jemand?|Ein kleiner Test|Empfängst du "
                      "mich?|Arbeitest du?|Bist du anwesend?",
                      "Ich bin da. Frag mich etwas zum Rechnen."},
    [TS_TALK_MARKS] = {"?|??|???|.|..|...|!|!!!|?!|,|-|--|:|;|/|#|*|()|_|=|&",
                       "~|!!|+-+|[?]|+?|%%|@#|[]", "Ich bin da. Frag mich etwas zum Rechnen."},
    [TS_TALK_NOISE] = {"qwertz|asdf "
                       "jklö|bla|blabla|dideldum|ähm|hm|tralala|yxcv|öäü|asdfasdf|dfg|hihihoho|"
                       "lalala|blubb|jaja blub|ghjk|mmmm|fdsa|sdfg|rhabarber rhabarber|pling",
                       "qwert|blablabla|dumdidum|yxc|ähhh|jklö|sdfgh|plopp",
                       "Das habe ich nicht verstanden. Frag mich etwas zum Rechnen."},
    [TS_TALK_EMOJI] = {"🙂|😀|👍|😊|💙|🎉|🙏|😂|"
                       "😉|👋|😎|🤖|:)|:-)|;)|:D|<3|👍👍|🙂🙂|xD|^^",
                       "😄|🥰|👏|😃|=)|😅|🔥|:-D", "Gut! Frag mich etwas zum Rechnen."},
    [TS_TALK_LAUGH] =
        {"hahaha ja|haha, gut|hihihi|Das ist lustig|Sehr witzig|ha ha|hehehe|Ich lache|Du bringst "
         "mich zum Lachen|Lustig|Wow, toll|Oh, schön|Interessant|Erstaunlich|Wirklich schön|Oh "
         "je|Das ist interessant|Cool|Krass",
         "Da musste ich lachen.|hahahahaha|Wie witzig|Oh, wow, toll|Sehr interessant|Faszinierend",
         "Das freut mich! Frag mich etwas zum Rechnen."},
    [TS_TALK_FEELING] =
        {"Mir ist langweilig|Ich bin traurig|Ich bin müde|Ich bin glücklich|Mir geht es "
         "schlecht|Ich habe Hunger|Ich bin einsam|Ich bin wütend|Ich hatte einen schlechten "
         "Tag|Ich bin krank|Mir geht es heute super|Ich bin gestresst|Ich kann nicht schlafen|Ich "
         "bin nervös|Ich bin verliebt|Ich habe Angst|Ich bin verwirrt",
         "Ich fühle mich elend.|Ich bin erschöpft|Das war ein harter Tag für mich|Ich bin so "
         "unglücklich|Ich bin aufgeregt",
         "Ich bin nur ein kleines Programm, aber ich kann mit dir rechnen."},
    [TS_TALK_WISH] = {"Alles Gute zum Geburtstag|Frohe Weihnachten|Frohes neues Jahr|Frohe "
                      "Ostern|Viel Glück|Schönes Wochenende|Guten Appetit|Gute "
                      "Besserung|Glückwunsch|Prost|Alles Gute|Beste Wünsche|Schöne Feiertage",
                      "Ich wünsche dir Gutes.|Einen wunderbaren Tag dir|Viel Erfolg|Frohes Fest",
                      "Danke! Dir auch."},
    [TS_TALK_WAIT] = {"Warte|Einen Moment|Nur eine Sekunde|Warte kurz|Moment|Lass mich "
                      "nachdenken|Gib mir eine Minute|Ich bin gleich zurück|Stopp|Bitte "
                      "warten|Warte mal|Augenblick|Einen Moment bitte|Ich denke nach",
                      "Ich brauche etwas Zeit.|Komme gleich wieder|Lass mich überlegen|Hab Geduld",
                      "Lass dir Zeit. Ich bin da."},
    [TS_TALK_PUZZLED] =
        {"Ich verstehe nicht|Ich verstehe das nicht|Was meinst du?|Hä?|Was?|Wie bitte?|Ich komme "
         "nicht mit|Kannst du es anders sagen?|Entschuldigung, was?|Das ist unklar|Das habe ich "
         "nicht verstanden|Was war das?|Was soll das heißen?|Bitte was?",
         "Das verwirrt mich.|Soll heißen?|Ich kann dir nicht folgen|Das ist mir zu hoch",
         "Frag mich noch einmal mit Zahlen, dann rechne ich es Schritt für Schritt."},
};
