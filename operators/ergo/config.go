package ergo

import (
	"fmt"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

// Where things are in the pod.
const (
	configDir = "/etc/ergo/config"
	tlsDir    = "/etc/ergo/tls"
	dataDir   = "/var/lib/ergo"
)

// Keys of the configuration's Secret, which are files in configDir.
const (
	keyConfig  = "ergo.yaml"
	keyInitial = "initial.yaml" // to make an empty store with, aside
	keyMOTD    = "motd.txt"
)

// Ports of the pod.
const (
	portIRC = 6697
	portWeb = 8097
	portAPI = 8089
)

// initialDir is where the store is made the first time, so that one in dataDir is always whole.
const initialDir = dataDir + "/new"

// rendered is a network's configuration, ready for its pod.
type rendered struct {
	files  map[string][]byte
	start  string        // changes when ergo has to start anew
	digest string        // changes with every change
	token  config.Secret // of the HTTP API
	proof  config.Secret // accepted by the HTTP API of an ergo that runs this configuration
}

// render makes the configuration. database is empty where history stays in memory. Its error is for the owner.
func (s *Settings) render(n *v1alpha1.ErgoNetwork, l login, database config.Secret) (rendered, error) {
	token := network.APIToken(s.Key, n.Name)
	c := network.Config{
		Name: n.Spec.NetworkName, ServerName: s.hostOf(n), DataDir: dataDir,
		ListenTLS:       []network.TLSListener{{Address: address(portIRC), Cert: tlsDir + "/tls.crt", Key: tlsDir + "/tls.key"}},
		ListenWebSocket: []string{address(portWeb)},
		API:             network.API{Listen: address(portAPI), Tokens: []config.Secret{token}},
		Opers:           []network.Oper{{Name: l.user, PasswordHash: l.hash}},
		MaxClients:      int(n.Spec.Clients()),
		History:         network.History{DatabaseURL: database},
	}
	motd := motdOf(n.Spec.MOTD)
	if motd != "" {
		c.MOTD = configDir + "/" + keyMOTD
	}
	r := rendered{token: token}
	var err error
	if r.start, err = c.StartDigest(); err != nil {
		return rendered{}, err
	}
	if r.digest, err = c.Digest(motd); err != nil {
		return rendered{}, err
	}
	r.proof = network.ProofToken(token, r.digest)
	c.API.Tokens = append(c.API.Tokens, r.proof)
	r.files, err = filesOf(c, motd)
	return r, err
}

func filesOf(c network.Config, motd string) (map[string][]byte, error) {
	whole, err := c.Render()
	if err != nil {
		return nil, err
	}
	initial, err := network.Config{
		Name: c.Name, ServerName: c.ServerName, DataDir: initialDir, Listen: []string{"127.0.0.1:6667"},
	}.Render()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{keyConfig: whole, keyInitial: initial, keyMOTD: []byte(motd)}, nil
}

func address(port int) string { return fmt.Sprintf(":%d", port) }

// configSecretFor builds the Secret with the configuration, which holds passwords.
func configSecretFor(n *v1alpha1.ErgoNetwork, r rendered) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metaFor(n, names(n).ConfigSecret()), Type: corev1.SecretTypeOpaque, Data: r.files,
	}
}

// maxMOTDLine is what fits into one IRC message with the longest prefix and nickname.
const maxMOTDLine = 380

// motdOf is text as ergo reads it: lines that fit into a message, each ended. Longer ones are broken, at a blank where
// there is one.
func motdOf(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for len(line) > maxMOTDLine {
			end := breakOf(line)
			out.WriteString(strings.TrimRight(line[:end], " ") + "\n")
			line = strings.TrimLeft(line[end:], " ")
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// breakOf is where to break a line that is too long, never inside a character.
func breakOf(line string) int {
	if blank := strings.LastIndexByte(line[:maxMOTDLine], ' '); blank > 0 {
		return blank
	}
	end := maxMOTDLine
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return end
}
