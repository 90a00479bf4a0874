package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// serverMaker is the one file that says how our servers bound slow clients. Yardsticks are what our programs are measured
// against, and link as little as can be.
const serverMaker = "shared/program/server.go"

var yardsticks = []string{"tests/load/bare/main.go", "tests/load/baredatabase/main.go", "tests/cluster/hello/main.go"}

// ownServers are the places of a file that make an HTTP server of their own, or let net/http make one, which has no
// bounds at all.
func ownServers(name string, source []byte) (found []string, err error) {
	if name == serverMaker || slices.Contains(yardsticks, name) {
		return nil, nil
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	says := func(e ast.Expr, names ...string) bool {
		selected, ok := e.(*ast.SelectorExpr)
		if !ok || !slices.Contains(names, selected.Sel.Name) {
			return false
		}
		of, ok := selected.X.(*ast.Ident)
		return ok && of.Name == "http"
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if says(n.Type, "Server") {
				found = append(found, set.Position(n.Pos()).String())
			}
		case *ast.CallExpr:
			if made, is := n.Fun.(*ast.Ident); says(n.Fun, "Serve", "ServeTLS", "ListenAndServe", "ListenAndServeTLS") ||
				is && made.Name == "new" && len(n.Args) == 1 && says(n.Args[0], "Server") {
				found = append(found, set.Position(n.Pos()).String())
			}
		}
		return true
	})
	return found, nil
}

func TestHTTPServersAreMadeInOnePlace(t *testing.T) {
	for _, name := range sources(t) {
		source, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(source), `"net/http"`) {
			continue
		}
		found, err := ownServers(name, source)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range found {
			t.Errorf("%s makes an HTTP server: program.HTTPServer has the bounds that each needs", place)
		}
	}
}

func TestTheRuleOfServers(t *testing.T) {
	for body, count := range map[string]int{
		`_ = http.Server{}`: 1, `_ = &http.Server{Addr: ":1"}`: 1, `_ = new(http.Server)`: 1, `_ = http.ListenAndServe(":1", nil)`: 1,
		`_ = http.Serve(nil, nil)`: 1, `_ = program.HTTPServer(nil, nil)`: 0, `var s *http.Server; _ = s.Serve(nil)`: 0,
	} {
		source := []byte("package p\n\nfunc f() { " + body + " }\n")
		if found, err := ownServers("shared/p/p.go", source); err != nil || len(found) != count {
			t.Errorf("%s: %v, %v", body, found, err)
		}
		if found, err := ownServers(serverMaker, source); err != nil || found != nil {
			t.Errorf("%s: %v, %v", body, found, err)
		}
	}
}
