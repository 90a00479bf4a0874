package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// settings are the kernel's that a cluster needs or that its programs change. Down puts back what they were.
var settings = map[string]string{
	"net/ipv4/ip_forward":                "1",
	"net/bridge/bridge-nf-call-iptables": "1", // else answers between pods by-pass the translation of services' addresses
	"net/ipv4/conf/all/route_localnet":   "",
	"vm/overcommit_memory":               "",
	"vm/panic_on_oom":                    "",
	"kernel/panic":                       "",
	"kernel/panic_on_oops":               "",
	"kernel/keys/root_maxkeys":           "",
	"kernel/keys/root_maxbytes":          "",
}

func settingFile(name string) string { return filepath.Join("/proc/sys", filepath.FromSlash(name)) }

func savedSettings() string { return filepath.Join(volatile, "settings.json") }

// connect gives the machine the cluster's address, on a bridge without ports, and lets packets through.
func (m *Machine) connect(ctx context.Context) error {
	if err := saveSettings(); err != nil {
		return err
	}
	for name, value := range settings {
		if value == "" {
			continue
		}
		if err := os.WriteFile(settingFile(name), []byte(value), 0); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if err := judgePackets(ctx); err != nil {
		return err
	}
	if _, err := os.Stat("/sys/class/net/" + nodeBridge); err == nil {
		return nil
	}
	for _, args := range [][]string{
		{"link", "add", nodeBridge, "type", "bridge"},
		{"address", "add", Address + "/32", "dev", nodeBridge},
		{"link", "set", nodeBridge, "up"},
	} {
		if _, err := run(ctx, "ip", args...); err != nil {
			return err
		}
	}
	return nil
}

// saveSettings notes them as they were before the cluster, once.
func saveSettings() error {
	if _, err := os.Stat(savedSettings()); err == nil {
		return nil
	}
	was := map[string]string{}
	for name := range settings {
		value, err := os.ReadFile(settingFile(name))
		if errors.Is(err, fs.ErrNotExist) && settings[name] == "" {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the kernel's setting: %w", err)
		}
		was[name] = strings.TrimSpace(string(value))
	}
	content, err := json.Marshal(was)
	if err != nil {
		return err
	}
	return os.WriteFile(savedSettings(), content, 0o644)
}

// disconnect takes back what connect, kube-proxy and the CNI plugins have done.
func (m *Machine) disconnect(ctx context.Context) error {
	var failed []error
	for _, tool := range []string{"iptables", "ip6tables"} {
		failed = append(failed, removeRules(ctx, tool))
	}
	for _, bridge := range []string{nodeBridge, podBridge} {
		if _, err := os.Stat("/sys/class/net/" + bridge); err == nil {
			_, err := run(ctx, "ip", "link", "delete", bridge)
			failed = append(failed, err)
		}
	}
	return errors.Join(append(failed, restoreSettings())...)
}

func restoreSettings() error {
	content, err := os.ReadFile(savedSettings())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	was := map[string]string{}
	if err := json.Unmarshal(content, &was); err != nil {
		return fmt.Errorf("read the kernel's former settings: %w", err)
	}
	var failed []error
	for name, value := range was {
		failed = append(failed, os.WriteFile(settingFile(name), []byte(value), 0))
	}
	return errors.Join(failed...)
}

// removeRules removes the chains of kube-proxy and the CNI plugins, and the rules that lead there; nobody else's.
func removeRules(ctx context.Context, tool string) error {
	saved, err := run(ctx, tool+"-save")
	if err != nil {
		return err
	}
	script := removal(saved)
	if script == "" {
		return nil
	}
	return restoreRules(ctx, tool, script)
}

// restoreRules changes rules as a script says, all at once.
func restoreRules(ctx context.Context, tool, script string) error {
	cmd := exec.CommandContext(ctx, tool+"-restore", "--noflush")
	cmd.Env = append(os.Environ(), "PATH="+systemPath)
	cmd.Stdin = strings.NewReader(script)
	_, err := output(cmd)
	return err
}

// removal turns what iptables-save prints into what iptables-restore takes to remove everything of a cluster.
func removal(saved string) string {
	var script strings.Builder
	var rules, chains []string
	for line := range strings.Lines(saved) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			rules, chains = nil, nil
			script.WriteString(line + "\n")
		case strings.HasPrefix(line, ":"):
			if name, _, _ := strings.Cut(line[1:], " "); clusters(name) {
				chains = append(chains, name)
			}
		case strings.HasPrefix(line, "-A "):
			words := strings.Fields(line)
			if !clusters(words[1]) && slices.ContainsFunc(words, clusters) {
				rules = append(rules, "-D "+line[len("-A "):])
			}
		case line == "COMMIT":
			for _, rule := range rules {
				script.WriteString(rule + "\n")
			}
			for _, chain := range chains {
				script.WriteString("-F " + chain + "\n")
			}
			for _, chain := range chains {
				script.WriteString("-X " + chain + "\n")
			}
			script.WriteString("COMMIT\n")
		}
	}
	if !strings.Contains(script.String(), "-") {
		return ""
	}
	return script.String()
}

// clusters says whether a chain is one that we, kube-proxy, kubelet or a CNI plugin have made.
func clusters(chain string) bool {
	return chain == policyChain || strings.HasPrefix(chain, "KUBE-") || strings.HasPrefix(chain, "CNI-")
}
