package guide

import (
	"fmt"
	"strings"
)

func irssi(c Connection) Guide {
	username := c.UsernameFor("irssi")
	return Guide{
		ID: "irssi", Name: "irssi", Platform: "terminal", URL: "https://irssi.org",
		About:    "The classic of the terminal: small, quick, and at home in tmux or screen.",
		Username: username,
		Steps:    []string{"Start irssi and type these lines into its input line, one after the other."},
		Label:    "type into irssi",
		Text: lines(
			fmt.Sprintf("/network add -nick %s -sasl_mechanism PLAIN -sasl_username %s -sasl_password %s -cmdmax 20 -cmdspeed 100 ircnow",
				c.Handle, username, c.Password),
			fmt.Sprintf("/server add -auto %s -network ircnow %s %d", c.choose("-tls -tls_verify", "-notls"), c.Host, c.Port),
			"/set server_reconnect_time 30s",
			"/save",
			"/connect ircnow"),
		Note: "By itself irssi holds messages back, and waits five minutes before it connects again. The options cmdmax and cmdspeed leave " +
			"the pacing to the bouncer, and server_reconnect_time, which is for all networks, makes it half a minute. " +
			"For a second network, repeat the lines with another name in place of ircnow and the other network in the user name.",
		Then: c.typed(),
	}
}

func weechat(c Connection) Guide {
	username := c.UsernameFor("weechat")
	return Guide{
		ID: "weechat", Name: "WeeChat", Platform: "terminal", URL: "https://weechat.org",
		About:    "A terminal client you can bend into any shape: split windows, scripts in nine languages, a relay for remote interfaces.",
		Username: username,
		Steps: []string{
			"Start WeeChat and type these lines into its input line, one after the other. " +
				"You can paste them all at once, too: press the return key then, in WeeChat 3 Ctrl-Y.",
		},
		Label: "type into WeeChat",
		Text: lines(
			// Up to version 3 WeeChat has other names for options than since, and it passes over those that it does not know.
			fmt.Sprintf("/server add ircnow %s/%d %s -anti_flood_prio_high=0 -anti_flood=0", c.Host, c.Port, c.choose("-ssl -tls", "-nossl -notls")),
			"/set irc.server.ircnow.sasl_mechanism plain",
			"/set irc.server.ircnow.sasl_username "+username,
			"/secure set ircnow "+c.Password,
			`/set irc.server.ircnow.sasl_password "${sec.data.ircnow}"`,
			"/set irc.server.ircnow.nicks "+c.Handle,
			"/set irc.server.ircnow.autoconnect on",
			"/save",
			"/connect ircnow"),
		Note: "The first line says each thing twice, for old and new WeeChats; anti_flood leaves the pacing of messages to the bouncer. " +
			"The password is in WeeChat's file sec.conf, which only you can read. To have that file encrypted, type /secure passphrase " +
			"and a passphrase of your own; WeeChat asks for it at each start.",
		Then: c.typed(),
	}
}

func senpai(c Connection) Guide {
	return Guide{
		ID: "senpai", Name: "senpai", Platform: "terminal", URL: "https://sr.ht/~delthas/senpai/",
		About:    "A terminal client made for bouncers: it keeps no logs of its own, fetches history from the bouncer as you scroll, and finds all your networks by itself.",
		Username: c.Handle,
		Steps:    []string{"Put this into the file, then start senpai."},
		Label:    "~/.config/senpai/senpai.scfg",
		Text:     lines("address "+c.URL(), "nickname "+c.Handle, "username "+c.Handle, "password "+c.Password),
		Then:     c.typedAt(),
	}
}

func halloy(c Connection) Guide {
	return Guide{
		ID: "halloy", Name: "Halloy", Platform: "Linux, macOS, Windows", URL: "https://halloy.chat",
		About:    "A fast, modern window for IRC with panes you can tile. It reads history from the bouncer, and since release 2025.9 it finds all your networks by itself.",
		Username: c.Handle,
		Steps:    []string{"Open Halloy's configuration file from its menu, add these lines, and reload."},
		Label:    "config.toml",
		Text: lines(
			"[servers.ircnow]",
			fmt.Sprintf("nickname = %q", c.Handle),
			fmt.Sprintf("server = %q", c.Host),
			fmt.Sprintf("port = %d", c.Port),
			fmt.Sprintf("use_tls = %t", c.TLS),
			"",
			"[servers.ircnow.sasl.plain]",
			fmt.Sprintf("username = %q", c.Handle),
			fmt.Sprintf("password = %q", c.Password)),
		Then: c.typedAt(),
	}
}

func hexchat(c Connection) Guide {
	username := c.UsernameFor("hexchat")
	return Guide{
		ID: "hexchat", Name: "HexChat", Platform: "Linux, Windows", URL: "https://hexchat.github.io",
		About:    "The desktop client many people learned IRC with. Its last release was in 2024 and it still does the job.",
		Username: username,
		Steps: []string{
			"Open HexChat → Network List, press Add, and call the new entry irc.now. Then press Edit.",
			fmt.Sprintf("Replace the server's address with %s/%d.", c.Host, c.Port),
			c.choose("Tick “Use SSL for all the servers on this network”.", "Leave “Use SSL for all the servers on this network” unticked."),
			fmt.Sprintf("Untick “Use global user information”. Nick name: %s. User name: %s.", c.Handle, username),
			fmt.Sprintf("Login method: SASL PLAIN (username + password). Password: %s.", c.Password),
			"Close the window and press Connect.",
		},
		Label: "then type into HexChat, once",
		Text:  lines("/set irc_reconnect_rejoin off", "/set net_throttle off"),
		Note:  "The two settings leave rejoining channels and pacing messages to the bouncer, which does both already.",
		Then:  c.typed(),
	}
}

func textual(c Connection) Guide {
	username := c.UsernameFor("textual")
	return Guide{
		ID: "textual", Name: "Textual", Platform: "macOS", URL: "https://www.codeux.com/textual/",
		About:    "A native Mac client with a long list of preferences and good looks.",
		Username: username,
		Steps: []string{
			"Choose Server → Add Server, and name it irc.now.",
			fmt.Sprintf("Server address: %s. Port: %d. %s", c.Host, c.Port,
				c.choose("Keep “Connect securely” ticked.", "Untick “Connect securely”.")),
			fmt.Sprintf("Under Identity: nickname %s, username %s, personal password %s.", c.Handle, username, c.Password),
			"Save, and press Connect.",
		},
		Then: c.typed(),
	}
}

func goguma(c Connection) Guide {
	return Guide{
		ID: "goguma", Name: "Goguma", Platform: "Android", URL: "https://codeberg.org/emersion/goguma",
		About:    "A phone client by the author of soju, the bouncer we run. It shows all your networks in one list and fetches history as you scroll.",
		Username: c.Handle,
		Steps: []string{
			"On the first screen, enter the server: " + c.choose(c.Address(), c.URL()) + ".",
			fmt.Sprintf("Nickname and user name: %s. Password: %s.", c.Handle, c.Password),
			"Press Connect. Your networks and channels appear by themselves.",
		},
		Note: c.phoneNote(),
		Then: c.tapped(),
	}
}

func palaver(c Connection) Guide {
	username := c.UsernameFor("palaver")
	return Guide{
		ID: "palaver", Name: "Palaver", Platform: "iPhone, iPad", URL: "https://palaverapp.com",
		About:    "A tidy client for iOS that works well with bouncers.",
		Username: username,
		Steps: []string{
			"Add a server and choose to enter its address yourself.",
			fmt.Sprintf("Host: %s. Port: %d. Secure connection: %s.", c.Host, c.Port, c.choose("on", "off")),
			fmt.Sprintf("Nickname: %s. Under authentication choose SASL, user name %s, password %s.", c.Handle, username, c.Password),
			"Save, and connect.",
		},
		Note: c.phoneNote(),
		Then: c.tapped(),
	}
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }
