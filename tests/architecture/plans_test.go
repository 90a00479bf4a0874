package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// comparisons finds where a file compares with the name of a plan: in ==, !=, a case, or as a map's key.
// Naming a plan to ask for its entitlements is no comparison.
func comparisons(fset *token.FileSet, file *ast.File) []token.Position {
	var found []token.Position
	check := func(expressions ...ast.Expr) {
		for _, e := range expressions {
			if isPlan(e) {
				found = append(found, fset.Position(e.Pos()))
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				check(n.X, n.Y)
			}
		case *ast.CaseClause:
			check(n.List...)
		case *ast.KeyValueExpr:
			check(n.Key)
		}
		return true
	})
	return found
}

// isPlan reports whether e is account.Free, account.Pro, the same of package plan, or one of their names as text.
func isPlan(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return isPlan(e.X)
	case *ast.CallExpr: // string(account.Pro), account.Plan("pro")
		return len(e.Args) == 1 && isPlan(e.Args[0])
	case *ast.SelectorExpr:
		of, ok := e.X.(*ast.Ident)
		return ok && (of.Name == "account" || of.Name == "plan") && (e.Sel.Name == "Free" || e.Sel.Name == "Pro")
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return err == nil && (text == "free" || text == "pro")
	}
	return false
}

func TestOnlyAccountComparesPlanNames(t *testing.T) {
	top := root(t)
	for _, area := range []string{"functions", "longrunning", "operators", "shared"} {
		folder := filepath.Join(top, area)
		if _, err := os.Stat(folder); err != nil {
			continue // not there yet
		}
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (entry.Name() == "node_modules" || path == filepath.Join(top, "shared", "account")) {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, at := range comparisons(fset, file) {
				t.Errorf("%s compares a plan's name: ask account.EntitlementsFor", at)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheRuleOfPlans(t *testing.T) {
	const source = `package p
import "irc.now/shared/account"
func f(plan account.Plan, s string) {
	_ = plan == account.Pro
	_ = "free" != s
	switch plan { case account.Free: }
	_ = map[account.Plan]int{account.Pro: 1}
	_ = string(account.Pro) == s
	_ = account.EntitlementsFor(account.Free)
	_ = []account.Plan{account.Free, account.Pro}
	_ = s == "professional"
	_ = s != string(plan.Pro)
}`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, at := range comparisons(fset, file) {
		lines = append(lines, at.Line)
	}
	if want := []int{4, 5, 6, 7, 8, 12}; !slices.Equal(lines, want) {
		t.Errorf("comparisons in lines %v, want %v", lines, want)
	}
}
