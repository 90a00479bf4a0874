package ergo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
)

// retryLoad is how long until a server that does not run the newest configuration is told again. The kubelet may take
// two minutes to put a changed Secret into a pod's files (see nudge), and tells nobody when it has.
const retryLoad = 5 * time.Second

// retryAnswer is how long until a server that does not answer is asked again. One that just came up is not known to all
// of the cluster's network yet.
const retryAnswer = time.Second

// want is what a network's ergo should run.
type want struct {
	rendered
	host        string
	certificate Fingerprint
}

// mark stands for all of it.
func (w want) mark() string {
	sum := sha256.Sum256(append([]byte(w.digest), w.certificate[:]...))
	return hex.EncodeToString(sum[:8])
}

// running brings configuration and certificates to ergos that run already. It remembers what it has proved, so that
// nobody is asked twice; a pod that starts anew reads the newest files by itself.
type running struct {
	servers *Servers
	log     *slog.Logger

	mu     sync.Mutex
	proved map[types.UID]proof
}

// proof is what a server was seen to run.
type proof struct {
	digest      string
	certificate Fingerprint
}

func newRunning(servers *Servers, log *slog.Logger) *running {
	return &running{servers: servers, log: log, proved: map[types.UID]proof{}}
}

// load makes the network's ergo run w. Where it does not yet, it is told to rehash and asked again: a configuration is
// proved by its own token being accepted, a certificate by being served. reloaded tells that it took a rehash.
func (r *running) load(ctx context.Context, n *v1alpha1.ErgoNetwork, w want) (reloaded bool, err error) {
	if r.known(n.UID) == (proof{w.digest, w.certificate}) {
		return false, nil
	}
	missing, err := r.missing(ctx, n, w)
	if err != nil {
		return false, r.unreachable(ctx, n, err)
	}
	if missing {
		if err := r.servers.Rehash(ctx, n, w.token); err != nil {
			return false, r.refused(ctx, n, err)
		}
		if missing, err = r.missing(ctx, n, w); err != nil {
			return false, r.unreachable(ctx, n, err)
		}
		if missing {
			return false, reconciler.Wait(naming.ConfigurationPending,
				"The network runs. A change is on its way to it; that can take two minutes, and nobody is disconnected.", retryLoad)
		}
		reloaded = true
	}
	r.remember(n.UID, proof{w.digest, w.certificate})
	return reloaded, nil
}

// missing reports whether the server runs anything but w.
func (r *running) missing(ctx context.Context, n *v1alpha1.ErgoNetwork, w want) (bool, error) {
	_, err := r.servers.Status(ctx, n, w.proof)
	if errors.Is(err, errUnauthorized) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	served, err := r.servers.Serves(ctx, n, w.host)
	return err == nil && served != w.certificate, err
}

// refused words what came of a rehash. An ergo that could not read its files, since they were being written or are
// wrong, goes on with what it has.
func (r *running) refused(ctx context.Context, n *v1alpha1.ErgoNetwork, err error) error {
	if _, refused := errors.AsType[refusedError](err); refused {
		r.log.WarnContext(ctx, "a network refuses its configuration", slog.String("network", n.Name), slog.Any("error", err))
		return reconciler.Wait(naming.ConfigurationRefused,
			"The network runs, with its former configuration: it could not load the changed one. The operator tries again.", retryLoad)
	}
	return r.unreachable(ctx, n, err)
}

func (r *running) unreachable(ctx context.Context, n *v1alpha1.ErgoNetwork, err error) error {
	r.log.InfoContext(ctx, "a network does not answer", slog.String("network", n.Name), slog.Any("error", err))
	return reconciler.Wait(naming.PodStarting, "The network's server does not answer yet.", retryAnswer)
}

// forget is for a network that is down, or gone.
func (r *running) forget(id types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.proved, id)
}

func (r *running) known(id types.UID) proof {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proved[id]
}

func (r *running) remember(id types.UID, p proof) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proved[id] = p
}

// fingerprintOf is of the first certificate in a PEM file, the one that clients see first.
func fingerprintOf(file []byte) (Fingerprint, bool) {
	block, _ := pem.Decode(file)
	if block == nil || block.Type != "CERTIFICATE" {
		return Fingerprint{}, false
	}
	return sha256.Sum256(block.Bytes), true
}
