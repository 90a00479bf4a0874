package dashboard_test

import (
	"net/http"
	"testing"

	"irc.now/functions/portal/portaltest"
	"irc.now/shared/account"
)

func TestVisitorsFindTheDoor(t *testing.T) {
	v := portaltest.Start(t).Visitor(t)
	v.Get("/").Status(http.StatusOK).Has("/auth/sign-in").Has("/auth/sign-in?new")
	v.Get("/?signed-out=here").Says("you may still be signed in there")
}

func TestDashboardLeadsFromStepToStep(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	primary := func() string {
		href, _ := p.Get("/").Find(".steps a.button-primary").First().Attr("href")
		return href
	}
	if got := primary(); got != "/networks/new" {
		t.Errorf("first comes %q", got)
	}
	p.Post("/networks", portaltest.Libera...)
	if got := primary(); got != "/passwords" {
		t.Errorf("second comes %q", got)
	}
	page := p.Post("/passwords", "name", "Laptop")
	if got := primary(); got != "/connect" {
		t.Errorf("third comes %q", got)
	}
	secret, _ := page.Find(".copy input").Attr("value")
	if _, err := account.NewStore(g.Pool).VerifyPassword(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if steps := p.Get("/").Find(".steps").Length(); steps != 0 {
		t.Error("somebody who is done is still led")
	}
}

func TestOneMachineGivesProNoMoreThanItHas(t *testing.T) {
	g := portaltest.Start(t)
	p := g.User(t, "ada")
	g.Execute(t, `UPDATE account SET plan = 'pro'`)
	for _, path := range []string{"/", "/account"} {
		p.Get(path).Status(http.StatusOK).Says("Pro", "the shared bouncer", "the last 48 hours").SaysNot("a bouncer of your own", "everything, for good")
	}
}
