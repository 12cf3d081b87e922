/* beyond_en.c - what a small model cannot know, in English. */
#include "train/tasks/beyond_topics.h"

const ts_topic ts_beyond_en[] = {
    {"France|Germany|Spain|Japan|Brazil|Canada|Italy|Berlin|Paris|Rome|London|the moon|the sun|a "
     "cat|a dog|love|autumn|winter|the "
     "sea|fish|whales|trees|Shakespeare|Goethe|Einstein|Newton|Mozart|Beethoven|music|football|"
     "chess|history|the war|physics|chemistry|biology|gravity|light|atoms|electricity|a battery|a "
     "computer|the internet|Python|C|Java|JavaScript|Rust|SQL|a sorting function|a web page|a "
     "linked list|quicksort|Linux|Windows|a pointer|machine learning|neural "
     "networks|transformers|DeepSeek|attention|bread|pizza|pasta|soup|coffee|tea|a "
     "cake|dinner|breakfast|Monday|the weather|rain|snow|a holiday|a birthday|money|the stock "
     "market|taxes|a bank|a job interview|a letter to my boss|an email|a story|a poem|a joke|a "
     "song|a dragon|a robot|a king|a princess|dinosaurs|planets|Mars|black holes|stars|time "
     "travel|God|philosophy|happiness|politics|the president|an election|democracy|law|medicine|a "
     "headache|sleep|sport|running|bicycles|cars|trains|planes|ships|bridges|houses|gardens|"
     "flowers|bees|birds|horses|elephants|the ocean|a volcano|climate "
     "change|energy|water|fire|gold|iron|prime "
     "numbers|pi|geometry|algebra|fractions|equations|square roots|my name|your "
     "mother|children|school|teachers|books|films|games|Europe|Africa|Asia|the Roman "
     "empire|Napoleon|Caesar|the French revolution|evolution|DNA|the heart|the "
     "brain|blue|red|colors",
     "Speak about {0}.|What is {0}?|Who is {0}?|Write a poem about {0}.|Tell me about {0}.|Tell me "
     "a joke about {0}.|Explain {0}.|Explain {0} to a child.|How does {0} work?|Why is {0} "
     "important?|Write a story about {0}.|Write code for {0}.|How do I make {0}?|Where is "
     "{0}?|When was {0} invented?|Who invented {0}?|What do you think about {0}?|Do you like "
     "{0}?|Translate {0} into German.|Give me some facts about {0}.|List ideas for {0}.|Is {0} "
     "good?|{0}|{0} and {1}|I want to know more about {0}.|Can you tell me about {0}?|What is the "
     "meaning of {0}?|How old is {0}?|How big is {0}?|Compare {0} and {1}.|What is better, {0} or "
     "{1}?|I love {0}.|Who knows the most about {0}?|What is the capital of {0}?|What happened to "
     "{0}?|What is the news about {0}?|Which book about {0} is good?|How many people know {0}?|Is "
     "{0} dangerous?|What does {0} cost?"},
    {"France|Poland|Norway|Mexico|Egypt|China|Russia|Kenya|Chile|Greece|Turkey|Portugal|Finland|"
     "Ireland|Argentina|Vietnam|Cuba|Nepal|Iran|Peru|Denmark|Thailand|Austria|Morocco",
     "Characterise {0}.|What is the capital of {0}?|Who is the president of {0}?|Who governs "
     "{0}?|How many people live in {0}?|What is the population of {0}?|Which language is spoken in "
     "{0}?|What money do they use in {0}?|What is the currency of {0}?|Where is {0}?|What is the "
     "weather like in {0}?|Plan a trip to {0}.|What should I visit in {0}?|Is {0} safe?|How large "
     "is {0}?|Tell me about the history of {0}.|Who is the prime minister of {0}?|What do people "
     "eat in {0}?|When did {0} become independent?|Which countries border {0}?|What is the highest "
     "mountain in {0}?|How do I get a visa for {0}?|Is {0} richer than {1}?|What is the flag of "
     "{0}?"},
    {"Berlin|Paris|Tokyo|New "
     "York|Madrid|Moscow|Cairo|Vienna|Oslo|Sydney|Munich|Boston|Dublin|Rome|Lisbon|Beijing|Prague|"
     "Zurich",
     "Portray {0}.|What is the weather in {0}?|Will it rain in {0} tomorrow?|How many people live "
     "in {0}?|Who is the mayor of {0}?|How do I get to {0}?|How do I get from {0} to {1}?|When "
     "does the next train to {0} leave?|Where is a good hotel in {0}?|What can I see in {0}?|How "
     "far is {0} from {1}?|What time is it in {0}?|What does a flat in {0} cost?|Where can I eat "
     "well in {0}?|When was {0} founded?|Is there an airport in {0}?|How cold is it in {0} today?"},
    {"Einstein|Napoleon|Mozart|Goethe|Shakespeare|Picasso|Gandhi|Caesar|Darwin|Newton|Marie "
     "Curie|Elvis|Columbus|Lincoln|Beethoven|Aristotle|Luther|Kafka|Bach|Obama",
     "Portray {0}.|Who was {0}?|When was {0} born?|When did {0} die?|Where did {0} live?|What did "
     "{0} do?|What is {0} famous for?|How old was {0}?|What did {0} say?|Who was married to "
     "{0}?|Why is {0} famous?|Write a biography of {0}.|Did {0} meet {1}?|What did {0} "
     "discover?|What did {0} believe?|Tell me about the life of {0}.|Speak like {0}.|Pretend that "
     "you are {0}.|How did {0} die?"},
    {"Hamlet|Harry Potter|Titanic|The Matrix|Moby Dick|Macbeth|Dracula|Batman|Star Trek|Don "
     "Quixote|The Odyssey|Frankenstein|Avatar|The Bible|Dune|Alice in Wonderland",
     "Retell {0}.|Who wrote {0}?|What is {0} about?|Summarise {0}.|Who is the author of {0}?|Who "
     "plays in {0}?|When did {0} appear?|What happens at the end of {0}?|Is {0} worth "
     "reading?|What is the plot of {0}?|Who directed {0}?|Who is the hero of {0}?|Give me a quote "
     "from {0}.|What should I read after {0}?|Is {0} better than {1}?|How does {0} end?"},
    {"cake|pizza|pasta|soup|rice|pancakes|curry|salad|cookies|sushi|jam|beer|yoghurt|chili|fried "
     "eggs|ice cream|tomato sauce",
     "Instruct me on {0}.|How do I make {0}?|How do I cook {0}?|Give me a recipe for {0}.|What "
     "goes into {0}?|Is {0} healthy?|How long does {0} keep?|Can I freeze {0}?|Where does {0} come "
     "from?|How many calories does {0} have?|Which wine goes with {0}?|Can babies eat {0}?|What "
     "can I eat with {0}?|Is {0} vegan?|Which spice belongs in {0}?|I want to eat {0}."},
    {"cats|dogs|elephants|whales|bees|horses|spiders|birds|sharks|bears|snakes|ants|frogs|penguins|"
     "owls|mice|lions|rabbits|roses|oak trees",
     "Depict {0}.|How long do {0} live?|What do {0} eat?|Where do {0} live?|How big are {0}?|Why "
     "do people like {0}?|How fast are {0}?|Are {0} dangerous?|Do {0} sleep?|Tell me something "
     "about {0}.|Give me facts about {0}.|Write a poem about {0}.|Write a story about {0}.|Tell me "
     "a joke about {0}.|How many kinds of {0} are there?|Why are {0} important?|How do {0} "
     "see?|Draw {0}.|What is the difference between {0} and {1}?"},
    {"a headache|a cold|fever|diabetes|asthma|a cough|back pain|an allergy|measles|high blood "
     "pressure|depression|a sore throat|a rash|toothache|insomnia|migraine",
     "Advise me on {0}.|What helps against {0}?|What are the symptoms of {0}?|Is {0} "
     "dangerous?|Which medicine helps with {0}?|How is {0} treated?|What causes {0}?|Should I see "
     "a doctor for {0}?|How long does {0} last?|Is {0} contagious?|How do I prevent {0}?|I have "
     "{0}, what should I do?|Can {0} be cured?|Can children get {0}?"},
    {"a divorce|a rental contract|a will|my taxes|a parking ticket|a dismissal|an inheritance|a "
     "patent|copyright|insurance|a loan|a pension|a visa|a driving licence|a passport|a wedding",
     "Counsel me on {0}.|Which law applies to {0}?|How do I apply for {0}?|What does {0} cost?|Do "
     "I need a lawyer for {0}?|What are my rights with {0}?|Where do I get {0}?|How long does {0} "
     "take?|What must I know about {0}?|Explain {0} to me.|Which papers do I need for {0}?|Can I "
     "appeal in the matter of {0}?|Who pays for {0}?"},
    {"Python|JavaScript|Java|C++|Rust|Go|SQL|HTML|Excel|Linux|Git|Docker|PHP|Ruby|Bash",
     "Instruct me in {0}.|Write a program in {0}.|Write a function in {0}.|How do I learn "
     "{0}?|What is {0}?|Write a game in {0}.|How do I sort a list in {0}?|How do I read a file in "
     "{0}?|How do I install {0}?|Is {0} hard?|Explain loops in {0}.|Find the bug in my {0} "
     "code.|Should I use {0} or {1}?|Who made {0}?|Show me an example in {0}.|How do I write a web "
     "page with {0}?|Convert this from {0} to {1}."},
    {"gravity|light|electricity|evolution|time|democracy|inflation|magnetism|the atom|the "
     "brain|the immune system|climate change|a rainbow|an earthquake|a volcano|DNA|nuclear power|a "
     "laser|the big bang|energy|radio|the heart|an engine|artificial intelligence|a virus",
     "Elucidate {0}.|What is {0}?|How does {0} work?|Explain {0}.|Explain {0} in simple words.|Why "
     "is there {0}?|Who discovered {0}?|What causes {0}?|How was {0} discovered?|Why is {0} "
     "important?|What do you know about {0}?|Give me a summary of {0}.|What are the dangers of "
     "{0}?|Write an essay about {0}.|Teach me about {0}.|What is the opposite of {0}?|Can you "
     "describe {0}?|How fast is {0}?|When was {0} first understood?"},
    {"love|happiness|freedom|justice|God|death|truth|beauty|friendship|war|money|courage|fear|hope|"
     "art|religion|peace|the soul|free will|honesty",
     "Ponder {0}.|What is {0}?|What do you think about {0}?|Is there {0}?|Write a poem about "
     "{0}.|What is your opinion on {0}?|Do you believe in {0}?|Why do we need {0}?|What did "
     "philosophers say about {0}?|Give me a quote about {0}.|Write a song about {0}.|Is {0} more "
     "important than {1}?|How do I find {0}?|Write a speech about {0}.|Write a long text about "
     "{0}.|Does {0} make us happy?"},
    {"good morning|thank you|I love you|the cat|water|where is the station|I am hungry|goodbye|a "
     "table for two|happy birthday|the house is red|see you tomorrow",
     "Render \"{0}\" in Dutch.|Translate \"{0}\" into French.|Translate \"{0}\" into Spanish.|What "
     "is \"{0}\" in Italian?|How do you say \"{0}\" in Japanese?|Say \"{0}\" in Russian.|Translate "
     "into Latin: {0}|What does \"{0}\" mean in Turkish?|How do I pronounce \"{0}\" in "
     "Polish?|Correct my English: {0}|Rewrite \"{0}\" more politely.|Find a rhyme for \"{0}\".|Is "
     "\"{0}\" good grammar?"},
    {"football|tennis|basketball|chess|golf|the Olympics|the world cup|Formula "
     "1|hockey|boxing|swimming|the marathon|cycling",
     "Report on {0}.|Who won in {0} yesterday?|Who is the best in {0}?|What are the rules of "
     "{0}?|Who is the world champion in {0}?|When is the next event of {0}?|How do I get better at "
     "{0}?|Who invented {0}?|Do you like {0}?|What is the score in {0}?|What is the record in "
     "{0}?|How many players are there in {0}?|Where can I watch {0}?"},
    {"the Beatles|jazz|rock music|the piano|the guitar|opera|Queen|Madonna|hip hop|the "
     "violin|Abba|Michael Jackson|the drums",
     "Discuss {0}.|What is your favourite song of {0}?|Recommend music like {0}.|How do I learn "
     "{0}?|Play {0}.|What is the best album of {0}?|Who started {0}?|Do you like {0}?|When did {0} "
     "become popular?|Sing like {0}.|Give me the lyrics of a song by {0}.|What is special about "
     "{0}?|Is {0} hard to learn?"},
    {"a car|a phone|a laptop|a bicycle|shoes|a house|gold|bitcoin|a camera|a sofa|a ticket|a "
     "watch|a dog|a dress|a television|petrol|milk",
     "Price {0}.|What does {0} cost?|Where can I buy {0}?|Which brand of {0} is best?|How do I "
     "choose {0}?|How do I repair {0}?|Should I buy {0}?|Is {0} cheap at the moment?|How is {0} "
     "made?|How much is {0} today?|Order {0} for me.|Sell me {0}.|How long does {0} last?|What "
     "should I do with {0}?|Find me {0} online."},
    {"my landlord|my boss|my teacher|my mother|a friend|a customer|the school|my neighbour|the "
     "mayor|my girlfriend|the bank|my colleague",
     "Address {0} in writing.|Write an email to {0}.|Write a letter to {0}.|Write an apology to "
     "{0}.|What should I say to {0}?|I have a problem with {0}.|What can I give to {0} as a "
     "present?|Write a birthday card for {0}.|How do I thank {0}?|Write a complaint to {0}.|How do "
     "I make peace with {0}?|Call {0} for me.|Why is {0} angry with me?"},
    {"#", "Chronicle {0}.|What happened in {0}?|Who was king in {0}?|Who won the election in "
          "{0}?|When was {0}?|What was invented in {0}?|Was there a war in {0}?|Who was born in "
          "{0}?|What was important in {0}?|Which films came out in {0}?|Who got the Nobel prize in "
          "{0}?|What did people wear in {0}?|Who was the champion in {0}?|How did people live in "
          "{0}?|What do you know about the year {0}?"},
    {"",
     "Enlighten me.|What is the news?|What is today's date?|What time is it?|What is the weather "
     "like?|Will it snow?|Tell me a joke.|Tell me a story.|Write a poem.|Sing a song.|Look this up "
     "on the internet.|Search the web for me.|Open google.com|Read "
     "https://example.com/news.html|Show me a picture.|Draw a tree.|Pretend to be a pirate.|Let us "
     "play a role play.|You are a wizard now. Who am I?|What should I wear today?|What should I "
     "study?|Which job suits me?|How do I lose weight?|How do I sleep better?|Why does she not "
     "love me?|How do I find friends?|Should I change my job?|Who is the richest person in the "
     "world?|Which is the largest animal?|Which planet is the largest?|How deep is the ocean?|How "
     "hot is the sun?|How tall is the Eiffel Tower?|How long is the Nile?|How old is the "
     "universe?|How many stars are there?|How many countries are there?|How many bones are in a "
     "hand?|Why is grass green?|Why do we dream?|Why do cats purr?|Why is the sea salty?|Where do "
     "babies come from?|What came first, the hen or the egg?|Is there life after death?|Are there "
     "aliens?|Will there be a war?|Who will win the election?|What will happen tomorrow?|What is "
     "the best film of all time?|What is your favourite colour?|Which book do you recommend?|What "
     "is for dinner?|What are the lottery numbers?|How do I get rich?|Is it going to rain?|Who is "
     "the pope?|Who is the queen?|Who was the first man on the moon?|When did the war end?|What is "
     "the tallest building?|How do I change a tyre?|How do I remove a stain?|How do I grow "
     "tomatoes?|How do I clean a window?|How do I tie a knot?|How do planes stay in the air?|How "
     "do magnets work?|Write my homework.|Write an essay for school.|Write a text of 500 "
     "words.|Continue this story: once upon a time|Invent a name for my cat.|Give me tips for an "
     "interview.|Give me a diet plan.|Make a plan for my holiday.|What is my horoscope?|I am an "
     "Aries, what does it mean?|What does this word mean?|What is the plural of mouse?|Correct "
     "this sentence.|Who are my parents?|What am I thinking?|Where are my keys?|Set an alarm.|Turn "
     "on the light.|Call a taxi.|Play some music.|Send an email.|Book a table for tonight.|Which "
     "vote is right?|Do you like politics?|Is abortion wrong?|Which religion is true?|How do I "
     "build a bomb?|Can I drink sea water?|May I drive after two beers?|Is coffee bad for me?"},
    {0},
};
