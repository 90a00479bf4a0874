package connect_test

import (
	"net/http"
	"testing"

	"irc.now/functions/portal/portaltest"
)

func TestHowToConnectHoldsTheUsersValues(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	p.Get("/connect").Says("First, a network")
	p.Post("/networks", portaltest.Libera...)
	p.Get("/connect").Says("First, a password")
	secret, _ := p.Post("/passwords", "name", "Laptop").Find(".copy input").Attr("value")
	page := p.Get("/connect").Status(http.StatusOK).Says("irc.localhost", "6667", "ada/Libera.Chat", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma").SaysNot(secret)
	if n := page.Find(".snippet [data-copy]").Length(); n < 3 {
		t.Errorf("%d snippets can be copied", n)
	}
	p.Get("/connect?network=%22%3E%3Cscript%3E").Status(http.StatusOK).Says("ada/Libera.Chat").SaysNot("<script>")
}
