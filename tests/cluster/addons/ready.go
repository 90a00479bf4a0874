package addons

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long all add-ons together may take to start; on two processors they take about two minutes.
const patience = 8 * time.Minute

// namespaces are where the add-ons' pods run.
var namespaces = []string{"cert-manager", "cnpg-system", "knative-eventing", "knative-serving", "storage", "traefik"}

// worthAnotherTry tells failures that pass by themselves: a webhook that does not answer yet, a write in between.
func worthAnotherTry(err error) bool {
	return apierrors.IsInternalError(err) || apierrors.IsConflict(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTimeout(err)
}

// publish says where Traefik's Service answers from outside. On other clusters a load balancer's controller does it.
func publish(ctx context.Context, c client.Client, address string) error {
	var service corev1.Service
	if err := c.Get(ctx, client.ObjectKey{Namespace: "traefik", Name: "traefik"}, &service); err != nil {
		return fmt.Errorf("reading the ingress's Service: %w", err)
	}
	points := service.Status.LoadBalancer.Ingress
	if len(points) == 1 && points[0].IP == address {
		return nil
	}
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address}}
	if err := c.Status().Update(ctx, &service); err != nil {
		return fmt.Errorf("publishing the ingress at %s: %w", address, err)
	}
	return nil
}

// revive gives Deployments without pods one again: tests take some away, and a run may have ended before they were back.
// That of PingSources is Eventing's to start, with the first of them.
func (i installer) revive(ctx context.Context) error {
	for _, namespace := range namespaces {
		var list appsv1.DeploymentList
		if err := i.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("reading what runs in %s: %w", namespace, err)
		}
		for n := range list.Items {
			d := &list.Items[n]
			if d.Spec.Replicas == nil || *d.Spec.Replicas > 0 || d.Name == "pingsource-mt-adapter" {
				continue
			}
			if err := i.Patch(ctx, d, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":1}}`))); err != nil {
				return fmt.Errorf("reviving %s/%s: %w", namespace, d.Name, err)
			}
		}
	}
	return nil
}

// wait waits until everything that is installed works, and says every ten seconds what is missing.
func (i installer) wait(ctx context.Context) error {
	said := time.Now()
	var missing []string
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		var err error
		if missing, err = i.missing(ctx); err != nil {
			return false, err
		}
		if len(missing) > 0 && time.Since(said) > 10*time.Second {
			said = time.Now()
			i.Log.InfoContext(ctx, "waiting for add-ons", slog.String("missing", strings.Join(missing, ", ")))
		}
		return len(missing) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

// missing lists what does not work yet.
func (i installer) missing(ctx context.Context) ([]string, error) {
	var names []string
	for _, namespace := range namespaces {
		var list appsv1.DeploymentList
		if err := i.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return nil, fmt.Errorf("reading what runs in %s: %w", namespace, err)
		}
		if len(list.Items) == 0 {
			names = append(names, namespace)
		}
		for n := range list.Items {
			if d := &list.Items[n]; !available(d) {
				names = append(names, namespace+"/"+d.Name)
			}
		}
	}
	issuer := &object{}
	issuer.SetAPIVersion("cert-manager.io/v1")
	issuer.SetKind("ClusterIssuer")
	if err := i.Get(ctx, client.ObjectKey{Name: "irc-now"}, issuer); err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	if !isReady(issuer) {
		names = append(names, "the authority")
	}
	return names, nil
}

func available(d *appsv1.Deployment) bool {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas >= want && s.AvailableReplicas >= want && s.Replicas == s.UpdatedReplicas
}

// isReady says whether an object has the condition Ready.
func isReady(o *object) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(item any) bool {
		condition, _ := item.(map[string]any)
		return condition["type"] == "Ready" && condition["status"] == "True"
	})
}

// Authority is what clients of the test cluster trust: the authority that signs every certificate in it.
func Authority(ctx context.Context, config *rest.Config) (*x509.CertPool, error) {
	c, err := newClient(config)
	if err != nil {
		return nil, err
	}
	var secret corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: "cert-manager", Name: "irc-now-ca"}, &secret); err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(secret.Data[corev1.TLSCertKey]) {
		return nil, errors.New("reading the authority's certificate: the Secret holds none")
	}
	return pool, nil
}
