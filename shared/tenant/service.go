package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/store"
)

// EnsureService makes the database of a service of ours, called name, where it is missing, and the role of that name,
// which owns what is in it. Nobody signs in as that role: programs have roles of their own. A role that is there keeps
// its password, and a database its owner: both may be what an older release, or the server's operator, made. Strangers
// lose what PostgreSQL lets everybody do. Calling it again changes nothing, also at the same time from elsewhere.
//
// admin is on any database of the server; its role is a superuser.
func EnsureService(ctx context.Context, admin *pgxpool.Pool, name string) error {
	c, err := credentialsFor(name, Passwords{})
	if err != nil {
		return err
	}
	err = withLock(ctx, admin, name, func(conn *pgx.Conn) error {
		if err := ensureService(ctx, conn, c); err != nil {
			return err
		}
		return inside(ctx, admin, name, func(conn *pgx.Conn) error { return ensureSchema(ctx, conn, c) })
	})
	if err != nil {
		return store.Fault(fmt.Errorf("ensure the database %s: %w", name, err))
	}
	return nil
}

func ensureService(ctx context.Context, conn *pgx.Conn, c Credentials) error {
	var role bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, c.Owner).Scan(&role)
	if err != nil {
		return err
	}
	if !role {
		if err := execute(ctx, conn, `CREATE ROLE `+identifier(c.Owner)+` NOLOGIN`); err != nil {
			return err
		}
	}
	var public bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
		FROM pg_database WHERE datname = $1`, c.Database).Scan(&public)
	if errors.Is(err, pgx.ErrNoRows) {
		public = true
		// template0 holds nothing that somebody added to template1.
		err = execute(ctx, conn, `CREATE DATABASE `+identifier(c.Database)+` TEMPLATE template0 ENCODING 'UTF8'`)
	}
	if err != nil || !public {
		return err
	}
	return execute(ctx, conn, `REVOKE ALL ON DATABASE `+identifier(c.Database)+` FROM PUBLIC`)
}

func ensureSchema(ctx context.Context, conn *pgx.Conn, c Credentials) error {
	var owner string
	var public bool
	err := conn.QueryRow(ctx, `SELECT pg_get_userbyid(nspowner),
			EXISTS (SELECT FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE grantee = 0)
		FROM pg_namespace WHERE nspname = 'public'`).Scan(&owner, &public)
	if err != nil {
		return err
	}
	if owner != c.Owner {
		if err := execute(ctx, conn, `ALTER SCHEMA public OWNER TO `+identifier(c.Owner)); err != nil {
			return err
		}
	}
	if !public {
		return nil
	}
	return execute(ctx, conn, `REVOKE ALL ON SCHEMA public FROM PUBLIC`)
}
