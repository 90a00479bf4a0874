package bounceradmin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// maxNetworks is how many networks of a user are kept, those that are switched off included.
const maxNetworks = 100

// createNetwork makes the network disabled, completes it and then enables it, so that soju never connects
// with half of it. Enabling is where soju enforces the user's limit. A network that is there just as it is wanted was made
// by the same wish, which came twice.
func (s *Server) createNetwork(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	spec, err := s.spec(w, r)
	if err != nil {
		return err
	}
	all, err := s.records.networks(ctx, user)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(n networkRecord) bool { return n.Enabled && fulfils(n, spec) }) {
		return finish(w, nil)
	}
	if err := checkNew(spec, all); err != nil {
		return err
	}
	return finish(w, s.perform(ctx, user, creation(spec)))
}

func checkNew(spec bouncer.UpstreamSpec, all []networkRecord) error {
	if err := spec.ValidateChange(bouncer.Upstream{}); err != nil {
		return err
	}
	if err := checkConflict(spec, all); err != nil {
		return err
	}
	if len(all) >= maxNetworks {
		return fault.New(fault.Conflict, "You have %d networks, more than which a bouncer does not keep. Remove one that you no longer need.", len(all))
	}
	for _, channel := range spec.Channels {
		if err := checkAddressable(channel); err != nil {
			return err
		}
	}
	return checkWords(creation(spec))
}

// fulfils reports whether the network is what is wanted already.
func fulfils(n networkRecord, spec bouncer.UpstreamSpec) bool {
	if n.Name() != spec.Name {
		return false
	}
	steps, err := changes(n, spec)
	return err == nil && len(steps) == 0
}

func creation(spec bouncer.UpstreamSpec) []step {
	create := []string{"network", "create", "-addr", spec.Address().String(), "-name", spec.Name, "-enabled", "false"}
	for _, flag := range []struct{ name, value string }{
		{"-nick", spec.Nick}, {"-realname", spec.RealName}, {"-pass", spec.ServerPassword.Reveal()},
	} {
		if flag.value != "" {
			create = append(create, flag.name, flag.value)
		}
	}
	flags, _ := moreChanges(networkRecord{AutoAway: true}, spec.More)
	steps := []step{{do: append(create, flags...), undo: []string{"network", "delete", spec.Name}}}
	if spec.SASLUsername != "" {
		steps = append(steps, step{do: setPlain(spec.Name, spec.SASLUsername, spec.SASLPassword)})
	}
	for _, channel := range spec.Channels {
		steps = append(steps, step{do: []string{"channel", "create", channel + "/" + spec.Name}})
	}
	return append(steps, step{do: []string{"network", "update", spec.Name, "-enabled", "true"}})
}

// setPlain ends the flags before what the user typed: an account name may look like one.
func setPlain(network, account string, password config.Secret) []string {
	return []string{"sasl", "set-plain", "-network", network, "--", account, password.Reveal()}
}

// updateNetwork changes only what differs, so that soju connects anew only where it must.
func (s *Server) updateNetwork(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	spec, err := s.spec(w, r)
	if err != nil {
		return err
	}
	old, others, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if fault.Is(err, fault.NotFound) { // renamed by the same wish, which came twice
		if renamed, _, err := s.records.network(ctx, user, spec.Name); err == nil && fulfils(renamed, spec) {
			return finish(w, nil)
		}
	}
	if err != nil {
		return err
	}
	if err := checkConflict(spec, others); err != nil {
		return err
	}
	if err := spec.ValidateChange(networkOf(old, report{})); err != nil {
		return err
	}
	steps, err := changes(old, spec)
	if err != nil {
		return err
	}
	if err := checkWords(steps); err != nil {
		return err
	}
	return finish(w, s.perform(ctx, user, steps))
}

// changes gives the steps that turn old into spec. Channels come first: as soon as it is updated, soju connects anew and,
// once connected, goes through its channels beside everything else, which ends the whole program where one is added meanwhile.
func changes(old networkRecord, spec bouncer.UpstreamSpec) ([]step, error) {
	channels, err := channelChanges(old, spec)
	if err != nil {
		return nil, err
	}
	sasl, err := saslChange(old, spec)
	if err != nil {
		return nil, err
	}
	steps := append(channels, sasl...)
	do, undo := fieldChanges(old, spec)
	if len(sasl) > 0 || len(do) > 0 { // an update without flags connects anew, with the new account
		steps = append(steps, step{
			do:   append([]string{"network", "update", old.Name()}, do...),
			undo: append([]string{"network", "update", spec.Name}, undo...),
		})
	}
	return steps, nil
}

// saslChange sets, changes or resets SASL PLAIN. A client certificate that the user made through BouncerServ
// is not ours to drop, and could not be brought back.
func saslChange(old networkRecord, spec bouncer.UpstreamSpec) ([]step, error) {
	hadPlain := old.SASLMechanism == "PLAIN"
	if spec.SASLUsername == "" {
		if !hadPlain {
			return nil, nil
		}
		return []step{{
			do:   []string{"sasl", "reset", "-network", old.Name()},
			undo: setPlain(old.Name(), old.SASLUsername, old.SASLPassword),
		}}, nil
	}
	if old.SASLMechanism == "EXTERNAL" {
		return nil, &fault.Error{Kind: fault.Conflict, Sentence: saslExternal, Fields: map[string]string{"sasl_username": saslExternal}}
	}
	password := spec.SASLPassword
	if password == "" {
		if password = old.SASLPassword; !hadPlain {
			return nil, fault.Field("sasl_password", "Enter the account's password.")
		}
	}
	if hadPlain && spec.SASLUsername == old.SASLUsername && password == old.SASLPassword {
		return nil, nil
	}
	undo := []string{"sasl", "reset", "-network", old.Name()}
	if hadPlain {
		undo = setPlain(old.Name(), old.SASLUsername, old.SASLPassword)
	}
	return []step{{do: setPlain(old.Name(), spec.SASLUsername, password), undo: undo}}, nil
}

const saslExternal = `This network signs in with a client certificate. Send "sasl reset" to BouncerServ first to use a password instead.`

// fieldChanges gives the flags that turn old into spec, and those that turn it back.
func fieldChanges(old networkRecord, spec bouncer.UpstreamSpec) (do, undo []string) {
	change := func(flag, from, to string) {
		if from != to {
			do, undo = append(do, flag, to), append(undo, flag, from)
		}
	}
	address, err := bouncer.ParseAddress(old.Addr)
	moved := err != nil || address != spec.Address()
	if moved {
		change("-addr", old.Addr, spec.Address().String())
	}
	// A network without a name is called by its address, so a new address would rename it.
	if spec.Name != old.Name() || moved && old.StoredName == "" {
		do, undo = append(do, "-name", spec.Name), append(undo, "-name", old.StoredName)
	}
	if spec.Nick != old.Nick() { // a form that shows the default nickname sends it back
		change("-nick", old.StoredNick, spec.Nick)
	}
	change("-realname", old.RealName, spec.RealName)
	if !spec.KeepServerPassword || spec.ServerPassword != "" {
		change("-pass", old.Pass.Reveal(), spec.ServerPassword.Reveal())
	}
	more, less := moreChanges(old, spec.More)
	return append(do, more...), append(undo, less...)
}

// moreChanges gives the flags that make what few people set as it is wanted, and those that take it back.
func moreChanges(old networkRecord, wanted *bouncer.More) (do, undo []string) {
	if wanted == nil {
		return nil, nil
	}
	if wanted.Pinned != old.Fingerprint() {
		do, undo = append(do, "-certfp", wanted.Pinned), append(undo, "-certfp", old.Fingerprint())
	}
	if autoAway := !wanted.NoAutoAway; autoAway != old.AutoAway {
		do = append(do, "-auto-away", strconv.FormatBool(autoAway))
		undo = append(undo, "-auto-away", strconv.FormatBool(old.AutoAway))
	}
	commands, keys := bouncer.SplitCommands(old.Commands())
	if !wanted.KeepCommands {
		commands = wanted.Commands
	}
	if !wanted.KeepKeys {
		keys = wanted.Keys
	}
	if all := bouncer.CommandsOf(commands, keys); !sameCommands(all, old.Commands()) {
		do, undo = append(do, commandFlags(all)...), append(undo, commandFlags(old.Commands())...)
	}
	return do, undo
}

// sameCommands takes no offence at keys that stand between other commands.
func sameCommands(a, b []string) bool {
	commandsA, keysA := bouncer.SplitCommands(a)
	commandsB, keysB := bouncer.SplitCommands(b)
	return slices.Equal(commandsA, commandsB) && slices.Equal(keysA, keysB)
}

// commandFlags are the flags that make commands those that soju sends; an empty one stands for none.
func commandFlags(commands []string) []string {
	if len(commands) == 0 {
		return []string{"-connect-command", ""}
	}
	var flags []string
	for _, command := range commands {
		flags = append(flags, "-connect-command", command)
	}
	return flags
}

// channelChanges joins what is new and leaves what is gone.
func channelChanges(old networkRecord, spec bouncer.UpstreamSpec) ([]step, error) {
	var steps []step
	for _, channel := range spec.Channels {
		if contains(old.Channels, channel) {
			continue
		}
		if err := checkAddressable(channel); err != nil {
			return nil, err
		}
		steps = append(steps, channelStep("create", "delete", channel, old.Name()))
	}
	for _, channel := range old.Channels {
		if contains(spec.Channels, channel) {
			continue
		}
		if err := checkAddressable(channel); err != nil {
			return nil, err
		}
		steps = append(steps, channelStep("delete", "create", channel, old.Name()))
	}
	return steps, nil
}

func channelStep(do, undo, channel, network string) step {
	name := channel + "/" + network
	return step{do: []string{"channel", do, name}, undo: []string{"channel", undo, name}}
}

func contains(list []string, channel string) bool {
	return slices.ContainsFunc(list, func(c string) bool { return strings.EqualFold(c, channel) })
}

// checkAddressable refuses channels that soju's commands cannot name: they read channel/network.
func checkAddressable(channel string) error {
	if strings.Contains(channel, "/") {
		return fault.Field("channels", "The channel %s has a slash in its name. Join or leave it from your IRC client.", channel)
	}
	return nil
}

// checkConflict refuses what would make two networks answer to one name, or break soju's unique keys.
func checkConflict(spec bouncer.UpstreamSpec, others []networkRecord) error {
	for _, other := range others {
		// soju finds networks by address too, before names.
		if other.Name() == spec.Name || other.Addr == spec.Name {
			sentence := "You already have a network called " + spec.Name + ". Choose another name."
			return &fault.Error{Kind: fault.Conflict, Sentence: sentence, Fields: map[string]string{"name": sentence}}
		}
		if spec.Nick != "" && other.StoredNick == spec.Nick && other.Addr == spec.Address().String() {
			sentence := "You already have a network with this server and nickname."
			return &fault.Error{Kind: fault.Conflict, Sentence: sentence, Fields: map[string]string{"nick": sentence}}
		}
	}
	return nil
}

func (s *Server) deleteNetwork(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	n, others, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	return s.carryOut(ctx, w, removal(user, n.ID), "network", "delete", handleOf(n, others))
}

// handleOf is what soju finds the network by: its name or, where no command can carry that, its address.
func handleOf(n networkRecord, others []networkRecord) string {
	_, err := adminsocket.Line(n.Name())
	shared := slices.ContainsFunc(others, func(o networkRecord) bool { return o.Addr == n.Addr || o.Name() == n.Addr })
	if err != nil && !shared {
		return n.Addr
	}
	return n.Name()
}

// setEnabled connects or disconnects. Enabling a network that is enabled but not connected tries again at
// once; one that is connected stays so.
func (s *Server) setEnabled(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	var body bouncer.Enabled
	if err := decode(w, r, &body); err != nil {
		return err
	}
	n, _, err := s.records.network(ctx, user, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	if body.Enabled == n.Enabled {
		idle, err := s.settled(ctx, user, n)
		if err != nil {
			return err
		}
		if idle {
			return respond(w, bouncer.Outcome{})
		}
	}
	value := strconv.FormatBool(body.Enabled)
	return s.carryOut(ctx, w, taskID{user, n.ID, value}, "network", "update", n.Name(), "-enabled", value)
}

// settled tells whether there is nothing to do for a network that is enabled or disabled as asked.
func (s *Server) settled(ctx context.Context, user string, n networkRecord) (bool, error) {
	if !n.Enabled {
		return true, nil
	}
	reports, err := s.reports(ctx, user, []networkRecord{n})
	return reports[n.ID].state == bouncer.Connected, err
}
