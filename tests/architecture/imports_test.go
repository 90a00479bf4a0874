package architecture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "irc.now"

// pkg is one of our packages as `go list` sees it, with paths below the module.
type pkg struct {
	path    string
	imports []string // of the code itself
	tests   []string // of its tests only
}

// local is the one program that may put functions and longrunning programs together.
const local = "longrunning/local"

// table is the table of all functions, and whole the one function made of them. They put functions together, for the
// programs that run or prepare all of them.
const (
	table = "functions"
	whole = module
)

var readsTable = []string{whole, local, local + "/cmd", "longrunning/schema/cmd", "knative/settings/generate"}

// kinds are our custom resources and kindsClient what reads and writes them: all that programs which are no operators
// may know of those.
const (
	kinds       = "operators/api"
	kindsClient = "operators/client"
)

// plans are what users pay for, and plans' prices and numbers.
const plans = "shared/account"

// identityProvider is the library that makes an OpenID provider; in a cluster that is Keycloak's work.
const identityProvider = "github.com/zitadel/oidc/"

// judges are Knative's own code, which judges manifests when they are rendered. Programs would start later with it.
var judges = []string{"knative.dev/serving", "knative.dev/eventing"}

// forbidden says why from must not import to, or "" where it may. Both are paths below the module, or full
// paths of others' packages.
func forbidden(from, to string) string {
	fromArea, fromName := split(from)
	toArea, toName := split(to)
	same := fromArea == toArea && fromName == toName
	switch {
	case strings.HasPrefix(to, identityProvider) && !within(from, local+"/identity"):
		return "an OpenID provider is built in longrunning/local/identity alone"
	case fromArea == "operators" && within(to, plans):
		return "operators import no plans: custom resources carry the numbers"
	case slices.ContainsFunc(judges, func(judge string) bool { return within(to, judge) }) && !within(from, "knative/render"):
		return "Knative's own code is linked where manifests are rendered alone"
	case !ours(to), toArea == "shared", same, fromArea == "tests":
		return ""
	case toArea == "tests":
		return "tests/ is for tests"
	case fromArea == "shared":
		return "shared imports only shared"
	case to == table && slices.Contains(readsTable, from), to == whole && from == local:
		return ""
	case to == table, to == whole:
		return "functions are put together by what runs all of them"
	case from == table && toArea == "functions":
		return ""
	case fromArea != "knative" && (within(to, kinds) || within(to, kindsClient)):
		return ""
	case within(from, local) && toArea != "operators":
		return ""
	case fromArea == "operators" && toArea == "operators", fromArea == "knative" && toArea == "knative":
		return ""
	case fromArea == "functions" && toArea == "functions":
		return "functions talk by events or HTTP, they never import each other"
	default:
		return fmt.Sprintf("a program in %s must not import %s", fromArea, toArea)
	}
}

// forbiddenInTests is laxer: anything may be tested against the real servers and the stand-ins below longrunning/local,
// against a real API server, and with what tests/ shares. That a test runs the whole platform is for tests/ alone.
func forbiddenInTests(from, to string) string {
	fromArea, _ := split(from)
	toArea, _ := split(to)
	if to == table && (fromArea == "knative" || from == table || from == "longrunning/schema") {
		return ""
	}
	developers := strings.HasPrefix(to, local+"/") || within(to, "operators/operatortest")
	if toArea == "tests" || developers || strings.HasPrefix(to, identityProvider) {
		return ""
	}
	return forbidden(from, to)
}

// forTests reports whether a package is there for tests only, as net/http/httptest is.
func forTests(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if strings.HasSuffix(element, "test") {
			return true
		}
	}
	return false
}

func split(path string) (area, name string) {
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 2 {
		return parts[0], ""
	}
	return parts[0], parts[1]
}

func ours(path string) bool {
	area, _ := split(path)
	return slices.Contains([]string{whole, "functions", "longrunning", "operators", "shared", "knative", "tests"}, area)
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func TestImportsKeepTheirDirection(t *testing.T) {
	packages := list(t)
	if len(packages) < 5 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	for _, p := range packages {
		rule := forbidden
		if forTests(p.path) {
			rule = forbiddenInTests
		}
		for _, to := range p.imports {
			if why := rule(p.path, to); why != "" {
				t.Errorf("%s imports %s: %s", p.path, to, why)
			}
		}
		for _, to := range p.tests {
			if why := forbiddenInTests(p.path, to); why != "" {
				t.Errorf("a test of %s imports %s: %s", p.path, to, why)
			}
		}
	}
}

func TestPackagesAreNamedAfterWhatTheyOwn(t *testing.T) {
	for _, p := range list(t) {
		for element := range strings.SplitSeq(p.path, "/") {
			if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "base", "lib"}, element) {
				t.Errorf("%s: %q says nothing of what the package owns", p.path, element)
			}
		}
	}
}

func TestTheRuleOfImports(t *testing.T) {
	const op = identityProvider + "v3/pkg/op"
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"functions/portal", "shared/auth", true},
		{"functions/portal/cmd", "functions/portal", true},
		{"functions/portal", "functions/landing", false},
		{"functions/portal", "functions/portal/page", true},
		{"functions", "functions/landing", true},
		{"functions", "operators/soju", false},
		{"irc.now", "functions", true},
		{"irc.now", "functions/landing", false},
		{"functions/portal", "functions", false},
		{"functions/portal", "irc.now", false},
		{"shared/web", "functions", false},
		{"longrunning/bounceradmin", "functions", false},
		{"longrunning/local", "functions", true},
		{"longrunning/local", "irc.now", true},
		{"functions/portal", "longrunning/local", false},
		{"functions/portal", "operators/soju", false},
		{"functions/portal", "operators/naming", false},
		{"functions/portal", "operators/api/v1alpha1", true},
		{"functions/portal", "operators/client", true},
		{"longrunning/bounceradmin", "operators/client", true},
		{"shared/bouncer", "operators/api/v1alpha1", false},
		{"shared/bouncer", "operators/client", false},
		{"functions/portal", "github.com/jackc/pgx/v5", true},
		{"functions/portal", op, false},
		{"functions/portal", "knative.dev/func-go/http", true},
		{"functions/portal", "knative.dev/serving/pkg/apis/serving/v1", false},
		{"knative/deploy", "knative.dev/eventing/pkg/apis/eventing/v1", false},
		{"knative/render", "knative.dev/eventing/pkg/apis/eventing/v1", true},
		{"shared/auth", "shared/store", true},
		{"shared/auth", "functions/portal", false},
		{"shared/auth", "longrunning/local/identity", false},
		{"shared/auth", op, false},
		{"longrunning/local", "functions/portal", true},
		{"longrunning/local/cmd", "longrunning/bounceradmin", true},
		{"longrunning/local", op, false},
		{"longrunning/local/identity", op, true},
		{"longrunning/schema/cmd", "functions", true},
		{"longrunning/schema", "functions/portal", false},
		{"longrunning/schema", "longrunning/local", false},
		{"longrunning/local", "longrunning/schema", true},
		{"longrunning/bounceradmin", "functions/portal", false},
		{"longrunning/bounceradmin", "longrunning/bots", false},
		{"operators/soju", "functions/portal", false},
		{"operators/soju", "operators/api/v1alpha1", true},
		{"operators/soju", "longrunning/local", false},
		{"operators/soju", "shared/bouncer", true},
		{"longrunning/local", "operators/soju", false},
		{"functions/portal", "tests/load", false},
		{"tests/local", "longrunning/local", true},
	} {
		if why := forbidden(c.from, c.to); (why == "") != c.allowed {
			t.Errorf("%s importing %s: %q", c.from, c.to, why)
		}
	}
	if forbiddenInTests("functions/introspect", local+"/identity") != "" || forbiddenInTests("shared/auth", local+"/storetest") != "" ||
		forbiddenInTests("shared/auth", local) == "" || forbiddenInTests("functions/portal", "functions/landing") == "" {
		t.Error("the rule for tests is wrong")
	}
}

func TestOperatorsImportNoPlans(t *testing.T) {
	for _, rule := range []func(from, to string) string{forbidden, forbiddenInTests} {
		for _, from := range []string{"operators/ergo", "operators/client", "operators/api/v1alpha1"} {
			for _, to := range []string{"shared/account", "shared/account/plan"} {
				if rule(from, to) == "" {
					t.Errorf("%s may import %s", from, to)
				}
			}
			if why := rule(from, "shared/reserved"); why != "" {
				t.Error(why)
			}
		}
		if why := rule("functions/limits", "shared/account/plan"); why != "" {
			t.Error(why)
		}
	}
}

// root is the folder of the module's go.mod.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("no go.mod above the tests")
		}
		folder = parent
	}
}

// list asks the go command, which knows build constraints, for all our packages.
func list(t *testing.T) []pkg {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	command.Dir = root(t)
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var listed struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		err := decoder.Decode(&listed)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, pkg{
			path: below(listed.ImportPath), imports: allBelow(listed.Imports),
			tests: allBelow(append(listed.TestImports, listed.XTestImports...)),
		})
	}
}

func below(path string) string { return strings.TrimPrefix(path, module+"/") }

func allBelow(paths []string) []string {
	short := make([]string, 0, len(paths))
	for _, path := range paths {
		short = append(short, below(path))
	}
	return short
}
