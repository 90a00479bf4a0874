//go:build cluster

package story_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/operators/naming"
)

// renewing is how long a new certificate may take to be shown: the kubelet looks for changed files once in two minutes
// where nobody tells it.
const renewing = 5 * time.Minute

// TestACertificateIsRenewedAndNobodyDrops has cert-manager renew the certificates of a bouncer and of a network while
// clients are connected: those stay, and who comes next sees the new one.
func TestACertificateIsRenewedAndNobodyDrops(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "val")
	here.hosting(t, owner)
	bouncer, network := here.createBouncer(t, owner), here.createNetwork(t, owner)
	here.awaitReady(t, becoming, bouncer)
	here.awaitReady(t, becoming, network)

	networkHost := network.Name + ".net." + domain
	onNetwork := here.irc(t, networkHost)
	onNetwork.Register(owner.Handle)
	onBouncer := here.signIn(t, hostOf(owner), owner.Handle, owner.Handle, owner.NewPassword("laptop"))
	for _, renewed := range []struct {
		host, certificate string
		connected         *serverstest.Client
	}{
		{hostOf(owner), naming.Bouncer(bouncer.Name).Certificate(), onBouncer},
		{networkHost, naming.Network(network.Name).Certificate(), onNetwork},
	} {
		before, err := here.shown(t.Context(), renewed.host)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		here.renew(t, renewed.certificate)
		here.ask(t, renewing, renewed.host+" shows a new certificate", func() verdict {
			for _, c := range []*serverstest.Client{onBouncer, onNetwork} { // both answer their servers meanwhile
				c.Send("PING still")
				c.Expect("PONG", "still")
			}
			now, err := here.shown(t.Context(), renewed.host)
			return verdict{err == nil && now != before, fmt.Sprintf("it shows %s, %v", now, err)}
		})
		renewed.connected.Send("PING after")
		renewed.connected.Expect("PONG", "after")
		t.Logf("%s shows the new certificate after %s", renewed.host, time.Since(began).Round(time.Second))
	}
}

// shown is the serial number of the certificate that a host shows.
func (w *world) shown(ctx context.Context, host string) (string, error) {
	conn, err := w.secured(ctx, host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

// renew tells cert-manager to issue a certificate again, as `cmctl renew` does.
func (w *world) renew(t *testing.T, name string) {
	t.Helper()
	certificate := object("cert-manager.io", "v1", "Certificate")
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := w.Get(t.Context(), key(tenants, name), certificate); err != nil {
			return err
		}
		conditions, _, err := unstructured.NestedSlice(certificate.Object, "status", "conditions")
		if err != nil {
			return err
		}
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "the story wants a new one",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": certificate.GetGeneration(),
		})
		if err := unstructured.SetNestedSlice(certificate.Object, conditions, "status", "conditions"); err != nil {
			return err
		}
		return w.Status().Update(t.Context(), certificate)
	})
	if err != nil {
		t.Fatal(err)
	}
}
