package web

import (
	"net/http"
	"net/url"
	"strings"
)

// LocalPath gives target when it is a path on this site, and "/" otherwise. It is the guard against open
// redirects: targets come from query strings and forms.
func LocalPath(target string) string {
	// Browsers read a backslash as a slash, and skip tabs and line breaks: "/\evil.example", "/\t/evil.example".
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.ContainsFunc(target, unsafeInPath) {
		return "/"
	}
	u, err := url.Parse(target)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return target
}

func unsafeInPath(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }

// LocalRedirect sends the browser to a path on this site, with 303: what follows is a GET.
func LocalRedirect(w http.ResponseWriter, r *http.Request, target string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, LocalPath(target), http.StatusSeeOther)
}
