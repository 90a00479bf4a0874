package reconciler

import (
	"context"
	"fmt"

	routev1 "github.com/openshift/api/route/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"irc.now/operators/naming"
)

// Gateway is the Gateway that routes attach to, where there are no OpenShift routes.
type Gateway struct{ Namespace, Name string }

// Entrance is what shall be reached from outside.
type Entrance struct {
	Host string
	// IRC and Web are ports of the Service Workload(). Web 0 leaves the web out.
	IRC, Web int32
	// IRCSection and WebSection are the Gateway's listeners: TLS passthrough, and HTTPS.
	IRCSection, WebSection string
}

// ExposureStep lets an entrance be reached: by OpenShift routes where the API server has them, else by the Gateway API.
type ExposureStep struct {
	Writer  *Writer
	Gateway Gateway
}

var (
	routeKind = schema.GroupKind{Group: routev1.GroupName, Kind: "Route"}
	tlsKind   = schema.GroupKind{Group: gateway.GroupName, Kind: "TLSRoute"}
	// tlsVersions are those that are the same for us, the first one that is served being taken.
	tlsVersions = []string{"v1", "v1alpha2"}
	httpKind    = schema.GroupKind{Group: gateway.GroupName, Kind: "HTTPRoute"}
)

// Reconcile writes the routes and returns a [Wait] until they are admitted, or while the API server knows neither kind.
func (s *ExposureStep) Reconcile(ctx context.Context, owner Object, names naming.Objects, user string, e Entrance) (Done, error) {
	routes, err := s.routes(owner.GetNamespace(), names, user, e)
	if err != nil {
		return Done{}, err
	}
	for _, route := range routes {
		if _, err := s.Writer.Apply(ctx, owner, route); err != nil {
			return Done{}, err
		}
	}
	for _, route := range routes {
		admitted, why, err := s.admitted(ctx, route)
		if err != nil {
			return Done{}, err
		}
		if !admitted {
			return Done{}, Wait(naming.NotAdmitted, fmt.Sprintf("%s is not reachable from outside yet: %s", e.Host, why), retryTold)
		}
	}
	return Done{naming.Admitted, e.Host + " is reachable from outside."}, nil
}

// routes chooses by what the API server has. Where it has OpenShift's, those are what the cluster's own routers serve.
func (s *ExposureStep) routes(namespace string, names naming.Objects, user string, e Entrance) ([]client.Object, error) {
	route, err := s.Writer.served(routeKind, "v1")
	if err != nil {
		return nil, err
	}
	if route != "" {
		return RoutesFor(namespace, names, user, e), nil
	}
	tls, err := s.Writer.served(tlsKind, tlsVersions...)
	if err != nil {
		return nil, err
	}
	http, err := s.Writer.served(httpKind, "v1")
	if err != nil {
		return nil, err
	}
	if tls == "" || http == "" {
		return nil, Wait(naming.NoExposureAPI, e.Host+" cannot be reached from outside: the cluster has neither OpenShift's routes nor the Gateway API with TLSRoute and HTTPRoute. Its administrator has to install one of them.", retryMissingAPI)
	}
	if s.Gateway.Name == "" {
		return nil, Wait(naming.NoExposureAPI, e.Host+" cannot be reached from outside: the operator was not told which Gateway to use.", retryMissingAPI)
	}
	return GatewayRoutesFor(namespace, names, user, e, s.Gateway, tls), nil
}

// RoutesFor are the passthrough Route of IRC and the edge Route of the web. Both have the same host: the label tells
// the router for IRC, which listens on 6697, from the one for the web. The latter answers with its own certificate, a
// wildcard for the platform's domain.
func RoutesFor(namespace string, names naming.Objects, user string, e Entrance) []client.Object {
	routes := []client.Object{routeFor(namespace, names, user, e.Host, naming.EntranceIRC, e.IRC, &routev1.TLSConfig{
		Termination: routev1.TLSTerminationPassthrough, InsecureEdgeTerminationPolicy: routev1.InsecureEdgeTerminationPolicyNone,
	})}
	if e.Web != 0 {
		routes = append(routes, routeFor(namespace, names, user, e.Host, naming.EntranceWeb, e.Web, &routev1.TLSConfig{
			Termination: routev1.TLSTerminationEdge, InsecureEdgeTerminationPolicy: routev1.InsecureEdgeTerminationPolicyRedirect,
		}))
	}
	return routes
}

func routeFor(namespace string, names naming.Objects, user, host, entrance string, port int32, tls *routev1.TLSConfig) *routev1.Route {
	name := names.IRCRoute()
	annotations := map[string]string(nil)
	if entrance == naming.EntranceWeb {
		name = names.WebRoute()
		// The router cuts WebSockets that are silent for longer; clients ping each minute.
		annotations = map[string]string{"haproxy.router.openshift.io/timeout-tunnel": "1h"}
	}
	weight := int32(100)
	labels := names.Labels(user)
	labels[naming.LabelEntrance] = entrance
	return &routev1.Route{
		TypeMeta:   metav1.TypeMeta{APIVersion: routev1.GroupVersion.String(), Kind: "Route"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, Annotations: annotations},
		Spec: routev1.RouteSpec{
			Host: host, TLS: tls, WildcardPolicy: routev1.WildcardPolicyNone,
			To:   routev1.RouteTargetReference{Kind: "Service", Name: names.Workload(), Weight: &weight},
			Port: &routev1.RoutePort{TargetPort: portNumber(port)},
		},
	}
}

// GatewayRoutesFor are the TLSRoute of IRC, in the given version, and the HTTPRoute of the web.
func GatewayRoutesFor(namespace string, names naming.Objects, user string, e Entrance, g Gateway, tlsVersion string) []client.Object {
	labelled := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: names.Labels(user)}
	}
	hosts := []gateway.Hostname{gateway.Hostname(e.Host)}
	routes := []client.Object{&gateway.TLSRoute{
		// Both versions have the same fields.
		TypeMeta:   metav1.TypeMeta{APIVersion: gateway.GroupName + "/" + tlsVersion, Kind: tlsKind.Kind},
		ObjectMeta: labelled(names.IRCRoute()),
		Spec: gateway.TLSRouteSpec{
			CommonRouteSpec: attachedTo(g, e.IRCSection), Hostnames: hosts,
			Rules: []gateway.TLSRouteRule{{BackendRefs: []gateway.BackendRef{backend(names.Workload(), e.IRC)}}},
		},
	}}
	if e.Web != 0 {
		routes = append(routes, &gateway.HTTPRoute{
			TypeMeta:   metav1.TypeMeta{APIVersion: gateway.GroupVersion.String(), Kind: httpKind.Kind},
			ObjectMeta: labelled(names.WebRoute()),
			Spec: gateway.HTTPRouteSpec{
				CommonRouteSpec: attachedTo(g, e.WebSection), Hostnames: hosts,
				Rules: []gateway.HTTPRouteRule{{
					Matches: []gateway.HTTPRouteMatch{{Path: &gateway.HTTPPathMatch{
						Type: ptr(gateway.PathMatchPathPrefix), Value: ptr("/"),
					}}},
					BackendRefs: []gateway.HTTPBackendRef{{BackendRef: backend(names.Workload(), e.Web)}},
				}},
			},
		})
	}
	return routes
}

// attachedTo and backend spell out what the schema would default: the lists are stored whole, so that a default filled
// in would look like a change.
func attachedTo(g Gateway, section string) gateway.CommonRouteSpec {
	reference := gateway.ParentReference{
		Group: ptr(gateway.Group(gateway.GroupName)), Kind: ptr(gateway.Kind("Gateway")),
		Namespace: ptr(gateway.Namespace(g.Namespace)), Name: gateway.ObjectName(g.Name),
	}
	if section != "" {
		reference.SectionName = ptr(gateway.SectionName(section))
	}
	return gateway.CommonRouteSpec{ParentRefs: []gateway.ParentReference{reference}}
}

func backend(service string, port int32) gateway.BackendRef {
	return gateway.BackendRef{
		BackendObjectReference: gateway.BackendObjectReference{
			Group: ptr(gateway.Group("")), Kind: ptr(gateway.Kind("Service")), Name: gateway.ObjectName(service), Port: ptr(port),
		},
		Weight: ptr(int32(1)),
	}
}

// admitted reads what the routers have said about a route.
func (s *ExposureStep) admitted(ctx context.Context, route client.Object) (admitted bool, why string, err error) {
	u, err := s.Writer.unstructured(route)
	if err != nil {
		return false, "", err
	}
	live, err := s.Writer.read(ctx, s.Writer.Client, u)
	if apierrors.IsNotFound(err) {
		live, err = u, nil // our own write is still on its way to the cache
	}
	if err != nil {
		return false, "", fmt.Errorf("read %s: %w", describe(u), err)
	}
	if u.GetKind() == routeKind.Kind {
		return routeAdmitted(live)
	}
	return gatewayAdmitted(live)
}

func routeAdmitted(live *unstructured.Unstructured) (bool, string, error) {
	var route routev1.Route
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &route); err != nil {
		return false, "", fmt.Errorf("read %s: %w", describe(live), err)
	}
	why := fmt.Sprintf("no router has taken up the Route %s.", live.GetName())
	for _, ingress := range route.Status.Ingress {
		for _, condition := range ingress.Conditions {
			if condition.Type != routev1.RouteAdmitted {
				continue
			}
			if condition.Status == corev1.ConditionTrue {
				return true, "", nil
			}
			why = fmt.Sprintf("the router %s refused the Route %s: %s", ingress.RouterName, live.GetName(), condition.Message)
		}
	}
	return false, why, nil
}

func gatewayAdmitted(live *unstructured.Unstructured) (bool, string, error) {
	var route struct {
		Status gateway.RouteStatus `json:"status"`
	}
	status, _, err := unstructured.NestedMap(live.Object, "status")
	if err == nil && status != nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(status, &route.Status)
	}
	if err != nil {
		return false, "", fmt.Errorf("read %s: %w", describe(live), err)
	}
	why := fmt.Sprintf("no Gateway has taken up the %s %s.", live.GetKind(), live.GetName())
	for _, parent := range route.Status.Parents {
		accepted := meta.FindStatusCondition(parent.Conditions, string(gateway.RouteConditionAccepted))
		resolved := meta.FindStatusCondition(parent.Conditions, string(gateway.RouteConditionResolvedRefs))
		switch {
		case accepted == nil:
		case accepted.Status != metav1.ConditionTrue:
			why = fmt.Sprintf("the Gateway %s refused the %s %s: %s", parent.ParentRef.Name, live.GetKind(), live.GetName(), accepted.Message)
		case resolved != nil && resolved.Status == metav1.ConditionFalse:
			why = fmt.Sprintf("the Gateway %s finds no way to it: %s", parent.ParentRef.Name, resolved.Message)
		default:
			return true, "", nil
		}
	}
	return false, why, nil
}

func ptr[T any](value T) *T { return &value }
