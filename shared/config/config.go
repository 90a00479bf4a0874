// Package config reads a program's settings from its environment, once, into a typed struct.
//
// It owns the tags' meaning, the wording of complaints, and the types that settings have in common: [Secret]
// and [URL]. It must not know any program's settings, and no complaint ever repeats a value, since the value
// may be a secret in the wrong variable.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Validator is a settings struct with rules that tags cannot say. Each line of the error's text should begin
// with the variable's name. Validate also runs when variables are missing, so that all problems are reported
// together: it sees zero values for those.
type Validator interface{ Validate() error }

// Error is every problem found in one environment, one line each, each naming its variable.
type Error struct{ Problems []string }

// Error lists the problems, one per line, below a heading.
func (e *Error) Error() string {
	return "these environment variables need attention:\n  " + strings.Join(e.Problems, "\n  ")
}

// Load fills dst, a pointer to a struct with caarlos0/env tags (`env:"BASE_URL,required,notEmpty"`,
// `envDefault:"…"`), from environ, then asks dst.Validate where dst is a [Validator]. It reports all problems
// in one *[Error]. A nil environ is an empty one, never the process's.
func Load(environ map[string]string, dst any) error {
	if environ == nil {
		environ = map[string]string{}
	}
	problems, err := parse(environ, dst)
	if err != nil {
		return err
	}
	if validator, ok := dst.(Validator); ok {
		problems = addNew(problems, validator.Validate())
	}
	if len(problems) > 0 {
		return &Error{Problems: problems}
	}
	return nil
}

// Environ is the process's environment as a map, for [Load] and for a function's Start.
func Environ() map[string]string { return env.ToMap(os.Environ()) }

// parse fills dst and returns what the environment lacks; its error is a mistake in dst itself.
func parse(environ map[string]string, dst any) ([]string, error) {
	err := env.ParseWithOptions(dst, env.Options{Environment: environ})
	if err == nil {
		return nil, nil
	}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return nil, fmt.Errorf("read the environment into %T: %w", dst, err)
	}
	keys := keysByField(reflect.TypeOf(dst), "")
	var problems []string
	for _, one := range all.Errors {
		problem, ok := problemOf(one, keys)
		if !ok {
			return nil, fmt.Errorf("read the environment into %T: %w", dst, one)
		}
		problems = append(problems, problem)
	}
	return problems, nil
}

// problemOf words one complaint of the env package without the value; false where dst is to blame, not the
// environment.
func problemOf(err error, keys map[string]string) (string, bool) {
	if unset, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return unset.Key + " is not set", true
	}
	if empty, ok := errors.AsType[env.EmptyVarError](err); ok {
		return empty.Key + " is empty", true
	}
	if file, ok := errors.AsType[env.LoadFileContentError](err); ok {
		return file.Key + " names a file that cannot be read", true
	}
	if wrong, ok := errors.AsType[env.ParseError](err); ok {
		return keys[wrong.Name] + " " + reasonOf(wrong), true
	}
	return "", false
}

func reasonOf(wrong env.ParseError) string {
	if own, ok := errors.AsType[Problem](wrong.Err); ok {
		return string(own)
	}
	if number, ok := errors.AsType[*strconv.NumError](wrong.Err); ok && errors.Is(number, strconv.ErrRange) {
		return "is out of range"
	}
	if wrong.Type == reflect.TypeFor[time.Duration]() {
		return `is not a duration such as "30s" or "12h"`
	}
	switch wrong.Type.Kind() {
	case reflect.Bool:
		return `is neither "true" nor "false"`
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "is not a whole number"
	default:
		return "is not a valid " + wrong.Type.String()
	}
}

// keysByField maps field names to variable names, since the env package blames fields. Nested structs follow
// envPrefix as that package does.
func keysByField(typ reflect.Type, prefix string) map[string]string {
	keys := map[string]string{}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return keys
	}
	for field := range typ.Fields() {
		if tag, ok := field.Tag.Lookup("env"); ok {
			key, _, _ := strings.Cut(tag, ",")
			keys[field.Name] = prefix + key
			continue
		}
		for name, key := range keysByField(field.Type, prefix+field.Tag.Get("envPrefix")) {
			keys[name] = key
		}
	}
	return keys
}

// addNew appends the lines of err whose variable is not blamed yet: a missing variable needs no second line
// that calls its zero value invalid.
func addNew(problems []string, err error) []string {
	if err == nil {
		return problems
	}
	blamed := map[string]bool{}
	for _, problem := range problems {
		blamed[variableIn(problem)] = true
	}
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !blamed[variableIn(line)] {
			problems = append(problems, line)
		}
	}
	return problems
}

func variableIn(problem string) string {
	name, _, _ := strings.Cut(problem, " ")
	return strings.TrimRight(name, ":")
}

// Problem is what a type of settings complains of in its UnmarshalText; it reads on from the variable's name, and must
// not repeat the value.
type Problem string

// Error is the complaint.
func (p Problem) Error() string { return string(p) }
