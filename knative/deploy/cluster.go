package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"irc.now/knative/render"
)

// checkCluster says which cluster is about to change, and what that cluster lacks, before anything is built.
func (c Config) checkCluster(ctx context.Context, objects []render.Object) error {
	target, err := c.output(ctx, nil, "kubectl", "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}, context {.current-context}")
	if err != nil {
		return fmt.Errorf("kubectl has to have a current context, the cluster to deploy to: see kubectl config get-contexts (%w)", err)
	}
	fmt.Fprintf(c.Out, "Deploying %s, version %s, to %s\n", c.Overlay, c.version, target)
	lacking, err := c.lackingKinds(ctx, objects)
	if err != nil {
		return fmt.Errorf("ask the cluster for what it needs: %w", err)
	}
	if len(lacking) == 0 { // else kubectl could not ask for objects of those kinds
		if lacking, err = c.lackingObjects(ctx, objects); err != nil {
			return fmt.Errorf("ask the cluster for what it needs: %w", err)
		}
	}
	if len(lacking) > 0 {
		return fmt.Errorf("the cluster lacks what docs/deploying.md says it needs:\n  %s", strings.Join(lacking, "\n  "))
	}
	return nil
}

// lackingKinds are the kinds of objects that the API server does not serve, our own excepted.
func (c Config) lackingKinds(ctx context.Context, objects []render.Object) ([]string, error) {
	versions, err := c.output(ctx, nil, "kubectl", "api-versions")
	if err != nil {
		return nil, err
	}
	served := strings.Fields(versions)
	var lacking []string
	wanted := kindsByVersion(objects)
	for _, version := range slices.Sorted(maps.Keys(wanted)) {
		kinds := map[string]bool{}
		if slices.Contains(served, version) {
			if kinds, err = c.kindsOf(ctx, version); err != nil {
				return nil, err
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(wanted[version])) {
			if !kinds[kind] {
				lacking = append(lacking, "the kind "+kind+" of "+version)
			}
		}
	}
	return lacking, nil
}

// kindsByVersion are the kinds of objects that others define, by API version.
func kindsByVersion(objects []render.Object) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, object := range objects {
		version := object.APIVersion()
		if strings.HasPrefix(version, "irc.now/") {
			continue
		}
		if found[version] == nil {
			found[version] = map[string]bool{}
		}
		found[version][object.Kind()] = true
	}
	return found
}

// kindsOf are the kinds of an API version that the API server serves.
func (c Config) kindsOf(ctx context.Context, version string) (map[string]bool, error) {
	path := "/apis/" + version
	if !strings.Contains(version, "/") {
		path = "/api/" + version
	}
	answer, err := c.output(ctx, nil, "kubectl", "get", "--raw", path)
	if err != nil {
		return nil, err
	}
	var list struct{ Resources []struct{ Kind string } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		return nil, fmt.Errorf("read what %s has: %w", version, err)
	}
	kinds := map[string]bool{}
	for _, resource := range list.Resources {
		kinds[resource.Kind] = true
	}
	return kinds, nil
}

// lackingObjects are the objects that people make and that are not there, or lack keys.
func (c Config) lackingObjects(ctx context.Context, objects []render.Object) ([]string, error) {
	var lacking []string
	for _, s := range Supplied(objects) {
		args := []string{"get", s.Kind, s.Name, "--ignore-not-found", "--output", "go-template={{.metadata.name}}{{range $key, $value := .data}} {{$key}}{{end}}"}
		if s.Namespace != "" {
			args = append(args, "--namespace", s.Namespace)
		}
		found, err := c.output(ctx, nil, "kubectl", args...)
		if err != nil {
			return nil, err
		}
		words := strings.Fields(found)
		missing := slices.DeleteFunc(slices.Clone(s.Keys), func(key string) bool { return slices.Contains(words, key) })
		switch {
		case len(words) == 0 && len(s.Keys) > 0:
			lacking = append(lacking, fmt.Sprintf("%s with the keys %s", s, strings.Join(s.Keys, ", ")))
		case len(words) == 0:
			lacking = append(lacking, s.String())
		case len(missing) > 0:
			lacking = append(lacking, fmt.Sprintf("in %s the keys %s", s, strings.Join(missing, ", ")))
		}
	}
	return lacking, nil
}
