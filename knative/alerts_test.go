package knative_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/knative/render"
	"irc.now/longrunning/local/servers"
	"irc.now/longrunning/local/servers/debian"
)

func TestAlertsFireWhenTheyShould(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string][]byte{"rules.yaml": rules(t), "alerts.yaml": cases(t)} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tool := promtool(t)
	command := exec.CommandContext(t.Context(), tool, "test", "rules", "alerts.yaml")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, output)
	}
}

func TestEveryAlertIsTested(t *testing.T) {
	var tested struct {
		Tests []struct {
			Checks []struct {
				Alert    string `json:"alertname"`
				Expected []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(cases(t), &tested); err != nil {
		t.Fatal(err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range tested.Tests {
		for _, check := range test.Checks {
			fires[check.Alert] = fires[check.Alert] || len(check.Expected) > 0
			quiet[check.Alert] = quiet[check.Alert] || len(check.Expected) == 0
		}
	}
	var groups struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	if err := yaml.Unmarshal(rules(t), &groups); err != nil {
		t.Fatal(err)
	}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if !fires[rule.Alert] || !quiet[rule.Alert] {
				t.Errorf("%s: tested to fire: %v, tested to be quiet: %v", rule.Alert, fires[rule.Alert], quiet[rule.Alert])
			}
		}
	}
}

func cases(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// rules are the PrometheusRule's, as Prometheus reads them.
func rules(t *testing.T) []byte {
	t.Helper()
	objects := rendered(t, "generic")
	i := slices.IndexFunc(objects, func(o render.Object) bool { return o.Kind() == "PrometheusRule" })
	if i < 0 {
		t.Fatal("there are no alerts")
	}
	content, err := yaml.Marshal(objects[i]["spec"])
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// promtool is the one on PATH, or that of Debian's package prometheus.
func promtool(t *testing.T) string {
	t.Helper()
	if found, err := exec.LookPath("promtool"); err == nil {
		return found
	}
	cache, err := servers.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	got, err := debian.Get(context.WithoutCancel(t.Context()), debian.Request{
		Dir: cache, Name: "prometheus", Suites: []string{"bookworm"}, Probe: []string{"/usr/bin/promtool", "--version"},
	})
	if errors.Is(err, debian.ErrNotDebian) && os.Getenv("CI") == "" {
		t.Skip("promtool is missing: install Prometheus and try again")
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(got.Root, "usr/bin/promtool")
}
