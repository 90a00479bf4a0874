package scaffold_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"irc.now/functions"
	"irc.now/knative/settings"
)

// funcYAML is what our func.yaml uses of the format of Knative's func, specVersion 0.36.0. The schema
// itself is in github.com/knative/func, which is no module that a build could fetch; reading strictly into
// this refuses unknown fields as the schema does.
type funcYAML struct {
	SpecVersion string    `json:"specVersion"`
	Name        string    `json:"name"`
	Runtime     string    `json:"runtime"`
	Registry    string    `json:"registry"`
	Invoke      string    `json:"invoke"`
	Created     time.Time `json:"created"`
	Build       struct {
		Builder string `json:"builder"`
	} `json:"build"`
	Run struct {
		Envs    []env `json:"envs"`
		Volumes []struct {
			Secret string `json:"secret"`
			Path   string `json:"path"`
		} `json:"volumes"`
		StartTimeout int `json:"startTimeout"`
	} `json:"run"`
	Deploy struct {
		Namespace          string            `json:"namespace"`
		Annotations        map[string]string `json:"annotations"`
		ServiceAccountName string            `json:"serviceAccountName"`
		Options            struct {
			Scale struct {
				Min         *int    `json:"min"`
				Max         *int    `json:"max"`
				Metric      string  `json:"metric"`
				Target      float64 `json:"target"`
				Utilization float64 `json:"utilization"`
			} `json:"scale"`
			Resources struct {
				Requests map[string]string `json:"requests"`
				Limits   map[string]any    `json:"limits"`
			} `json:"resources"`
		} `json:"options"`
		HealthEndpoints struct {
			Liveness  string `json:"liveness"`
			Readiness string `json:"readiness"`
		} `json:"healthEndpoints"`
	} `json:"deploy"`
}

type env struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

var (
	dnsLabel   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	envName    = regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)
	secretName = regexp.MustCompile(`(SECRET|SECRETS|TOKEN|KEY|PASSWORD|CLIENTS|DATABASE_URL)$`)
	secretRef  = regexp.MustCompile(`^\{\{ secret:[a-z0-9][-a-z0-9]*:[-._a-zA-Z0-9]+ \}\}$`)
)

// check returns everything that is wrong with the func.yaml text of the function called name.
func check(name string, text []byte) (funcYAML, error) {
	var f funcYAML
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return f, err
	}
	var all []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	want(f.SpecVersion == "0.36.0", "specVersion is %q", f.SpecVersion)
	want(f.Name == name && dnsLabel.MatchString(f.Name), "name %q is not the function's, or no DNS label", f.Name)
	want(f.Runtime == "go", "runtime is %q", f.Runtime)
	want(f.Invoke == "http" || f.Invoke == "cloudevent", "invoke is %q", f.Invoke)
	want(!f.Created.IsZero(), "created is missing, which the schema requires")
	want(f.Deploy.HealthEndpoints.Liveness == "/health/liveness" && f.Deploy.HealthEndpoints.Readiness == "/health/readiness",
		"healthEndpoints are not those of shared/function")
	seen := map[string]bool{}
	for _, e := range f.Run.Envs {
		want(envName.MatchString(e.Name), "%q is no name of a variable", e.Name)
		want(!seen[e.Name], "%s is given twice", e.Name)
		want(!secretName.MatchString(e.Name) || secretRef.MatchString(e.Value), "%s must refer to a Secret", e.Name)
		want(e.Value != "", "%s is empty", e.Name)
		seen[e.Name] = true
	}
	for _, v := range f.Run.Volumes {
		want(dnsLabel.MatchString(v.Secret) && filepath.IsAbs(v.Path), "a volume needs a Secret and a path, not %q and %q", v.Secret, v.Path)
	}
	return f, errors.Join(all...)
}

func TestFuncYAMLIsWhatFuncReadsAndEnoughToStart(t *testing.T) {
	text, err := os.ReadFile("../../func.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := check("irc-now", text)
	if err != nil {
		t.Error(err)
	}
	all := map[string]string{}
	for _, e := range f.Run.Envs {
		all[e.Name] = e.Value
	}
	for _, part := range functions.Where(functions.Part.Public) {
		given := part.Settings(all)
		program, err := settings.Find("../..", part.Name)
		if err != nil {
			t.Fatal(err)
		}
		variables, err := program.Variables("../..")
		if err != nil || len(variables) == 0 {
			t.Fatalf("no settings of %s are found (%v)", part.Name, err)
		}
		for _, v := range variables {
			if v.Required && given[v.Name] == "" {
				t.Errorf("%s requires %s, which run.envs lacks", part.Name, v.Name)
			}
		}
	}
}

func TestTheRuleOfFuncYAML(t *testing.T) {
	const good = `specVersion: 0.36.0
name: irc-now
runtime: go
invoke: http
created: "2026-11-22T00:00:00Z"
run:
  envs:
    - name: TOKEN
      value: '{{ secret:portal:token }}'
deploy:
  healthEndpoints:
    liveness: /health/liveness
    readiness: /health/readiness
`
	if _, err := check("irc-now", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"0.36.0", "0.35.0"},
		{"name: irc-now", "name: IRC"},
		{"name: irc-now", "name: landing"},
		{"runtime: go", "runtime: node"},
		{"invoke: http", "invoke: grpc"},
		{"created", "made"},
		{"'{{ secret:portal:token }}'", "hunter2"},
		{"name: TOKEN", "name: 1TOKEN"},
		{"/health/liveness", "/healthz"},
		{"deploy:", "unknown: 1\ndeploy:"},
	} {
		if _, err := check("irc-now", []byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s instead of %s was accepted", change[1], change[0])
		}
	}
}
