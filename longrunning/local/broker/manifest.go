package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// eventingVersion is the apiVersion of the kinds that are read.
const eventingVersion = "eventing.knative.dev/v1"

// Manifests are the Broker and Trigger objects of a folder.
type Manifests struct {
	Broker   Manifest
	Triggers []TriggerManifest
}

// Manifest is an object of kind Broker, the fields that matter here.
type Manifest struct {
	typeMeta
	Spec struct {
		Config   *objectReference `json:"config,omitempty"`
		Delivery *Delivery        `json:"delivery,omitempty"`
	} `json:"spec"`
}

// TriggerManifest is an object of kind Trigger.
type TriggerManifest struct {
	typeMeta
	Spec struct {
		Broker     string      `json:"broker"`
		Filter     *attributes `json:"filter,omitempty"`
		Filters    []Filter    `json:"filters,omitempty"`
		Subscriber Destination `json:"subscriber"`
		Delivery   *Delivery   `json:"delivery,omitempty"`
	} `json:"spec"`
}

type typeMeta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace,omitempty"`
		Labels      map[string]string `json:"labels,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
	} `json:"metadata"`
}

type objectReference struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
}

// Destination is where events go: a Knative Service, and a path on it.
type Destination struct {
	Ref objectReference `json:"ref"`
	URI string          `json:"uri,omitempty"`
}

func (d Destination) check() error {
	if d.Ref.APIVersion != "serving.knative.dev/v1" || d.Ref.Kind != "Service" || d.Ref.Name == "" {
		return errors.New("the destination must be a ref to a Knative Service (serving.knative.dev/v1) by name")
	}
	if d.URI != "" && !strings.HasPrefix(d.URI, "/") {
		return errors.New("the destination's uri must be a path")
	}
	return nil
}

// Load reads the manifests in every .yaml file below the root of files. It is strict: a field it does not know is an
// error, since the cluster would act on what the broker here leaves out. Files with objects of other API groups are
// left alone.
func Load(files fs.FS) (Manifests, error) {
	var found Manifests
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		if err := found.add(content); err != nil {
			return fmt.Errorf("manifest %s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		return Manifests{}, err
	}
	return found, found.check()
}

// add reads the objects in one file.
func (m *Manifests) add(content []byte) error {
	for document := range bytes.SplitSeq(append([]byte("\n"), content...), []byte("\n---")) {
		var is typeMeta
		if err := yaml.Unmarshal(document, &is); err != nil {
			return err
		}
		if is.APIVersion != eventingVersion {
			continue
		}
		if err := m.addObject(is.Kind, document); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifests) addObject(kind string, document []byte) error {
	switch kind {
	case "Broker":
		if m.Broker.Metadata.Name != "" {
			return errors.New("there is more than one Broker")
		}
		return yaml.UnmarshalStrict(document, &m.Broker)
	case "Trigger":
		var trigger TriggerManifest
		if err := yaml.UnmarshalStrict(document, &trigger); err != nil {
			return err
		}
		if err := trigger.check(); err != nil {
			return fmt.Errorf("trigger %s: %w", trigger.Metadata.Name, err)
		}
		m.Triggers = append(m.Triggers, trigger)
		return nil
	}
	return fmt.Errorf("kind %s of %s is not known here", kind, eventingVersion)
}

func (t *TriggerManifest) check() error {
	if t.Metadata.Name == "" {
		return errors.New("it has no name")
	}
	if err := t.Spec.Subscriber.check(); err != nil {
		return err
	}
	for _, filter := range t.Spec.Filters {
		if err := filter.check(); err != nil {
			return err
		}
	}
	_, err := t.Spec.Delivery.policy(nil)
	return err
}

// check looks at the objects together.
func (m *Manifests) check() error {
	if m.Broker.Metadata.Name == "" {
		return errors.New("the manifests hold no Broker")
	}
	var names []string
	for _, trigger := range m.Triggers {
		name := trigger.Metadata.Name
		if slices.Contains(names, name) {
			return fmt.Errorf("there are two triggers named %s", name)
		}
		if trigger.Spec.Broker != m.Broker.Metadata.Name {
			return fmt.Errorf("trigger %s is for broker %q, which is not here", name, trigger.Spec.Broker)
		}
		names = append(names, name)
	}
	return nil
}
