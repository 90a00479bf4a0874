package settings

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// module is what the paths of our own packages begin with.
const module = "irc.now/"

// source is a package's structs.
type source struct{ structs []structure }

// structure is one struct, with what it takes to read its fields.
type structure struct {
	name   string
	fields []*ast.Field
	file   *ast.File
	set    *token.FileSet
}

// parse reads the package in folder, its tests excepted.
func parse(root, folder string) (source, error) {
	var found source
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return found, err
	}
	set := token.NewFileSet()
	for _, entry := range entries {
		if !isSource(entry) {
			continue
		}
		file, err := parser.ParseFile(set, filepath.Join(root, folder, entry.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return found, err
		}
		found.structs = append(found.structs, structsOf(file, set)...)
	}
	return found, nil
}

func structsOf(file *ast.File, set *token.FileSet) []structure {
	var found []structure
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.TypeSpec); ok {
			if of, ok := spec.Type.(*ast.StructType); ok {
				found = append(found, structure{spec.Name.Name, of.Fields.List, file, set})
			}
		}
		return true
	})
	return found
}

// settings reports whether a program may read its environment into s.
func (s structure) settings() bool {
	return strings.EqualFold(s.name, "settings") || slices.ContainsFunc(s.fields, func(f *ast.Field) bool {
		_, ok := tag(f, "env")
		return ok
	})
}

// variables are those of s and of the structs of other packages that are its fields.
func (s structure) variables(root string) ([]Variable, error) {
	var found []Variable
	for i, field := range s.fields {
		if _, prefixed := tag(field, "envPrefix"); prefixed {
			return nil, fmt.Errorf("%s has a prefix, which nobody understands here", s.name)
		}
		if text, ok := tag(field, "env"); ok {
			name, options, _ := strings.Cut(text, ",")
			standard, _ := tag(field, "envDefault")
			required := slices.Contains(strings.Split(options, ","), "required")
			found = append(found, Variable{Name: name, Required: required, Default: standard, Meaning: s.meaning(i)})
			continue
		}
		more, err := s.elsewhere(root, field.Type)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// tag is what a field's tag says under key.
func tag(field *ast.Field, key string) (string, bool) {
	if field.Tag == nil {
		return "", false
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return "", false
	}
	return reflect.StructTag(text).Lookup(key)
}

// elsewhere are the variables of a type of another package of ours, none for other types.
func (s structure) elsewhere(root string, typ ast.Expr) ([]Variable, error) {
	selector, ok := typ.(*ast.SelectorExpr)
	if !ok {
		return nil, nil
	}
	folder, ok := s.folderOf(selector.X)
	if !ok {
		return nil, nil
	}
	source, err := parse(root, folder)
	if err != nil {
		return nil, err
	}
	for _, other := range source.structs {
		if other.name == selector.Sel.Name && other.settings() {
			return other.variables(root)
		}
	}
	return nil, nil
}

// folderOf is where the package is that an expression names, if it is ours.
func (s structure) folderOf(expression ast.Expr) (string, bool) {
	name, ok := expression.(*ast.Ident)
	if !ok {
		return "", false
	}
	for _, imported := range s.file.Imports {
		path, err := strconv.Unquote(imported.Path.Value)
		if err != nil {
			return "", false
		}
		called := filepath.Base(path)
		if imported.Name != nil {
			called = imported.Name.Name
		}
		if folder, ours := strings.CutPrefix(path, module); ours && called == name.Name {
			return folder, true
		}
	}
	return "", false
}

// meaning is the comment on the field at i, or on the first of those that stand together with it.
func (s structure) meaning(i int) string {
	field := s.fields[i]
	if field.Comment != nil {
		return oneLine(field.Comment.Text())
	}
	first := i
	for first > 0 && s.fields[first].Doc == nil && s.fields[first-1].Comment == nil && s.together(first-1, first) {
		first--
	}
	above := s.fields[first].Doc.Text()
	if first != i && s.alone(first, above) && !s.mentions(i, above) {
		return ""
	}
	return s.named(above)
}

// alone reports whether a comment begins with the field's name, and so is about that field.
func (s structure) alone(i int, comment string) bool {
	return len(s.fields[i].Names) == 1 && strings.HasPrefix(comment, s.fields[i].Names[0].Name)
}

// mentions reports whether a comment has the name of a field or of its variable in it.
func (s structure) mentions(i int, comment string) bool {
	variable, _ := tag(s.fields[i], "env")
	variable, _, _ = strings.Cut(variable, ",")
	return slices.ContainsFunc(word.FindAllString(comment, -1), func(found string) bool {
		return found == variable || len(s.fields[i].Names) == 1 && found == s.fields[i].Names[0].Name
	})
}

// together reports whether no empty line is between two fields that follow each other.
func (s structure) together(one, next int) bool {
	return s.set.Position(s.fields[next].Pos()).Line == s.set.Position(s.fields[one].End()).Line+1
}

var word = regexp.MustCompile(`\b[A-Z]\w+`)

func oneLine(comment string) string { return strings.Join(strings.Fields(comment), " ") }

// named is a comment in one line, with variables in the places of fields, which comments above them name.
func (s structure) named(comment string) string {
	variables := map[string]string{}
	for _, field := range s.fields {
		if text, ok := tag(field, "env"); ok && len(field.Names) == 1 {
			name, _, _ := strings.Cut(text, ",")
			variables[field.Names[0].Name] = "`" + name + "`"
		}
	}
	return word.ReplaceAllStringFunc(oneLine(comment), func(found string) string {
		if variable, ok := variables[found]; ok {
			return variable
		}
		return found
	})
}
