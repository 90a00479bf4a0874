package machine

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed files
var files embed.FS

var templates = template.Must(template.ParseFS(files, "files/*"))

// values are what the files need to know.
type values struct {
	Dir, Volatile, Socket, Plugins, Pause, CoreDNS   string
	Address, Node, DNS, PodRange, PodBridge, Network string
}

func (m *Machine) render(name, coreDNS string) ([]byte, error) {
	var out bytes.Buffer
	err := templates.ExecuteTemplate(&out, name, values{
		Dir: m.dir, Volatile: volatile, Socket: socket, Plugins: plugins, Pause: m.pause.Ref, CoreDNS: coreDNS,
		Address: Address, Node: Node, DNS: dnsService, PodRange: podRange, PodBridge: podBridge, Network: network,
	})
	return out.Bytes(), err
}

// configure writes the files that components read. A component whose file changes is started anew (see hash).
func (m *Machine) configure(context.Context) error {
	for name, path := range map[string]string{
		"containerd.toml": "containerd.toml", "cni.conflist": "cni/10-irc-now.conflist",
		"kubelet.yaml": "kubelet.yaml", "kube-proxy.yaml": "kube-proxy.yaml",
	} {
		content, err := m.render(name, "")
		if err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
		if err := write(m.path(path), content); err != nil {
			return err
		}
	}
	// The API server finds webhooks by service names, so it asks the cluster's own name server.
	resolver := "nameserver " + dnsService + "\noptions timeout:1 attempts:3\n"
	return write(m.path("resolv.conf"), []byte(resolver))
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
