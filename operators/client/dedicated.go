package client

import (
	"context"
	"errors"
	"net/http"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// Dedicated reaches the bounceradmin of dedicated bouncers, each of which is called like its owner's handle. A nil
// Dedicated is that of one machine, where nobody has one.
type Dedicated struct {
	cluster   *Client
	namespace string
	key       config.Secret
	http      *http.Client
}

// ValidateWith reports what s and the settings of bouncers lack, also for each other, each problem under its variable.
func (s Settings) ValidateWith(b bouncer.Settings) error {
	problems := []error{b.Validate(), s.Validate()}
	if s.Configured() && b.AdminKey == "" {
		problems = append(problems, errors.New("BOUNCER_ADMIN_KEY_FILE is not set, which TENANT_NAMESPACE needs"))
	}
	return errors.Join(problems...)
}

// Dedicated makes one of a program's settings; nil where there is no cluster.
func (s Settings) Dedicated(key config.Secret, http *http.Client) (*Dedicated, error) {
	if !s.Configured() {
		return nil, nil // a nil Dedicated is that of one machine
	}
	c, err := s.Open()
	if err != nil {
		return nil, err
	}
	return c.Dedicated(key, http), nil
}

// Dedicated makes one with the key from which every bouncer's token is made.
func (c *Client) Dedicated(key config.Secret, http *http.Client) *Dedicated {
	return &Dedicated{cluster: c, namespace: c.bouncers.namespace, key: key, http: http}
}

// Cluster is where the bouncers are; nil on one machine.
func (d *Dedicated) Cluster() *Client {
	if d == nil {
		return nil
	}
	return d.cluster
}

// Admin is the bounceradmin of the bouncer called name, whether there is one or not.
func (d *Dedicated) Admin(name string) *bouncer.Admin {
	return bouncer.NewAdmin(v1alpha1.AdminURL(d.namespace, name), bouncer.AdminToken(d.key, name), d.http)
}

// Tell tells the bouncer of the user called handle something. Where none of that name answers, the API server says what
// the user has: bouncers that an administrator has called otherwise are told as well. A user without a bouncer, and one
// whose is suspended or being deleted, has nobody to be told, which is no error. So while the API server is away,
// bouncers that run are told all the same.
func (d *Dedicated) Tell(ctx context.Context, handle string, something func(*bouncer.Admin) error) error {
	if d == nil {
		return nil
	}
	err := something(d.Admin(handle))
	if !fault.Is(err, fault.Unavailable) {
		return err
	}
	bouncers, findErr := d.cluster.bouncers.List(ctx, handle)
	if findErr != nil {
		return findErr
	}
	var failed []error
	for i := range bouncers {
		switch b := &bouncers[i]; {
		case b.Spec.Stopped() || b.DeletionTimestamp != nil:
		case b.Name == handle:
			failed = append(failed, err)
		default:
			failed = append(failed, something(d.Admin(b.Name)))
		}
	}
	return errors.Join(failed...)
}
