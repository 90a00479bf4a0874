package reconciler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/naming"
)

// UID is the user and group that pods run as; images are made for it.
const UID = 65532

// retryPod is how long until pods are looked at again: their own troubles do not show in the Deployment.
const retryPod = 15 * time.Second

// Pod describes the one pod of a tenant's server.
type Pod struct {
	Suspended   bool
	Checksum    string // of what is only read at start
	Containers  []corev1.Container
	Volumes     []corev1.Volume
	GracePeriod int64 // seconds between being told to stop and being killed
	Resolver    Resolver
}

// DeploymentFor keeps one pod, by the rules of Pod Security "restricted". A new one starts when the old one has
// stopped: two of them would fight for the same connections and database.
func DeploymentFor(namespace string, names naming.Objects, user string, p Pod) *appsv1.Deployment {
	replicas := int32(1)
	if p.Suspended {
		replicas = 0
	}
	for i := range p.Containers {
		p.Containers[i].SecurityContext = &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false), ReadOnlyRootFilesystem: ptr(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: names.Workload(), Labels: names.Labels(user)},
		Spec: appsv1.DeploymentSpec{
			Replicas:             &replicas,
			RevisionHistoryLimit: ptr(int32(2)),
			Selector:             &metav1.LabelSelector{MatchLabels: names.Selector()},
			Strategy:             appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: names.Labels(user), Annotations: map[string]string{naming.Checksum: p.Checksum}},
				Spec: corev1.PodSpec{
					AutomountServiceAccountToken:  ptr(false),
					EnableServiceLinks:            ptr(false),
					TerminationGracePeriodSeconds: &p.GracePeriod,
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(UID)), RunAsGroup: ptr(int64(UID)), FSGroup: ptr(int64(UID)),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					TopologySpreadConstraints: spread(names),
					Containers:                p.Containers,
					Volumes:                   p.Volumes,
				},
			},
		},
	}
	p.Resolver.settle(&d.Spec.Template.Spec)
	return d
}

// spread puts the servers of one kind on all nodes and zones alike, so that losing one takes few of them.
func spread(names naming.Objects) []corev1.TopologySpreadConstraint {
	all := maps.Clone(names.Selector())
	delete(all, naming.LabelInstance)
	var constraints []corev1.TopologySpreadConstraint
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		constraints = append(constraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: all},
		})
	}
	return constraints
}

// stops are the words for each reason of not running.
var stops = map[string]struct{ why, until string }{
	naming.Suspended: {"as asked", "that is taken back"},
	naming.OverPlan:  {"because its owner's plan does not include it any more", "the plan does"},
}

// StopReason is why something shall not run; "" where it shall. Who asked for it is told before the plan: that has to be
// taken back as well.
func StopReason(suspended, overPlan bool) string {
	switch {
	case suspended:
		return naming.Suspended
	case overPlan:
		return naming.OverPlan
	}
	return ""
}

// WorkloadState tells how the pod is doing, in words for the owner: Done, [Off] where it is suspended, else a [Wait].
// stop is why it shall not run, as [StopReason] gives it.
func WorkloadState(ctx context.Context, w *Writer, owner Object, names naming.Objects, stop string) (Done, error) {
	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: owner.GetNamespace(), Name: names.Workload()}
	if err := w.Client.Get(ctx, key, &d); client.IgnoreNotFound(err) != nil {
		return Done{}, fmt.Errorf("read the deployment: %w", err)
	}
	switch {
	case stop != "" && d.Status.Replicas == 0:
		return Done{}, Off(stop, "It is stopped, "+stops[stop].why+". Nothing is lost; it starts again when "+stops[stop].until+".")
	case stop != "":
		return Done{}, Wait(stop, "It is being stopped, "+stops[stop].why+".", retryPod)
	case rolledOut(&d):
		return Done{naming.PodReady, "It is running."}, nil
	}
	if d.Generation == 0 || d.Status.ObservedGeneration < d.Generation {
		// Our write is still on its way to the cache, or to who makes pods, and will be told of.
		return Done{}, Wait(naming.PodStarting, "It is starting.", retryTold)
	}
	if message := refusedPods(&d); message != "" {
		return Done{}, Wait(naming.PodFailing, "The cluster does not take its pod: "+message, retryPod)
	}
	var pods corev1.PodList
	err := w.Live.List(ctx, &pods, client.InNamespace(owner.GetNamespace()), client.MatchingLabels(names.Selector()), client.Limit(10))
	if err != nil {
		return Done{}, fmt.Errorf("list pods: %w", err)
	}
	for i := range pods.Items {
		if message := troubleOf(&pods.Items[i]); message != "" {
			return Done{}, Wait(naming.PodFailing, message, retryPod)
		}
	}
	return Done{}, Wait(naming.PodStarting, "It is starting.", retryPod)
}

func rolledOut(d *appsv1.Deployment) bool {
	return d.Generation > 0 && d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == 1 &&
		d.Status.Replicas == 1 && d.Status.AvailableReplicas == 1
}

// refusedPods is why no pod could even be made: a quota, or Pod Security.
func refusedPods(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

// troubleOf says in words what keeps a pod from being ready; "" where it is only young.
func troubleOf(pod *corev1.Pod) string {
	if pod.DeletionTimestamp != nil {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return "The cluster has no room for it at the moment: " + c.Message
		}
	}
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		waiting := c.State.Waiting
		switch {
		case waiting == nil:
		case slices.Contains([]string{"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"}, waiting.Reason):
			return fmt.Sprintf("The image of its container %s cannot be fetched.", c.Name)
		case waiting.Reason == "CrashLoopBackOff":
			return fmt.Sprintf("Its container %s stops again and again%s.", c.Name, lastExit(c))
		case strings.HasPrefix(waiting.Reason, "Create") || strings.HasPrefix(waiting.Reason, "RunContainer"):
			return fmt.Sprintf("Its container %s cannot be started: %s", c.Name, waiting.Message)
		}
	}
	return ""
}

func lastExit(c corev1.ContainerStatus) string {
	last := c.LastTerminationState.Terminated
	switch {
	case last == nil:
		return ""
	case last.Reason == "OOMKilled":
		return " because it needs more memory than it may have"
	default:
		return fmt.Sprintf(" (it ended with status %d, %d times so far)", last.ExitCode, c.RestartCount)
	}
}
