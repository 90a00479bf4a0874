package bounceradmin

import (
	"context"
	"net/http"

	"irc.now/shared/fault"
)

// makeCertificate makes soju's client certificate for a network, a new one where there is one. It is of the kind that every
// TLS library takes and that is made in a millisecond: soju makes it while it does nothing else for the user.
func (s *Server) makeCertificate(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	n, _, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	_, err = s.soju.as(ctx, user, "certfp", "generate", "-key-type", "ecdsa", "-network", n.Name())
	return finish(w, err)
}

// dropCertificate forgets it and connects anew, so that soju is not signed in with what it no longer has.
func (s *Server) dropCertificate(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	n, _, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	if n.SASLMechanism != "EXTERNAL" {
		return finish(w, nil)
	}
	return finish(w, s.perform(ctx, user, []step{
		{do: []string{"sasl", "reset", "-network", n.Name()}},
		{do: []string{"network", "update", n.Name()}},
	}))
}

// reconnectNetwork leaves a network and connects to it anew.
func (s *Server) reconnectNetwork(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	n, _, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	if !n.Enabled {
		return fault.New(fault.Conflict, "This network is switched off. Connect it first.")
	}
	return s.carryOut(ctx, w, taskID{user, n.ID, "reconnect"}, "network", "update", n.Name())
}
