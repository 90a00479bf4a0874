package function_test

import (
	"context"

	"github.com/cloudevents/sdk-go/v2/event"
	funcevents "knative.dev/func-go/cloudevents"
	funchttp "knative.dev/func-go/http"

	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
)

// Assignments both ways prove at compile time that the method sets are those of Knative's Go functions.
var (
	_ = func(f function.Handler) funchttp.Handler { return f }
	_ = func(f funchttp.Handler) function.Handler { return f }
	_ = func(f function.Starter) funchttp.Starter { return f }
	_ = func(f funchttp.Starter) function.Starter { return f }
	_ = func(f function.Stopper) funchttp.Stopper { return f }
	_ = func(f funchttp.Stopper) function.Stopper { return f }
	_ = func(f function.ReadinessReporter) funchttp.ReadinessReporter { return f }
	_ = func(f funchttp.ReadinessReporter) function.ReadinessReporter { return f }
	_ = func(f function.LivenessReporter) funchttp.LivenessReporter { return f }
	_ = func(f funchttp.LivenessReporter) function.LivenessReporter { return f }
	_ = func(f function.Starter) funcevents.Starter { return f }
	_ = func(f function.Stopper) funcevents.Stopper { return f }
	_ = func(f function.ReadinessReporter) funcevents.ReadinessReporter { return f }
	_ = func(f function.LivenessReporter) funcevents.LivenessReporter { return f }

	// func-go's event handlers are of any type with one of the SDK's signatures; ours has this one of them.
	_ func(cloudevent.Handler, context.Context, event.Event) (*event.Event, error) = cloudevent.Handler.Handle
)
