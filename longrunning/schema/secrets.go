package schema

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"irc.now/shared/config"
)

// fieldOwner is our name in server-side apply.
const fieldOwner = "irc.now-schema"

// Keys of a program's Secret. With several databases, each has a key "uri-DATABASE" besides, and "uri" is the first's.
const (
	keyPassword = "password"
	keyURI      = "uri"
)

// labels are on every Secret that we make.
var labels = map[string]string{"app.kubernetes.io/part-of": "irc.now", "app.kubernetes.io/managed-by": fieldOwner}

// SecretName is the name of the Secret with a program's addresses.
func SecretName(program string) string { return "database-" + program }

// Secrets is a sink for a cluster: a Secret for each program. The password in it is the truth: whoever changes it
// there has rotated it with the next run. It may be used by several at once.
type Secrets struct {
	api       typedcorev1.SecretInterface
	namespace string
}

// NewSecrets keeps Secrets in the namespace.
func NewSecrets(cluster *rest.Config, namespace string) (*Secrets, error) {
	api, err := typedcorev1.NewForConfig(cluster)
	if err != nil {
		return nil, fmt.Errorf("reach the API server: %w", err)
	}
	return &Secrets{api: api.Secrets(namespace), namespace: namespace}, nil
}

// Password reads the Secret, or makes it. Of several that do so at once, all get the same password.
func (s *Secrets) Password(ctx context.Context, program string) (config.Secret, error) {
	for {
		found, err := s.api.Get(ctx, SecretName(program), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			err = s.create(ctx, program)
		case err != nil:
			return "", fmt.Errorf("read the secret %s: %w", SecretName(program), err)
		case usable(found.Data[keyPassword]) != "":
			return usable(found.Data[keyPassword]), nil
		default:
			err = s.complete(ctx, found)
		}
		if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) {
			return "", fmt.Errorf("write the secret %s: %w", SecretName(program), err)
		}
	}
}

func (s *Secrets) create(ctx context.Context, program string) error {
	_, err := s.api.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: SecretName(program), Labels: labels},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{keyPassword: []byte(rand.Text())},
	}, metav1.CreateOptions{FieldManager: fieldOwner})
	return err
}

// complete adds a password to a Secret that has none, unless somebody else changes it meanwhile.
func (s *Secrets) complete(ctx context.Context, found *corev1.Secret) error {
	if found.Data == nil {
		found.Data = map[string][]byte{}
	}
	found.Data[keyPassword] = []byte(rand.Text())
	_, err := s.api.Update(ctx, found, metav1.UpdateOptions{FieldManager: fieldOwner})
	return err
}

// usable gives a password that can be set and sent as it is: printable ASCII, and not too easy to guess. A line break at
// the end is what editors add.
func usable(value []byte) config.Secret {
	const least, most = 12, 200
	text := strings.TrimRight(string(value), "\r\n")
	if len(text) < least || len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }) {
		return ""
	}
	return config.Secret(text)
}

// Keep writes the addresses beside the password, and nothing where they are there already.
func (s *Secrets) Keep(ctx context.Context, program string, addresses []Address) error {
	data := map[string][]byte{keyURI: []byte(addresses[0].URL.Reveal())}
	for _, a := range addresses {
		data[keyURI+"-"+a.Database] = []byte(a.URL.Reveal())
	}
	secret := applycorev1.Secret(SecretName(program), s.namespace).WithLabels(labels).WithData(data)
	if _, err := s.api.Apply(ctx, secret, metav1.ApplyOptions{FieldManager: fieldOwner, Force: true}); err != nil {
		return fmt.Errorf("write the secret %s: %w", SecretName(program), err)
	}
	return nil
}
