package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"irc.now/longrunning/local/identity"
	"irc.now/shared/config"
	"irc.now/shared/store"
	"irc.now/shared/tenant"
)

// pause is between two tries to reach the database, which starts when we do.
const pause = time.Second

// identity starts the identity provider, as soon as the database answers.
func (s settings) identity(ctx context.Context, log *slog.Logger) (*identity.Provider, error) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		provider, err := s.tryIdentity(ctx, log)
		if err == nil {
			return provider, nil
		}
		log.WarnContext(ctx, "the identity provider does not start yet", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return nil, err
		case <-ticker.C:
		}
	}
}

func (s settings) tryIdentity(ctx context.Context, log *slog.Logger) (*identity.Provider, error) {
	database, err := s.ensureDatabase(ctx)
	if err != nil {
		return nil, err
	}
	return identity.New(ctx, identity.Config{
		Issuer: s.Issuer.String(), DatabaseURL: database, Key: sha256.Sum256([]byte(s.SealKey.Reveal())),
		HomeURL: s.PortalURL.String(), Log: log.With(slog.String("part", "identity")), Clients: s.clients(),
	})
}

// ensureDatabase makes the database, and gives it a new password at each start.
func (s settings) ensureDatabase(ctx context.Context) (config.Secret, error) {
	admin, err := store.Open(ctx, s.DatabaseAdminURL.Reveal())
	if err != nil {
		return "", fmt.Errorf("open the database server: %w", err)
	}
	defer admin.Close()
	made, err := tenant.Ensure(ctx, admin, "identity", tenant.Passwords{})
	if err != nil {
		return "", err
	}
	address, err := url.Parse(s.DatabaseAdminURL.Reveal())
	if err != nil {
		return "", errors.New("DATABASE_ADMIN_URL is no URL") // the cause would quote the password
	}
	address.Path, address.User = "/"+made.Database, url.UserPassword(made.Owner, made.OwnerPassword.Reveal())
	return config.Secret(address.String()), nil
}
