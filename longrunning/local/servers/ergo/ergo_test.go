package ergo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/network"
)

func TestTwoPeopleTalkAndTheThirdReadsItLater(t *testing.T) {
	net := serverstest.Ergo(t, nil)
	address := net.Address().String()
	address = address[strings.Index(address, "://")+3:]
	ada := serverstest.Register(t, address, "ada")
	bob := serverstest.Register(t, address, "bob")
	ada.Send("JOIN #lab")
	ada.Expect("366", "#lab")
	bob.Send("JOIN #lab")
	bob.Expect("366", "#lab")
	ada.Send("PRIVMSG #lab :hello bob")
	bob.Expect("PRIVMSG", "hello bob")
	bob.Send("PRIVMSG #lab :hello ada")
	ada.Expect("PRIVMSG", "hello ada")

	eve := serverstest.Register(t, address, "eve", "batch", "server-time", "message-tags", "draft/chathistory")
	eve.Send("JOIN #lab")
	eve.Expect("366", "#lab")
	eve.Send("CHATHISTORY LATEST #lab * 10")
	eve.Expect("PRIVMSG", "hello bob")
	eve.Expect("PRIVMSG", "hello ada")
}

func TestAccountsOutliveARestart(t *testing.T) {
	address := serverstest.Address(t).String()
	c := ergo.Config{
		Program: serverstest.ErgoProgram(t), Dir: t.TempDir(), Log: serverstest.Log(t), MOTD: "Welcome: \"to\" {the} lab\n",
		Network: network.Config{
			Name: "TestNet", ServerName: "ergo.test", Listen: []string{address}, MaxClients: 50,
			History: network.History{Expiry: 48 * time.Hour},
			Opers:   []network.Oper{{Name: "admin", PasswordHash: "$2a$04$VZyAqFwBqgTEBQ4vAgjqoOx8JDxvlgO1H3rV1uYYtQ0RCcQ4JMpWW"}},
		},
	}
	start := func() *ergo.Server {
		server, err := ergo.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop(context.Background()) })
		return server
	}
	first := start()
	ada := serverstest.Register(t, address, "ada")
	ada.Expect("372", `"to" {the} lab`)
	ada.Send("NS REGISTER correct-horse")
	ada.Expect("NOTICE", "now logged in")
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	start()
	serverstest.SignIn(t, address, "ada", "ada", "correct-horse")
}

func TestABusyPortIsAnErrorAndNotAHang(t *testing.T) {
	net := serverstest.Ergo(t, nil)
	address := net.Address().String()
	_, err := ergo.Start(t.Context(), ergo.Config{
		Program: serverstest.ErgoProgram(t), Dir: t.TempDir(),
		Network: network.Config{Name: "N", ServerName: "n.test", Listen: []string{address[strings.Index(address, "://")+3:]}},
	})
	if err == nil {
		t.Fatal("two ergos on one port")
	}
}
