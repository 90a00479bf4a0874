package ergo

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/reconciler"
	"irc.now/shared/network"
)

// Names of volumes and containers.
const (
	volumeConfig  = "config"
	volumeTLS     = "tls"
	volumeData    = "data"
	container     = "ergo"
	initContainer = "store"
)

// makeStore makes the store of accounts and channels where there is none, aside, so that one that is there is whole.
const makeStore = `set -eu
if [ -s ircd.db ]; then exit 0; fi
rm -rf new ircd.db
mkdir new
ergo initdb --quiet --conf ` + configDir + "/" + keyInitial + `
mv new/ircd.db ircd.db
rm -rf new
`

// workloadFor builds the Deployment. The pod is made anew where start changes, before the new one starts: two must not
// write one volume.
func (s *Settings) workloadFor(n *v1alpha1.ErgoNetwork, start string) *appsv1.Deployment {
	d := reconciler.DeploymentFor(n.Namespace, names(n), n.Spec.Owner, reconciler.Pod{
		Suspended: n.Spec.Stopped(), Checksum: start, GracePeriod: 30, Resolver: s.Resolver,
		Containers: []corev1.Container{s.serverFor(), s.containerFor(initContainer, []string{"sh", "-c", makeStore})},
		Volumes:    volumesFor(n),
	})
	pod := &d.Spec.Template.Spec
	pod.InitContainers, pod.Containers = pod.Containers[1:], pod.Containers[:1]
	policy := corev1.FSGroupChangeOnRootMismatch // the volume may hold much
	pod.SecurityContext.FSGroupChangePolicy = &policy
	return d
}

func (s *Settings) serverFor() corev1.Container {
	c := s.containerFor(container, []string{"ergo", "run", "--conf", configDir + "/" + keyConfig})
	c.Ports = []corev1.ContainerPort{
		{Name: "ircs", ContainerPort: portIRC, Protocol: corev1.ProtocolTCP},
		{Name: "web", ContainerPort: portWeb, Protocol: corev1.ProtocolTCP},
		{Name: "api", ContainerPort: portAPI, Protocol: corev1.ProtocolTCP},
	}
	// A probe of the IRC port would be a client to ergo, counted against the cap and logged each time; the web port
	// counts nobody who does not shake hands, and ergo opens all ports or ends.
	c.StartupProbe = probe(2, 60)
	c.ReadinessProbe = probe(5, 2)
	c.LivenessProbe = probe(20, 3)
	return c
}

func probe(period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(portWeb)}},
		PeriodSeconds: period, TimeoutSeconds: 3, FailureThreshold: failures, SuccessThreshold: 1,
	}
}

func (s *Settings) containerFor(name string, command []string) corev1.Container {
	return corev1.Container{
		Name: name, Image: s.Image, Command: command, WorkingDir: dataDir, Env: environment(),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("48Mi"),
			},
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeConfig, MountPath: configDir, ReadOnly: true},
			{Name: volumeTLS, MountPath: tlsDir, ReadOnly: true},
			{Name: volumeData, MountPath: dataDir},
		},
	}
}

// environment is ergo's. GOMEMLIMIT is nine tenths of its limit: garbage is collected before the kernel kills the container.
func environment() []corev1.EnvVar {
	env := []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: "230MiB"}}
	for name, value := range network.Environ() {
		env = append(env, corev1.EnvVar{Name: name, Value: value})
	}
	return env
}

func volumesFor(n *v1alpha1.ErgoNetwork) []corev1.Volume {
	secret := func(volume, name string) corev1.Volume {
		mode := int32(0o440)
		return corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: name, DefaultMode: &mode},
		}}
	}
	return []corev1.Volume{
		secret(volumeConfig, names(n).ConfigSecret()),
		secret(volumeTLS, names(n).Certificate()),
		{Name: volumeData, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: names(n).Volume(n.UID)},
		}},
	}
}
