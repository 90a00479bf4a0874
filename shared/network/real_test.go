package network_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

const password = config.Secret("correct-horse-battery-staple")

func TestErgosOwnHashesAreOurs(t *testing.T) {
	program := serverstest.ErgoProgram(t)
	cmd := exec.CommandContext(t.Context(), program.Path, "genpasswd")
	cmd.Env, cmd.Stdin = append(os.Environ(), program.Env...), strings.NewReader(password.Reveal()+"\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if hash := strings.TrimSpace(string(out)); !network.PasswordMatches(hash, password) || network.PasswordMatches(hash, "other") {
		t.Errorf("%q is no hash of ours", hash)
	}
}

// running is a real ergo with all that a hosted network has.
type running struct {
	t       *testing.T
	config  network.Config
	dir     string
	plain   string
	tls     string
	web     string
	api     string
	token   config.Secret
	version int
}

func start(t *testing.T, edit func(*network.Config)) *running {
	t.Helper()
	r := &running{
		t: t, dir: t.TempDir(), plain: address(t), tls: address(t), web: address(t), api: address(t),
		token: network.APIToken("key", "test"),
	}
	cert, key := r.certificate()
	r.config = network.Config{
		Name: "TestNet", ServerName: "ergo.test", Listen: []string{r.plain}, DataDir: r.dir,
		ListenTLS:       []network.TLSListener{{Address: r.tls, Cert: cert, Key: key}},
		ListenWebSocket: []string{r.web}, Proxies: []string{"127.0.0.1"},
		API: network.API{Listen: r.api, Tokens: []config.Secret{r.token}},
	}
	if edit != nil {
		edit(&r.config)
	}
	server, err := ergo.Start(t.Context(), ergo.Config{
		Program: serverstest.ErgoProgram(t), Dir: r.dir, Network: r.config, MOTD: "first message\n", Log: serverstest.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r.config.MOTD = filepath.Join(r.dir, "motd.txt")
	return r
}

func address(t *testing.T) string { return serverstest.Address(t).String() }

// certificate writes a new self-signed one over the last.
func (r *running) certificate() (cert, key string) {
	r.t.Helper()
	r.version++
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(r.version)), DNSNames: []string{"ergo.test"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		r.t.Fatal(err)
	}
	private8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		r.t.Fatal(err)
	}
	cert, key = filepath.Join(r.dir, "tls.crt"), filepath.Join(r.dir, "tls.key")
	r.write(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	r.write(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private8}))
	return cert, key
}

func (r *running) write(path string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// served is the serial number of the certificate that the TLS listener shows.
func (r *running) served() int64 {
	r.t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(r.t.Context(), "tcp", r.tls)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		r.t.Fatalf("%T is no TLS connection", conn)
	}
	return secure.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// call posts to the HTTP interface.
func (r *running) call(path string, token config.Secret) (code int, answer map[string]any) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.api+path, bytes.NewReader(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			r.t.Fatal(err)
		}
	}
	return response.StatusCode, answer
}

// rehash writes the configuration and has ergo read it.
func (r *running) rehash() {
	r.t.Helper()
	data, err := r.config.Render()
	if err != nil {
		r.t.Fatal(err)
	}
	r.write(filepath.Join(r.dir, "ergo.yaml"), data)
	if code, answer := r.call("/v1/rehash", r.token); code != http.StatusOK || answer["success"] != true {
		r.t.Fatalf("rehash: %d %v", code, answer)
	}
}

func TestTheOwnerIsOperatorWithAllRights(t *testing.T) {
	hash, err := network.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *network.Config) { c.Opers = []network.Oper{{Name: "ada", PasswordHash: hash}} })
	ada := serverstest.Register(t, r.plain, "ada")
	bob := serverstest.Register(t, r.plain, "bob")
	bob.Send("OPER ada wrong-password")
	bob.Expect("491", "")
	ada.Send("OPER ada " + password.Reveal())
	ada.Expect("381", "")
	ada.Send("SAJOIN bob #ops")
	bob.Expect("JOIN", "#ops")
	ada.Send("DEFCON 4")
	ada.Expect("NOTICE", "DEFCON")
	ada.Send("KILL bob :out")
	bob.Closed()
}

func TestTheHTTPInterfaceWantsATokenAndTellsTheNumbers(t *testing.T) {
	r := start(t, nil)
	ada := serverstest.Register(t, r.plain, "ada")
	ada.Send("JOIN #lab")
	ada.Expect("366", "#lab")
	if code, _ := r.call("/v1/status", "x"+r.token); code != http.StatusUnauthorized {
		t.Errorf("a wrong token gives %d", code)
	}
	_, answer := r.call("/v1/status", r.token)
	users, _ := answer["users"].(map[string]any)
	if users["total"] != 1.0 || answer["channels"] != 1.0 {
		t.Errorf("got %v", answer)
	}
}

func TestARehashChangesEverythingButTheConnections(t *testing.T) {
	r := start(t, nil)
	ada := serverstest.Register(t, r.plain, "ada")
	encrypted := serverstest.DialTLS(t, r.tls)
	encrypted.Register("bob")
	if got := r.served(); got != 1 {
		t.Fatalf("serves certificate %d", got)
	}
	r.certificate()
	hash, err := network.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	r.config.Opers = []network.Oper{{Name: "ada", PasswordHash: hash}}
	r.config.Name, r.config.MaxClients = "Renamed", 3
	r.write(r.config.MOTD, []byte("second message\n"))
	proof := network.ProofToken(r.token, "state")
	if code, _ := r.call("/v1/status", proof); code != http.StatusUnauthorized {
		t.Errorf("before the rehash the proof is answered with %d", code)
	}
	r.config.API.Tokens = append(r.config.API.Tokens, proof)
	r.rehash()
	if code, _ := r.call("/v1/status", proof); code != http.StatusOK {
		t.Errorf("after the rehash the proof is answered with %d", code)
	}
	if got := r.served(); got != 2 {
		t.Errorf("still serves certificate %d", got)
	}
	ada.Expect("005", "NETWORK=Renamed")
	ada.Send("MOTD")
	ada.Expect("372", "second message")
	ada.Send("OPER ada " + password.Reveal())
	ada.Expect("381", "")
	ada.Send("PRIVMSG bob :still here?")
	encrypted.Expect("PRIVMSG", "still here?")
}

func TestTheCapHoldsForWebClientsFromAnywhere(t *testing.T) {
	r := start(t, func(c *network.Config) { c.MaxClients = 2 })
	local := serverstest.Register(t, r.plain, "local")
	for i := range 2 {
		client := r.webClient(fmt.Sprintf("192.0.2.%d", i+1))
		client.send(fmt.Sprintf("NICK web%d", i))
		client.send(fmt.Sprintf("USER web%d 0 * :web", i))
		client.expect(" 001 web")
	}
	// Who comes from the machine itself is not counted, and makes no room for others by leaving.
	local.Send("QUIT")
	local.Closed()
	r.webClient("2001:db8::1").expect("Too many clients")
	r.config.MaxClients = 3
	r.rehash()
	client := r.webClient("2001:db8::1")
	client.send("NICK web3")
	client.send("USER web3 0 * :web")
	client.expect(" 001 web3")
}
