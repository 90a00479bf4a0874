package soju

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

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
	volumeSocket      = "socket"
	volumeChat        = "chat"
	volumeTemporary   = "tmp"
)

// stopSeconds is what soju gets to say good-bye to networks and clients.
const stopSeconds = 30

// deploymentFor is the pod: soju, the service that changes it, and web chat for a dedicated bouncer.
func deploymentFor(b *v1alpha1.SojuBouncer, s Settings, checksum string) *appsv1.Deployment {
	names := naming.Bouncer(b.Name)
	containers := []corev1.Container{sojuContainer(s), adminContainer(names, s)}
	volumes := []corev1.Volume{
		{Name: volumeConfig, VolumeSource: fromSecret(names.ConfigSecret(), corev1.KeyToPath{Key: configFile, Path: configFile})},
		{Name: volumeCertificate, VolumeSource: fromSecret(names.Certificate())},
		{Name: volumeSocket, VolumeSource: emptyDir("1Mi")},
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
		SharedProcesses: true, // bounceradmin tells soju of a renewed certificate by a signal
		GracePeriod:     stopSeconds,
	})
}

func sojuContainer(s Settings) corev1.Container {
	return corev1.Container{
		Name: naming.Soju, Image: s.Images.Soju, ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{"soju", "-config", configFolder + "/" + configFile},
		Ports:   []corev1.ContainerPort{containerPort("irc", portIRC)},
		VolumeMounts: []corev1.VolumeMount{
			// A single file, beside which the certificate's folder can lie. It does not change under a running pod: the
			// checksum starts a new one.
			{Name: volumeConfig, MountPath: configFolder + "/" + configFile, SubPath: configFile, ReadOnly: true},
			{Name: volumeCertificate, MountPath: certificateFolder, ReadOnly: true},
			{Name: volumeSocket, MountPath: socketFolder},
		},
		// soju looks introspection up when it starts, which may have to wake up first.
		StartupProbe:   tcpProbe(portIRC, 2, 60),
		ReadinessProbe: tcpProbe(portIRC, 10, 3),
		LivenessProbe:  tcpProbe(portIRC, 20, 6),
		Resources:      resources("10m", "32Mi", "256Mi"),
	}
}

func adminContainer(names naming.Objects, s Settings) corev1.Container {
	return corev1.Container{
		Name: "bounceradmin", Image: s.Images.BouncerAdmin, ImagePullPolicy: corev1.PullIfNotPresent,
		Ports: []corev1.ContainerPort{containerPort("admin", portAdmin)},
		Env: []corev1.EnvVar{
			{Name: "ADMIN_SOCKET", Value: socketPath},
			{Name: "LISTEN_ADDRESS", Value: ":" + strconv.Itoa(portAdmin)},
			{Name: "EXTRA_NETWORKS", Value: s.ExtraNetworks},
			{Name: "CERTIFICATE_FILE", Value: certificateFolder + "/" + corev1.TLSCertKey},
			{Name: "SOJU_TLS_ADDRESS", Value: fmt.Sprintf("127.0.0.1:%d", portIRC)},
			{Name: "SOJU_DATABASE_URL", ValueFrom: secretKey(names.DatabaseSecret(), reconciler.KeyReaderURI)},
			{Name: "BOUNCER_ADMIN_TOKEN", ValueFrom: secretKey(names.ConfigSecret(), keyToken)},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: volumeSocket, MountPath: socketFolder},
			{Name: volumeCertificate, MountPath: certificateFolder, ReadOnly: true},
		},
		ReadinessProbe: httpProbe(portAdmin, 10, 3),
		LivenessProbe:  httpProbe(portAdmin, 20, 6),
		Resources:      resources("5m", "24Mi", "128Mi"),
	}
}

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
		ReadinessProbe: httpProbe(portChat, 10, 3),
		LivenessProbe:  httpProbe(portChat, 20, 6),
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

func tcpProbe(port, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(port)}},
		PeriodSeconds: period, FailureThreshold: failures, TimeoutSeconds: 3,
	}
}

func httpProbe(port, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: "/healthz", Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTP,
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
