package reconciler

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// lacking are kinds that the API server did not have, and when to ask again. A RESTMapper remembers only what there is:
// without this, each pass of each object on a cluster without OpenShift's routes would ask for them. The zero value is
// ready.
type lacking struct {
	mu    sync.Mutex
	until map[schema.GroupVersionKind]time.Time
}

func (l *lacking) known(kind schema.GroupVersionKind) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until[kind])
}

func (l *lacking) remember(kind schema.GroupVersionKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = map[schema.GroupVersionKind]time.Time{}
	}
	l.until[kind] = time.Now().Add(retryMissingAPI)
}

// served is like the function, but believes for retryMissingAPI that a kind is still not there.
func (w *Writer) served(kind schema.GroupKind, versions ...string) (string, error) {
	for _, version := range versions {
		if w.lacking.known(kind.WithVersion(version)) {
			continue
		}
		found, err := served(w.Client.RESTMapper(), kind, version)
		if found != "" || err != nil {
			return found, err
		}
		w.lacking.remember(kind.WithVersion(version))
	}
	return "", nil
}

// served is the first of the versions of a kind that the API server has, "" for none.
func served(mapper meta.RESTMapper, kind schema.GroupKind, versions ...string) (string, error) {
	for _, version := range versions {
		_, err := mapper.RESTMapping(kind, version)
		if err == nil {
			return version, nil
		}
		if !meta.IsNoMatchError(err) {
			return "", fmt.Errorf("ask the API server for %s: %w", kind, err)
		}
	}
	return "", nil
}
