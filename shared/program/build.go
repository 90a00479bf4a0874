package program

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// Build is what is known of the program's making. Nothing in it is empty.
type Build struct {
	Version  string // the linker's word, or the module's; "dev" without either
	Revision string // the commit, with "+changes" where there were some; "unknown" where the build was not told
	Go       string
}

func buildOf(version string) Build {
	b := Build{Version: version, Revision: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "dev"
	}
	changed := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Revision = setting.Value
		case "vcs.modified":
			changed = setting.Value == "true"
		}
	}
	if changed {
		b.Revision += "+changes"
	}
	return b
}

// metric is always 1: its labels are what it tells.
func (b Build) metric(program string) prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "irc_now_build_info", Help: "Which build of the program runs; always 1.",
		ConstLabels: prometheus.Labels{"program": program, "version": b.Version, "revision": b.Revision, "go": b.Go},
	})
	info.Set(1)
	return info
}
