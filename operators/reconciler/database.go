package reconciler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgxpool"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/naming"
	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/tenant"
)

const (
	// retryDatabase is how long until a server that was away is tried again.
	retryDatabase = 15 * time.Second
	// retryTaken is how long until a database that was another's is looked for again.
	retryTaken = time.Minute
	sweepEvery = time.Hour
)

// Keys of the database's Secret. Pods refer to the exported ones.
const (
	keyHost           = "host"
	keyPort           = "port"
	keyDatabase       = "dbname"
	keyUser           = "user"
	keyPassword       = "password"
	keyReader         = "reader-user"
	keyReaderPassword = "reader-password"
	KeyURI            = "uri"
	KeyReaderURI      = "reader-uri"
)

// Databases makes tenants' databases and puts them aside. [Tenants] is the real one.
type Databases interface {
	// Ensure makes the database with both passwords. tenant.ErrTaken, where it is another's.
	Ensure(ctx context.Context, name, owner string, p tenant.Passwords) (tenant.Credentials, error)
	// Bury puts it aside, where it is the owner's.
	Bury(ctx context.Context, name, owner string) error
}

// Tenants are databases on a PostgreSQL server.
type Tenants struct {
	Admin     *pgxpool.Pool // a superuser
	Retention time.Duration // how long a buried database is kept; 0 for not at all
	Log       *slog.Logger
	Now       func() time.Time // nil for time.Now
}

// Ensure is tenant.EnsureOwned.
func (t *Tenants) Ensure(ctx context.Context, name, owner string, p tenant.Passwords) (tenant.Credentials, error) {
	return tenant.EnsureOwned(ctx, t.Admin, name, owner, p)
}

// Bury is tenant.Bury for Retention. Without any, the database is dropped at once.
func (t *Tenants) Bury(ctx context.Context, name, owner string) error {
	now := t.now()
	if err := tenant.Bury(ctx, t.Admin, name, owner, now, now.Add(t.Retention)); err != nil || t.Retention > 0 {
		return err
	}
	_, err := tenant.Sweep(ctx, t.Admin, now)
	return err
}

// Start drops what is due, at once and then hourly, until ctx ends: it is a manager's Runnable, for the leader only.
func (t *Tenants) Start(ctx context.Context) error {
	t.sweep(ctx)
	background.Every(ctx, sweepEvery, t.sweep)
	return nil
}

// NeedLeaderElection keeps the sweep to one operator.
func (t *Tenants) NeedLeaderElection() bool { return true }

func (t *Tenants) sweep(ctx context.Context) {
	dropped, err := tenant.Sweep(ctx, t.Admin, t.now())
	for _, name := range dropped {
		t.Log.InfoContext(ctx, "dropped a database whose time was over", slog.String("database", name))
	}
	if err != nil && ctx.Err() == nil {
		t.Log.ErrorContext(ctx, "could not drop all databases that are due", slog.Any("error", err))
	}
}

func (t *Tenants) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// DatabaseServer is where tenants' pods reach the server.
type DatabaseServer struct {
	Host    string
	Port    int
	SSLMode string // of libpq; "" leaves it out
}

// Access is how a tenant's pods reach their database.
type Access struct {
	tenant.Credentials
	URI, ReaderURI config.Secret
}

// DatabaseStep is what a resource's database needs.
type DatabaseStep struct {
	Writer    *Writer
	Databases Databases
	Server    DatabaseServer
	// Meanwhile tells the owner what it means that the server is away, in a sentence; may be empty.
	Meanwhile string
}

// Reconcile makes the owner's database and the Secret with its credentials. Passwords that are in the Secret become the
// roles', so that somebody who changes them there has rotated them; missing or unusable ones are made anew. It returns
// a [Stall] where the database is another's, and a [Wait] where the server is away.
func (d *DatabaseStep) Reconcile(ctx context.Context, owner Object, names naming.Objects, user string) (Access, Done, error) {
	kept, err := d.passwords(ctx, owner, client.ObjectKey{Namespace: owner.GetNamespace(), Name: names.DatabaseSecret()})
	if err != nil {
		return Access{}, Done{}, err
	}
	credentials, err := d.Databases.Ensure(ctx, names.Database(), string(owner.GetUID()), kept)
	switch {
	case errors.Is(err, tenant.ErrTaken):
		return Access{}, Done{}, Stall(naming.DatabaseConflict, fmt.Sprintf(
			"There is a database %s already that was not made for this object. Nothing in it was touched. An administrator of the database server has to hand it over, rename it or drop it.",
			names.Database()), retryTaken)
	case fault.Is(err, fault.Unavailable):
		const away = "The database server cannot be reached right now; the operator tries again. "
		return Access{}, Done{}, Wait(naming.DatabaseUnavailable, strings.TrimSpace(away+d.Meanwhile), retryDatabase)
	case err != nil:
		return Access{}, Done{}, err
	}
	access := d.access(credentials)
	if _, err := d.Writer.Apply(ctx, owner, d.secret(access, owner.GetNamespace(), names, user)); err != nil {
		return Access{}, Done{}, err
	}
	owner.GetStatus().Database = names.Database()
	return access, Done{naming.DatabaseMade, "The database is there."}, nil
}

// passwords reads the Secret from the cache, and past it before new ones are made: a cache that lags behind our own
// last write must not cost a working password.
func (d *DatabaseStep) passwords(ctx context.Context, owner client.Object, key types.NamespacedName) (tenant.Passwords, error) {
	var p tenant.Passwords
	for _, from := range []client.Reader{d.Writer.Client, d.Writer.Live} {
		var secret corev1.Secret
		if err := from.Get(ctx, key, &secret); err != nil && !apierrors.IsNotFound(err) {
			return p, fmt.Errorf("read the database's secret: %w", err)
		}
		if !ownedBy(&secret, owner) {
			continue
		}
		p = tenant.Passwords{Owner: usable(secret.Data[keyPassword]), Reader: usable(secret.Data[keyReaderPassword])}
		if p.Owner != "" && p.Reader != "" {
			return p, nil
		}
	}
	if p.Owner == "" {
		p.Owner = config.Secret(rand.Text())
	}
	if p.Reader == "" {
		p.Reader = config.Secret(rand.Text())
	}
	return p, nil
}

// usable gives a password that can be set and sent as it is: printable ASCII, and not too easy to guess. A line break at
// the end is what editors add.
func usable(value []byte) config.Secret {
	const least, most = 12, 200
	text := strings.TrimRight(string(value), "\r\n")
	if len(text) < least || len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII || r == 0x7f }) {
		return ""
	}
	return config.Secret(text)
}

func (d *DatabaseStep) access(c tenant.Credentials) Access {
	return Access{
		Credentials: c, URI: d.uri(c.Owner, c.OwnerPassword, c.Database), ReaderURI: d.uri(c.Reader, c.ReaderPassword, c.Database),
	}
}

func (d *DatabaseStep) uri(user string, password config.Secret, database string) config.Secret {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password.Reveal()),
		Host: net.JoinHostPort(d.Server.Host, strconv.Itoa(d.Server.Port)), Path: "/" + database,
	}
	if d.Server.SSLMode != "" {
		u.RawQuery = url.Values{"sslmode": {d.Server.SSLMode}}.Encode()
	}
	return config.Secret(u.String())
}

func (d *DatabaseStep) secret(a Access, namespace string, names naming.Objects, user string) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: names.DatabaseSecret(), Labels: names.Labels(user)},
		Type:       corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			keyHost: []byte(d.Server.Host), keyPort: []byte(strconv.Itoa(d.Server.Port)), keyDatabase: []byte(a.Database),
			keyUser: []byte(a.Owner), keyPassword: []byte(a.OwnerPassword.Reveal()),
			keyReader: []byte(a.Reader), keyReaderPassword: []byte(a.ReaderPassword.Reveal()),
			KeyURI: []byte(a.URI.Reveal()), KeyReaderURI: []byte(a.ReaderURI.Reveal()),
		},
	}
}
