// Package web owns what every page-serving program needs around its handlers: one adapter that turns errors
// into pages, security headers, forms, redirects and the client's address. It knows nothing of sessions or
// of what a page is about.
//
// Trust begins here: whatever a request holds is hostile until [Form], [LocalPath] or the handler has checked it.
//
//	site := web.New(web.Config{Log: log, Pages: pages, Page: pageFor})
//	mux := http.NewServeMux()
//	mux.Handle("GET /static/", design.Static())
//	mux.Handle("GET /networks", site.Handle(p.listNetworks))
//	mux.Handle("POST /networks", site.Handle(p.createNetwork))
//	var handler http.Handler = site.Mux(mux)       // pages for 404 and 405
//	handler, err := site.CrossOrigin(handler)      // refuses writes from other origins
//	handler = web.Secure(handler, web.Policy{…})   // headers
//
// A handler returns an error instead of writing one; its fault.Kind decides the status:
//
//	func (p *Portal) createNetwork(w http.ResponseWriter, r *http.Request) error {
//		if err := web.Form(w, r, 64<<10); err != nil {
//			return err
//		}
//		spec := specFrom(r.PostForm)
//		err := p.networks.Create(r.Context(), spec)
//		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.OverQuota) {
//			return p.pages.Render(w, web.Status(err), "network-new", formPage(spec, err)) // what was typed comes back
//		}
//		if err != nil {
//			return err
//		}
//		web.LocalRedirect(w, r, "/networks")
//		return nil
//	}
package web
