package bounceradmin_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// hostile are values that try to become something else than one value.
var hostile = []string{
	"x\r\nBOUNCERSERV :user delete ada", "x\nQUIT", "x\x00y", "\x01ACTION\x01", "\xff\xfe", "x\x7f",
	`" -admin true "`, `\`, `\" user create -username eve -password eve -admin true`, `'; DROP TABLE "User"; --`,
	"-enabled", "--", "-network=other", "$(id)", "`id`", "a b", "a,b", "a/b", "#a,#b", "ircs://evil.example", "0x7f.1", "::1",
}

// setField puts a hostile value into one field of a good network.
var setField = map[string]func(*bouncer.UpstreamSpec, string){
	"name":            func(s *bouncer.UpstreamSpec, v string) { s.Name = v },
	"host":            func(s *bouncer.UpstreamSpec, v string) { s.Host = v },
	"nick":            func(s *bouncer.UpstreamSpec, v string) { s.Nick = v },
	"realname":        func(s *bouncer.UpstreamSpec, v string) { s.RealName = v },
	"sasl_username":   func(s *bouncer.UpstreamSpec, v string) { s.SASLUsername, s.SASLPassword = v, "p" },
	"sasl_password":   func(s *bouncer.UpstreamSpec, v string) { s.SASLUsername, s.SASLPassword = "u", config.Secret(v) },
	"server_password": func(s *bouncer.UpstreamSpec, v string) { s.ServerPassword = config.Secret(v) },
	"channels":        func(s *bouncer.UpstreamSpec, v string) { s.Channels = []string{v} },
}

func TestAFieldIsRefusedOrStoredAsItIs(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	w.user("bystander", 1)
	w.create("bystander", w.spec("TestNet"))
	for field, set := range setField {
		for _, value := range hostile {
			spec := w.spec("lab")
			set(&spec, value)
			err := w.admin.CreateUpstream(t.Context(), "ada", spec)
			if err != nil {
				if !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)[field] == "" {
					t.Errorf("%s = %q: %v blames %v", field, value, err, fault.FieldsOf(err))
				}
				if len(w.networks("ada")) != 0 {
					t.Fatalf("%s = %q was refused, yet left %+v", field, value, w.networks("ada"))
				}
				continue
			}
			networks := w.networks("ada")
			if len(networks) != 1 {
				t.Fatalf("%s = %q made %+v", field, value, networks)
			}
			if got := fieldOf(networks[0], field); got != value && got != "" {
				t.Errorf("%s = %q is stored as %q", field, value, got)
			}
			if _, err := w.admin.DeleteUpstream(t.Context(), "ada", networks[0].Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.await("bystander", "TestNet", bouncer.Connected)
	users := w.command("user", "status")
	slices.Sort(users)
	if len(users) != 2 || strings.Contains(strings.Join(users, " "), "admin") {
		t.Errorf("users = %q", users)
	}
}

// fieldOf is what can be read back; passwords cannot.
func fieldOf(n bouncer.Upstream, field string) string {
	switch field {
	case "name":
		return n.Name
	case "host":
		return n.Host
	case "nick":
		return n.Nick
	case "realname":
		return n.RealName
	case "sasl_username":
		return n.SASLUsername
	case "channels":
		return strings.Join(n.Channels, " ")
	}
	return ""
}

// What validation lets through reaches the network's own server whole, passwords too.
func TestPasswordsArriveAsTyped(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	const secret = `p"ä\ss 'word' -flag`
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	seen := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		scanner := bufio.NewScanner(conn)
		for scanner.Scan() {
			if line, found := strings.CutPrefix(scanner.Text(), "PASS "); found {
				seen <- strings.TrimPrefix(line, ":")
				return
			}
		}
	}()
	address := listener.Addr().String()
	w.command("user", "run", "ada", "network", "create", "-name", "fake", "-addr", "irc+insecure://"+address, "-enabled", "false")
	spec := bouncer.UpstreamSpec{Name: "fake", Host: w.net.Host, Port: w.net.Port, ServerPassword: secret}
	if err := w.admin.UpdateUpstream(t.Context(), "ada", "fake", spec); err != nil {
		t.Fatal(err)
	}
	// Back to the fake server, which the service itself refuses: it is not one of ours.
	w.command("user", "run", "ada", "network", "update", "fake", "-addr", "irc+insecure://"+address)
	if _, err := w.admin.SetEnabled(t.Context(), "ada", "fake", true); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-seen:
		if got != secret {
			t.Errorf("PASS %q, want %q", got, secret)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the network got no password")
	}
}

// BOUNCER ADDNETWORK takes names with line breaks, which soju repeats on the admin socket as they are: whoever was in
// the account once could forge the answers about it, and lock its owner out of the portal.
func TestANetworkNameCannotForgeTheAnswerAboutOthers(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 2)
	w.create("ada", w.spec("TestNet"))
	client := serverstest.SignIn(t, w.soju.Address, "ada", "ada", password, "soju.im/bouncer-networks")
	for _, forged := range []string{"FAIL BOUNCERSERV :no", "FAIL BOUNCERSERV :timeout executing command", "FAIL BOUNCERSERV :unknown network", "BOUNCERSERV OK", "ERROR :bye"} {
		name := "evil\r\n:irc.localhost " + forged
		escaped := strings.NewReplacer("\r", `\r`, "\n", `\n`, " ", `\s`).Replace(name)
		client.Send("BOUNCER ADDNETWORK name=" + escaped + ";host=127.0.0.1;port=1;tls=0")
		client.Expect("BOUNCER", "ADDNETWORK")
		if got := w.networks("ada"); len(got) != 2 || got[0].Name != "TestNet" || got[1].Name != name {
			t.Fatalf("%q: %+v", forged, got)
		}
		if _, err := w.admin.SetEnabled(t.Context(), "ada", "TestNet", true); err != nil {
			t.Errorf("%q: connect: %v", forged, err)
		}
		if _, err := w.admin.DeleteUpstream(t.Context(), "ada", name); err != nil {
			t.Fatalf("%q: remove: %v", forged, err)
		}
	}
	w.await("ada", "TestNet", bouncer.Connected)
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	for _, host := range []string{"127.0.0.1", "10.1.2.3", "localhost", "169.254.169.254", "fe80::1", "postgres", "db.internal"} {
		spec := bouncer.UpstreamSpec{Name: "n", Host: host, Port: 5432}
		err := w.admin.CreateUpstream(t.Context(), "ada", spec)
		if fault.FieldsOf(err)["host"] == "" {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestTheServiceNeedsItsToken(t *testing.T) {
	w := newWorld(t)
	for _, presented := range []string{"", "Bearer", "Bearer wrong", "Basic " + token.Reveal(), "bearer  " + token.Reveal()} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.url+"/v1/users/ada", nil)
		request.Header.Set("Authorization", presented)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: status %d", presented, response.StatusCode)
		}
	}
}

func TestRequestsThatAreNoneAreRefused(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/users/ada", "", http.StatusMethodNotAllowed},
		{"PUT", "/v1/status", "", http.StatusMethodNotAllowed},
		{"GET", "/v1/nothing", "", http.StatusNotFound},
		{"PUT", "/v1/users/-admin", `{"max_networks":1}`, http.StatusUnprocessableEntity},
		{"PUT", "/v1/users/a%20b", `{"max_networks":1}`, http.StatusUnprocessableEntity},
		{"PUT", "/v1/users/a%0d%0ab", `{"max_networks":1}`, http.StatusUnprocessableEntity},
		{"PUT", "/v1/users/ada", `not JSON`, http.StatusUnprocessableEntity},
		{"PUT", "/v1/users/ada", `{"max_networks":"1"}`, http.StatusUnprocessableEntity},
		{"POST", "/v1/users/ada/networks", `{"sasl_password":{"s3cret":1}}`, http.StatusUnprocessableEntity},
		{"POST", "/v1/users/ada/networks", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusUnprocessableEntity},
		{"PUT", "/v1/users/ada/network/enabled?name=%ff%00", `{"enabled":true}`, http.StatusNotFound},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), c.method, w.url+c.path, strings.NewReader(c.body))
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.want || strings.Contains(string(answer), "s3cret") {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, response.StatusCode, answer, c.want)
		}
	}
}

func TestEditsOfOneUserWaitForEachOther(t *testing.T) {
	w := newWorld(t)
	w.user("ada", -1)
	w.create("ada", w.spec("TestNet"))
	var group sync.WaitGroup
	var failed atomic.Int32
	for i := range 8 {
		group.Go(func() {
			spec := w.spec("TestNet")
			spec.RealName = fmt.Sprintf("Version %d", i)
			spec.SASLUsername, spec.SASLPassword = fmt.Sprintf("account%d", i), "secret"
			spec.Channels = []string{fmt.Sprintf("#channel%d", i)}
			if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", spec); err != nil {
				failed.Add(1)
			}
		})
	}
	group.Wait()
	n := w.network("ada", "TestNet")
	if failed.Load() > 0 || len(n.Channels) != 1 || n.RealName != "Version "+n.SASLUsername[len("account"):] ||
		n.Channels[0] != "#channel"+n.SASLUsername[len("account"):] {
		t.Errorf("%d failed; the network is a mixture: %+v", failed.Load(), n)
	}
}

// saboteur stands before soju's socket. What matches is answered by it, the rest by soju.
type saboteur struct {
	match  atomic.Pointer[string]
	answer string // what a matching command gets; "" closes the connection after soju has done it
}

func (s *saboteur) wrap(t *testing.T) func(socket string) string {
	return func(socket string) string {
		path := filepath.Join(t.TempDir(), "s")
		listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go s.serve(conn, socket)
			}
		}()
		return path
	}
}

func (s *saboteur) serve(conn net.Conn, socket string) {
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		_ = conn.Close()
		return
	}
	s.pass(conn, socket, line)
}

// pass gives one command to soju, and the answer back.
func (s *saboteur) pass(conn net.Conn, socket, line string) {
	defer conn.Close()
	match := s.match.Load()
	sabotaged := match != nil && strings.Contains(line, *match)
	if sabotaged && s.answer != "" {
		_, _ = io.WriteString(conn, s.answer+"\r\n")
		return
	}
	upstream, err := new(net.Dialer).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return
	}
	defer upstream.Close()
	_, _ = io.WriteString(upstream, line)
	scanner := bufio.NewScanner(upstream)
	for scanner.Scan() {
		last := strings.Contains(scanner.Text(), " BOUNCERSERV ") || strings.Contains(scanner.Text(), " FAIL ")
		if last && sabotaged {
			return
		}
		_, _ = io.WriteString(conn, scanner.Text()+"\r\n")
		if last {
			return
		}
	}
}

func TestAChangeThatFailsIsTakenBack(t *testing.T) {
	for _, answer := range []string{"FAIL BOUNCERSERV :the disk is full and the password is hunter2", ""} {
		s := &saboteur{answer: answer}
		w := newWorldBehind(t, s.wrap(t))
		w.user("ada", 2)
		spec := w.spec("TestNet")
		spec.SASLUsername, spec.SASLPassword, spec.RealName, spec.Channels = "account", "first", "Before", []string{"#lab"}
		w.create("ada", spec)
		before := w.await("ada", "TestNet", bouncer.Connected)

		broken := `"#broken`
		s.match.Store(&broken)
		edit := spec
		edit.Name, edit.SASLUsername, edit.SASLPassword, edit.RealName, edit.Channels = "Renamed", "other", "second", "After", []string{"#fine", "#broken"}
		if err := w.admin.UpdateUpstream(t.Context(), "ada", "TestNet", edit); err == nil {
			t.Fatal("the change succeeded")
		}
		after := w.await("ada", "TestNet", bouncer.Connected)
		if after.RealName != before.RealName || after.SASLUsername != "account" || !slices.Equal(after.Channels, before.Channels) {
			t.Errorf("half of the change stays: %+v", after)
		}

		edit.Name, edit.Nick = "second", "ada_"
		if err := w.admin.CreateUpstream(t.Context(), "ada", edit); err == nil {
			t.Fatal("the network was made")
		}
		if got := w.networks("ada"); len(got) != 1 {
			t.Errorf("half of a network stays: %+v", got)
		}
		if logs := w.logs.String(); strings.Contains(logs, "second") || strings.Contains(logs, "hunter2") || strings.Contains(logs, "first") {
			t.Errorf("secrets or input in the log:\n%s", logs)
		}
	}
}

func TestABouncerThatIsAwayIsUnavailable(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 1)
	w.create("ada", w.spec("TestNet"))
	if err := w.soju.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := w.admin.Upstreams(t.Context(), "ada")
	wantKind(t, err, fault.Unavailable)
	_, err = w.admin.Status(t.Context())
	wantKind(t, err, fault.Unavailable)
	wantKind(t, w.admin.Disconnect(t.Context(), "ada"), fault.Unavailable)
	wantKind(t, w.admin.EnsureUser(t.Context(), "new", 1), fault.Unavailable)

	gone := bouncer.NewAdmin("http://127.0.0.1:1", token, &http.Client{Timeout: time.Second})
	err = gone.EnsureUser(t.Context(), "ada", 1)
	wantKind(t, err, fault.Unavailable)
	if strings.Contains(err.Error(), token.Reveal()) {
		t.Errorf("the token is in the error: %v", err)
	}
}

// soju's words are all it gives to tell refusals apart; a new soju that words them differently fails here.
func TestSojuStillRefusesInTheWordsWeKnow(t *testing.T) {
	w := newWorld(t)
	w.user("ada", 0)
	w.command("user", "run", "ada", "network", "create", "-addr", "ircs://a.invalid", "-name", "n", "-nick", "x", "-enabled", "false")
	for words, text := range map[string]string{
		"user create -username ada -disable-password":                                       "already exists",
		"user run ada network create -addr ircs://b.invalid -name n -enabled false":         "already exists",
		"user run ada network create -addr ircs://a.invalid -name m -nick x -enabled false": "duplicate key value",
		"user run ada network update n -enabled true":                                       "maximum number of enabled networks reached",
		"user run ada network delete m":                                                     "unknown network",
		"user run eve network status":                                                       "unknown username",
		"user run ada channel delete #c/n":                                                  "unknown channel",
	} {
		_, err := adminsocket.Command(t.Context(), w.soju.AdminSocket(), strings.Fields(words)...)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", words, err, text)
		}
	}
}
