package deadletter_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"irc.now/functions/deadletter"
	"irc.now/longrunning/local/storetest"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/tests/alert"
)

// This function has the metrics of every function, and the one of its own that there is an alert about.
func TestAlertsFindTheirMetrics(t *testing.T) {
	instance := function.New("deadletter", cloudevent.Function(deadletter.New()), slog.New(slog.DiscardHandler))
	if err := instance.Start(t.Context(), map[string]string{"ACCOUNTS_DATABASE_URL": storetest.Migrated(t, deadletter.Migrations)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Stop(t.Context()) })
	ask := func(h http.Handler, path string) string {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return answer.Body.String()
	}
	ask(instance, "/")
	lacking, err := alert.Lacking("../..", ask(instance.Internal(), "/metrics"), alert.Functions)
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range lacking {
		t.Errorf("an alert needs %s", metric)
	}
}
