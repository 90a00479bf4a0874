package portal_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
)

// admit has the API server ask decide about new bouncers: the empty sentence lets one in.
func (c *cloud) admit(decide func() string) *httptest.Server {
	c.t.Helper()
	webhook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if json.NewDecoder(r.Body).Decode(&review) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		sentence := decide()
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: sentence == ""}
		if sentence != "" {
			review.Response.Result = &metav1.Status{Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: sentence}
		}
		review.Request = nil
		answer(w, http.StatusOK, review)
	}))
	c.t.Cleanup(webhook.Close)
	none, failClosed, patience := registrationv1.SideEffectClassNone, registrationv1.Fail, int32(5)
	configuration := &registrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: c.tenants.Settings.Namespace},
		Webhooks: []registrationv1.ValidatingWebhook{{
			Name: "bouncers.admission.irc.now", SideEffects: &none, FailurePolicy: &failClosed, TimeoutSeconds: &patience,
			AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": c.tenants.Settings.Namespace}},
			ClientConfig: registrationv1.WebhookClientConfig{
				URL: &webhook.URL, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: webhook.Certificate().Raw}),
			},
			Rules: []registrationv1.RuleWithOperations{{
				Operations: []registrationv1.OperationType{registrationv1.Create},
				Rule: registrationv1.Rule{
					APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{"sojubouncers"},
				},
			}},
		}},
	}
	c.tenants.Put(configuration)
	c.t.Cleanup(func() { c.drop(configuration) })
	c.awaitAdmission(decide)
	return webhook
}

func (c *cloud) drop(configuration *registrationv1.ValidatingWebhookConfiguration) {
	if err := c.tenants.Delete(c.t.Context(), configuration); err != nil && c.t.Context().Err() == nil {
		c.t.Error(err)
	}
}

func TestARefusalOfAdmissionIsShownWordForWord(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	const why = `The plan of "ada" allows one bouncer, and bouncer "eda" was let in a moment ago. If there is none of that name, try again in 9 seconds.`
	c.admit(func() string { return why })
	page := p.post("/bouncer").status(http.StatusForbidden).says(why, "Create your bouncer").saysNot("admission webhook")
	if page.Find(".alert-bad").Length() != 1 {
		t.Error("it does not look like a refusal")
	}
	if c.stored("ada") != nil {
		t.Error("a bouncer was made")
	}
}

func TestAnAdmissionThatIsAwayIsSaidSo(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	c.admit(func() string { return "no" }).Close()
	p.post("/bouncer").status(http.StatusServiceUnavailable).says("does not answer as it should. Please try again in a minute.", "Create your bouncer")
}

func TestPagesWorkWhileTheAPIServerIsAway(t *testing.T) {
	c := startCloud(t, map[string]string{"KUBERNETES_API_URL": "http://127.0.0.1:1", "KUBERNETES_CA_FILE": "", "KUBERNETES_TOKEN_FILE": ""})
	free := c.user(t, "eve")
	free.post("/networks", libera...).status(http.StatusOK).says("Libera.Chat is added")
	free.get("/bouncer").status(http.StatusOK).says("Not known", "does not answer", "With Pro")

	p := c.pro("ada")
	p.get("/bouncer").status(http.StatusOK).says("Not known", "Please try again in a minute.").saysNot("Create your bouncer", `href="/bouncer/delete"`)
	p.post("/bouncer").status(http.StatusServiceUnavailable).says("Please try again in a minute.", "Your bouncer")
	p.get("/bouncer/delete").status(http.StatusServiceUnavailable)
	// Their networks are on one bouncer or the other, and nothing may be written to the wrong one.
	for _, path := range []string{"/", "/networks", "/connect"} {
		p.get(path).status(http.StatusOK).says("does not answer")
	}
	p.post("/networks", libera...).status(http.StatusServiceUnavailable)
	if names := c.bouncer.names("ada"); names != "" {
		t.Errorf("the shared bouncer has %q", names)
	}
	p.follow(t).says("own-state", "does not answer")
}

func TestPagesAreQuickWhileTheAPIServerDoesNotAnswer(t *testing.T) {
	silent := make(chan struct{})
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(silent)
	c := startCloud(t, map[string]string{"KUBERNETES_API_URL": server.URL, "KUBERNETES_CA_FILE": "", "KUBERNETES_TOKEN_FILE": ""})
	c.function.WaitFor(100 * time.Millisecond)
	c.function.StopClock()
	p := c.user(t, "eve")
	p.get("/networks").status(http.StatusOK)
	for range 3 {
		p.get("/bouncer").status(http.StatusOK).says("Not known")
	}
	if n := asked.Load(); n > 1 {
		t.Errorf("it was asked %d times by four pages: each waits for itself", n)
	}
}

// awaitAdmission makes dry runs until the API server has taken notice of the webhook.
func (c *cloud) awaitAdmission(decide func() string) {
	c.t.Helper()
	sentence := decide()
	end := time.Now().Add(30 * time.Second)
	for try := c.tenants.Bouncer("tried", "tried"); time.Now().Before(end); try = c.tenants.Bouncer("tried", "tried") {
		err := c.tenants.Create(c.t.Context(), try, client.DryRunAll)
		if err != nil && strings.Contains(err.Error(), sentence) {
			return
		}
	}
	c.t.Fatal("the API server does not ask the webhook")
}
