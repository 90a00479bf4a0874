package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	eventing "knative.dev/eventing/pkg/apis/eventing/v1"
	sources "knative.dev/eventing/pkg/apis/sources/v1"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/kmap"
	"knative.dev/serving/pkg/apis/autoscaling"
	knative "knative.dev/serving/pkg/apis/serving"
	serving "knative.dev/serving/pkg/apis/serving/v1"
	domains "knative.dev/serving/pkg/apis/serving/v1beta1"
	strict "sigs.k8s.io/json"
)

// resource is what Knative's webhooks do with an object before the API server stores it.
type resource interface {
	metav1.Object
	apis.Defaultable
	apis.Validatable
}

// resources are the kinds that Knative judges, as it names them.
var resources = map[string]func() resource{
	"serving.knative.dev/v1 Service":            func() resource { return &serving.Service{} },
	"serving.knative.dev/v1beta1 DomainMapping": func() resource { return &domains.DomainMapping{} },
	"eventing.knative.dev/v1 Broker":            func() resource { return &eventing.Broker{} },
	"eventing.knative.dev/v1 Trigger":           func() resource { return &eventing.Trigger{} },
	"sources.knative.dev/v1 PingSource":         func() resource { return &sources.PingSource{} },
}

// Check reports what Knative would refuse of its own kinds among objects, all of it together: fields that it does not
// know, and values that its own code finds wrong. It knows no cluster, so the bounds are those of a Knative whose
// administrator has set none: 600 seconds for a request, 1000 requests at once.
func Check(objects []Object) error {
	var wrong []error
	for _, object := range objects {
		made, judged := resources[object.APIVersion()+" "+object.Kind()]
		if !judged {
			continue
		}
		for _, mistake := range mistakes(object, made()) {
			wrong = append(wrong, fmt.Errorf("%s: %w", object, mistake))
		}
	}
	return errors.Join(wrong...)
}

// mistakes are what is wrong with one object, which is decoded into an empty one of its kind.
func mistakes(object Object, into resource) []error {
	content, err := json.Marshal(object)
	if err != nil {
		return []error{fmt.Errorf("write it as JSON: %w", err)}
	}
	// Knative takes the name of an image for one that is in a registry already.
	content = []byte(strings.ReplaceAll(string(content), `"ko://`, `"`))
	unknown, err := strict.UnmarshalStrict(content, into)
	if err != nil {
		return []error{err}
	}
	found := append(unknown, misspelt(into)...) // before Knative adds names of its own
	ctx := apis.WithinCreate(context.Background())
	into.SetDefaults(ctx)
	return append(found, eachMistake(into.Validate(ctx))...)
}

// eachMistake takes apart what Knative found, and leaves out what it merely warns of.
func eachMistake(found *apis.FieldError) []error {
	var each []error
	for _, one := range found.Filter(apis.ErrorLevel).WrappedErrors() {
		each = append(each, one)
	}
	return each
}

// annotations are those that Knative reads of the kinds above. It passes over what it does not know, so that a misspelt
// bound would bound nothing.
var annotations = slices.Concat(
	autoscaling.ActivationScale, autoscaling.ClassAnnotation, autoscaling.InitialScaleAnnotation, autoscaling.MaxScaleAnnotation,
	autoscaling.MetricAggregationAlgorithmAnnotation, autoscaling.MetricAnnotation, autoscaling.MinScaleAnnotation,
	autoscaling.PanicThresholdPercentageAnnotation, autoscaling.PanicWindowPercentageAnnotation, autoscaling.ScaleDownDelayAnnotation,
	autoscaling.ScaleToZeroPodRetentionPeriodAnnotation, autoscaling.TargetAnnotation, autoscaling.TargetBurstCapacityAnnotation,
	autoscaling.TargetUtilizationPercentageAnnotation, autoscaling.WindowAnnotation,
	networking.DisableExternalDomainTLSAnnotation, networking.HTTPProtocolAnnotation,
	kmap.KeyPriority{
		knative.ProgressDeadlineAnnotationKey, knative.RolloutDurationKey, eventing.BrokerClassAnnotationKey,
		eventing.DependencyAnnotation, "messaging.knative.dev/async-handler",
	},
)

// labels are as annotations: a misspelt one would open to the world what is the cluster's alone.
var labels = []string{networking.VisibilityLabelKey}

// misspelt are the annotations and labels in Knative's name that Knative does not know.
func misspelt(object metav1.Object) []error {
	found := unknownNames("metadata", object)
	if service, ok := object.(*serving.Service); ok {
		found = append(found, unknownNames("spec.template.metadata", &service.Spec.Template)...)
	}
	return found
}

// unknownNames are those in the metadata of object, which is at path.
func unknownNames(path string, object metav1.Object) []error {
	var found []error
	for _, one := range []struct {
		field string
		set   map[string]string
		known []string
	}{{"annotations", object.GetAnnotations(), annotations}, {"labels", object.GetLabels(), labels}} {
		for _, name := range slices.Sorted(maps.Keys(one.set)) {
			group, _, _ := strings.Cut(name, "/")
			if strings.HasSuffix(group, "knative.dev") && !slices.Contains(one.known, name) {
				found = append(found, fmt.Errorf("Knative does not know %s: %s.%s", name, path, one.field)) //nolint:staticcheck // its name
			}
		}
	}
	return found
}
