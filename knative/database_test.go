package knative_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"irc.now/knative/render"
	"irc.now/knative/settings"
)

// superuser is the Secret of whoever may do everything to every database.
const superuser = "database-superuser"

// secretsOf are the names of the Secrets that a workload's containers read, by variable.
func secretsOf(object render.Object) map[string]string {
	found := map[string]string{}
	for _, container := range containersOf(object) {
		for variable, one := range environment(container) {
			if name := word(one, "valueFrom", "secretKeyRef", "name"); name != "" {
				found[variable] = name
			}
		}
	}
	return found
}

// A function that is taken over does in the database what it may, not what another may.
func TestEachFunctionHasItsOwnRoleInTheDatabaseAndNoOther(t *testing.T) {
	for _, overlay := range overlays(t) {
		with := map[string]bool{}
		for function, service := range services(t, overlay) {
			for variable, secret := range secretsOf(service) {
				if !strings.HasPrefix(secret, "database-") {
					continue
				}
				with[function] = true
				if secret != "database-"+function {
					t.Errorf("%s, %s: %s is another's: %s", overlay, function, variable, secret)
				}
			}
			if want := readsDatabase(t, function); want != with[function] {
				t.Errorf("%s, %s: it reads a database: %v, has a role: %v", overlay, function, want, with[function])
			}
		}
		if !with["portal"] || with["landing"] || with["stripe"] {
			t.Errorf("%s: the functions with a database are %v", overlay, with)
		}
	}
}

// readsDatabase reports whether a function takes the address of a database.
func readsDatabase(t *testing.T, name string) bool {
	t.Helper()
	program, err := settings.Find("..", name)
	if err != nil {
		t.Fatal(err)
	}
	read, err := program.Variables("..")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(read, func(v settings.Variable) bool { return strings.Contains(v.Name, "DATABASE_URL") })
}

func TestOnlyTheSchemaJobAndTheOperatorAreSuperusers(t *testing.T) {
	may := []string{"Job irc-now/schema", "Deployment irc-now/operator"}
	for _, overlay := range overlays(t) {
		var are []string
		for _, object := range rendered(t, overlay) {
			secrets := slices.Collect(maps.Values(secretsOf(object)))
			switch {
			case slices.Contains(secrets, "database-app"):
				t.Errorf("%s, %s owns the accounts", overlay, object)
			case overlay == "test" && object.Name() == "standin": // a part of that cluster alone
			case slices.Contains(secrets, superuser):
				are = append(are, object.String())
			}
		}
		if slices.Sort(are); !slices.Equal(are, slices.Sorted(slices.Values(may))) {
			t.Errorf("%s: superusers are %q, may be %q", overlay, are, may)
		}
	}
}

// The job may read what it wrote, which is what programs read, and not the platform's other Secrets beside it.
func TestTheSchemaJobReachesTheSecretsThatItMakesAlone(t *testing.T) {
	for _, overlay := range overlays(t) {
		wanted, may := map[string]bool{}, map[string]bool{}
		for _, service := range services(t, overlay) {
			for _, name := range secretsOf(service) {
				if strings.HasPrefix(name, "database-") {
					wanted[name] = true
				}
			}
		}
		for _, object := range rendered(t, overlay) {
			for _, name := range mountedSecrets(object) {
				if strings.HasPrefix(name, "key-") {
					wanted[name] = true
				}
			}
			if object.String() != "Role irc-now/schema" {
				continue
			}
			for _, rule := range list(object["rules"]) {
				names, verbs := words(dig(rule, "resourceNames")), words(dig(rule, "verbs"))
				if len(names) == 0 && !slices.Equal(verbs, []string{"create"}) {
					t.Errorf("%s: it may %q any Secret", overlay, verbs)
				}
				for _, name := range names {
					may[name] = true
				}
			}
		}
		if !maps.Equal(wanted, may) || len(may) == 0 {
			t.Errorf("%s: programs read %v, the job may write %v", overlay, wanted, may)
		}
	}
}

// Argo CD goes by waves; `make deploy` by phases. What the job stands on is before it in both, everything else after.
func TestArgoAppliesInTheOrderOfTheDeployment(t *testing.T) {
	const annotation = "argocd.argoproj.io/sync-wave"
	wave := func(object render.Object) int {
		value := word(map[string]any(object), "metadata", "annotations", annotation)
		if value == "" {
			return 0
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Errorf("%s: %v", object, err)
		}
		return n
	}
	stands := []string{
		"Cluster irc-now/database", "Namespace irc-now", "Role irc-now/schema", "RoleBinding irc-now/schema", "ServiceAccount irc-now/schema",
	}
	for _, overlay := range overlays(t) {
		phases := render.InPhases(rendered(t, overlay))
		if len(phases.Jobs) != 1 || wave(phases.Jobs[0]) >= 0 {
			t.Fatalf("%s has the jobs %v", overlay, phases.Jobs)
		}
		var before []string
		for _, object := range slices.Concat(phases.Definitions, phases.Foundations) {
			if wave(object) < wave(phases.Jobs[0]) {
				before = append(before, object.String())
			}
		}
		if slices.Sort(before); !slices.Equal(before, stands) {
			t.Errorf("%s: before the job are %q, want %q", overlay, before, stands)
		}
		for _, object := range phases.Rest {
			if wave(object) <= wave(phases.Jobs[0]) {
				t.Errorf("%s, %s is not after the job", overlay, object)
			}
		}
		if hook := word(map[string]any(phases.Jobs[0]), "metadata", "annotations", "argocd.argoproj.io/hook"); hook != "Sync" {
			t.Errorf("%s: a job that is cleared away would be missed: it is the hook %q", overlay, hook)
		}
	}
}
