package local

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyWhoKnowsThePathReachesTheBroker(t *testing.T) {
	handler := below("secret", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	for path, want := range map[string]string{
		"/secret": "/", "/secret/": "/", "/secret/dead-letters": "/dead-letters",
		"/": "", "/secretly": "", "/dead-letters": "", "/other/secret": "",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
		if reached := w.Code == http.StatusOK; reached != (want != "") || reached && w.Body.String() != want {
			t.Errorf("%s: status %d, %q", path, w.Code, w.Body)
		}
	}
}
