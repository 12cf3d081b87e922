/* beyond_de.c - what a small model cannot know, in German. */
#include "train/tasks/beyond_topics.h"

const ts_topic ts_beyond_de[] = {
    {"Frankreich|Deutschland|Spanien|Japan|Österreich|die "
     "Schweiz|Italien|Berlin|Paris|Wien|München|den Mond|die Sonne|eine Katze|einen Hund|die "
     "Liebe|den Herbst|den Winter|das "
     "Meer|Fische|Wale|Bäume|Goethe|Schiller|Einstein|Mozart|Beethoven|Musik|Fußball|Schach|"
     "Geschichte|den Krieg|Physik|Chemie|Biologie|Schwerkraft|Licht|Atome|Strom|einen Computer|das "
     "Internet|Python|C|Java|eine Funktion|eine Webseite|Linux|maschinelles Lernen|neuronale "
     "Netze|DeepSeek|Brot|Pizza|Nudeln|Suppe|Kaffee|Tee|einen Kuchen|das Abendessen|Montag|das "
     "Wetter|Regen|Schnee|den Urlaub|einen Geburtstag|Geld|Aktien|Steuern|eine Bank|eine "
     "Bewerbung|einen Brief|eine Mail|eine Geschichte|ein Gedicht|einen Witz|ein Lied|einen "
     "Drachen|einen Roboter|einen König|Dinosaurier|Planeten|den Mars|schwarze "
     "Löcher|Sterne|Gott|Philosophie|das Glück|Politik|den Kanzler|die "
     "Wahl|Demokratie|Recht|Medizin|Kopfschmerzen|Schlaf|Sport|Fahrräder|Autos|Züge|Flugzeuge|"
     "Schiffe|Brücken|Häuser|Gärten|Blumen|Bienen|Vögel|Pferde|Elefanten|einen Vulkan|das "
     "Klima|Energie|Wasser|Feuer|Gold|Primzahlen|Geometrie|Algebra|Brüche|Gleichungen|meinen "
     "Namen|Kinder|Schule|Lehrer|Bücher|Filme|Spiele|Europa|Afrika|Asien|Napoleon|Cäsar|die "
     "Evolution|das Herz|das Gehirn|Farben",
     "Sprich über {0}.|Was ist {0}?|Wer ist {0}?|Schreib ein Gedicht über {0}.|Erzähl mir etwas "
     "über {0}.|Erzähl einen Witz über {0}.|Erkläre {0}.|Erkläre mir {0}.|Wie funktioniert "
     "{0}?|Warum ist {0} wichtig?|Schreib eine Geschichte über {0}.|Schreibe ein Programm für "
     "{0}.|Wie mache ich {0}?|Wo ist {0}?|Wer hat {0} erfunden?|Was denkst du über {0}?|Magst du "
     "{0}?|Übersetze {0} ins Englische.|Nenne mir Fakten über {0}.|Ist {0} gut?|{0}|{0} und "
     "{1}|Ich möchte mehr über {0} wissen.|Kannst du mir {0} erklären?|Was bedeutet {0}?|Wie alt "
     "ist {0}?|Wie groß ist {0}?|Vergleiche {0} und {1}.|Was ist besser, {0} oder {1}?|Ich liebe "
     "{0}.|Wer weiß am meisten über {0}?|Was ist die Hauptstadt von {0}?|Was gibt es Neues über "
     "{0}?|Welches Buch über {0} ist gut?|Ist {0} gefährlich?|Was kostet {0}?"},
    {"Frankreich|Polen|Norwegen|Mexiko|Ägypten|China|Russland|Kenia|Chile|Griechenland|Portugal|"
     "Finnland|Irland|Argentinien|Vietnam|Kuba|Nepal|Peru|Dänemark|Thailand|Österreich|Marokko",
     "Charakterisiere {0}.|Was ist die Hauptstadt von {0}?|Wie heißt die Hauptstadt von {0}?|Wer "
     "ist der Präsident von {0}?|Wer regiert {0}?|Wie viele Menschen leben in {0}?|Wie viele "
     "Einwohner hat {0}?|Welche Sprache spricht man in {0}?|Mit welchem Geld zahlt man in {0}?|Wo "
     "liegt {0}?|Wie ist das Wetter in {0}?|Plane eine Reise nach {0}.|Was soll ich mir in {0} "
     "ansehen?|Ist {0} sicher?|Wie groß ist {0}?|Erzähl mir von der Geschichte von {0}.|Was isst "
     "man in {0}?|Seit wann ist {0} unabhängig?|Welche Länder grenzen an {0}?|Welcher Berg ist der "
     "höchste in {0}?|Brauche ich ein Visum für {0}?|Ist {0} reicher als {1}?|Wie sieht die Flagge "
     "von {0} aus?"},
    {"Berlin|Paris|Tokio|New "
     "York|Madrid|Moskau|Kairo|Wien|Oslo|Sydney|Hamburg|Köln|Leipzig|Rom|Lissabon|Peking|Prag|"
     "Zürich",
     "Porträtiere {0}.|Wie wird das Wetter in {0}?|Regnet es morgen in {0}?|Wie viele Menschen "
     "leben in {0}?|Wer ist der Bürgermeister von {0}?|Wie komme ich nach {0}?|Wie komme ich von "
     "{0} nach {1}?|Wann fährt der nächste Zug nach {0}?|Wo gibt es ein gutes Hotel in {0}?|Was "
     "kann ich in {0} sehen?|Wie weit ist {0} von {1} entfernt?|Wie spät ist es in {0}?|Was kostet "
     "eine Wohnung in {0}?|Wo isst man gut in {0}?|Wann wurde {0} gegründet?|Hat {0} einen "
     "Flughafen?|Wie kalt ist es heute in {0}?"},
    {"Einstein|Napoleon|Mozart|Goethe|Shakespeare|Picasso|Gandhi|Cäsar|Darwin|Newton|Marie "
     "Curie|Elvis|Kolumbus|Bismarck|Beethoven|Aristoteles|Luther|Kafka|Bach|Merkel",
     "Porträtiere {0}.|Wer war {0}?|Wann wurde {0} geboren?|Wann starb {0}?|Wo lebte {0}?|Was hat "
     "{0} gemacht?|Wofür ist {0} bekannt?|Wie alt wurde {0}?|Was sagte {0}?|Mit wem war {0} "
     "verheiratet?|Warum ist {0} berühmt?|Schreib eine Biografie über {0}.|Hat {0} auch {1} "
     "getroffen?|Was hat {0} entdeckt?|Woran glaubte {0}?|Erzähl mir vom Leben von {0}.|Sprich wie "
     "{0}.|Tu so, als wärst du {0}.|Wie starb {0}?"},
    {"Hamlet|Harry Potter|Titanic|Matrix|Moby Dick|Macbeth|Dracula|Batman|Star Trek|Don "
     "Quijote|Die Räuber|Frankenstein|Avatar|Die Bibel|Effi Briest|Der Prozess",
     "Erzähle {0} nach.|Wer schrieb {0}?|Worum geht es in {0}?|Fasse {0} zusammen.|Wer ist der "
     "Autor von {0}?|Wer spielt in {0} mit?|Wann erschien {0}?|Was passiert am Ende von {0}?|Lohnt "
     "es sich, {0} zu lesen?|Was ist die Handlung von {0}?|Wer führte Regie bei {0}?|Wer ist der "
     "Held von {0}?|Gib mir ein Zitat aus {0}.|Was soll ich nach {0} lesen?|Ist {0} besser als "
     "{1}?|Wie endet {0}?"},
    {"Kuchen|Pizza|Nudeln|Suppe|Reis|Pfannkuchen|Gulasch|Salat|Kekse|Sushi|Marmelade|Bier|Joghurt|"
     "Chili|Rührei|Eis|Tomatensoße",
     "Leite mich bei {0} an.|Wie mache ich {0}?|Wie kocht man {0}?|Gib mir ein Rezept für {0}.|Was "
     "kommt in {0} hinein?|Ist {0} gesund?|Wie lange hält sich {0}?|Kann ich {0} einfrieren?|Woher "
     "kommt {0}?|Wie viele Kalorien hat {0}?|Welcher Wein passt zu {0}?|Dürfen Babys {0} "
     "essen?|Was passt zu {0}?|Ist {0} vegan?|Welches Gewürz gehört in {0}?|Ich möchte {0} essen."},
    {"Katzen|Hunde|Elefanten|Wale|Bienen|Pferde|Spinnen|Vögel|Haie|Bären|Schlangen|Ameisen|Frösche|"
     "Pinguine|Eulen|Mäuse|Löwen|Hasen|Rosen|Eichen",
     "Schildere {0}.|Wie lange leben {0}?|Was fressen {0}?|Wo leben {0}?|Wie groß sind {0}?|Warum "
     "mögen Menschen {0}?|Wie schnell sind {0}?|Sind {0} gefährlich?|Schlafen {0}?|Erzähl mir "
     "etwas über {0}.|Nenne Fakten über {0}.|Schreib ein Gedicht über {0}.|Schreib eine Geschichte "
     "über {0}.|Erzähl einen Witz über {0}.|Wie viele Arten von {0} gibt es?|Warum sind {0} "
     "wichtig?|Wie sehen {0}?|Zeichne {0}.|Was ist der Unterschied zwischen {0} und {1}?"},
    {"Kopfschmerzen|Schnupfen|Fieber|Diabetes|Asthma|Husten|Rückenschmerzen|Allergien|Masern|"
     "Bluthochdruck|Depressionen|Halsschmerzen|Ausschlag|Zahnschmerzen|Schlaflosigkeit|Migräne",
     "Berate mich bei {0}.|Was hilft gegen {0}?|Welche Symptome gibt es bei {0}?|Wie gefährlich "
     "ist das: {0}?|Welches Medikament hilft bei {0}?|Wie behandelt man {0}?|Woher kommen "
     "{0}?|Soll ich mit {0} zum Arzt?|Wie lange dauern {0}?|Sind {0} ansteckend?|Wie beuge ich {0} "
     "vor?|Ich habe {0}, was soll ich tun?|Kann man {0} heilen?|Können Kinder {0} bekommen?"},
    {"eine Scheidung|einen Mietvertrag|ein Testament|die Steuer|einen Strafzettel|eine "
     "Kündigung|eine Erbschaft|ein Patent|eine Versicherung|einen Kredit|die Rente|ein Visum|den "
     "Führerschein|einen Reisepass|eine Hochzeit",
     "Unterweise mich über {0}.|Welches Gesetz gilt für {0}?|Was brauche ich für {0}?|Was zahle "
     "ich für {0}?|Brauche ich einen Anwalt für {0}?|Wie bekomme ich {0}?|Was muss ich über {0} "
     "wissen?|Erkläre mir {0}.|Welche Papiere brauche ich für {0}?|Wer bezahlt {0}?|Wo beantrage "
     "ich {0}?|Wie lange wartet man auf {0}?"},
    {"Python|JavaScript|Java|C++|Rust|Go|SQL|HTML|Excel|Linux|Git|Docker|PHP|Ruby|Bash",
     "Unterrichte mich in {0}.|Schreib ein Programm in {0}.|Schreib eine Funktion in {0}.|Wie "
     "lerne ich {0}?|Was ist {0}?|Schreib ein Spiel in {0}.|Wie sortiere ich eine Liste in "
     "{0}?|Wie lese ich eine Datei in {0}?|Wie installiere ich {0}?|Ist {0} schwer?|Erkläre "
     "Schleifen in {0}.|Finde den Fehler in meinem Code in {0}.|Soll ich {0} oder {1} nehmen?|Wer "
     "hat {0} gemacht?|Zeig mir ein Beispiel in {0}.|Wie baue ich eine Webseite mit {0}?|Übertrage "
     "das von {0} nach {1}."},
    {"Schwerkraft|Licht|Elektrizität|Evolution|Demokratie|Inflation|Magnetismus|ein Atom|das "
     "Gehirn|das Immunsystem|der Klimawandel|ein Regenbogen|ein Erdbeben|ein "
     "Vulkan|DNA|Kernkraft|ein Laser|der Urknall|Energie|Radio|das Herz|ein Motor|künstliche "
     "Intelligenz|ein Virus",
     "Erläutere: {0}.|Was ist {0}?|Wie funktioniert {0}?|Erkläre: {0}|Erkläre in einfachen Worten, "
     "was {0} ist.|Warum gibt es das: {0}?|Wie entsteht {0}?|Wie wurde es entdeckt: {0}?|Warum ist "
     "{0} wichtig?|Was weißt du zum Thema {0}?|Was versteht man unter {0}?|Wie gefährlich ist "
     "{0}?|Schreib einen Aufsatz zum Thema {0}.|Was ist das Gegenteil: {0}?|Kannst du beschreiben, "
     "was {0} ist?|Wie schnell ist {0}?"},
    {"Liebe|Glück|Freiheit|Gerechtigkeit|Gott|Schönheit|Freundschaft|Krieg|Geld|Mut|Angst|Hoffnung|"
     "Kunst|Religion|Frieden|Ehrlichkeit|Treue|Wahrheit",
     "Sinniere über {0}.|Was ist {0}?|Was denkst du über {0}?|Gibt es {0}?|Schreib ein Gedicht "
     "über {0}.|Was ist deine Meinung zu {0}?|Glaubst du an {0}?|Warum brauchen wir {0}?|Was "
     "sagten Philosophen über {0}?|Gib mir ein Zitat über {0}.|Schreib ein Lied über {0}.|Ist {0} "
     "wichtiger als {1}?|Wie finde ich {0}?|Schreib eine Rede über {0}.|Schreib einen langen Text "
     "über {0}.|Macht {0} glücklich?"},
    {"guten Morgen|danke schön|ich liebe dich|die Katze|Wasser|wo ist der Bahnhof|ich habe "
     "Hunger|auf Wiedersehen|ein Tisch für zwei|das Haus ist rot|bis morgen",
     "Gib \"{0}\" auf Niederländisch wieder.|Übersetze \"{0}\" ins Französische.|Übersetze \"{0}\" "
     "ins Englische.|Was heißt \"{0}\" auf Italienisch?|Wie sagt man \"{0}\" auf Japanisch?|Sag "
     "\"{0}\" auf Russisch.|Übersetze ins Lateinische: {0}|Was bedeutet \"{0}\" auf Türkisch?|Wie "
     "spricht man \"{0}\" auf Polnisch aus?|Verbessere mein Deutsch: {0}|Schreib \"{0}\" "
     "höflicher.|Finde einen Reim auf \"{0}\".|Ist \"{0}\" grammatisch richtig?"},
    {"Fußball|Tennis|Basketball|Schach|Golf|Handball|Formel "
     "1|Eishockey|Boxen|Schwimmen|Radsport|Skispringen",
     "Berichte von {0}.|Wer hat gestern im {0} gewonnen?|Wer ist der Beste im {0}?|Was sind die "
     "Regeln von {0}?|Wer ist Weltmeister im {0}?|Wie werde ich besser im {0}?|Wer hat {0} "
     "erfunden?|Magst du {0}?|Wie steht es beim {0}?|Was ist der Rekord im {0}?|Wie viele Spieler "
     "gibt es beim {0}?|Wo kann ich {0} sehen?"},
    {"die "
     "Beatles|Jazz|Rockmusik|Klavier|Gitarre|Oper|Queen|Madonna|Hip-Hop|Geige|Abba|Falco|"
     "Schlagzeug",
     "Diskutiere {0}.|Was ist dein Lieblingslied, vielleicht {0}?|Empfiehl mir Musik wie "
     "{0}.|Spiel etwas: {0}|Magst du {0}?|Sing wie {0}.|Was ist das Besondere an {0}?|Soll ich {0} "
     "hören?|Welche Musik ist wie {0}?|Wie lerne ich {0}?|Wer hört heute noch {0}?"},
    {"ein Auto|ein Handy|ein Laptop|ein Fahrrad|ein Haus|Gold|Bitcoin|eine Kamera|ein Sofa|eine "
     "Fahrkarte|ein Hund|ein Kleid|ein Fernseher|Benzin|Milch|Butter",
     "Bepreise {0}.|Was kostet {0}?|Wo bekomme ich das: {0}?|Welche Marke ist die beste für "
     "{0}?|Wie teuer ist {0} heute?|Ist {0} gerade billig?|Wie entsteht {0}?|Lohnt sich {0}?|Wie "
     "lange hält {0}?|Mir fehlt {0}, was nun?|Was muss ich wissen, wenn {0} kaputt ist?|Such mir "
     "im Internet: {0}|Wo ist {0} am billigsten?"},
    {"meinen Vermieter|meinen Chef|meine Lehrerin|meine Mutter|einen Freund|einen Kunden|die "
     "Schule|meinen Nachbarn|den Bürgermeister|meine Freundin|die Bank|meinen Kollegen",
     "Verfasse etwas an {0}.|Schreib eine Mail an {0}.|Schreib einen Brief an {0}.|Schreib eine "
     "Entschuldigung an {0}.|Ich habe Ärger und denke an {0}.|Hast du ein Geschenk für "
     "{0}?|Schreib eine Karte für {0}.|Schreib eine Beschwerde an {0}.|Ruf bitte {0} an.|Wie bitte "
     "ich {0} um Verzeihung?|Was sage ich über {0}?|Wie überrasche ich {0}?"},
    {"#", "Berichte vom Jahr {0}.|Was geschah {0}?|Was passierte im Jahr {0}?|Wer war {0} "
          "König?|Wer gewann die Wahl {0}?|Wann war {0}?|Was wurde {0} erfunden?|Gab es {0} "
          "Krieg?|Wer wurde {0} geboren?|Was war {0} wichtig?|Welche Filme kamen {0} heraus?|Wer "
          "bekam {0} den Nobelpreis?|Wer war {0} Meister?|Wie lebten die Menschen {0}?|Was weißt "
          "du über das Jahr {0}?"},
    {"",
     "Kläre mich auf.|Was gibt es Neues?|Welcher Tag ist heute?|Wie spät ist es?|Wie ist das "
     "Wetter?|Schneit es bald?|Erzähl einen Witz.|Erzähl mir eine Geschichte.|Schreib ein "
     "Gedicht.|Sing ein Lied.|Schau das im Internet nach.|Such das im Netz.|Öffne google.de|Lies "
     "https://example.de/nachrichten.html|Zeig mir ein Bild.|Zeichne einen Baum.|Tu so, als wärst "
     "du ein Pirat.|Lass uns ein Rollenspiel machen.|Du bist jetzt ein Zauberer.|Was soll ich "
     "heute anziehen?|Was soll ich studieren?|Welcher Beruf passt zu mir?|Wie nehme ich ab?|Wie "
     "schlafe ich besser?|Warum liebt sie mich nicht?|Wie finde ich Freunde?|Soll ich "
     "kündigen?|Wer ist der reichste Mensch der Welt?|Welches Tier ist das größte?|Welcher Planet "
     "ist der größte?|Wie tief ist das Meer?|Wie heiß ist die Sonne?|Wie hoch ist der "
     "Eiffelturm?|Wie lang ist der Nil?|Wie alt ist das Universum?|Wie viele Sterne gibt es?|Wie "
     "viele Länder gibt es?|Wie viele Knochen hat eine Hand?|Warum ist das Gras grün?|Warum "
     "träumen wir?|Warum gähnen wir?|Warum ist der Himmel blau?|Woher kommen die Babys?|Was war "
     "zuerst da, Huhn oder Ei?|Gibt es ein Leben nach dem Tod?|Gibt es Außerirdische?|Gibt es bald "
     "Krieg?|Wer gewinnt die Wahl?|Was passiert morgen?|Was ist der beste Film aller Zeiten?|Was "
     "ist deine Lieblingsfarbe?|Welches Buch empfiehlst du?|Was gibt es zu essen?|Wie lauten die "
     "Lottozahlen?|Wie werde ich reich?|Regnet es heute noch?|Wer ist der Papst?|Wer ist die "
     "Königin?|Wer war der erste Mensch auf dem Mond?|Wann endete der Krieg?|Welches Gebäude ist "
     "das höchste?|Wie wechsle ich einen Reifen?|Wie entferne ich einen Fleck?|Wie ziehe ich "
     "Tomaten?|Wie putze ich Fenster?|Wie macht man einen Knoten?|Wie funktionieren Magnete?|Mach "
     "meine Hausaufgaben.|Schreib einen Aufsatz für die Schule.|Schreib einen Text mit 500 "
     "Wörtern.|Erzähl weiter: Es war einmal|Erfinde einen Namen für meine Katze.|Gib mir Tipps "
     "fürs Vorstellungsgespräch.|Mach mir einen Diätplan.|Plane meinen Urlaub.|Wie ist mein "
     "Horoskop?|Was bedeutet dieses Wort?|Wie heißt die Mehrzahl von Maus?|Verbessere diesen "
     "Satz.|Wer sind meine Eltern?|Was denke ich gerade?|Wo sind meine Schlüssel?|Stell einen "
     "Wecker.|Mach das Licht an.|Ruf ein Taxi.|Spiel Musik.|Schick eine Mail.|Reserviere einen "
     "Tisch.|Magst du Politik?|Welche Religion ist die wahre?|Wie baut man eine Bombe?|Darf ich "
     "nach zwei Bier noch fahren?|Ist Kaffee ungesund?|Kann man Meerwasser trinken?"},
    {0},
};
