package deploy

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/longrunning/local/stripe"
	"irc.now/shared/account"
)

// secrets makes what an installation brings itself, with random values, where it is missing: a second deployment
// keeps the keys of the first.
func secrets(ctx context.Context, to *rest.Config) error {
	c, err := client.New(to, client.Options{})
	if err != nil {
		return err
	}
	if err := create(ctx, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}); err != nil {
		return err
	}
	seal := make([]byte, account.SealKeyBytes)
	_, _ = rand.Read(seal) // never fails
	for name, values := range map[string]map[string]string{
		"platform-key":   {"key": rand.Text() + rand.Text()},
		"oidc":           {"portal-client-secret": rand.Text(), "introspect-client-secret": rand.Text()},
		"stripe":         {"key": "sk_test_" + rand.Text(), "webhook-secrets": "whsec_" + rand.Text()},
		"token-seal-key": {"key": base64.StdEncoding.EncodeToString(seal)},
	} {
		if err := create(ctx, c, secret(name, values)); err != nil {
			return err
		}
	}
	return create(ctx, c, prices())
}

// prices are what the stand-in for Stripe calls each product.
func prices() *corev1.ConfigMap {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: "stripe-prices"}, Data: map[string]string{}}
	for _, price := range stripe.PriceList() {
		m.Data[strings.ReplaceAll(strings.TrimPrefix(price.ID, "price_"), "_", "-")] = price.ID
	}
	return m
}

func secret(name string, values map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name}, StringData: values}
}

// create leaves what exists as it is.
func create(ctx context.Context, c client.Client, o client.Object) error {
	if err := c.Create(ctx, o); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make %T %s: %w", o, o.GetName(), err)
	}
	return nil
}
