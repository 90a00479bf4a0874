package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/tests/cluster/image"
)

// fieldOwner owns what the machine applies: CoreDNS.
const fieldOwner = "irc.now-machine"

// Config reaches the API server as an administrator.
func (m *Machine) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", m.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read the cluster's configuration: %w", err)
	}
	config.QPS = -1 // the API server's own fairness is enough
	config.WarningHandlerWithContext = warnings{m.config.Log}
	return config, nil
}

// warnings logs what the API server thinks of a request besides answering it.
type warnings struct{ log *slog.Logger }

// HandleWarningHeaderWithContext is called for each.
func (w warnings) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	w.log.DebugContext(ctx, "the API server warns", slog.String("warning", text))
}

// client knows Kubernetes' own kinds.
func (m *Machine) client() (client.Client, error) {
	config, err := m.Config()
	if err != nil {
		return nil, err
	}
	return client.New(config, client.Options{})
}

// node waits until the node takes pods.
func (m *Machine) node(ctx context.Context) error {
	c, err := m.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = wait(ctx, func(ctx context.Context) error {
		var node corev1.Node
		if err := c.Get(ctx, client.ObjectKey{Name: Node}, &node); err != nil {
			return err
		}
		ready := func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}
		tainted := func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeNotReady }
		if !slices.ContainsFunc(node.Status.Conditions, ready) || slices.ContainsFunc(node.Spec.Taints, tainted) {
			return fmt.Errorf("the node is not ready: %+v", node.Status.Conditions)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w; the kubelet's last words:\n%s", err, m.tail("kubelet", 15))
	}
	return nil
}

// names has CoreDNS answer.
func (m *Machine) names(ctx context.Context) error {
	made, err := image.Go(ctx, m.program("coredns", "coredns"), image.Options{Name: "irc-now/coredns", Log: m.config.Log})
	if err != nil {
		return err
	}
	if err := m.Load(ctx, made); err != nil {
		return err
	}
	manifest, err := m.render("coredns.yaml", made.Ref)
	if err != nil {
		return err
	}
	c, err := m.client()
	if err != nil {
		return err
	}
	if err := apply(ctx, c, manifest); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return wait(ctx, func(ctx context.Context) error {
		var d appsv1.Deployment
		if err := c.Get(ctx, client.ObjectKey{Namespace: "kube-system", Name: "coredns"}, &d); err != nil {
			return err
		}
		if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < 1 || d.Status.AvailableReplicas < 1 {
			return fmt.Errorf("CoreDNS is not available: %+v", d.Status)
		}
		return listens(dnsService + ":53")(ctx)
	})
}

// apply applies every document of a manifest.
func apply(ctx context.Context, c client.Client, manifest []byte) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a manifest: %w", err)
		}
		err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(fieldOwner), client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
}

// Pods says how many pods there are, and how many of them are ready or have done their work.
func (m *Machine) Pods(ctx context.Context) (all, well int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := m.client()
	if err != nil {
		return 0, 0, err
	}
	var pods corev1.PodList
	if err := c.List(ctx, &pods); err != nil {
		return 0, 0, fmt.Errorf("list pods: %w", err)
	}
	for _, pod := range pods.Items {
		ready := func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}
		if pod.Status.Phase == corev1.PodSucceeded || slices.ContainsFunc(pod.Status.Conditions, ready) {
			well++
		}
	}
	return len(pods.Items), well, nil
}
