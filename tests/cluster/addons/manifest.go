package addons

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

type object = unstructured.Unstructured

// readFolders reads every manifest in and below folders of root, in the order of their paths. A kustomization is none.
func readFolders(root string, folders ...string) ([]*object, error) {
	var all []*object
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(file) != ".yaml" || entry.Name() == "kustomization.yaml" {
				return err
			}
			objects, err := readFile(file)
			all = append(all, objects...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func readFile(file string) ([]*object, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	objects, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return objects, nil
}

// parse reads documents separated by lines of three hyphens. Documents of nothing but comments are skipped.
func parse(text []byte) ([]*object, error) {
	var objects []*object
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := decode(document)
		if err != nil {
			return nil, err
		}
		if o == nil {
			continue
		}
		objects = append(objects, o)
	}
}

// decode reads one document; there is none if it holds nothing but comments.
func decode(document []byte) (*object, error) {
	text, err := utilyaml.ToJSON(document)
	if err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return nil, nil
	}
	o := &object{}
	return o, o.UnmarshalJSON(text)
}

// clusterWide are the kinds among the add-ons' objects that belong to no namespace.
var clusterWide = []string{
	"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "StorageClass", "ClusterIssuer", "GatewayClass",
	"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
}

// stages order kinds: each may need what is before it. Webhooks come last, because they refuse what they guard until
// their own pods run.
var stages = [][]string{
	{"Namespace", "CustomResourceDefinition"},
	{"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap", "Secret", "StorageClass"},
}

const webhookStage = 3

// stage says when an object is applied.
func stage(o *object) int {
	for i, kinds := range stages {
		if slices.Contains(kinds, o.GetKind()) {
			return i
		}
	}
	if slices.Contains([]string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}, o.GetKind()) {
		return webhookStage
	}
	return len(stages)
}

// inOrder sorts objects by stage and keeps the order within one.
func inOrder(objects []*object) {
	slices.SortStableFunc(objects, func(a, b *object) int { return stage(a) - stage(b) })
}

func describe(o *object) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
