//go:build cluster

package story_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
)

// TestANetworkRemembersAfterItsPodIsGone ends a network's pod without a chance to tidy up; the next one reads what was said
// out of the network's database.
func TestANetworkRemembersAfterItsPodIsGone(t *testing.T) {
	here.onFailure(t)
	owner := here.payer(t, "rae")
	here.hosting(t, owner)
	network := here.createNetwork(t, owner)
	here.awaitReady(t, becoming, network)
	if err := here.Get(t.Context(), client.ObjectKeyFromObject(network), network); err != nil {
		t.Fatal(err)
	}
	if c := meta.FindStatusCondition(network.Status.Conditions, v1alpha1.DatabaseReady); c == nil || strings.Contains(c.Message, "memory") {
		t.Errorf("the network's database: %+v", c)
	}
	host := network.Name + ".net." + domain
	said := here.irc(t, host)
	said.Register(owner.Handle)
	said.Send("JOIN #story")
	said.Expect("366", "#story")
	said.Send("PRIVMSG #story :before", "PING said")
	said.Expect("PONG", "said")

	of := client.MatchingLabels{"app.kubernetes.io/name": "ergo", "app.kubernetes.io/instance": network.Name}
	before := here.readyPod(t, of, "")
	began := time.Now()
	here.kill(t, tenants, of)
	here.readyPod(t, of, before)
	here.ask(t, mending, host+" answers again", func() verdict {
		conn, err := here.secured(t.Context(), host)
		if err == nil {
			err = conn.Close()
		}
		return verdict{err == nil, fmt.Sprint(err)}
	})
	figures.note(t, "a network's pod deleted: it is back after %s", time.Since(began).Round(time.Second))
	if lines := here.backlog(t, host, owner.Handle+"2", "#story"); !slices.Equal(lines, []string{"before"}) {
		t.Errorf("the new pod remembers %q", lines)
	}
}

// readyPod waits for a ready pod that is not the one of before, and tells which it is.
func (w *world) readyPod(t *testing.T, which client.MatchingLabels, before types.UID) (id types.UID) {
	t.Helper()
	w.await(t, mending, fmt.Sprintf("a pod %v is ready", which), &corev1.PodList{}, func(known map[string]client.Object) verdict {
		for _, object := range known {
			if pod, ok := object.(*corev1.Pod); ok && pod.UID != before && ready(pod) {
				id = pod.UID
				return yes()
			}
		}
		return no("pods %v, none of them new and ready", names(known))
	}, client.InNamespace(tenants), which)
	return id
}

// backlog is what somebody who comes new reads of a channel.
func (w *world) backlog(t *testing.T, host, nick, channel string) (lines []string) {
	t.Helper()
	c := w.irc(t, host)
	c.Register(nick, "batch", "server-time", "message-tags", "draft/chathistory")
	c.Send("JOIN "+channel, "CHATHISTORY LATEST "+channel+" * 100", "PING read")
	c.Await(func(m ircmsg.Message) bool {
		if m.Command == "PRIVMSG" && m.Nick() != "HistServ" { // which tells who came and went
			lines = append(lines, m.Params[1])
		}
		return m.Command == "PONG"
	})
	return lines
}
