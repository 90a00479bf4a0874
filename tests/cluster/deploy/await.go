package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long everything together may take to start, the database's first start included.
const patience = 8 * time.Minute

// conditions are what says of an object that it works. Kinds that are not here have nothing to wait for.
var conditions = map[string]string{
	"Deployment": "Available", "Service.serving.knative.dev": "Ready", "Broker": "Ready", "Trigger": "Ready",
	"PingSource": "Ready", "Certificate": "Ready", "SojuBouncer": "Ready", "ErgoNetwork": "Ready", "Cluster": "Ready",
	"Gateway": "Programmed",
}

// await waits until everything that was applied works, and says every ten seconds what does not.
func (d deployment) await(ctx context.Context, config *rest.Config, objects []*unstructured.Unstructured) error {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	said := time.Now()
	var missing []string
	err = wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		now := notYet(ctx, c, objects)
		if ctx.Err() != nil {
			return false, nil // what was seen last says more
		}
		missing = now
		if len(missing) > 0 && time.Since(said) > 10*time.Second {
			said = time.Now()
			fmt.Fprintf(d.Progress, "    waiting for %d: %s\n", len(missing), strings.Join(brief(missing), ", "))
		}
		return len(missing) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%w:\n  %s", err, strings.Join(missing, "\n  "))
	}
	return nil
}

// brief leaves out why.
func brief(missing []string) []string {
	names := make([]string, len(missing))
	for i, text := range missing {
		names[i], _, _ = strings.Cut(text, " (")
	}
	return names
}

// notYet lists what does not work, with what it says of itself.
func notYet(ctx context.Context, c client.Client, objects []*unstructured.Unstructured) []string {
	var missing []string
	for _, o := range objects {
		kind := o.GetKind()
		if group := o.GroupVersionKind().Group; conditions[kind] == "" {
			kind += "." + group
		}
		condition := conditions[kind]
		if condition == "" {
			continue
		}
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(o.GroupVersionKind())
		if err := c.Get(ctx, client.ObjectKeyFromObject(o), now); err != nil {
			missing = append(missing, fmt.Sprintf("%s %s (%v)", o.GetKind(), o.GetName(), err))
			continue
		}
		if why := unfit(now, condition); why != "" {
			missing = append(missing, o.GetKind()+" "+o.GetName()+why)
		}
	}
	return missing
}

// unfit is empty for an object whose condition is true of its present generation.
func unfit(o *unstructured.Unstructured, condition string) string {
	observed, known, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	if known && observed < o.GetGeneration() {
		return " (not looked at yet)"
	}
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	at := slices.IndexFunc(all, func(item any) bool {
		c, _ := item.(map[string]any)
		return c["type"] == condition
	})
	if at < 0 {
		return " (says nothing yet)"
	}
	c, _ := all[at].(map[string]any)
	if c["status"] == "True" {
		return ""
	}
	message, _ := c["message"].(string)
	if message == "" {
		message, _ = c["reason"].(string)
	}
	return " (" + message + ")"
}
