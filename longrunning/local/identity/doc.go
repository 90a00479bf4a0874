// Package identity is the OpenID provider of the one-machine platform: it stands where Keycloak stands in the cluster.
//
// It owns people's e-mail addresses and passwords, their sessions with it, and every token it gave out, all in a
// PostgreSQL database of its own. The protocol is zitadel/oidc's; this package supplies its storage, the pages, and the
// checks the library leaves to its user. It knows nothing of handles, plans or bouncers, and no other package may know
// that this provider and not another one is behind the issuer's address.
//
// What the library does not give and this package adds:
//   - PKCE with S256 is demanded of every client, and only the code flow exists;
//   - an authorization request belongs to the browser that began it, lives ten minutes and gives out one code at a time;
//   - access tokens are opaque, sealed with AES-GCM and looked up at every use, so they die at once with their session;
//   - a refresh token works once; showing it again ends everything that came from it;
//   - introspection tells "not active" from "cannot say now" (503).
//
// Trust begins nowhere here: each request, cookie and form field is hostile. Client secrets and the sealing key come
// from the caller of [New].
package identity
