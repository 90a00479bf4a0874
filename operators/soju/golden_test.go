package soju

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/tenant"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testAccess(name string) reconciler.Access {
	return reconciler.Access{
		Credentials: tenant.Credentials{Database: name, Owner: name, OwnerPassword: "owner-password", Reader: name + "_reader", ReaderPassword: "reader-password"},
		URI:         secretOf("postgres://" + name + ":owner-password@tenants-rw.irc-now.svc:5432/" + name + "?sslmode=require"),
		ReaderURI:   secretOf("postgres://" + name + "_reader:reader-password@tenants-rw.irc-now.svc:5432/" + name + "?sslmode=require"),
	}
}

// golden are the bouncers whose objects are kept in testdata.
func golden() map[string]*v1alpha1.SojuBouncer {
	of := func(name string, spec v1alpha1.SojuBouncerSpec) *v1alpha1.SojuBouncer {
		return &v1alpha1.SojuBouncer{ObjectMeta: metav1.ObjectMeta{Namespace: "irc-now-tenants", Name: name}, Spec: spec}
	}
	return map[string]*v1alpha1.SojuBouncer{
		"dedicated": of("alice", v1alpha1.SojuBouncerSpec{Owner: "alice", Role: v1alpha1.RoleDedicated, Title: `Alice's "bouncer"`}),
		"suspended": of("bob", v1alpha1.SojuBouncerSpec{Owner: "bob", Role: v1alpha1.RoleDedicated, Suspended: true}),
		"shared":    of(bouncer.Shared, v1alpha1.SojuBouncerSpec{Role: v1alpha1.RoleShared, MaxUserNetworks: 1, MessageExpiryDays: 2}),
	}
}

func objectsOf(t *testing.T, b *v1alpha1.SojuBouncer) []client.Object {
	t.Helper()
	s, names := testSettings(), naming.Bouncer(b.Name)
	objects, err := workloadFor(b, s, testAccess(names.Database()))
	if err != nil {
		t.Fatal(err)
	}
	return append(objects, reconciler.CertificateFor(b.Namespace, names, b.Spec.Owner, s.Issuer, hostOf(b, s)))
}

func TestObjectsAreWhatTheyWere(t *testing.T) {
	for name, b := range golden() {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			for _, object := range objectsOf(t, b) {
				one, err := yaml.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				text.WriteString("---\n")
				text.Write(one)
			}
			path := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text.Bytes(), want) {
				t.Errorf("the objects differ from %s: look at the difference, then run the test with -update", path)
			}
		})
	}
}

// Configurations are base64 in the Secrets above; here they can be read.
func TestConfigurationsAreWhatTheyWere(t *testing.T) {
	for name, b := range golden() {
		t.Run(name, func(t *testing.T) {
			got, err := configFor(b, testSettings(), testAccess(naming.Bouncer(b.Name).Database()))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".conf")
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the configuration differs from %s:\n%s", path, got)
			}
		})
	}
}

// The platform's keys make every bouncer's tokens; no pod may ever see one.
func TestThePlatformsKeyReachesNoObject(t *testing.T) {
	for _, b := range golden() {
		for _, object := range objectsOf(t, b) {
			text, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []config.Secret{testSettings().AdminKey, testSettings().IntrospectKey} {
				if bytes.Contains(text, []byte(key.Reveal())) {
					t.Errorf("%T %s holds a key of the platform's", object, object.GetName())
				}
			}
		}
	}
}

func TestTheChecksumIsOfEverythingReadAtTheStart(t *testing.T) {
	b, s, access := golden()["dedicated"], testSettings(), testAccess("soju_alice")
	checksum := func(b *v1alpha1.SojuBouncer, s Settings, a reconciler.Access) string {
		objects, err := workloadFor(b, s, a)
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.Marshal(objects[len(objects)-1])
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			if key, value, found := bytes.Cut(bytes.TrimSpace(line), []byte(": ")); found && string(key) == naming.Checksum {
				return string(value)
			}
		}
		t.Fatal("the Deployment has no checksum")
		return ""
	}
	seen := map[string]string{checksum(b, s, access): "nothing"}
	titled := b.DeepCopy()
	titled.Spec.Title = "Another"
	key, issuer, owner, reader := s, s, access, access
	key.AdminKey, issuer.OIDCIssuer = "another", "https://another.example"
	owner.URI, reader.ReaderURI = "postgres://another", "postgres://another"
	for what, sum := range map[string]string{
		"the title": checksum(titled, s, access), "the key": checksum(b, key, access), "the issuer": checksum(b, issuer, access),
		"the owner's password": checksum(b, s, owner), "the reader's password": checksum(b, s, reader),
	} {
		if before, double := seen[sum]; double {
			t.Errorf("with %s changed the checksum is as with %s", what, before)
		}
		seen[sum] = what
	}
	images := s
	images.Images.Soju = "another"
	if seen[checksum(b, images, access)] != "nothing" {
		t.Error("an image is part of the checksum, though it changes the pod by itself")
	}
}
