package alert_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"irc.now/tests/alert"
)

const root = "../.."

func TestEveryMetricOfAnAlertIsSomebodys(t *testing.T) {
	metrics, err := alert.Metrics(root)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Concat(alert.Operator, alert.Functions, alert.Others)
	for name := range metrics {
		if !slices.ContainsFunc(known, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Errorf("nobody is known to have %s", name)
		}
	}
	for _, prefix := range known {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(metrics)), func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Errorf("no alert asks for %s", prefix)
		}
	}
}

// One that finds nothing wrong with anything would be of no use.
func TestWhatIsNotSaidIsFound(t *testing.T) {
	const whole = `# HELP http_requests_total Requests.
http_requests_total{method="GET",route="/",code="200"} 1
dead_letters_total 0
`
	for name, test := range map[string]struct{ page, lacks string }{
		"all is there":         {whole, ""},
		"another name":         {strings.ReplaceAll(whole, "http_requests_total", "http_requests_count"), `http_requests_total with the labels ["code"]`},
		"a longer name":        {strings.ReplaceAll(whole, "dead_letters_total", "dead_letters_total_sum"), `dead_letters_total with the labels []`},
		"another label":        {strings.ReplaceAll(whole, "code=", "status="), `http_requests_total with the labels ["code"]`},
		"nothing but its help": {"# HELP dead_letters_total Letters.\n" + strings.ReplaceAll(whole, "dead_letters_total 0\n", ""), `dead_letters_total with the labels []`},
	} {
		lacking, err := alert.Lacking(root, test.page, alert.Functions)
		if err != nil || strings.Join(lacking, ", ") != test.lacks {
			t.Errorf("%s: found %q (%v), want %q", name, lacking, err, test.lacks)
		}
	}
	if _, err := alert.Lacking(root, whole, []string{"nothing_"}); err == nil {
		t.Error("alerts that are not there are held to")
	}
}

func TestLabelsAreThoseThatAlertsNeed(t *testing.T) {
	metrics, err := alert.Metrics(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"workqueue_depth": {"controller"}, "controller_runtime_reconcile_time_seconds_bucket": {"controller", "le"}, "irc_network_up": {},
	} {
		if !slices.Equal(metrics[name], want) {
			t.Errorf("%s needs the labels %q, want %q", name, metrics[name], want)
		}
	}
}
