package operatortest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/operatortest"
	"irc.now/tests/eventually"
)

func TestMain(m *testing.M) {
	os.Exit(operatortest.Main(m, operatortest.Options{
		Without: true,
		CRDs:    []operatortest.Source{operatortest.Gateway, operatortest.Route, operatortest.CertManager},
	}))
}

func TestItStoresAndValidates(t *testing.T) {
	c := operatortest.Shared(t).Client(t, nil)
	good := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "good", Namespace: "default"}, Data: map[string]string{"a": "b"}}
	if err := c.Create(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	var read corev1.ConfigMap
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(good), &read); err != nil {
		t.Fatal(err)
	}
	if read.Data["a"] != "b" || read.UID == "" {
		t.Errorf("read %v, uid %q", read.Data, read.UID)
	}
	bad := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Not a name", Namespace: "default"}}
	if err := c.Create(t.Context(), bad); !apierrors.IsInvalid(err) {
		t.Errorf("a bad name: %v", err)
	}
}

func TestItKnowsTheKindsThatClustersHave(t *testing.T) {
	c := operatortest.Shared(t).Client(t, nil)
	for kind, version := range map[string]string{
		"TLSRouteList":    "gateway.networking.k8s.io/v1alpha2",
		"HTTPRouteList":   "gateway.networking.k8s.io/v1",
		"RouteList":       "route.openshift.io/v1",
		"CertificateList": "cert-manager.io/v1",
	} {
		list := &unstructured.UnstructuredList{}
		list.SetAPIVersion(version)
		list.SetKind(kind)
		if err := c.List(t.Context(), list); err != nil {
			t.Errorf("%s %s: %v", version, kind, err)
		}
	}
}

func TestAServerOfOnesOwnIsSeparate(t *testing.T) {
	own := operatortest.Start(t, operatortest.Options{Without: true}).Client(t, nil)
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("route.openshift.io/v1")
	list.SetKind("RouteList")
	if err := own.List(t.Context(), list); err == nil {
		t.Error("it knows routes, which were not asked for")
	}
}

// helper makes the test that kills one be the one that is killed: it starts a server and waits.
const helper = "OPERATORTEST_HELPER"

func TestNothingIsLeftWhenTheTestProcessIsKilled(t *testing.T) {
	if os.Getenv(helper) != "" {
		operatortest.Start(t, operatortest.Options{Without: true})
		fmt.Println("started")
		<-t.Context().Done()
		return
	}
	operatortest.Shared(t) // says what is missing, if so
	temp := t.TempDir()
	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	holder.Env = append(os.Environ(), helper+"=1", "TMPDIR="+temp)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "started" {
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	// Another process cleans up, and nobody can wait for it but by looking.
	eventually.Within(t, 30*time.Second, func(context.Context) error {
		left, err := filepath.Glob(filepath.Join(temp, "irc.now-apiserver-*"))
		processes := mentioned(t, temp)
		return eventually.True(err == nil && len(left) == 0 && !processes, "left behind: %v, processes: %v", left, processes)
	})
}

// mentioned says whether a process has text in its command line.
func mentioned(t *testing.T, text string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		line, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(line), text)
	})
}
