package storetest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/storetest"
	"irc.now/tests/eventually"
)

// helper makes this test binary start a server and hang until it is killed.
const helper = "STORETEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helper) == "" {
		os.Exit(m.Run())
	}
	server, err := storetest.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Println(server.URL("postgres"))
	<-server.Done()
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := storetest.URL(t), storetest.URL(t)
	if first == second {
		t.Fatal("two tests share a database")
	}
	for _, address := range []string{first, second} {
		conn, err := pgx.Connect(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `CREATE TABLE same_name ()`); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingIsLeftWhenTheTestProcessIsKilled(t *testing.T) {
	temp := t.TempDir()
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), helper+"=1", "TMPDIR="+temp, storetest.Variable+"=")
	holder.Stderr = os.Stderr
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = holder.Process.Kill()
	_ = holder.Wait()
	// Other processes clean up, and nobody can wait for them but by looking.
	eventually.Within(t, 15*time.Second, func(context.Context) error {
		left, err := filepath.Glob(filepath.Join(temp, "irc.now-storetest-*"))
		return eventually.True(err == nil && len(left) == 0, "left behind: %v", left)
	})
}
