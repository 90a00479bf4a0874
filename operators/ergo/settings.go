package ergo

import (
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/reconciler"
	"irc.now/shared/config"
)

// History is where ergo keeps what was said.
type History string

// The kinds of history.
const (
	// HistoryPostgreSQL needs an ergo that was built with it (tag postgresql).
	HistoryPostgreSQL History = "postgresql"
	// HistoryMemory loses it when ergo restarts.
	HistoryMemory History = "memory"
)

// Settings are alike for all networks.
type Settings struct {
	Domain       string // the network called name is reached at name.Domain
	Image        string // of ergo, with a shell
	History      History
	StorageClass string // of the volumes; "" for the cluster's default
	StorageSize  resource.Quantity
	Key          config.Secret // tokens are derived from it

	Database reconciler.DatabaseServer
	Issuer   reconciler.Issuer
	Gateway  reconciler.Gateway
	// IRCSection and WebSection are the Gateway's listeners; "" attaches to all that fit.
	IRCSection, WebSection string
	// Platform are the namespaces of the platform's own programs, its database and its ingress.
	Platform []string
	Resolver reconciler.Resolver // of the names that pods ask for
	// Retention is how long a deleted network's volume is kept; 0 for not at all.
	Retention time.Duration
}

// Validate reports everything that is missing.
func (s *Settings) Validate() error {
	var problems []error
	for name, value := range map[string]string{
		"the networks' domain": s.Domain, "the key of networks' tokens": s.Key.Reveal(), "ergo's image": s.Image,
		"the database's host": s.Database.Host, "the certificates' issuer": s.Issuer.Name,
	} {
		if value == "" {
			problems = append(problems, errors.New(name+" is missing"))
		}
	}
	if s.History != HistoryPostgreSQL && s.History != HistoryMemory {
		problems = append(problems, errors.New("history is neither in postgresql nor in memory"))
	}
	if s.StorageSize.Sign() <= 0 {
		problems = append(problems, errors.New("the volumes have no size"))
	}
	return errors.Join(problems...)
}

// hostOf is the host name that clients connect to.
func (s *Settings) hostOf(n *v1alpha1.ErgoNetwork) string { return n.Name + "." + s.Domain }
