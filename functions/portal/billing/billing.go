// Package billing is the portal's part for plans, add-ons and what was paid. It gives nothing itself: it leads to Stripe, and
// functions/billing writes what Stripe says has become of it.
package billing

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"irc.now/functions/portal/dedicated"
	"irc.now/functions/portal/page"
	"irc.now/functions/portal/state"
	"irc.now/shared/account"
	"irc.now/shared/config"
	"irc.now/shared/design"
	"irc.now/shared/event/outbox"
	"irc.now/shared/payment"
)

//go:embed pages/*.html
var files embed.FS

// Path is the area's page.
const Path = "/billing"

// backPath is where Stripe's checkout sends the browser when all is paid.
const backPath = Path + "/back"

// Area is the pages of billing. All fields but those that say so are needed.
type Area struct {
	Log       *slog.Logger
	Pages     *page.Pages
	Accounts  *account.Store
	States    *state.Cache
	Payments  *payment.Client
	Dedicated *dedicated.Bouncers // nil where users cannot have one
	BaseURL   config.URL          // where people reach the portal
	Relay     *outbox.Relay       // optional; without it functions/billing hears at the next tick
	Patience  time.Duration       // optional; how long a page waits for Stripe
	Now       func() time.Time    // optional; what time it is for who waits
}

// Templates holds the area's pages.
func (a *Area) Templates() fs.FS { return files }

// Navigation is the area's entry.
func (a *Area) Navigation() design.Link { return design.Link{Text: "Billing", URL: Path} }

// Routes registers the area's routes.
func (a *Area) Routes(r *page.Router) {
	r.User("GET "+Path, a.showBilling)
	r.User("GET "+Path+"/state", a.showStanding)
	r.User("GET "+backPath, a.comeBack)
	r.Change("POST "+Path+"/order", a.placeOrder)
	r.Change("POST "+Path+"/manage", a.manageBilling)
}

// GET /billing shows what the user has, what there is, and what was paid.
func (a *Area) showBilling(w http.ResponseWriter, r *http.Request, user account.User) error {
	return a.render(w, r, http.StatusOK, user, nil)
}
