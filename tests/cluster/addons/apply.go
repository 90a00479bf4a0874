package addons

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// fieldOwner owns what the add-ons' objects say.
	fieldOwner = "irc.now-addons"
	// memory is the ConfigMap in kube-system that holds a hash of each add-on's objects as they were applied last.
	memory = "irc-now-addons"
)

func newClient(config *rest.Config) (client.Client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server's own fairness is enough
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme} {
		if err := add(types); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: types})
	if err != nil {
		return nil, fmt.Errorf("reaching the API server: %w", err)
	}
	return c, nil
}

// apply applies objects, which are in order, and waits for definitions before what they define.
func (i installer) apply(ctx context.Context, objects []*object) error {
	if err := i.applyEach(ctx, slices.Collect(filter(objects, true))); err != nil {
		return err
	}
	for _, o := range objects {
		if o.GetKind() == "CustomResourceDefinition" {
			if err := i.established(ctx, o.GetName()); err != nil {
				return err
			}
		}
	}
	return i.applyEach(ctx, slices.Collect(filter(objects, false)))
}

// filter yields the objects of the first stage, or all others.
func filter(objects []*object, first bool) func(func(*object) bool) {
	return func(yield func(*object) bool) {
		for _, o := range objects {
			if (stage(o) == 0) == first && !yield(o) {
				return
			}
		}
	}
}

// applyEach tries for a while: a webhook that guards objects does not answer before its own pod runs.
func (i installer) applyEach(ctx context.Context, objects []*object) error {
	for _, o := range objects {
		var last error
		err := wait.PollUntilContextTimeout(ctx, time.Second, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
			last = i.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner(fieldOwner), client.ForceOwnership)
			return last == nil || !worthAnotherTry(last), nil
		})
		if last == nil {
			last = err
		}
		if last != nil {
			return fmt.Errorf("applying %s: %w", describe(o), last)
		}
	}
	return nil
}

// established waits until the API server serves a definition.
func (i installer) established(ctx context.Context, name string) error {
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var definition apiextensions.CustomResourceDefinition
		if err := i.Get(ctx, client.ObjectKey{Name: name}, &definition); err != nil {
			return false, err
		}
		return slices.ContainsFunc(definition.Status.Conditions, func(c apiextensions.CustomResourceDefinitionCondition) bool {
			return c.Type == apiextensions.Established && c.Status == apiextensions.ConditionTrue
		}), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the definition %s: %w", name, err)
	}
	return nil
}

// installed says whether just these objects were applied before, and what to remember of them.
func (i installer) installed(ctx context.Context, part string, objects []*object) (bool, string, error) {
	text, err := json.Marshal(objects)
	if err != nil {
		return false, "", fmt.Errorf("hashing the objects: %w", err)
	}
	hash := sha256.Sum256(text)
	sum := hex.EncodeToString(hash[:])
	var known corev1.ConfigMap
	err = i.Get(ctx, client.ObjectKey{Namespace: "kube-system", Name: memory}, &known)
	if client.IgnoreNotFound(err) != nil {
		return false, "", fmt.Errorf("reading what is installed: %w", err)
	}
	return known.Data[part] == sum, sum, nil
}

// remember notes that a component's objects are applied. Each component owns its own key.
func (i installer) remember(ctx context.Context, part, sum string) error {
	o := &object{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": "kube-system", "name": memory},
		"data":     map[string]any{part: sum},
	}}
	if err := i.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(fieldOwner+"-"+part)); err != nil {
		return fmt.Errorf("noting what is installed: %w", err)
	}
	return nil
}
