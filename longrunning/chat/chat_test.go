package chat_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheThemeUsesTokensOfTheDesignAlone(t *testing.T) {
	tokens, theme := read(t, "../../shared/design/static/css/tokens.css"), read(t, "theme.css")
	used := regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).FindAllStringSubmatch(theme, -1)
	if len(used) == 0 {
		t.Fatal("it uses none")
	}
	for _, token := range used {
		if !strings.Contains(tokens, token[1]+":") {
			t.Errorf("there is no token %s", token[1])
		}
	}
	if literal := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b[^{]*;`).FindString(theme); literal != "" {
		t.Errorf("a colour is no token: %s", literal)
	}
}

// A copy of a file that is not there fails only where the image is built.
func TestWhatTheImagesCopyIsThere(t *testing.T) {
	copies := regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`)
	found := 0
	for _, name := range []string{"chat", "ergo", "soju"} {
		for _, line := range copies.FindAllStringSubmatch(read(t, "../"+name+"/Dockerfile"), -1) {
			for file := range strings.FieldsSeq(line[1]) {
				found++
				if _, err := os.Stat("../../" + file); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if found == 0 {
		t.Error("nothing is copied")
	}
}

func TestTheImagesRunAsNobodyInFixedVersions(t *testing.T) {
	for _, name := range []string{"chat", "ergo", "soju"} {
		file := read(t, "../"+name+"/Dockerfile")
		if !strings.Contains(file, "\nUSER 65532:65532\n") {
			t.Errorf("%s does not run as the user that pods have", name)
		}
		for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(file, -1) {
			if !regexp.MustCompile(`:[^/]+$`).MatchString(from[1]) || strings.HasSuffix(from[1], ":latest") {
				t.Errorf("%s: %s has no version", name, from[1])
			}
		}
	}
}

func TestTheSettingsAreJSON(t *testing.T) {
	var settings struct{ Server struct{ URL string } }
	if err := json.Unmarshal([]byte(read(t, "config.json")), &settings); err != nil || settings.Server.URL != "/socket" {
		t.Errorf("%+v, %v", settings, err)
	}
}

// A container's user may lack the right to open the stream anew that it has.
func TestErrorsGoToTheStreamThatIsOpen(t *testing.T) {
	for _, name := range []string{"Dockerfile", "nginx.conf", "../../knative/base/chat/nginx.conf", "../../knative/base/chat/chat.yaml"} {
		if text := read(t, name); strings.Contains(text, "/dev/stderr") || !strings.Contains(text, "stderr") {
			t.Errorf("%s does not log to stderr as it is", name)
		}
	}
}
