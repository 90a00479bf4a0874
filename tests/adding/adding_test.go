package adding_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	page    = "docs/adding.md"
	example = "functions/notes/" // what the page makes
	most    = 6                  // files outside of that
)

// block is one fenced block of the page that names a file: all of a new one, or lines to add to one that is there.
type block struct {
	file string
	adds bool // "diff": lines with "+" go after the lines before them, which are there
	text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+) ([^ \n]+)\n(.*?)^```$")

func blocks(text string) (found []block) {
	for _, match := range fence.FindAllStringSubmatch(text, -1) {
		found = append(found, block{file: match[2], adds: match[1] == "diff", text: match[3]})
	}
	return found
}

// insert adds the lines of a diff to what a file holds. Lines that begin with a space have to be in the file, one after
// the other and once; "..." stands for lines between two places.
func insert(content, diff string) (string, error) {
	for hunk := range strings.SplitSeq(diff, "...\n") {
		var before, after strings.Builder
		for line := range strings.Lines(hunk) {
			switch {
			case strings.HasPrefix(line, "+"):
				after.WriteString(line[1:])
			case strings.HasPrefix(line, " "):
				before.WriteString(line[1:])
				after.WriteString(line[1:])
			default:
				return "", fmt.Errorf("%q begins neither with + nor with a space", line)
			}
		}
		if count := strings.Count(content, before.String()); before.Len() == 0 || count != 1 {
			return "", fmt.Errorf("these lines are in the file %d times:\n%s", count, before.String())
		}
		content = strings.Replace(content, before.String(), after.String(), 1)
	}
	return content, nil
}

func TestInsertingLines(t *testing.T) {
	const content = "a\nb\nc\nb\n"
	for diff, want := range map[string]string{
		" a\n+x\n":              "a\nx\nb\nc\nb\n",
		" a\n+x\n b\n":          "a\nx\nb\nc\nb\n",
		" a\n+x\n...\n c\n+y\n": "a\nx\nb\nc\ny\nb\n",
		" b\n+x\n":              "", // which one?
		" d\n+x\n":              "",
		"+x\n":                  "",
		"a\n+x\n":               "",
	} {
		if got, err := insert(content, diff); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", diff, got, err)
		}
	}
}

func root(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// checkout copies what is in the repository, and the fonts that were fetched for it.
func checkout(t *testing.T) string {
	t.Helper()
	from, to := root(t), t.TempDir()
	command := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = from
	out, err := command.Output()
	if err != nil {
		t.Fatalf("list the repository's files: %v", err)
	}
	fonts, err := filepath.Glob(filepath.Join(from, "shared/design/static/fonts/*"))
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	for _, font := range fonts {
		files = append(files, strings.TrimPrefix(font, from+"/"))
	}
	for _, file := range files {
		copyFile(t, filepath.Join(from, file), filepath.Join(to, file))
	}
	return to
}

// copyFile leaves out what is listed and was removed, and what is no file.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Lstat(from)
	if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, content)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// follow does in the copy what the page says.
func follow(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks(string(text)) {
		file := filepath.Join(folder, b.file)
		content := b.text
		if b.adds {
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if content, err = insert(string(before), b.text); err != nil {
				t.Fatalf("%s: %v", b.file, err)
			}
		}
		write(t, file, []byte(content))
	}
}

// run runs a command in folder and returns what it prints.
func run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), args[0], args[1:]...)
	command.Dir = folder
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

func TestTheExampleOfAFunctionWorksAndTouchesFewFiles(t *testing.T) {
	folder := checkout(t)
	run(t, folder, "git", "init", "-q")
	run(t, folder, "git", "add", "-A")
	follow(t, folder)
	run(t, folder, "go", "generate", "./knative/settings")

	var elsewhere []string
	for line := range strings.Lines(run(t, folder, "git", "status", "--porcelain", "--untracked-files=all")) {
		if state, file := line[:2], strings.TrimSpace(line[3:]); state[1] != ' ' && !strings.HasPrefix(file, example) {
			elsewhere = append(elsewhere, file)
		}
	}
	t.Logf("outside its own folder: %s", strings.Join(elsewhere, ", "))
	if len(elsewhere) == 0 || len(elsewhere) > most {
		t.Errorf("a new function touches %d files outside its own folder, not up to %d: %v", len(elsewhere), most, elsewhere)
	}
	if unformatted := run(t, folder, "gofmt", "-l", example, "functions"); unformatted != "" {
		t.Errorf("not formatted: %s", unformatted)
	}
	run(t, folder, "go", "vet", "./"+example+"...", "./functions", "./longrunning/local/cmd", "./knative/...")
	// Web chat and alerts have servers and tools of their own to fetch, and nothing to do with new functions.
	run(t, folder, "go", "test", "-skip", "WebChat|Alert", "./"+example+"...", "./functions", "./knative", "./tests/architecture")
}
