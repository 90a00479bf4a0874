package landing

import "irc.now/shared/design"

// logs are the scenes the pages are illustrated with. Nobody in them exists.
var logs = map[string][]design.Message{
	"home": {
		{Time: "22:46", Nick: "maren", Text: "my tomatoes have blossom end rot again"},
		{Time: "22:47", Nick: "pft", Text: "uneven watering. it’s always uneven watering"},
		{Time: "22:49", Nick: "you", Text: "have to go, laptop’s at 4%. tell me tomorrow"},
		{Time: "22:49", Kind: "note", Text: "Your laptop is asleep. You are still in #gardening."},
		{Time: "22:58", Nick: "maren", Text: "you: found it! drip line, clogged at row three", Highlight: true},
		{Time: "23:04", Nick: "pft", Prefix: "@", Text: "told you"},
		{Time: "23:05", Kind: "action", Nick: "maren", Text: "owes pft a jar of passata"},
		{Time: "07:31", Kind: "note", Text: "Your phone connects: 3 messages since 22:49."},
		{Time: "07:32", Nick: "you", Text: "good morning. row three, of course"},
	},
	"what": {
		{Time: "18:20", Kind: "join", Nick: "ada", Text: "has joined #lightkeepers"},
		{Time: "18:20", Kind: "topic", Text: "Topic: lamps, lenses, foghorns. Logs at https://lightkeepers.example"},
		{Time: "18:20", Nick: "jonas", Prefix: "@", Text: "evening ada! any news from the fresnel?"},
		{Time: "18:21", Nick: "ada", Text: "polished. photos when the fog lifts"},
		{Time: "18:22", Nick: "wick", Prefix: "+", Text: "so, june"},
		{Time: "18:22", Kind: "action", Nick: "jonas", Text: "laughs in North Sea"},
		{Time: "18:31", Kind: "part", Nick: "wick", Text: "has quit (night shift)"},
	},
	"history": {
		{Time: "09:12", Kind: "note", Text: "weechat connects: 41 messages since yesterday, 18:03."},
		{Time: "18:05", Nick: "ines", Text: "release is tagged, thanks everyone"},
		{Time: "18:07", Nick: "tom", Text: "you: could you look at `parser_test` tomorrow?", Highlight: true},
		{Time: "09:13", Nick: "you", Text: "tom: looking now"},
		{Time: "12:40", Kind: "note", Text: "phone connects: 6 messages since 08:50, when the phone was last here."},
	},
	"design": {
		{Time: "14:02", Nick: "ada", Prefix: "@", Text: "a line somebody says, in #irc.now, with `code` and https://example.org/address"},
		{Time: "14:02", Nick: "grace", Prefix: "+", Text: "ada: a line that mentions the reader", Highlight: true},
		{Time: "14:03", Kind: "action", Nick: "linus", Text: "does something"},
		{Time: "14:03", Kind: "notice", Nick: "NickServ", Text: "This nickname is registered."},
		{Time: "14:04", Kind: "join", Nick: "margaret", Text: "has joined #irc.now"},
		{Time: "14:05", Kind: "part", Nick: "anita", Text: "has left #irc.now (see you)"},
		{Time: "14:06", Kind: "topic", Nick: "ada", Text: "changed the topic to: every component in every state"},
		{Time: "14:07", Kind: "note", Text: "a line by the client itself"},
		{Time: "14:08", Nick: "averyveryverylongnick", Text: "a nick that is too long for its column, and a text with averyveryverylongwordthatmustbreaksomewherebecausetheresnoroomforitonanyscreen"},
	},
}
