package bouncer_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/tests/eventually"
)

// admit has the API server ask decide about new bouncers: the empty sentence lets one in.
func admit(t *testing.T, c *clustertest.Rig, decide func() string) *httptest.Server {
	t.Helper()
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
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(webhook.Close)
	configuration := configurationOf(c, webhook)
	c.Tenants.Put(configuration)
	t.Cleanup(func() { drop(t, c, configuration) })
	awaitAdmission(t, c, decide)
	return webhook
}

// configurationOf has the API server ask webhook about new bouncers in the rig's namespace, and let none in without.
func configurationOf(c *clustertest.Rig, webhook *httptest.Server) *registrationv1.ValidatingWebhookConfiguration {
	none, failClosed, patience := registrationv1.SideEffectClassNone, registrationv1.Fail, int32(5)
	return &registrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: c.Tenants.Settings.Namespace},
		Webhooks: []registrationv1.ValidatingWebhook{{
			Name: "bouncers.admission.irc.now", SideEffects: &none, FailurePolicy: &failClosed, TimeoutSeconds: &patience,
			AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": c.Tenants.Settings.Namespace}},
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
}

func drop(t *testing.T, c *clustertest.Rig, configuration *registrationv1.ValidatingWebhookConfiguration) {
	if err := c.Tenants.Delete(t.Context(), configuration); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
}

func TestARefusalOfAdmissionIsShownWordForWord(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	const why = `The plan of "ada" allows one bouncer, and bouncer "eda" was let in a moment ago. If there is none of that name, try again in 9 seconds.`
	admit(t, c, func() string { return why })
	page := p.Post("/bouncer").Status(http.StatusForbidden).Says(why, "Create your bouncer").SaysNot("admission webhook")
	if page.Find(".alert-bad").Length() != 1 {
		t.Error("it does not look like a refusal")
	}
	if c.Stored("ada") != nil {
		t.Error("a bouncer was made")
	}
}

func TestAnAdmissionThatIsAwayIsSaidSo(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	admit(t, c, func() string { return "no" }).Close()
	p.Post("/bouncer").Status(http.StatusServiceUnavailable).Says("does not answer as it should. Please try again in a minute.", "Create your bouncer")
}

// awaitAdmission makes dry runs until the API server has taken notice of the webhook.
func awaitAdmission(t *testing.T, c *clustertest.Rig, decide func() string) {
	t.Helper()
	sentence := decide()
	eventually.Within(t, 30*time.Second, func(ctx context.Context) error {
		err := c.Tenants.Create(ctx, c.Tenants.Bouncer("tried", "tried"), client.DryRunAll)
		return eventually.True(err != nil && strings.Contains(err.Error(), sentence), "the API server does not ask the webhook (%v)", err)
	})
}
