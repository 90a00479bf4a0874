package soju

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/operatortest"
	"irc.now/operators/reconciler"
	"irc.now/shared/tenant"
)

// workers is how many objects are worked on at a time, by the operator and by the loop it is compared with.
const workers = 8

// pollEvery is how often the benchmark looks whether it is over, in the operator's own cache.
const pollEvery = 100 * time.Millisecond

// ledger is a Databases that makes none: a thousand real ones would measure PostgreSQL and the disk, which
// BenchmarkDatabases does. It counts passes.
type ledger struct {
	mu     sync.Mutex
	seen   map[string]int
	passes atomic.Int64
}

func (l *ledger) Ensure(_ context.Context, name, _ string, p tenant.Passwords) (tenant.Credentials, error) {
	l.passes.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[name]++
	return tenant.Credentials{Database: name, Owner: name, OwnerPassword: p.Owner, Reader: name + "_reader", ReaderPassword: p.Reader}, nil
}

func (l *ledger) Bury(context.Context, string, string) error { return nil }

func (l *ledger) bouncers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

// meter counts requests: those that change objects, events, and those that only read.
type meter struct{ objects, events, reads atomic.Int64 }

func (m *meter) reset() {
	m.objects.Store(0)
	m.events.Store(0)
	m.reads.Store(0)
}

// metered is a transport that a meter counts.
type metered struct {
	inner http.RoundTripper
	meter *meter
}

func (m *metered) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case r.Method == http.MethodGet:
		m.meter.reads.Add(1)
	case strings.HasPrefix(r.URL.Path, "/apis/events.k8s.io/"):
		m.meter.events.Add(1)
	default:
		m.meter.objects.Add(1)
	}
	return m.inner.RoundTrip(r)
}

type bench struct {
	b      *testing.B
	server *operatortest.Server
	scheme *runtime.Scheme
	client client.Client
	count  int
	meter  meter
}

func (x *bench) config() *rest.Config {
	c := x.server.Config()
	c.QPS = -1
	c.Wrap(func(inner http.RoundTripper) http.RoundTripper { return &metered{inner, &x.meter} })
	return c
}

// BenchmarkBouncers brings up BOUNCERS (1,000) bouncers on an API server without kubelets, then lets a new operator go
// over them, which must not write. It is compared with a loop that applies the same objects with as many workers and
// does nothing else. Half of that loop runs before the operator and half after it, so that an API server which gets
// slower as it fills, or a machine with other work, slows both alike.
//
// The operator's clock runs from its start until the cache holds the last bouncer's status. Of-bare compares writes of
// objects per second: the operator's are the loop's objects, a finalizer and a status for each bouncer; events are
// counted apart. Time-of-bare compares the seconds until all objects are there, and so counts all that against it.
// Neither side makes databases; what those cost is BenchmarkDatabases'.
func BenchmarkBouncers(b *testing.B) {
	x := newBench(b)
	for b.Loop() {
		x.namespace("bare")
		bare := x.bare("bare", 0, x.count/2)
		x.bouncers("operated")
		x.meter.reset()
		databases := &ledger{seen: map[string]int{}}
		began := time.Now()
		o := x.operate("operated", databases)
		x.complete("operated", o)
		took, passes := time.Since(began), databases.passes.Load()
		writes, events, reads := x.meter.objects.Load(), x.meter.events.Load(), x.meter.reads.Load()
		o.stop()
		bare += x.bare("bare", x.count/2, x.count)
		objects := x.written("operated")
		if loop := x.written("bare"); loop != objects {
			b.Errorf("the loop wrote %d objects, the operator %d", loop, objects)
		}

		each := float64(x.count)
		b.ReportMetric(took.Seconds(), "s/all")
		b.ReportMetric(float64(writes)/took.Seconds(), "writes/s")
		b.ReportMetric(float64(objects)/bare.Seconds(), "bare-writes/s")
		b.ReportMetric(float64(writes)/took.Seconds()/(float64(objects)/bare.Seconds()), "of-bare")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "time-of-bare")
		b.ReportMetric(float64(passes)/each, "passes/bouncer")
		b.ReportMetric(float64(writes)/each, "writes/bouncer")
		b.ReportMetric(float64(events)/each, "events/bouncer")
		b.ReportMetric(float64(reads)/each, "reads/bouncer")
		b.ReportMetric(float64(x.steady("operated")), "steady-writes")
	}
}

func newBench(b *testing.B) *bench {
	scheme, err := reconciler.Scheme()
	if err != nil {
		b.Fatal(err)
	}
	x := &bench{b: b, scheme: scheme, count: 1000, server: operatortest.Start(b, operatortest.Options{
		CRDs:  []operatortest.Source{operatortest.Gateway, operatortest.CertManager},
		Flags: map[string]string{"service-cluster-ip-range": "10.96.0.0/12"}, // room for the Services
	})}
	if text := os.Getenv("BOUNCERS"); text != "" {
		if x.count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	if x.client, err = client.New(x.config(), client.Options{Scheme: scheme}); err != nil {
		b.Fatal(err)
	}
	return x
}

func (x *bench) namespace(name string) {
	if err := x.client.Create(x.b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		x.b.Fatal(err)
	}
}

// each runs do for every bouncer from one to before another, workers at a time.
func (x *bench) each(from, to int, do func(i int) error) {
	next := make(chan int)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					x.b.Error(err)
				}
			}
		})
	}
	for i := from; i < to; i++ {
		next <- i
	}
	close(next)
	running.Wait()
}

func bench1000(namespace string, i int) *v1alpha1.SojuBouncer {
	name := fmt.Sprintf("user%d", i)
	return &v1alpha1.SojuBouncer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.SojuBouncerSpec{Owner: name, Role: v1alpha1.RoleDedicated},
	}
}

func (x *bench) bouncers(namespace string) {
	x.namespace(namespace)
	x.each(0, x.count, func(i int) error { return x.client.Create(x.b.Context(), bench1000(namespace, i)) })
}

// bare applies what the operator would, made beforehand.
func (x *bench) bare(namespace string, from, to int) time.Duration {
	all := make([][]*unstructured.Unstructured, x.count)
	for i := from; i < to; i++ {
		all[i] = x.objectsOf(bench1000(namespace, i))
	}
	began := time.Now()
	x.each(from, to, func(i int) error {
		for _, object := range all[i] {
			err := x.client.Apply(x.b.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("bare"), client.ForceOwnership)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return time.Since(began)
}

func (x *bench) objectsOf(bouncer *v1alpha1.SojuBouncer) []*unstructured.Unstructured {
	s, names := testSettings(), naming.Bouncer(bouncer.Name)
	objects, err := workloadFor(bouncer, s, testAccess(names.Database()))
	if err != nil {
		x.b.Fatal(err)
	}
	database := configSecretFor(bouncer, s, []byte("as large as the credentials of a database, more or less"))
	database.Name = names.DatabaseSecret()
	entrance := reconciler.Entrance{Host: hostOf(bouncer, s), IRC: portIRC, Web: portChat}
	objects = append(objects, database, reconciler.CertificateFor(bouncer.Namespace, names, bouncer.Spec.Owner, s.Issuer, hostOf(bouncer, s)))
	objects = append(objects, reconciler.GatewayRoutesFor(bouncer.Namespace, names, bouncer.Spec.Owner, entrance, s.Gateway, "v1")...)
	var list []*unstructured.Unstructured
	for _, object := range objects {
		kind, err := apiutil.GVKForObject(object, x.scheme)
		if err != nil {
			x.b.Fatal(err)
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			x.b.Fatal(err)
		}
		delete(content, "status")
		u := &unstructured.Unstructured{Object: content}
		u.SetGroupVersionKind(kind)
		unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
		list = append(list, u)
	}
	return list
}

// operator is one that runs.
type operator struct {
	cache client.Reader
	stop  func() // waits for passes under way
}

func (x *bench) operate(namespace string, databases reconciler.Databases) operator {
	again := true
	mgr, err := ctrl.NewManager(x.config(), ctrl.Options{
		Scheme: x.scheme, Cache: reconciler.CacheOptions(namespace), Metrics: metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &again}, // one process, several operators
	})
	if err != nil {
		x.b.Fatal(err)
	}
	r := &Reconciler{Settings: testSettings(), Databases: databases, Version: "1.0.0", Workers: workers}
	if err := r.SetupWithManager(mgr); err != nil {
		x.b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(x.b.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		x.b.Fatal("the operator's cache was not filled")
	}
	return operator{cache: mgr.GetCache(), stop: func() {
		cancel()
		if err := <-ended; err != nil {
			x.b.Error(err)
		}
	}}
}

// complete waits until every bouncer's last object is there, and its status.
func (x *bench) complete(namespace string, o operator) {
	for {
		var list v1alpha1.SojuBouncerList
		if err := o.cache.List(x.b.Context(), &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			x.b.Fatal(err)
		}
		done := 0
		for _, bouncer := range list.Items {
			if len(bouncer.Status.Conditions) >= 5 {
				done++
			}
		}
		if done == x.count {
			return
		}
		time.Sleep(pollEvery)
	}
}

// written counts the objects, which have to be as many as the loop's.
func (x *bench) written(namespace string) int {
	total := 0
	one := x.objectsOf(bench1000(namespace, 0))
	seen := map[string]bool{}
	for _, object := range one {
		if seen[object.GetKind()] {
			continue
		}
		seen[object.GetKind()] = true
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(object.GroupVersionKind())
		if err := x.client.List(x.b.Context(), list, client.InNamespace(namespace)); err != nil {
			x.b.Fatal(err)
		}
		for _, item := range list.Items {
			if item.GetLabels()[naming.LabelManagedBy] == naming.FieldOwner {
				total++
			}
		}
	}
	if want := x.count * len(one); total != want {
		x.b.Errorf("there are %d objects, want %d", total, want)
	}
	return total
}

// steady lets an operator with nothing in memory go over everything once, and counts what it writes.
func (x *bench) steady(namespace string) int64 {
	databases := &ledger{seen: map[string]int{}}
	x.meter.reset()
	o := x.operate(namespace, databases)
	for databases.bouncers() < x.count {
		time.Sleep(pollEvery)
	}
	o.stop()
	writes := x.meter.objects.Load()
	if writes != 0 {
		x.b.Errorf("going over what is as it should be wrote %d times", writes)
	}
	return writes
}
