package bounceradmin_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"irc.now/longrunning/bounceradmin"
	"irc.now/shared/program"
)

// asProgram makes the test's own program run as the server.
const asProgram = "TEST_AS_BOUNCERADMIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		program.Main(bounceradmin.Program())
	}
	os.Exit(m.Run())
}

// runToItsEnd runs the program until it has looked at soju's socket, stops it, and gives what it logged.
func runToItsEnd(t *testing.T, env ...string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "admin.sock")
	soju, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer soju.Close()
	var log strings.Builder
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(env, asProgram+"=1", "ADMIN_SOCKET="+socket, "SOJU_DATABASE_URL=postgres://127.0.0.1:9/soju",
		"BOUNCER_ADMIN_TOKEN=token", "LISTEN_ADDRESS=127.0.0.1:0")
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if looked, err := soju.Accept(); err != nil {
		t.Error(err)
	} else {
		_ = looked.Close()
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v after:\n%s", err, log.String())
	}
	return log.String()
}

func TestTheLogsLevelIsObeyed(t *testing.T) {
	if log := runToItsEnd(t); !strings.Contains(log, `"level":"INFO","msg":"listening"`) {
		t.Errorf("it does not say where it listens:\n%s", log)
	}
	if log := runToItsEnd(t, "LOG_LEVEL=warn"); strings.Contains(log, "INFO") {
		t.Errorf("with LOG_LEVEL=warn it logs:\n%s", log)
	}
}

func TestAWrongEnvironmentIsReportedWhole(t *testing.T) {
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = []string{asProgram + "=1"}
	out, err := command.CombinedOutput()
	if err == nil {
		t.Error("it ends without an error")
	}
	for _, want := range []string{"bounceradmin: ", "ADMIN_SOCKET is not set", "SOJU_DATABASE_URL is not set", "BOUNCER_ADMIN_TOKEN is not set"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
