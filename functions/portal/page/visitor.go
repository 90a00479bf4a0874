package page

import (
	"context"
	"net/http"

	"irc.now/shared/account"
	"irc.now/shared/design"
)

// visitor tells the error page, which is made outside the handlers, who is looking at it.
type visitor struct{ user *account.User }

type visitorKey struct{}

func withVisitor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, &visitor{})))
	})
}

func visitorOf(ctx context.Context) *visitor {
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		return v
	}
	return &visitor{}
}

// surroundings is the frame of an error page.
func (p *Pages) surroundings(r *http.Request) design.Page {
	page := design.Page{Path: r.URL.Path, NoIndex: true}
	if user := visitorOf(r.Context()).user; user != nil {
		p.frame(&page, *user)
	}
	return page
}
