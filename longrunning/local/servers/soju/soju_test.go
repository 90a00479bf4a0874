package soju_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/config"
)

// authority stands for introspection: one password is good, and it remembers who asked.
type authority struct {
	*httptest.Server
	client, secret string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"issuer":"` + a.URL + `","introspection_endpoint":"` + a.URL + `/introspect"}`))
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		a.client, _ = url.QueryUnescape(id) // RFC 6749 §2.3.1
		a.secret, _ = url.QueryUnescape(secret)
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("token") == "good password" {
			_, _ = w.Write([]byte(`{"active":true,"username":"ada"}`))
			return
		}
		_, _ = w.Write([]byte(`{"active":false}`))
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func TestTheConfigurationMeansWhatItSays(t *testing.T) {
	a := newAuthority(t)
	const client, secret = `client "1" #{x}`, `s\"'$ {e}#:/@`
	motd := filepath.Join(t.TempDir(), `mo "td" \ {.txt`)
	if err := os.WriteFile(motd, []byte("Message of the day\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	origin, _ := url.Parse(a.URL)
	origin.User = url.UserPassword(client, secret)
	server := serverstest.Soju(t, func(c *bouncer.Config) {
		c.Title, c.MOTD, c.OAuthURL = `"A" \ {title} # 'b'`, motd, config.Secret(origin.String())
		c.MaxUserNetworks, c.MessageExpiryDays = 1, 2
	})

	if got := serverstest.Dial(t, server.Address).Authenticate("ada", "ada", "bad password"); got.Command == "001" {
		t.Fatal("a bad password signs in")
	}
	if got := serverstest.Dial(t, server.Address).Authenticate("bob", "bob", "good password"); got.Command == "001" {
		t.Fatal("the password of another user signs in")
	}
	ada := serverstest.SignIn(t, server.Address, "ada", "ada", "good password")
	title := ada.Expect("005", "NETWORK=")
	if want := `NETWORK="A"\x20\x5C\x20{title}\x20#\x20'b'`; !slices.Contains(title.Params, want) {
		t.Errorf("title = %q, want %q", title.Params, want)
	}
	ada.Expect("372", "Message of the day")
	if a.client != client || a.secret != secret {
		t.Errorf("soju presented %q and %q", a.client, a.secret)
	}
	// The limit of users without their own, and that soju makes users at sign-in.
	network := []string{"user", "run", "ada", "network", "create", "-addr", "ircs://irc.invalid", "-name"}
	if _, err := adminsocket.Command(t.Context(), server.AdminSocket(), append(network, "first")...); err != nil {
		t.Error(err)
	}
	if _, err := adminsocket.Command(t.Context(), server.AdminSocket(), append(network, "second", "-nick", "x")...); err == nil {
		t.Error("a second network is not refused")
	}
}

func start(t *testing.T, c soju.Config) *soju.Server {
	t.Helper()
	server, err := soju.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	return server
}

func TestAKilledSojuStartsAgainWithItsUsers(t *testing.T) {
	c := soju.Config{
		Program: serverstest.SojuProgram(t), Dir: t.TempDir(), Log: serverstest.Log(t),
		Bouncer: bouncer.Config{
			Listen: []string{"irc+insecure://" + serverstest.Address(t).String()}, DatabaseURL: config.Secret(storetest.URL(t)),
		},
	}
	first := start(t, c)
	if info, err := os.Stat(filepath.Join(c.Dir, "soju.conf")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the database's password: %v, %v", info, err)
	}
	if _, err := soju.Start(t.Context(), c); err == nil {
		t.Error("a second soju took the first one's socket")
	}
	for _, name := range []string{"ada", "bob"} {
		if _, err := adminsocket.Command(t.Context(), first.AdminSocket(), "user", "create", "-username", name, "-disable-password"); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(first.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	if first.Err() == nil {
		t.Error("a killed soju reports no error")
	}
	second := start(t, c)
	stats, err := adminsocket.ServerStatus(t.Context(), second.AdminSocket())
	if err != nil || stats.Active != 2 {
		t.Errorf("status = %+v, %v", stats, err)
	}
}

func TestALongPathHasItsSocketElsewhere(t *testing.T) {
	c := soju.Config{
		Program: serverstest.SojuProgram(t), Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 30)), Log: serverstest.Log(t),
		Bouncer: bouncer.Config{
			Listen: []string{"irc+insecure://" + serverstest.Address(t).String()}, DatabaseURL: config.Secret(storetest.URL(t)),
		},
	}
	server := start(t, c)
	folder := filepath.Dir(server.AdminSocket())
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may reach the socket: %v, %v", info, err)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the folder is left behind")
	}
}

func TestASojuThatCannotStartSaysWhy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := soju.Start(ctx, soju.Config{
		Program: serverstest.SojuProgram(t), Dir: t.TempDir(),
		Bouncer: bouncer.Config{
			Listen: []string{"irc+insecure://" + serverstest.Address(t).String()}, DatabaseURL: "postgres://x:hunter2@127.0.0.1:1/x?sslmode=disable",
		},
	})
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("err = %v", err)
	}
}
