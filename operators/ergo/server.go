package ergo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/config"
)

// callTimeout is for one exchange with an ergo inside the cluster. A reconciliation makes a few at most.
const callTimeout = 2 * time.Second

// maxAnswer is more than any answer that is read here.
const maxAnswer = 64 << 10

// errUnauthorized says that the ergo which runs does not know the token: not this network's, or not yet.
var errUnauthorized = errors.New("the server does not accept the token")

// Servers talks to running ergos. It is safe for concurrent use.
type Servers struct {
	// API and IRC give the addresses (host:port) of a network's HTTP API and of its IRC port.
	API, IRC func(*v1alpha1.ErgoNetwork) string
	client   *http.Client
	patience time.Duration // for one exchange
}

// NewServers reaches networks by their Services.
func NewServers() *Servers {
	return &Servers{
		API: func(n *v1alpha1.ErgoNetwork) string { return serviceAddress(n, names(n).AdminService(), portAPI) },
		IRC: func(n *v1alpha1.ErgoNetwork) string { return serviceAddress(n, names(n).Workload(), portIRC) },
		// No connection is kept: there are more networks than would be worth it, and each is asked rarely.
		client:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		patience: callTimeout,
	}
}

func serviceAddress(n *v1alpha1.ErgoNetwork, service string, port int) string {
	return net.JoinHostPort(service+"."+n.Namespace+".svc", strconv.Itoa(port))
}

// Numbers are what a network's ergo counts.
type Numbers struct{ Clients, Channels int }

// Status asks for the numbers. It is also how a token is tried: the error is errUnauthorized where it is not accepted.
func (s *Servers) Status(ctx context.Context, n *v1alpha1.ErgoNetwork, token config.Secret) (Numbers, error) {
	var answer struct {
		Users    struct{ Total int }
		Channels int
	}
	if err := s.call(ctx, n, "/v1/status", token, &answer); err != nil {
		return Numbers{}, err
	}
	return Numbers{Clients: answer.Users.Total, Channels: answer.Channels}, nil
}

// refusedError is ergo's reason not to load its configuration.
type refusedError string

func (e refusedError) Error() string { return "the server refuses its configuration: " + string(e) }

// Rehash has ergo load its configuration and certificates, while everybody stays connected.
func (s *Servers) Rehash(ctx context.Context, n *v1alpha1.ErgoNetwork, token config.Secret) error {
	var answer struct {
		Success bool
		Error   string
	}
	if err := s.call(ctx, n, "/v1/rehash", token, &answer); err != nil {
		return err
	}
	if !answer.Success {
		return refusedError(answer.Error)
	}
	return nil
}

func (s *Servers) call(ctx context.Context, n *v1alpha1.ErgoNetwork, path string, token config.Secret, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.API(n)+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask network %s: %w", n.Name, err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask network %s: %w", n.Name, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("ask network %s: %w", n.Name, err)
	case response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("ask network %s: %w", n.Name, errUnauthorized)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("ask network %s: status %d", n.Name, response.StatusCode)
	}
	if err := json.Unmarshal(bytes.TrimSpace(data), answer); err != nil {
		return fmt.Errorf("ask network %s: read the answer: %w", n.Name, err)
	}
	return nil
}

// Fingerprint stands for a certificate.
type Fingerprint [sha256.Size]byte

// Serves tells which certificate the network shows to clients. Whether anybody trusts it is not the question.
func (s *Servers) Serves(ctx context.Context, n *v1alpha1.ErgoNetwork, host string) (Fingerprint, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName: host,
		//nolint:gosec // What is served is compared byte by byte with what should be; nothing is sent.
		InsecureSkipVerify: true,
	}}
	conn, err := dialer.DialContext(ctx, "tcp", s.IRC(n))
	if err != nil {
		return Fingerprint{}, fmt.Errorf("look at the certificate of network %s: %w", n.Name, err)
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return Fingerprint{}, fmt.Errorf("look at the certificate of network %s: it shows none", n.Name)
	}
	return sha256.Sum256(secure.ConnectionState().PeerCertificates[0].Raw), nil
}
