package naming_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"irc.now/operators/naming"
	"irc.now/shared/reserved"
)

// longest is the longest name that the custom resources take.
var longest = strings.Repeat("a", 32)

func TestNamesAreValidAndUsedOncePerKind(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"alice", "alice-2", "bob", longest} {
		for program, o := range map[string]naming.Objects{naming.Soju: naming.Bouncer(name), naming.Ergo: naming.Network(name)} {
			for kind, object := range map[string]string{
				"Deployment": o.Workload(), "Service": o.Workload(), "Service of admin": o.AdminService(),
				"Secret of database": o.DatabaseSecret(), "Secret of config": o.ConfigSecret(), "Secret of operator": o.OperatorSecret(),
				"Secret of certificate": o.Certificate(), "ConfigMap": o.ChatConfigMap(), "Route of irc": o.IRCRoute(), "Route of web": o.WebRoute(),
			} {
				if problems := validation.IsDNS1035Label(object); len(problems) > 0 {
					t.Errorf("%s %s of %s: %v", kind, object, program, problems)
				}
				kind, _, _ := strings.Cut(kind, " ")
				if before := seen[kind+"/"+object]; before != "" {
					t.Errorf("%s %s is of %s and of %s %s", kind, object, before, program, name)
				}
				seen[kind+"/"+object] = program + " " + name
			}
		}
	}
}

// A name that ends in a suffix would be another one's object: handles, and so resources, cannot have it.
func TestSuffixesAreReserved(t *testing.T) {
	o := naming.Bouncer("alice")
	for _, object := range []string{
		o.AdminService(), o.DatabaseSecret(), o.ConfigSecret(), o.ChatConfigMap(), o.Certificate(), o.IRCRoute(), o.WebRoute(),
		naming.Network("alice").Workload(),
	} {
		if !reserved.Name(object) {
			t.Errorf("a bouncer may be called %s, which is an object's name", object)
		}
	}
}

func TestDatabasesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"ab", "a-b", "a-b-c", "ab-c", longest} {
		for _, o := range []naming.Objects{naming.Bouncer(name), naming.Network(name)} {
			database := o.Database()
			if seen[database] || len(database) > 37 || strings.ContainsFunc(database, func(r rune) bool {
				return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
			}) {
				t.Errorf("%s is the database of %s", database, name)
			}
			seen[database] = true
		}
	}
}

func TestLabelsAreValidAndTheSelectorIsPartOfThem(t *testing.T) {
	o := naming.Bouncer(longest)
	labels := o.Labels("alice")
	for key, value := range labels {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			t.Error(key, value, problems)
		}
	}
	for key, value := range o.Selector() {
		if labels[key] != value {
			t.Errorf("the selector's %s is no label", key)
		}
	}
	if _, there := naming.Bouncer("soju-shared").Labels("")[naming.LabelOwner]; there {
		t.Error("the shared bouncer has an owner")
	}
	for _, name := range []string{naming.Finalizer, naming.Expires, naming.Nudge, naming.Checksum} {
		if problems := validation.IsQualifiedName(name); len(problems) > 0 {
			t.Error(name, problems)
		}
	}
	if fmt.Sprint(o.Labels("alice")) != fmt.Sprint(labels) {
		t.Error("labels differ from call to call")
	}
}
