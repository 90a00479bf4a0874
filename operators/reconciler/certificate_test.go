package reconciler

import (
	"testing"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// TestOnlyTheSecretOfTheCertificateGoesWithIt changes one thing at a time that makes a Secret somebody else's.
func TestOnlyTheSecretOfTheCertificateGoesWithIt(t *testing.T) {
	for what, change := range map[string]func(*corev1.Secret){
		"": func(*corev1.Secret) {}, "another handle": func(s *corev1.Secret) { s.Labels[naming.LabelOwner] = "eve" },
		"no certificate": func(s *corev1.Secret) { s.Annotations = nil }, "no labels": func(s *corev1.Secret) { s.Labels = nil },
		"another certificate": func(s *corev1.Secret) { s.Annotations[certmanager.CertificateNameKey] = "eve-tls" },
		"another instance":    func(s *corev1.Secret) { s.Labels[naming.LabelInstance] = "eve" },
		"another program":     func(s *corev1.Secret) { s.Labels[naming.LabelName] = naming.Ergo },
		"another name":        func(s *corev1.Secret) { s.Name = "ada-web-tls" },
	} {
		b := &v1alpha1.SojuBouncer{ObjectMeta: metav1.ObjectMeta{Namespace: "tenants", Name: "ada", UID: "1"}}
		names := naming.Bouncer(b.Name)
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			Namespace: b.Namespace, Name: names.Certificate(), Labels: names.Labels("ada"),
			Annotations: map[string]string{certmanager.CertificateNameKey: names.Certificate()},
		}}
		change(secret)
		scheme, err := Scheme()
		if err != nil {
			t.Fatal(err)
		}
		c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(secret).Build()
		step := CertificateStep{Writer: &Writer{Client: c, Live: c}}
		for range 2 { // the second finds nothing left to do
			if err := step.Remove(t.Context(), b, names, "ada", "ada.irc.now"); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		err = c.Get(t.Context(), client.ObjectKeyFromObject(secret), secret)
		if ours := what == "" || what == "another handle"; apierrors.IsNotFound(err) != ours {
			t.Errorf("%q: the Secret is gone: %v", what, err)
		}
	}
}
