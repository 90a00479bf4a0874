package local

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Describe prints the table of addresses and the demo sign-in: the one secret that is ever printed.
func (p *Platform) Describe(w io.Writer, logName string) {
	fmt.Fprintf(w, "\nirc.now is ready after %.1f s.\n\n", time.Since(p.began).Seconds())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Public site", p.urls.Landing},
		{"Your account", p.urls.Portal},
		{"Sign-in", p.urls.Identity},
		{"Paying", p.urls.Stripe + " (a stand-in for Stripe; no money moves)"},
		{"IRC clients", p.urls.IRC + " (no TLS; user name: your handle; password: a connection password)"},
		{"Local network", p.urls.Network + " (“" + localNetwork + "” in the portal's list)"},
		{"Demo account", p.urls.DemoEmail + "  password: " + p.urls.DemoPassword},
		{"Dead letters", p.urls.Events + "/dead-letters"},
		{"Log", logName},
	} {
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	_ = table.Flush() // to a terminal; there is nobody to tell
	fmt.Fprintln(w, "\nCtrl-C stops it. To have it started again by itself, and with the machine: docs/running.md, \"Keeping it running\".")
	fmt.Fprintln(w)
}
