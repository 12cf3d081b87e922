/* facts_talk_en.c - what people say that is no question, in English. */
#include "train/tasks/facts.h"

const ts_wording ts_talk_en[TS_N_TALK] = {
    [TS_TALK_HELLO] =
        {"Hello|Hi|Hey|Good morning|Good evening|Hello there|Hi Tiefsee|Good afternoon|Hey "
         "there|Hello my friend|Hi there|Greetings|Good day|Morning|Hello again|Hey Tiefsee|Hi, "
         "nice to be here|Welcome|Hello, anyone|Well hello|Heya|Yo|Hello hello",
         "Greetings to you.|Hiya|Good morning to you|Hello, dear program|Howdy|Evening|Hey you",
         "Hello! I am Tiefsee mini. Ask me something to calculate."},
    [TS_TALK_THANKS] =
        {"Thanks|Thank you|Thank you very much|Great|Well done|Good job|Perfect|Thanks a lot|That "
         "helped me, thanks|Many thanks|thx|Thank you so much|Excellent|Awesome|Cool, "
         "thanks|Thanks for your help|Wonderful|Nice, thank you|That was helpful|I am "
         "grateful|Great answer|Correct, thank you|Brilliant",
         "My gratitude.|Thanks a million|Splendid|Very helpful, thank you|I appreciate your "
         "help|Good work|Much obliged",
         "You are welcome! Ask me another one."},
    [TS_TALK_BYE] = {"Bye|Goodbye|See you|Good night|See you later|See you tomorrow|I have to "
                     "go|Have a nice day|Bye bye|That is all for today|I am leaving|Take "
                     "care|Until next time|See you soon|I am going to bed|Ciao|Have a good "
                     "evening|Bye for now|Time to go|Good night, Tiefsee|Gotta go",
                     "I take my leave.|Farewell|See you around|I must be off now|Have a great "
                     "weekend, bye|That was it for now|Sleep well",
                     "Goodbye!"},
    [TS_TALK_MOOD] =
        {"How are you?|How are you doing?|How is it going?|How do you feel?|Are you okay?|What's "
         "up?|How are you today?|Everything fine?|How's it going?|How have you been?|Are you "
         "well?|How are things?|Are you happy?|Is everything all right with you?|How was your "
         "day?|Hello, how are you?|Hi, how are you doing?|What are you doing?|You okay?|How do you "
         "do?|Are you tired?|What's new with you?",
         "Tell me your mood.|How goes it?|How are you feeling today?|Are you doing well?|All good "
         "with you?|Are you in a good mood?|Hey, how's life?",
         "I am fine, thank you. I am a program and ready to calculate."},
    [TS_TALK_SORRY] =
        {"Sorry|I am sorry|My mistake|Excuse me|Sorry, I made a mistake|Oops|I "
         "apologise|Pardon|Sorry about that|Forgive me|That was wrong, sorry|My bad|I did not mean "
         "that|Sorry, wrong question|Please excuse me",
         "It was my fault.|My apologies|Pardon me, please|I made an error, sorry|Whoops",
         "No problem! Ask me again."},
    [TS_TALK_YES] = {"OK|Okay|Yes|All right|I see|Sure|Got it|Good|Yes please|Of course|Right|I "
                     "understand|Fine by me|Yep|Yeah|Alright|Understood|Agreed|Exactly|Makes "
                     "sense|Aha|okay then|Fine|Mhm",
                     "I agree with that.|Yup|Very well|Yes, that is right|Certainly|Okay, got "
                     "it|That makes sense to me",
                     "Good! Ask me something to calculate."},
    [TS_TALK_NO] = {"No|No thanks|No, thank you|Not now|Never mind|Nothing|Nope|Not really|Forget "
                    "it|No, that is all|Maybe later|I do not want to|Not today|Leave it|Nah|No "
                    "need|Not at all|Nothing else|I changed my mind",
                    "I refuse.|No way|It does not matter|No, not now please|Some other time|I "
                    "would rather not",
                    "All right. I am here when you need me."},
    [TS_TALK_MEET] =
        {"Nice to meet you|Pleased to meet you|Good to see you|Nice to know you|It is nice to meet "
         "you, Tiefsee|Glad to meet you|Happy to meet you|Great to meet you|Nice meeting you|A "
         "pleasure to meet you|Good to meet you|I am happy to know you",
         "Glad to know you.|Delighted to meet you|It is a pleasure|So nice to see you",
         "Nice to meet you too! Ask me something to calculate."},
    [TS_TALK_PRAISE] =
        {"I like you|I love you|You are great|You are smart|You are funny|You are cool|You are the "
         "best|You are clever|You are amazing|You are so nice|I think you are wonderful|You are "
         "good at this|You are my friend|I am impressed|You are sweet|Clever machine|What a smart "
         "program|You are very fast|Marry me",
         "You pleased me.|You are brilliant|I adore you|How intelligent you are|You are a "
         "genius|You are really helpful",
         "Thank you! I am only a small program."},
    [TS_TALK_INSULT] =
        {"You are stupid|That is bad|You are useless|I hate you|You are dumb|That was bad|Bad "
         "answer|You are an idiot|You are wrong|That is wrong|This is nonsense|You suck|You are "
         "annoying|What a stupid answer|Terrible|You are terrible|Shut up|You are boring|That "
         "makes no sense|Wrong|I am disappointed|You are too slow",
         "You annoyed me.|You are a fool|What rubbish|That was a terrible answer|You are good for "
         "nothing|Not correct|How stupid of you",
         "I am sorry. I am small and can be wrong. Ask me again."},
    [TS_TALK_TEST] =
        {"Test|Testing|Are you there?|Anybody there?|Can you hear me?|Does this work?|test "
         "test|This is a test|Is anyone there?|Ping|Testing one two three|Are you still there?|Is "
         "this on?|Are you awake?|Are you listening?|Just testing|Are you ready?|Is it "
         "working?|Hello, is someone there?|Say something",
         "This is a trial.|Is anybody listening?|A little test|Do you read me?|Are you "
         "working?|Are you present?",
         "I am here. Ask me something to calculate."},
    [TS_TALK_MARKS] = {"?|??|???|.|..|...|!|!!!|?!|,|-|--|:|;|/|#|*|()|\"\"|_|??? ???|. . .",
                       "~|!!|+-+|[?]|+?|%%|@#|[]", "I am here. Ask me something to calculate."},
    [TS_TALK_NOISE] = {"asdf|qwerty|jkl|blah|xyz|aaa|lorem ipsum|foo|bar|hjkl|abcabc|blah blah "
                       "blah|sdfsdf|hmm|erm|dfgh|ggg|qqq|zxcv|la la la|xxx|asdfghjkl|foo "
                       "bar|uiop|fjfj|bla bla|wxyz|eh",
                       "asd|qwe|foobaz|nananana|hjhjhj|zzz|asdasd|lkjh",
                       "I did not understand that. Ask me something to calculate."},
    [TS_TALK_EMOJI] = {"🙂|😀|👍|😊|💙|🎉|🙏|😂|"
                       "😉|👋|😎|🤖|:)|:-)|;)|:D|<3|👍👍|🙂🙂|xD|^^",
                       "😄|🥰|👏|😃|=)|😅|🔥|:-D",
                       "Good! Ask me something to calculate."},
    [TS_TALK_LAUGH] =
        {"haha|hahaha|lol|hehe|That is funny|rofl|ha ha ha|hihi|lmao|You make me laugh|Very "
         "funny|haha, good one|Wow|Oh|Interesting|Amazing|Really nice|Oh my|That is interesting",
         "I had to laugh.|hahahaha|How funny|Oh wow|lol, nice|Fascinating",
         "I am glad! Ask me something to calculate."},
    [TS_TALK_FEELING] =
        {"I am bored|I am sad|I am tired|I am happy|I feel bad|I am hungry|I am lonely|I am "
         "angry|I had a bad day|I am sick|I feel great today|I am stressed|I cannot sleep|I am "
         "nervous|I am in love|I am afraid|I am confused",
         "I feel down.|I am exhausted|It was a hard day for me|I am so unhappy|I am excited",
         "I am only a small program, but I can calculate with you."},
    [TS_TALK_WISH] = {"Happy birthday|Merry Christmas|Happy new year|Happy Easter|Good luck|Have a "
                      "nice weekend|Enjoy your meal|Get well soon|Congratulations|Cheers|All the "
                      "best|Best wishes|Happy holidays",
                      "I wish you well.|Have a wonderful day|Good luck to you|Season's greetings",
                      "Thank you! The same to you."},
    [TS_TALK_WAIT] =
        {"Wait|One moment|Just a second|Wait a moment|Hold on|Let me think|Give me a minute|I will "
         "be right back|Stop|Please wait|Hang on|Wait a minute|One second please|I am thinking",
         "I need some time.|Back in a moment|Let me consider that|Be patient",
         "Take your time. I am here."},
    [TS_TALK_PUZZLED] =
        {"I do not understand|I don't get it|What do you mean?|Huh?|What?|I am lost|Can you say it "
         "differently?|Excuse me, what?|That is unclear|I did not get that|What was that?|Come "
         "again?|Sorry, what?",
         "This confuses me.|Meaning what?|I cannot follow you|That went over my head",
         "Ask me again with numbers, and I will calculate it step by step."},
};
