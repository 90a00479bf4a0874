package admission

import (
	"fmt"
	"time"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// checkSize checks whether the plan of user has resources like o at all, and this large. A missing number of clients is
// refused with the one to write, and not filled in: what somebody applies is what is stored, for kubectl diff and Argo CD
// as for the eye.
func checkSize(o object, user account.User) error {
	may := user.Entitlements()
	switch {
	case o.kind == bouncerKind && !account.Allows(may.DedicatedBouncers, 0):
		return fault.New(fault.OverQuota, "The plan of %q has no bouncer of its own. Choose one that has under Billing in the portal, or use the shared bouncer.", user.Handle)
	case o.kind == bouncerKind:
		return nil
	case !account.Allows(may.HostedNetworks, 0):
		return fault.New(fault.OverQuota, "A network needs a hosting plan, and %q has none. Choose one under Billing in the portal.", user.Handle)
	case may.NetworkUsers != account.Unlimited && (o.clients == 0 || o.clients > may.NetworkUsers):
		return fault.New(fault.OverQuota, "The hosting plan %s lets %d people be on a network at once. Set spec.maxClients to %[2]d, or to fewer.", user.Hosting.Title(), may.NetworkUsers)
	}
	return nil
}

// checkCount checks whether there may be one more, beside those that are there and those that were let in a moment
// ago.
func checkCount(w wish, may account.Entitlements, there []present, open []account.OpenClaim) error {
	limit := may.DedicatedBouncers
	if w.kind == networkKind {
		limit = may.HostedNetworks
	}
	others, stored := map[string]bool{}, map[string]bool{}
	for _, p := range there {
		stored[p.name] = p.deleting // its claim has done its work
		if p.name != w.name && !p.deleting && w.of(p) {
			others[p.name] = true
		}
	}
	if !account.Allows(limit, len(others)) {
		return tooMany(w, limit)
	}
	for _, c := range open {
		if c.Kind == w.kind && !stored[c.Name] {
			others[c.Name] = true
		}
		if !account.Allows(limit, len(others)) {
			return fault.New(fault.OverQuota, "The plan of %q allows %s, and %s %q was let in a moment ago. If there is none of that name, try again in %d seconds.",
				w.owner, number(limit, w.word()), w.word(), c.Name, int(c.Left/time.Second)+1)
		}
	}
	return nil
}

func tooMany(w wish, limit int) error {
	return fault.New(fault.OverQuota, "The plan of %q allows %s, and there are that many already. Delete one first.", w.owner, number(limit, w.word()))
}

func number(n int, word string) string {
	if n == 1 {
		return "one " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
