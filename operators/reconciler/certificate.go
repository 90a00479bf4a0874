package reconciler

import (
	"context"
	"fmt"
	"time"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/naming"
)

const (
	// retryMissingAPI is how long until a kind that the API server lacks is looked for again.
	retryMissingAPI = time.Minute
	// retryTold bounds how long a state is shown that no event told us to leave, though one should have.
	retryTold = 5 * time.Minute
)

var certificateKind = schema.GroupKind{Group: "cert-manager.io", Kind: certmanager.CertificateKind}

// Issuer is who signs certificates.
type Issuer struct {
	Kind string // Issuer or ClusterIssuer
	Name string
}

// CertificateStep keeps a resource's certificate.
type CertificateStep struct {
	Writer *Writer
	Issuer Issuer
}

// Reconcile asks cert-manager for a certificate of the hosts, which it keeps renewed in the Secret of the same name. It
// returns a [Wait] until that is there; the message says since when, and what to look at.
func (s *CertificateStep) Reconcile(ctx context.Context, owner Object, names naming.Objects, user string, hosts ...string) (Done, error) {
	version, err := s.Writer.served(certificateKind, certmanager.SchemeGroupVersion.Version)
	if err != nil {
		return Done{}, err
	}
	if version == "" {
		return Done{}, Wait(naming.NoCertificateAPI,
			"The cluster has no cert-manager, so there is no certificate. Its administrator has to install it.", retryMissingAPI)
	}
	wanted := CertificateFor(owner.GetNamespace(), names, user, s.Issuer, hosts...)
	if _, err := s.Writer.Apply(ctx, owner, wanted); err != nil {
		return Done{}, err
	}
	var present certmanager.Certificate
	key := client.ObjectKey{Namespace: owner.GetNamespace(), Name: names.Certificate()}
	if err := s.Writer.Client.Get(ctx, key, &present); client.IgnoreNotFound(err) != nil {
		return Done{}, fmt.Errorf("read the certificate: %w", err)
	} else if apierrors.IsNotFound(err) {
		present = *wanted // our own write is still on its way to the cache
		present.CreationTimestamp = metav1.Now()
	}
	return certificateState(&present, hosts[0])
}

// Remove deletes the certificate, and its Secret, which cert-manager leaves behind.
//
// +kubebuilder:rbac:groups="",namespace=irc-now-tenants,resources=secrets,verbs=delete
// +kubebuilder:rbac:groups=cert-manager.io,namespace=irc-now-tenants,resources=certificates,verbs=delete
func (s *CertificateStep) Remove(ctx context.Context, owner Object, names naming.Objects, user string, hosts ...string) error {
	certificate := CertificateFor(owner.GetNamespace(), names, user, s.Issuer, hosts...)
	if err := s.Writer.Delete(ctx, owner, certificate); err != nil && !meta.IsNoMatchError(err) {
		return err
	}
	var secret corev1.Secret
	err := s.Writer.Client.Get(ctx, client.ObjectKey{Namespace: owner.GetNamespace(), Name: names.Certificate()}, &secret)
	if err == nil && filledFor(&secret, certificate) {
		err = s.Writer.Client.Delete(ctx, &secret, client.Preconditions{UID: &secret.UID})
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the certificate's Secret: %w", err)
	}
	return nil
}

// filledFor reports whether cert-manager has made the Secret for the certificate: it notes whose it is, and adds the
// labels that the certificate asks for. The user among them may have got another handle since.
func filledFor(secret *corev1.Secret, certificate *certmanager.Certificate) bool {
	if secret.Annotations[certmanager.CertificateNameKey] != certificate.Name {
		return false
	}
	for _, label := range []string{naming.LabelManagedBy, naming.LabelName, naming.LabelInstance} {
		if secret.Labels[label] != certificate.Labels[label] {
			return false
		}
	}
	return true
}

// certificateState tells what the certificate says of itself.
func certificateState(c *certmanager.Certificate, host string) (Done, error) {
	since, said := c.CreationTimestamp.Time, ""
	for _, condition := range c.Status.Conditions {
		if condition.Type != certmanager.CertificateConditionReady {
			continue
		}
		if condition.Status == certmeta.ConditionTrue && condition.ObservedGeneration >= c.Generation {
			return Done{naming.CertificateIssued, "The certificate for " + host + " is valid."}, nil
		}
		if condition.LastTransitionTime != nil {
			since = condition.LastTransitionTime.Time
		}
		said = " It says: " + condition.Message
	}
	return Done{}, Wait(naming.CertificatePending, fmt.Sprintf(
		"The certificate for %s has not been issued yet; it is waited for since %s.%s If that lasts longer than ten minutes, look at the Certificate %s in the namespace %s, its CertificateRequest and its issuer %s %s.",
		host, since.UTC().Format("2006-01-02 15:04 MST"), said, c.Name, c.Namespace, c.Spec.IssuerRef.Kind, c.Spec.IssuerRef.Name), retryTold)
}

// CertificateFor is the Certificate of hosts. Fields that cert-manager would default are spelled out, so that what is
// stored is what was asked for.
func CertificateFor(namespace string, names naming.Objects, user string, issuer Issuer, hosts ...string) *certmanager.Certificate {
	labels := names.Labels(user)
	return &certmanager.Certificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: certmanager.SchemeGroupVersion.String(), Kind: certmanager.CertificateKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: names.Certificate(), Labels: labels},
		Spec: certmanager.CertificateSpec{
			SecretName: names.Certificate(),
			// The Secret is cert-manager's; with our labels we see it change.
			SecretTemplate: &certmanager.CertificateSecretTemplate{Labels: labels},
			DNSNames:       hosts,
			IssuerRef:      certmeta.IssuerReference{Group: "cert-manager.io", Kind: issuer.Kind, Name: issuer.Name},
			PrivateKey: &certmanager.CertificatePrivateKey{
				Algorithm: certmanager.ECDSAKeyAlgorithm, Size: 256, RotationPolicy: certmanager.RotationPolicyAlways,
			},
			Usages: []certmanager.KeyUsage{certmanager.UsageDigitalSignature, certmanager.UsageServerAuth},
		},
	}
}
