package knative_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// account names a ServiceAccount in the namespace irc-now.
type account = string

func TestRolesNameWhatTheyAllow(t *testing.T) {
	never := []string{"*", "escalate", "bind", "impersonate"}
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			for path, value := range values(object) {
				if object.Kind() == "Role" && slices.Contains(never, value) {
					t.Errorf("%s, %s: %s is %q", overlay, object, path, value)
				}
			}
			if object.Kind() == "ClusterRole" || object.Kind() == "ClusterRoleBinding" {
				t.Errorf("%s, %s reaches beyond our namespaces", overlay, object)
			}
		}
	}
}

// The Secrets of the platform's own are for the kubelet to hand out; see also
// TestTheSchemaJobReachesTheSecretsOfFunctionsRolesAlone.
func TestOnlyTheOperatorReadsSecrets(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			for _, rule := range list(dig(map[string]any(object), "rules")) {
				if !slices.Contains(words(dig(rule, "resources")), "secrets") {
					continue
				}
				if who := object.String(); who != "Role irc-now-tenants/operator" && who != "Role irc-now/schema" {
					t.Errorf("%s, %s reaches secrets", overlay, object)
				}
			}
		}
	}
}

func TestBindingsLeadSomewhere(t *testing.T) {
	for _, overlay := range overlays(t) {
		objects := rendered(t, overlay)
		exists := map[string]bool{}
		for _, object := range objects {
			exists[object.String()] = true
		}
		for _, object := range objects {
			if object.Kind() != "RoleBinding" {
				continue
			}
			if dig(map[string]any(object), "roleRef", "name") == nonroot {
				continue // OpenShift's own, for accounts that every namespace has
			}
			role := "Role " + object.Namespace() + "/" + word(map[string]any(object), "roleRef", "name")
			if !exists[role] {
				t.Errorf("%s, %s: there is no %s", overlay, object, role)
			}
			for _, subject := range list(object["subjects"]) {
				who := "ServiceAccount " + word(subject, "namespace") + "/" + word(subject, "name")
				if !exists[who] {
					t.Errorf("%s, %s: there is no %s", overlay, object, who)
				}
			}
		}
	}
}

// nonroot lets pods on OpenShift run as a user that they name.
const nonroot = "system:openshift:scc:nonroot-v2"

// The operator's pods all name a user (operators/reconciler), and run as the account that every namespace has.
func TestOpenShiftTakesPodsThatNameTheirUser(t *testing.T) {
	may := map[string]bool{}
	objects := rendered(t, "openshift")
	for _, object := range objects {
		if dig(map[string]any(object), "roleRef", "name") != nonroot {
			continue
		}
		for _, subject := range list(object["subjects"]) {
			may[fmt.Sprintf("%v/%v", dig(subject, "namespace"), dig(subject, "name"))] = true
		}
	}
	needs := []string{"irc-now-tenants/default"}
	for _, object := range objects {
		pod := podOf(object)
		if dig(pod, "securityContext", "runAsUser") == nil {
			continue
		}
		name, named := dig(pod, "serviceAccountName").(string)
		if !named {
			name = "default"
		}
		needs = append(needs, object.Namespace()+"/"+name)
	}
	for _, one := range needs {
		if !may[one] {
			t.Errorf("the account %s may not run as the user that its pods name", one)
		}
	}
}

// What speaks to the API server has an account of its own; what does not has no token.
func TestTokensAreForThoseWhoNeedThem(t *testing.T) {
	for _, overlay := range overlays(t) {
		objects := rendered(t, overlay)
		accounts, bound := map[account]bool{}, map[account]bool{} // whether there is a token; whether there is a role
		for _, object := range objects {
			switch object.Kind() {
			case "ServiceAccount":
				accounts[object.Name()] = object["automountServiceAccountToken"] != false
			case "RoleBinding":
				for _, subject := range list(object["subjects"]) {
					bound[word(subject, "name")] = true
				}
			}
		}
		for name, token := range accounts {
			if token != bound[name] {
				t.Errorf("%s: %s has a token: %v, has a role: %v", overlay, name, token, bound[name])
			}
		}
		for _, object := range objects {
			pod := podOf(object)
			if pod == nil {
				continue
			}
			name, _ := dig(pod, "serviceAccountName").(string)
			if _, known := accounts[name]; !known && dig(pod, "automountServiceAccountToken") != false {
				t.Errorf("%s, %s runs as %q, which is not ours and has a token", overlay, object, name)
			}
		}
	}
}

// grant is one verb that a role allows.
type grant struct{ namespace, group, resource, verb string }

// marker is how code says what it needs: +kubebuilder:rbac:groups=…,namespace=…,resources=…,verbs=…
var marker = regexp.MustCompile(`(?m)^// \+kubebuilder:rbac:(.*)$`)

func TestTheOperatorMayDoWhatItsCodeSays(t *testing.T) {
	needs, may := map[grant]bool{}, map[grant]bool{}
	err := filepath.WalkDir("../operators", func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range marker.FindAllStringSubmatch(string(content), -1) {
			words := map[string]string{}
			for part := range strings.SplitSeq(found[1], ",") {
				key, value, _ := strings.Cut(part, "=")
				words[key] = strings.Trim(value, `"`)
			}
			add(needs, words["namespace"], strings.Split(words["groups"], ";"), strings.Split(words["resources"], ";"), strings.Split(words["verbs"], ";"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range rendered(t, "generic") {
		if object.Kind() == "Role" && strings.HasPrefix(object.Name(), "operator") {
			for _, rule := range list(object["rules"]) {
				add(may, object.Namespace(), words(dig(rule, "apiGroups")), words(dig(rule, "resources")), words(dig(rule, "verbs")))
			}
		}
	}
	if len(needs) == 0 || len(may) == 0 {
		t.Fatalf("the code needs %d rights, the roles allow %d", len(needs), len(may))
	}
	for one := range needs {
		if !may[one] {
			t.Errorf("the code needs %+v", one)
		}
	}
	for one := range may {
		if !needs[one] {
			t.Errorf("nothing needs %+v", one)
		}
	}
}

func add(to map[grant]bool, namespace string, groups, resources, verbs []string) {
	for _, group := range groups {
		for _, resource := range resources {
			for _, verb := range verbs {
				to[grant{namespace, group, resource, verb}] = true
			}
		}
	}
}
