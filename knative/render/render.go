// Package render makes the objects of an overlay out of the kustomizations below knative/, without asking anything
// outside the repository.
//
// It owns how a reference to one of our images is found and replaced, and what Knative would refuse. It must not apply
// anything.
package render

import (
	"fmt"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Overlays are the names of all overlays, sorted: the folders of knative/overlays of the repository whose root folder is
// root. Whoever deploys adds their own.
func Overlays(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "knative", "overlays", "*", "kustomization.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list the overlays: %w", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names, nil
}

// Object is one manifest.
type Object map[string]any

// Kind is the object's kind.
func (o Object) Kind() string { return text(o["kind"]) }

// APIVersion is the object's API group and version.
func (o Object) APIVersion() string { return text(o["apiVersion"]) }

// Name is the object's name.
func (o Object) Name() string { return text(o.metadata()["name"]) }

// Namespace is the object's namespace, "" for one of the whole cluster.
func (o Object) Namespace() string { return text(o.metadata()["namespace"]) }

// String names the object for people.
func (o Object) String() string {
	if o.Namespace() == "" {
		return o.Kind() + " " + o.Name()
	}
	return o.Kind() + " " + o.Namespace() + "/" + o.Name()
}

func (o Object) metadata() map[string]any {
	metadata, _ := o["metadata"].(map[string]any)
	return metadata
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// Overlay renders knative/overlays/<name> of the repository whose root folder is root. Namespaces and definitions come
// first, so that the objects can be applied in their order.
func Overlay(root, name string) ([]Object, error) {
	all, err := Overlays(root)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(all, name) {
		return nil, fmt.Errorf("there is no overlay %q; there are %q", name, all)
	}
	return Folder(filepath.Join(root, "knative", "overlays", name))
}

// Folder renders the kustomization in folder, and has Knative's own code judge what is of its kinds.
func Folder(folder string) ([]Object, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	made, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", folder, err)
	}
	objects, err := objectsOf(made)
	if err != nil {
		return nil, err
	}
	if err := Check(objects); err != nil {
		return nil, fmt.Errorf("%s has what Knative would refuse:\n%w", folder, err)
	}
	return objects, nil
}

func objectsOf(made resmap.ResMap) ([]Object, error) {
	var objects []Object
	for _, resource := range made.Resources() {
		content, err := resource.Map()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", resource.CurId(), err)
		}
		objects = append(objects, content)
	}
	return objects, nil
}

// YAML writes objects as documents of one stream.
func YAML(objects []Object) ([]byte, error) {
	var stream []byte
	for _, object := range objects {
		document, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", object, err)
		}
		stream = append(append(stream, "---\n"...), document...)
	}
	return stream, nil
}
