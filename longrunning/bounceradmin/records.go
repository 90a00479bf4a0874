package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

// records reads soju's tables. It never writes: soju keeps its state in memory and would not see it.
type records struct{ pool *pgxpool.Pool }

// userRecord is a user as soju stores it.
type userRecord struct {
	ID          int64
	Nick        string
	MaxNetworks int // -1 for soju's default
}

// networkRecord is a network as soju stores it, with secrets: they are needed to undo a change.
type networkRecord struct {
	ID            int64
	StoredName    string // "" where the address is the name
	Addr          string
	StoredNick    string // "" for the default
	Username      string
	RealName      string
	Pass          config.Secret
	SASLMechanism string
	SASLUsername  string
	SASLPassword  config.Secret
	Enabled       bool
	DefaultNick   string
	Channels      []string
	Pinned        string // of the server's certificate: "sha-256:" or "sha-512:" and digits; "" for none
	StoredCommand string // all of them, with line breaks between
	Certificate   []byte // soju's own for this network, DER; empty for none
	AutoAway      bool
}

// Name is what commands call the network.
func (n networkRecord) Name() string {
	if n.StoredName != "" {
		return n.StoredName
	}
	return n.Addr
}

// Nick is what soju asks the network for.
func (n networkRecord) Nick() string {
	if n.StoredNick != "" {
		return n.StoredNick
	}
	return n.DefaultNick
}

// Commands are what soju sends after each connect.
func (n networkRecord) Commands() []string {
	if n.StoredCommand == "" {
		return nil
	}
	return strings.Split(n.StoredCommand, "\r\n")
}

// Fingerprint is that of the pinned certificate, without the name of the hash.
func (n networkRecord) Fingerprint() string { return n.Pinned[strings.LastIndexByte(n.Pinned, ':')+1:] }

const userQuery = `SELECT id, COALESCE(nick, ''), max_networks FROM "User" WHERE username = $1`

const networksQuery = `SELECT n.id, COALESCE(n.name, '') AS stored_name, n.addr, COALESCE(n.nick, '') AS stored_nick,
	COALESCE(n.username, '') AS username, COALESCE(n.realname, '') AS real_name, COALESCE(n.pass, '') AS pass,
	COALESCE(n.sasl_mechanism::text, '') AS sasl_mechanism, COALESCE(n.sasl_plain_username, '') AS sasl_username,
	COALESCE(n.sasl_plain_password, '') AS sasl_password, n.enabled,
	COALESCE(n.certfp, '') AS pinned, COALESCE(n.connect_commands, '') AS stored_command, n.sasl_external_cert AS certificate, n.auto_away,
	COALESCE(NULLIF(u.nick, ''), u.username) AS default_nick,
	COALESCE(array_agg(c.name ORDER BY c.name) FILTER (WHERE c.name IS NOT NULL), '{}') AS channels
FROM "Network" n JOIN "User" u ON u.id = n."user" LEFT JOIN "Channel" c ON c.network = n.id
WHERE u.username = $1 GROUP BY n.id, u.id ORDER BY n.id`

// user finds a user; false where soju has none of that name.
func (r *records) user(ctx context.Context, name string) (u userRecord, found bool, err error) {
	err = r.inTx(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, userQuery, name).Scan(&u.ID, &u.Nick, &u.MaxNetworks)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return userRecord{}, false, nil
	}
	return u, err == nil, err
}

// networks lists the user's networks, oldest first.
func (r *records) networks(ctx context.Context, user string) ([]networkRecord, error) {
	var found []networkRecord
	err := r.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, networksQuery, user)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[networkRecord])
		return err
	})
	return found, err
}

// network finds one by the name commands use.
func (r *records) network(ctx context.Context, user, name string) (n networkRecord, others []networkRecord, err error) {
	all, err := r.networks(ctx, user)
	if err != nil {
		return networkRecord{}, nil, err
	}
	for i, candidate := range all {
		if candidate.Name() == name {
			return candidate, append(all[:i:i], all[i+1:]...), nil
		}
	}
	return networkRecord{}, nil, fault.New(fault.NotFound, "You have no network called %q.", strings.ToValidUTF8(name, "?"))
}

// gone reports whether the user has no network of that id any more.
func (r *records) gone(ctx context.Context, user string, id int64) (bool, error) {
	all, err := r.networks(ctx, user)
	return !slices.ContainsFunc(all, func(n networkRecord) bool { return n.ID == id }), err
}

// inTx reads in a transaction that cannot write, whatever the role may do.
func (r *records) inTx(ctx context.Context, read func(pgx.Tx) error) error {
	err := pgx.BeginTxFunc(ctx, r.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, read)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return store.Fault(fmt.Errorf("read soju's database: %w", err))
	}
	return err
}
