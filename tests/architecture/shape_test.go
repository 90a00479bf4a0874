package architecture_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is longer than this wants to be two things.
const (
	maxFile     = 500 // lines
	maxFunction = 50  // lines, of what ships
)

// sources are the Go files that are in the repository, generated ones excepted.
func sources(t *testing.T) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go")
	command.Dir = root(t)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("list the sources: %v", err)
	}
	var files []string
	for line := range strings.Lines(string(out)) {
		file := strings.TrimSpace(line)
		if _, err := os.Stat(filepath.Join(command.Dir, file)); err == nil && !strings.Contains(file, "zz_generated") {
			files = append(files, file)
		}
	}
	return files
}

// tooLong says what is too long in a file.
func tooLong(name string, source []byte) ([]string, error) {
	var found []string
	if lines := strings.Count(string(source), "\n"); lines > maxFile {
		found = append(found, fmt.Sprintf("%s has %d lines", name, lines))
	}
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "tests/") {
		return found, nil
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, declared := range file.Decls {
		if f, is := declared.(*ast.FuncDecl); is && f.Body != nil {
			if lines := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; lines > maxFunction {
				found = append(found, fmt.Sprintf("%s: %s has %d lines", name, f.Name.Name, lines))
			}
		}
	}
	return found, nil
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, name := range sources(t) {
		source, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		found, err := tooLong(name, source)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range found {
			t.Error(one)
		}
	}
}

func TestTheRuleOfLength(t *testing.T) {
	long := "package p\n\nfunc f() {\n" + strings.Repeat("\tf()\n", maxFunction) + "}\n"
	for _, c := range []struct {
		name, source string
		found        int
	}{
		{"shared/p/p.go", "package p\n", 0},
		{"shared/p/p.go", long, 1},
		{"shared/p/p_test.go", long, 0},
		{"shared/p/p_test.go", "package p\n" + strings.Repeat("\n", maxFile), 1},
		{"shared/p/p.go", long + strings.Repeat("\n", maxFile), 2},
	} {
		if found, err := tooLong(c.name, []byte(c.source)); err != nil || len(found) != c.found {
			t.Errorf("%s: %v, %v; want %d", c.name, found, err, c.found)
		}
	}
}

// lifecycle is what a function's own file declares, in this order, as far as the function has it: what it reads, what it
// is, how it begins and ends. What it does for one route or event is in a file of its own.
var lifecycle = []string{"settings", "Function", "New", "Instrument", "Start", "Handle", "Ready", "Alive", "Drain", "Stop"}

// misplaced says what of a function's lifecycle is not in its own file, or in another order. Files are by name.
func misplaced(name string, files map[string]*ast.File) (found []string) {
	for file, source := range files {
		var order []int
		for _, word := range declarations(source) {
			at := slices.Index(lifecycle, word)
			if at < 0 {
				continue
			}
			if file != name+".go" {
				found = append(found, fmt.Sprintf("%s is in %s instead of %s.go", word, file, name))
			}
			order = append(order, at)
		}
		if !slices.IsSorted(order) {
			found = append(found, fmt.Sprintf("%s declares in another order than %v", file, lifecycle))
		}
	}
	own, ok := files[name+".go"]
	if !ok || own.Doc == nil {
		found = append(found, fmt.Sprintf("%s.go, with the package's comment, is missing", name))
	}
	return found
}

// declarations are the names of a file's types, of New, and of the methods of Function, in their order. Settings that
// other packages read are settings, too.
func declarations(file *ast.File) (names []string) {
	for _, declared := range file.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "New" || d.Recv != nil && receiver(d) == "Function" {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if typ, is := spec.(*ast.TypeSpec); is {
					names = append(names, strings.Replace(typ.Name.Name, "Settings", "settings", 1))
				}
			}
		}
	}
	return names
}

func receiver(f *ast.FuncDecl) string {
	typ := f.Recv.List[0].Type
	if star, is := typ.(*ast.StarExpr); is {
		typ = star.X
	}
	if name, is := typ.(*ast.Ident); is {
		return name.Name
	}
	return ""
}

func TestFunctionsLookAlike(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(root(t), "functions", "*", "cmd"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("there are no functions (%v)", err)
	}
	for _, cmd := range folders {
		folder := filepath.Dir(cmd)
		name := filepath.Base(folder)
		paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]*ast.File{}
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				files[filepath.Base(path)] = parse(t, path, nil)
			}
		}
		for _, one := range misplaced(name, files) {
			t.Errorf("functions/%s: %s", name, one)
		}
	}
}

func parse(t *testing.T, name string, source any) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheRuleOfFunctionsFiles(t *testing.T) {
	const good = "// Package notes keeps notes.\npackage notes\ntype settings struct{}\ntype Function struct{}\nfunc New() *Function { return nil }\nfunc (f *Function) Start() {}\nfunc (f *Function) Handle() {}\n"
	for name, c := range map[string]struct {
		files map[string]string
		found int
	}{
		"as it should be":    {map[string]string{"notes.go": good, "list.go": "package notes\nfunc (l list) Start() {}\n"}, 0},
		"under another name": {map[string]string{"function.go": good}, 6},
		"settings elsewhere": {map[string]string{"notes.go": good, "config.go": "package notes\ntype settings struct{}\n"}, 1},
		"Start after Handle": {map[string]string{"notes.go": strings.Replace(good, "Start", "Stop", 1)}, 1},
	} {
		files := map[string]*ast.File{}
		for file, source := range c.files {
			files[file] = parse(t, file, source)
		}
		if found := misplaced("notes", files); len(found) != c.found {
			t.Errorf("%s: %v", name, found)
		}
	}
}
