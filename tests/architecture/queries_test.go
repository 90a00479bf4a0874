package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asks are the methods that send something to PostgreSQL, and what collects the answer.
var asks = []string{"Exec", "Query", "QueryRow", "SendBatch", "CopyFrom", "CollectRows", "CollectExactlyOneRow", "CollectOneRow", "ForEachRow", "Acquire"}

// marks give an error the kind that it has: store.Fault and what ends in it, and a kind of one's own.
var marks = []string{"Fault", "Wrap", "InTx", "internal", "refusal", "troubled"}

// unmarked are packages whose errors nobody is shown: they end in the log of a Job, a start or a test, or a loop tries again.
var unmarked = []string{"shared/store", "shared/store/migrate", "tests"}

// query is a function as far as its queries matter.
type query struct {
	place         string
	exported      bool
	asks          bool     // by itself, and not in a transaction of its caller
	marks         bool     // some error that it returns
	names         []string // that it mentions, functions among them
	transactional bool     // it has the transaction of its caller, who marks the error
}

// queriesOf reads the functions of one file, by name; methods by the name of the method.
func queriesOf(set *token.FileSet, file *ast.File) map[string][]*query {
	found := map[string][]*query{}
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		q := &query{place: set.Position(f.Pos()).String(), exported: f.Name.IsExported(), transactional: hasTransaction(f.Type)}
		ast.Inspect(f.Body, q.look)
		found[f.Name.Name] = append(found[f.Name.Name], q)
	}
	return found
}

func (q *query) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		return !hasTransaction(n.Type) // what it returns goes through whoever begins the transaction
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		q.asks = q.asks || slices.Contains(asks, name) && len(n.Args) > 0 // unlike the Query of an address
		q.marks = q.marks || slices.Contains(marks, name)
	case *ast.Ident:
		q.names = append(q.names, n.Name)
	}
	return true
}

// hasTransaction reports whether a function is handed a transaction or a connection to work in.
func hasTransaction(f *ast.FuncType) bool {
	return slices.ContainsFunc(f.Params.List, func(p *ast.Field) bool {
		if pointer, is := p.Type.(*ast.StarExpr); is {
			p = &ast.Field{Type: pointer.X}
		}
		switch kind := p.Type.(type) {
		case *ast.SelectorExpr:
			return kind.Sel.Name == "Tx" || kind.Sel.Name == "Conn"
		case *ast.Ident:
			return kind.Name == "execer" || kind.Name == "queryer"
		}
		return false
	})
}

// unmarkedQueries are the functions of a package that ask, give the error no kind, and are called by others who do not.
func unmarkedQueries(functions map[string][]*query) (places []string) {
	callers := map[string][]*query{}
	for _, all := range functions {
		for _, q := range all {
			for _, name := range q.names {
				callers[name] = append(callers[name], q)
			}
		}
	}
	for name, all := range functions {
		for _, q := range all {
			if q.asks && !marked(name, q, callers, functions, nil) {
				places = append(places, q.place+" "+name)
			}
		}
	}
	slices.Sort(places)
	return places
}

func marked(name string, q *query, callers map[string][]*query, functions map[string][]*query, seen []*query) bool {
	if q.marks || q.transactional || slices.Contains(seen, q) {
		return true
	}
	if q.exported || len(callers[name]) == 0 {
		return false
	}
	seen = append(seen, q)
	for _, caller := range callers[name] {
		for callerName, all := range functions {
			if slices.Contains(all, caller) && caller != q && !marked(callerName, caller, callers, functions, seen) {
				return false
			}
		}
	}
	return true
}

// A query fails when the database is away, which is no fault of ours: pages say 503 and consumers try again. Wrapped
// without its kind the error is a 500, and an alarm.
func TestErrorsOfQueriesHaveTheirKind(t *testing.T) {
	packages := map[string]map[string][]*query{}
	set := token.NewFileSet()
	for _, name := range sources(t) {
		folder := path.Dir(name)
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(folder, "test") || slices.ContainsFunc(unmarked, func(p string) bool {
			return folder == p || p == "tests" && strings.HasPrefix(folder, "tests/")
		}) {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(root(t), name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if packages[folder] == nil {
			packages[folder] = map[string][]*query{}
		}
		for function, all := range queriesOf(set, file) {
			packages[folder][function] = append(packages[folder][function], all...)
		}
	}
	for folder, functions := range packages {
		if !usesPostgres(t, folder) {
			continue
		}
		for _, place := range unmarkedQueries(functions) {
			t.Errorf("%s: its error has no kind; store.Fault gives it one", strings.TrimPrefix(place, root(t)+"/"))
		}
	}
}

// usesPostgres reports whether some file of a folder imports pgx: others have methods of those names, too.
func usesPostgres(t *testing.T, folder string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(name string) bool {
		source, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(source), `"github.com/jackc/pgx/v5`)
	})
}

func TestTheRuleOfQueries(t *testing.T) {
	for source, want := range map[string]int{
		`func F() error { _, err := pool.Exec(q); return err }`:                                                                            1,
		`func F() error { _, err := pool.Exec(q); return store.Fault(err) }`:                                                               0,
		`func f() error { _, err := pool.Exec(q); return err }`:                                                                            1,
		`func f() error { _, err := pool.Exec(q); return err }; func G() error { return store.Fault(f()) }`:                                0,
		`func f() error { _, err := pool.Exec(q); return err }; func G() error { return f() }`:                                             1,
		`func f() error { _, err := pool.Exec(q); return err }; func g() error { return f() }; func H() error { return store.Fault(g()) }`: 0,
		`func F(tx pgx.Tx) error { _, err := tx.Exec(q); return err }`:                                                                     0,
		`func F() error { return store.InTx(pool, func(tx pgx.Tx) error { return tx.Exec(q) }) }`:                                          0,
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "p.go", "package p\n"+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := unmarkedQueries(queriesOf(set, file)); len(got) != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
