package ergo

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

// Keys of the Secret with the owner's login as network operator.
const (
	keyUser     = "user"
	keyPassword = "password"
	keyHash     = "hash"
)

// login is what the network's owner sends with OPER. The hash is ergo's.
type login struct {
	user     string
	password config.Secret
	hash     string
}

// fallbackUser is for an owner whose handle ergo does not take as an operator's name.
const fallbackUser = "owner"

var userPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,31}$`)

// loginFrom keeps what is usable in the Secret's data, also a password or a name that was edited by hand, and makes
// the rest anew. It tells whether a password was there that had to be replaced.
func loginFrom(data map[string][]byte, owner string) (l login, replaced bool, err error) {
	l = login{user: string(data[keyUser]), password: config.Secret(data[keyPassword]), hash: string(data[keyHash])}
	if !userPattern.MatchString(l.user) {
		l.user = owner
	}
	if !userPattern.MatchString(l.user) {
		l.user = fallbackUser
	}
	if !network.UsablePassword(l.password) {
		replaced = l.password != ""
		l.password = config.Secret(rand.Text())
	}
	if !network.PasswordMatches(l.hash, l.password) {
		l.hash, err = network.HashPassword(l.password)
	}
	return l, replaced, err
}

// loginSecretFor builds the Secret that the owner reads the login from.
func loginSecretFor(n *v1alpha1.ErgoNetwork, l login) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metaFor(n, names(n).OperatorSecret()),
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			keyUser: []byte(l.user), keyPassword: []byte(l.password.Reveal()), keyHash: []byte(l.hash),
		},
	}
}

func names(n *v1alpha1.ErgoNetwork) naming.Objects { return naming.Network(n.Name) }

// metaFor is the metadata of the object called name.
func metaFor(n *v1alpha1.ErgoNetwork, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: n.Namespace, Labels: maps.Clone(names(n).Labels(n.Spec.Owner))}
}

// String keeps a login out of logs.
func (l login) String() string { return fmt.Sprintf("login of %s", l.user) }
