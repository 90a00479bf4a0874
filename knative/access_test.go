package knative_test

import (
	"slices"
	"testing"

	"irc.now/knative/render"
)

// account names a ServiceAccount in the namespace irc-now.
type account = string

func TestRolesNameWhatTheyAllow(t *testing.T) {
	never := []string{"*", "escalate", "bind", "impersonate"}
	for _, overlay := range render.Overlays() {
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

func TestOnlyTheOperatorReadsSecrets(t *testing.T) {
	for _, overlay := range render.Overlays() {
		for _, object := range rendered(t, overlay) {
			for _, rule := range list(dig(map[string]any(object), "rules")) {
				if !slices.Contains(words(dig(rule, "resources")), "secrets") {
					continue
				}
				if object.Name() != "operator" || object.Namespace() != "irc-now-tenants" {
					t.Errorf("%s, %s reaches secrets", overlay, object)
				}
			}
		}
	}
}

func TestBindingsLeadSomewhere(t *testing.T) {
	for _, overlay := range render.Overlays() {
		objects := rendered(t, overlay)
		exists := map[string]bool{}
		for _, object := range objects {
			exists[object.String()] = true
		}
		for _, object := range objects {
			if object.Kind() != "RoleBinding" {
				continue
			}
			role := "Role " + object.Namespace() + "/" + dig(map[string]any(object), "roleRef", "name").(string)
			if !exists[role] {
				t.Errorf("%s, %s: there is no %s", overlay, object, role)
			}
			for _, subject := range list(object["subjects"]) {
				who := "ServiceAccount " + dig(subject, "namespace").(string) + "/" + dig(subject, "name").(string)
				if !exists[who] {
					t.Errorf("%s, %s: there is no %s", overlay, object, who)
				}
			}
		}
	}
}

// What speaks to the API server has an account of its own; what does not has no token.
func TestTokensAreForThoseWhoNeedThem(t *testing.T) {
	for _, overlay := range render.Overlays() {
		objects := rendered(t, overlay)
		accounts, bound := map[account]bool{}, map[account]bool{} // whether there is a token; whether there is a role
		for _, object := range objects {
			switch object.Kind() {
			case "ServiceAccount":
				accounts[object.Name()] = object["automountServiceAccountToken"] != false
			case "RoleBinding":
				for _, subject := range list(object["subjects"]) {
					bound[dig(subject, "name").(string)] = true
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
