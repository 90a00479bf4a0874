// Package alert holds programs to the alerts about them: what an alert asks for, some program has to say. An alert on a
// metric that is called otherwise would never fire, and nobody would notice.
package alert

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"irc.now/knative/render"
)

// The programs that alerts are about, and what the names of their metrics begin with.
var (
	Operator  = []string{"controller_runtime_", "workqueue_", "irc_network_"}
	Functions = []string{"http_requests_", "dead_letters_"}
	// Others are not ours to hold: Prometheus, kube-state-metrics and cert-manager.
	Others = []string{"up", "kube_deployment_", "certmanager_certificate_"}
)

// target are the labels that a scraper adds.
var target = []string{"namespace", "exported_namespace", "pod", "container", "serving_knative_dev_service"}

var (
	selector = regexp.MustCompile(`([a-z_:]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
	bare     = regexp.MustCompile(`^([a-z_:]+) [=<>!]`)
)

// Metrics are those that the alerts of the repository at root ask for, each with the labels that they need of it.
func Metrics(root string) (map[string][]string, error) {
	objects, err := render.Overlay(root, "generic")
	if err != nil {
		return nil, fmt.Errorf("read the alerts: %w", err)
	}
	metrics := map[string][]string{}
	for _, object := range objects {
		if object.Kind() != "PrometheusRule" {
			continue
		}
		for _, expression := range expressions(object["spec"]) {
			add(metrics, expression)
		}
	}
	if len(metrics) == 0 {
		return nil, errors.New("there are no alerts")
	}
	return metrics, nil
}

// expressions are all that is below a key expr.
func expressions(value any) []string {
	var found []string
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			found = append(found, expressions(inner)...)
		}
	case map[string]any:
		if text, ok := v["expr"].(string); ok {
			found = append(found, text)
		}
		for _, inner := range v {
			found = append(found, expressions(inner)...)
		}
	}
	return found
}

func add(metrics map[string][]string, expression string) {
	var grouped []string
	for _, labels := range grouping.FindAllStringSubmatch(expression, -1) {
		for label := range strings.SplitSeq(labels[1], ",") {
			grouped = append(grouped, strings.TrimSpace(label))
		}
	}
	if found := bare.FindStringSubmatch(expression); found != nil {
		expression = found[1] + "{}" + expression
	}
	for _, found := range selector.FindAllStringSubmatch(expression, -1) {
		labels := slices.Concat(metrics[found[1]], grouped)
		for _, label := range matcher.FindAllStringSubmatch(found[2], -1) {
			labels = append(labels, label[1])
		}
		labels = slices.DeleteFunc(labels, func(label string) bool { return slices.Contains(target, label) })
		slices.Sort(labels)
		metrics[found[1]] = slices.Compact(labels)
	}
}

// Lacking is what the alerts of the repository at root ask for and a program does not say, of metrics whose names begin
// with one of prefixes. said is the program's whole page of metrics.
func Lacking(root, said string, prefixes []string) ([]string, error) {
	metrics, err := Metrics(root)
	if err != nil {
		return nil, err
	}
	var lacking []string
	asked := 0
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		if !begins(name, prefixes) {
			continue
		}
		asked++
		if !says(said, name, metrics[name]) {
			lacking = append(lacking, fmt.Sprintf("%s with the labels %q", name, metrics[name]))
		}
	}
	if asked == 0 {
		return nil, fmt.Errorf("no alert asks for %q", prefixes)
	}
	return lacking, nil
}

func begins(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// says reports whether a page has a sample of a metric with labels.
func says(page, name string, labels []string) bool {
	for line := range strings.Lines(page) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		if !slices.ContainsFunc(labels, func(label string) bool { return !strings.Contains(rest, label+`="`) }) {
			return true
		}
	}
	return false
}
