package machine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// validity is longer than anybody keeps a test cluster.
const validity = 10 * 365 * 24 * time.Hour

// identity is somebody with a certificate of the cluster's authority.
type identity struct {
	file   string // below pki
	name   string
	groups []string
	hosts  []string // for servers
}

func identities() []identity {
	return []identity{
		{file: "apiserver", name: "kube-apiserver", hosts: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
			"localhost", "127.0.0.1", firstService, Address,
		}},
		{file: "apiserver-kubelet", name: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
		{file: "kubelet-server", name: "kubelet", hosts: []string{Node, Address}},
		{file: "admin", name: "admin", groups: []string{"system:masters"}},
		{file: "kube-controller-manager", name: "system:kube-controller-manager"},
		{file: "kube-scheduler", name: "system:kube-scheduler"},
		{file: "kube-proxy", name: "system:kube-proxy"},
		{file: "kubelet", name: "system:node:" + Node, groups: []string{"system:nodes"}},
	}
}

// withKubeconfig are the identities that talk to the API server by a file of their own.
var withKubeconfig = []string{"admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"}

// certificates makes an authority and everybody's certificates, once: a cluster keeps its own for as long as it has
// its data.
func (m *Machine) certificates(context.Context) error {
	if _, err := os.Stat(m.Kubeconfig()); err == nil {
		return nil
	}
	a, err := newAuthority()
	if err != nil {
		return err
	}
	if err := a.save(m.path("pki", "ca"), a.raw, a.key); err != nil {
		return err
	}
	for _, i := range identities() {
		raw, key, err := a.issue(i)
		if err != nil {
			return fmt.Errorf("certificate of %s: %w", i.name, err)
		}
		if err := a.save(m.path("pki", i.file), raw, key); err != nil {
			return err
		}
	}
	if err := m.accountKey(); err != nil {
		return err
	}
	return m.kubeconfigs()
}

// accountKey is what service accounts' tokens are signed with.
func (m *Machine) accountKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := writePEM(m.path("pki", "accounts.key"), "PRIVATE KEY", private); err != nil {
		return err
	}
	return writePEM(m.path("pki", "accounts.pub"), "PUBLIC KEY", public)
}

type authority struct {
	certificate *x509.Certificate
	raw         []byte
	key         *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "irc.now test cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: certificate, raw: raw, key: key}, nil
}

// issue makes a key and a certificate; one with hosts is a server's, one without a client's.
func (a *authority) issue(i identity) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: i.name, Organization: i.groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range i.hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	return raw, key, err
}

func (a *authority) save(path string, certificate []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writePEM(path+".key", "PRIVATE KEY", private); err != nil {
		return err
	}
	return writePEM(path+".crt", "CERTIFICATE", certificate)
}

func writePEM(path, kind string, content []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600)
}

// kubeconfigs come last: the administrator's is the sign that everything before it is whole.
func (m *Machine) kubeconfigs() error {
	for i := len(withKubeconfig) - 1; i >= 0; i-- {
		name := withKubeconfig[i]
		text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: irc-now
contexts:
- name: irc-now
  context: {cluster: irc-now, user: %[1]s}
clusters:
- name: irc-now
  cluster: {server: "https://%[2]s:6443", certificate-authority: "%[3]s/ca.crt"}
users:
- name: %[1]s
  user: {client-certificate: "%[3]s/%[1]s.crt", client-key: "%[3]s/%[1]s.key"}
`, name, Address, m.path("pki"))
		if err := os.WriteFile(m.path(name+".kubeconfig"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
