// Package local_test is a user's story through the front doors of the whole platform: pages are visited as by a
// browser without JavaScript, the bouncer as by an IRC client; PostgreSQL, soju and ergo are the real programs.
package local_test

import (
	"os"
	"testing"

	"irc.now/longrunning/local"
	"irc.now/tests/platform"
)

// site are the front doors. They are shared by all tests: each has users of its
// own, as on the real one. whole is what is behind them, for tests that stop a part of it.
var (
	site  local.URLs
	whole *local.Platform
)

func TestMain(m *testing.M) {
	os.Exit(platform.Run(m, func(p *local.Platform) { site, whole = p.URLs(), p }))
}
