package bouncer

// lobbies are the channels in which networks welcome whoever is new, by the host that their users connect to. Only those
// are here that the network itself looks after.
var lobbies = map[string]string{
	"irc.libera.chat": "#libera",
	"irc.oftc.net":    "#oftc",
	"irc.hackint.org": "#hackint",
	"irc.esper.net":   "#lobby",
	"irc.rizon.net":   "#rizon",
	"irc.snoonet.org": "#snoonet",
	"irc.tilde.chat":  "#meta",
}

// Lobby is the channel in which the network at host welcomes whoever is new; "" where we know none.
func Lobby(host string) string { return lobbies[host] }
