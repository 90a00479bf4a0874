package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

const policyChain = "IRC-NOW-POLICIES"

// policyRules hand the first packet of each connection from or to a pod to the component networkpolicies, which judges it
// by what the API server knows; what follows passes. They come after services' addresses are translated and before the
// masquerade, so that pods are seen on both ends. The node itself reaches every pod, as Kubernetes says.
//
// While the component is not there, nothing new passes.
const policyRules = `*mangle
:` + policyChain + ` - [0:0]
-F ` + policyChain + `
-A ` + policyChain + ` -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
-A ` + policyChain + ` -j NFQUEUE --queue-num ` + packetQueue + `
%sCOMMIT
`

// ways are those of a pod's packets: to and from other pods and the world, and to the node and its API server.
var ways = []string{"FORWARD -i " + podBridge, "FORWARD -o " + podBridge, "INPUT -i " + podBridge}

// judgePackets installs the rules. There may be some already.
func judgePackets(ctx context.Context) error {
	saved, err := run(ctx, "iptables-save", "-t", "mangle")
	if err != nil {
		return err
	}
	var missing strings.Builder
	for _, way := range ways {
		rule := "-A " + way + " -j " + policyChain + "\n"
		if !strings.Contains(saved, rule) {
			missing.WriteString(rule)
		}
	}
	return restoreRules(ctx, "iptables", fmt.Sprintf(policyRules, missing.String()))
}

// takesPackets is a probe for a program that judges packets.
func takesPackets(context.Context) error {
	const file = "/proc/net/netfilter/nfnetlink_queue"
	queues, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(queues)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == packetQueue {
			return nil
		}
	}
	return errors.New("nobody takes packets from the kernel's queue " + packetQueue)
}
