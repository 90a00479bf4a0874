package browser_test

import (
	"os"
	"testing"

	"irc.now/longrunning/local"
	"irc.now/tests/platform"
)

// site are the front doors of the platform that the tests share.
var site local.URLs

func TestMain(m *testing.M) {
	os.Exit(platform.Run(m, func(p *local.Platform) { site = p.URLs() }))
}
