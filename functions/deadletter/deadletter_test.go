package deadletter_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/functions/deadletter"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/outbound"
)

type letter struct {
	Source, ID, Destination, Type, Status string
	Event                                 []byte
}

// rig is the function behind HTTP, as a broker reaches it.
func rig(t *testing.T) (config.URL, func() []letter) {
	t.Helper()
	database := storetest.Migrated(t, deadletter.Migrations)
	instance := function.New("deadletter", cloudevent.Function(deadletter.New()), slog.New(slog.DiscardHandler))
	if err := instance.Start(t.Context(), map[string]string{
		"ACCOUNTS_DATABASE_URL": storetest.Role(t, database, deadletter.Grants, deadletter.Migrations),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Stop(t.Context()) })
	server := httptest.NewServer(instance)
	t.Cleanup(server.Close)
	return config.URL(server.URL), func() []letter {
		conn, err := pgx.Connect(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		rows, _ := conn.Query(t.Context(), `SELECT source, id, destination, type, status, event FROM dead_letter ORDER BY destination`)
		letters, err := pgx.CollectRows(rows, pgx.RowToStructByName[letter])
		if err != nil {
			t.Fatal(err)
		}
		return letters
	}
}

func TestADeadLetterIsKeptOncePerSubscriber(t *testing.T) {
	address, kept := rig(t)
	sink := event.NewSink(address, outbound.Client(10*time.Second))
	e, err := event.New(event.SourceAccounts, event.SignedUp{Account: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, destination := range []string{"http://a/", "http://a/", "http://b/"} {
		dead := e.Clone()
		dead.SetExtension("knativeerrordest", destination)
		dead.SetExtension("knativeerrorcode", 500)
		if err := sink.Send(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
	}
	got := kept()
	if len(got) != 2 || got[0].ID != e.ID() || got[0].Destination != "http://a/" || got[0].Status != "500" ||
		got[1].Destination != "http://b/" || got[0].Type != event.SignedUpType {
		t.Fatalf("got %+v", got)
	}
	var back event.Event
	if err := json.Unmarshal(got[0].Event, &back); err != nil || string(back.Data()) != string(e.Data()) {
		t.Errorf("got %s, %v", back, err)
	}
}

func TestAHostileDeadLetterIsKeptAsWell(t *testing.T) {
	address, kept := rig(t)
	body := `{"specversion":"1.0","id":"a\u0000b'; DROP TABLE account; --","source":"/x","type":"t",` +
		`"datacontenttype":"application/octet-stream","data_base64":"AP8="}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := kept(); len(got) != 1 || got[0].ID != "a?b'; DROP TABLE account; --" {
		t.Errorf("status %d, got %+v", response.StatusCode, got)
	}
}

func TestWhatNoOtherFunctionTakesIsKept(t *testing.T) {
	address, kept := rig(t)
	long := strings.Repeat("x", 1<<14)
	for _, row := range []struct{ id, data string }{
		{long + "1", `{}`}, {long + "2", `{}`}, {"nul", `{"account":"\u0000"}`}, {"bytes", "\xff\xfe"}, {"broken", `{"account":`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address.String(), strings.NewReader(row.data))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Ce-Specversion": "1.0", "Ce-Id": row.id, "Ce-Source": "/x", "Ce-Type": "t",
		} {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusAccepted {
			t.Errorf("%.10s: status %d", row.id, response.StatusCode)
		}
	}
	if got := kept(); len(got) != 5 {
		t.Errorf("%d of 5 are kept", len(got))
	}
}
