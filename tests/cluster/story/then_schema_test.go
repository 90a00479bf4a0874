//go:build cluster

package story_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	batch "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What PostgreSQL answers to a role that may not do something.
const insufficientPrivilege = "42501"

// asFunction connects with a function's role to a database, by default to the one in the function's Secret.
func (w *world) asFunction(t *testing.T, name, database string) (*pgx.Conn, error) {
	t.Helper()
	var service corev1.Service
	if err := w.Get(t.Context(), key(platform, "database-rw"), &service); err != nil {
		t.Fatal(err)
	}
	var secret corev1.Secret
	if err := w.Get(t.Context(), key(platform, "database-"+name), &secret); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(string(secret.Data["uri"]))
	if err != nil {
		t.Fatal(err)
	}
	// The node reaches Services, too, but not by their names.
	config.Host, config.Fallbacks = service.Spec.ClusterIP, nil
	if database != "" {
		config.Database = database
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return pgx.ConnectConfig(ctx, config)
}

// TestTheSchemaJobIsDone wants the release's databases to have been made ready by its job, at the first try or a later one.
func TestTheSchemaJobIsDone(t *testing.T) {
	here.onFailure(t)
	var jobs batch.JobList
	if err := here.List(t.Context(), &jobs, client.InNamespace(platform), client.MatchingLabels{"app.kubernetes.io/name": "schema"}); err != nil {
		t.Fatal(err)
	}
	if len(jobs.Items) == 0 {
		t.Fatal("there is none") // one that is done is cleared away after a day
	}
	for _, job := range jobs.Items {
		if job.Status.Succeeded != 1 || job.Status.CompletionTime == nil {
			t.Errorf("%s has the status %+v", job.Name, job.Status)
		}
	}
}

// TestAFunctionsRoleMayDoItsWorkAlone tries as introspect, which reads who somebody is, what introspect has no business
// with: somebody who took it over would pay nothing and have everything.
func TestAFunctionsRoleMayDoItsWorkAlone(t *testing.T) {
	here.onFailure(t)
	conn, err := here.asFunction(t, "introspect", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `SELECT handle, plan FROM account LIMIT 1`); err != nil {
		t.Errorf("it cannot read accounts: %v", err)
	}
	for _, statement := range []string{
		`UPDATE account SET plan = 'pro'`, `DELETE FROM account`, `INSERT INTO account (subject, email, created_at) VALUES ('a', 'b', now())`,
		`SELECT * FROM billing`, `SELECT * FROM sessions`, `DROP TABLE account`, `ALTER TABLE account ADD COLUMN a text`, `CREATE TABLE mine (a text)`,
		`CREATE ROLE mine`, `CREATE DATABASE mine`,
	} {
		if _, err := conn.Exec(t.Context(), statement); !refusedBecauseOfRights(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	others := here.databases(t)
	if len(others) < 4 { // the accounts, PostgreSQL's own and a bouncer's
		t.Errorf("there are only the databases %q", others)
	}
	for _, other := range others {
		if other == conn.Config().Database {
			continue
		}
		conn, err := here.asFunction(t, "introspect", other)
		if err == nil {
			_ = conn.Close(context.WithoutCancel(t.Context()))
		}
		if !refusedBecauseOfRights(err) && !closed(err) {
			t.Errorf("connect to %s: %v", other, err)
		}
	}
}

// closed reports whether nobody can connect to a database: to template0, and to those under tombstones.
func closed(err error) bool {
	const notInPrerequisiteState = "55000"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == notInPrerequisiteState
}

func refusedBecauseOfRights(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == insufficientPrivilege
}
