//go:build cluster

package story_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	corev1 "k8s.io/api/core/v1"
)

// onDatabase works on the cluster's PostgreSQL server as its superuser.
func (w *world) onDatabase(t *testing.T, work func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.databaseURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := work(ctx, conn); err != nil {
		t.Fatal(err)
	}
}

// databases are the names of all databases.
func (w *world) databases(t *testing.T) (names []string) {
	t.Helper()
	w.onDatabase(t, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT datname FROM pg_database ORDER BY datname`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names
}

// databaseURL is the superuser's, at the Service's address: the node reaches Services, too.
func (w *world) databaseURL(t *testing.T) string {
	t.Helper()
	var service corev1.Service
	if err := w.Get(t.Context(), key(platform, "database-rw"), &service); err != nil {
		t.Fatal(err)
	}
	var superuser corev1.Secret
	if err := w.Get(t.Context(), key(platform, "database-superuser"), &superuser); err != nil {
		t.Fatal(err)
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(string(superuser.Data["username"]), string(superuser.Data["password"])),
		Host: net.JoinHostPort(service.Spec.ClusterIP, "5432"), Path: "/postgres", RawQuery: "sslmode=require",
	}
	return address.String()
}

// tombstone wants a tenant's database to be kept under the name of a deleted one, and under no other.
func (w *world) tombstone(t *testing.T, database string) {
	t.Helper()
	all := w.databases(t)
	buried := fmt.Sprintf("deleted_%s_", database)
	if slices.Contains(all, database) || !slices.ContainsFunc(all, func(name string) bool { return strings.HasPrefix(name, buried) }) {
		t.Errorf("databases are %q, want one that begins with %s and none called %s", all, buried, database)
	}
}
