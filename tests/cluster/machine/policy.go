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
//
// A service's address that is none of a pod's is kube-proxy's to refuse. It takes that refusal back a moment before it
// translates the address of a service that has just got a pod; a packet in between, which judging makes longer, would go
// out into the world, and whatever answers there would be taken for the service as long as the connection is kept.
const policyRules = `*mangle
:` + policyChain + ` - [0:0]
-F ` + policyChain + `
-A ` + policyChain + ` -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
-A ` + policyChain + ` -d ` + serviceRange + ` -j RETURN
-A ` + policyChain + ` -j NFQUEUE --queue-num ` + packetQueue + `
%sCOMMIT
*filter
:` + policyChain + ` - [0:0]
-F ` + policyChain + `
-A ` + policyChain + ` -d ` + serviceRange + ` -j REJECT --reject-with icmp-port-unreachable
%sCOMMIT
`

// ways are, by table, those of a pod's packets: to and from other pods and the world, and to the node and its API server.
var ways = map[string][]string{
	"mangle": {"FORWARD -i " + podBridge, "FORWARD -o " + podBridge, "INPUT -i " + podBridge},
	"filter": {"FORWARD -i " + podBridge},
}

// judgePackets installs the rules. There may be some already.
func judgePackets(ctx context.Context) error {
	mangle, err := missingWays(ctx, "mangle")
	if err != nil {
		return err
	}
	filter, err := missingWays(ctx, "filter")
	if err != nil {
		return err
	}
	return restoreRules(ctx, "iptables", fmt.Sprintf(policyRules, mangle, filter))
}

// missingWays are the rules that a table lacks for packets to come to our chain.
func missingWays(ctx context.Context, table string) (string, error) {
	saved, err := run(ctx, "iptables-save", "-t", table)
	if err != nil {
		return "", err
	}
	var missing strings.Builder
	for _, way := range ways[table] {
		rule := "-A " + way + " -j " + policyChain + "\n"
		if !strings.Contains(saved, rule) {
			missing.WriteString(rule)
		}
	}
	return missing.String(), nil
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
