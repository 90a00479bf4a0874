package soju

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
)

// Volumes of the pod.
const (
	volumeConfig      = "config"
	volumeCertificate = "certificate"
	volumeAuthority   = "authority"
	volumeAdmin       = "admin-socket"
	volumeIRC         = "irc-socket"
	volumeChat        = "chat"
	volumeTemporary   = "tmp"
)

// stopSeconds is what soju gets to say good-bye to networks and clients.
const stopSeconds = 30

// deploymentFor is the pod: soju, the front that clients reach, the service that changes it, and web chat for a dedicated
// bouncer. The front has the certificate and soju's socket of IRC, the service the one of commands: what strangers talk to
// cannot change the bouncer.
func deploymentFor(b *v1alpha1.SojuBouncer, s Settings, checksum string) *appsv1.Deployment {
	names := naming.Bouncer(b.Name)
	containers := []corev1.Container{sojuContainer(s), frontContainer(b, s), adminContainer(names, s)}
	volumes := []corev1.Volume{
		{Name: volumeConfig, VolumeSource: fromSecret(names.ConfigSecret(), corev1.KeyToPath{Key: configFile, Path: configFile})},
		{Name: volumeCertificate, VolumeSource: fromSecret(names.Certificate())},
		{Name: volumeAuthority, VolumeSource: authorityOf(names.Certificate())},
		{Name: volumeAdmin, VolumeSource: emptyDir("1Mi")},
		{Name: volumeIRC, VolumeSource: emptyDir("1Mi")},
	}
	if !shared(b) {
		containers = append(containers, chatContainer(s))
		volumes = append(volumes,
			corev1.Volume{Name: volumeChat, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: names.ChatConfigMap()}, DefaultMode: mode(0o444),
			}}},
			corev1.Volume{Name: volumeTemporary, VolumeSource: emptyDir("64Mi")},
		)
	}
	return reconciler.DeploymentFor(b.Namespace, names, b.Spec.Owner, reconciler.Pod{
		Suspended: b.Spec.Stopped(), Checksum: checksum, Containers: containers, Volumes: volumes,
		GracePeriod: stopSeconds, Resolver: s.Resolver,
	})
}

// limitSoju is what soju may take, in MB. Go's own bound is a little lower, so that it cleans up before the kernel kills it.
const limitSoju = 256

func sojuContainer(s Settings) corev1.Container {
	return corev1.Container{
		Name: naming.Soju, Image: s.Images.Soju, ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{"soju", "-config", configFolder + "/" + configFile},
		// Our patches (longrunning/soju/patches) read which networks are ours; others ignore it.
		Env: withValues(memoryLimit(limitSoju), corev1.EnvVar{Name: "SOJU_OWN_NETWORKS", Value: s.OwnNetworks}),
		VolumeMounts: []corev1.VolumeMount{
			// A single file, beside which other folders can lie. It does not change under a running pod: the
			// checksum starts a new one.
			{Name: volumeConfig, MountPath: configFolder + "/" + configFile, SubPath: configFile, ReadOnly: true},
			{Name: volumeAuthority, MountPath: certificateFolder, ReadOnly: true},
			{Name: volumeAdmin, MountPath: adminFolder},
			{Name: volumeIRC, MountPath: ircFolder},
		},
		// It is asked through the front, which connects to its socket. soju looks introspection up when it starts, which may
		// have to wake up first.
		StartupProbe:  httpProbe(portFront, readiness, 2, 60),
		LivenessProbe: httpProbe(portFront, readiness, 20, 6),
		Resources:     resources("10m", "32Mi", megabytes(limitSoju)),
	}
}

// frontContainer is what clients connect to (longrunning/front).
func frontContainer(b *v1alpha1.SojuBouncer, s Settings) corev1.Container {
	connections, limit := 500, 64
	if shared(b) {
		connections, limit = 5000, 256
	}
	return corev1.Container{
		Name: "front", Image: s.Images.Front, ImagePullPolicy: corev1.PullIfNotPresent,
		Ports: []corev1.ContainerPort{containerPort("irc", portIRC), containerPort("front", portFront)},
		Env: withValues(
			memoryLimit(limit),
			corev1.EnvVar{Name: "SOJU_SOCKET", Value: ircSocket},
			corev1.EnvVar{Name: "LISTEN_ADDRESS", Value: ":" + strconv.Itoa(portIRC)},
			corev1.EnvVar{Name: "HEALTH_ADDRESS", Value: ":" + strconv.Itoa(portFront)},
			corev1.EnvVar{Name: "CERTIFICATE_FILE", Value: certificateFolder + "/" + corev1.TLSCertKey},
			corev1.EnvVar{Name: "KEY_FILE", Value: certificateFolder + "/" + corev1.TLSPrivateKeyKey},
			corev1.EnvVar{Name: "MAX_CONNECTIONS", Value: strconv.Itoa(connections)},
			corev1.EnvVar{Name: "PROXY_FROM", Value: strings.Join(s.ProxyFrom, ",")},
		),
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeCertificate, MountPath: certificateFolder, ReadOnly: true},
			{Name: volumeIRC, MountPath: ircFolder},
		},
		ReadinessProbe: httpProbe(portFront, readiness, 10, 3),
		LivenessProbe:  httpProbe(portFront, "/health/liveness", 20, 6),
		Resources:      resources("5m", "16Mi", megabytes(limit)),
	}
}

// readiness is the path at which a program says that it, and what it works for, can be used.
const readiness = "/health/readiness"

func adminContainer(names naming.Objects, s Settings) corev1.Container {
	const limit = 128
	return corev1.Container{
		Name: "bounceradmin", Image: s.Images.BouncerAdmin, ImagePullPolicy: corev1.PullIfNotPresent,
		Ports: []corev1.ContainerPort{containerPort("admin", portAdmin)},
		Env: []corev1.EnvVar{
			memoryLimit(limit),
			{Name: "ADMIN_SOCKET", Value: adminSocket},
			{Name: "SOJU_SOCKET", Value: ircSocket},
			{Name: "LISTEN_ADDRESS", Value: ":" + strconv.Itoa(portAdmin)},
			{Name: "EXTRA_NETWORKS", Value: s.ExtraNetworks},
			{Name: "SOJU_DATABASE_URL", ValueFrom: secretKey(names.DatabaseSecret(), reconciler.KeyReaderURI)},
			{Name: "BOUNCER_ADMIN_TOKEN", ValueFrom: secretKey(names.ConfigSecret(), keyToken)},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeAdmin, MountPath: adminFolder},
			{Name: volumeIRC, MountPath: ircFolder}, // for what a killed soju leaves there
		},
		ReadinessProbe: httpProbe(portAdmin, "/healthz", 10, 3),
		LivenessProbe:  httpProbe(portAdmin, "/healthz", 20, 6),
		Resources:      resources("5m", "24Mi", megabytes(limit)),
	}
}

// withValues are the variables that have a value.
func withValues(variables ...corev1.EnvVar) []corev1.EnvVar {
	return slices.DeleteFunc(variables, func(v corev1.EnvVar) bool { return v.Value == "" })
}

// memoryLimit makes a Go program collect its garbage before it reaches the container's limit of so many MB.
func memoryLimit(limit int) corev1.EnvVar {
	return corev1.EnvVar{Name: "GOMEMLIMIT", Value: strconv.Itoa(limit*9/10) + "MiB"}
}

func megabytes(limit int) string { return strconv.Itoa(limit) + "Mi" }

func chatContainer(s Settings) corev1.Container {
	return corev1.Container{
		Name: "chat", Image: s.Images.Chat, ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{"nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf"},
		Ports:   []corev1.ContainerPort{containerPort("chat", portChat)},
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeChat, MountPath: "/etc/nginx/nginx.conf", SubPath: keyNginx, ReadOnly: true},
			{Name: volumeChat, MountPath: "/usr/share/nginx/html/config.json", SubPath: keyGamja, ReadOnly: true},
			{Name: volumeTemporary, MountPath: "/tmp"},
		},
		ReadinessProbe: httpProbe(portChat, "/healthz", 10, 3),
		LivenessProbe:  httpProbe(portChat, "/healthz", 20, 6),
		Resources:      resources("5m", "16Mi", "64Mi"),
	}
}

// checksumOf is of everything that the containers read only when they start.
func checksumOf(config *corev1.Secret, database reconciler.Access, chat *corev1.ConfigMap) string {
	hash := sha256.New()
	add := func(key string, value []byte) { fmt.Fprintf(hash, "%s %d %s\n", key, len(value), value) }
	for _, key := range slices.Sorted(maps.Keys(config.Data)) {
		add(key, config.Data[key])
	}
	add(reconciler.KeyReaderURI, []byte(database.ReaderURI.Reveal()))
	if chat != nil {
		for _, key := range slices.Sorted(maps.Keys(chat.Data)) {
			add(key, []byte(chat.Data[key]))
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func fromSecret(name string, items ...corev1.KeyToPath) corev1.VolumeSource {
	// The group is the pod's (fsGroup): the containers read it, nobody else on the node does.
	return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name, Items: items, DefaultMode: mode(0o440)}}
}

// authorityOf is the private authority that signed the certificate, where it was one: networks of ours have theirs from it too.
func authorityOf(certificate string) corev1.VolumeSource {
	source := fromSecret(certificate, corev1.KeyToPath{Key: "ca.crt", Path: "ca.crt"})
	optional := true
	source.Secret.Optional = &optional
	return source
}

func emptyDir(limit string) corev1.VolumeSource {
	size := resource.MustParse(limit)
	return corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &size}}
}

func mode(bits int32) *int32 { return &bits }

func secretKey(name, key string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key,
	}}
}

func containerPort(name string, port int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: port, Protocol: corev1.ProtocolTCP}
}

func httpProbe(port int32, path string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTP,
		}},
		PeriodSeconds: period, FailureThreshold: failures, TimeoutSeconds: 3,
	}
}

func resources(cpu, memory, limit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
	}
}
