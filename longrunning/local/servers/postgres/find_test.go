package postgres

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"irc.now/shared/fault"
)

func TestPickTakesTheVersionThatMadeTheDataElseTheNewest(t *testing.T) {
	found := []programs{{"a", 12}, {"b", 15}, {"c", 17}, {"d", 16}}
	for _, c := range []struct {
		found  []programs
		wanted int
		want   string
	}{
		{found, 0, "c"}, {found, 15, "b"}, {found, 12, "a"}, {found, 14, ""}, {found[:1], 0, ""}, {nil, 0, ""},
	} {
		got, ok := pick(c.found, c.wanted)
		if got.dir != c.want || ok != (c.want != "") {
			t.Errorf("pick(%v, %d) = %v, %v; want %q", c.found, c.wanted, got, ok, c.want)
		}
	}
}

func TestTroublesOfADirectorySayWhatToDo(t *testing.T) {
	full := fault.Sentence(onDisk("/data", fmt.Errorf("write: %w", syscall.ENOSPC)))
	foreign := fault.Sentence(onDisk("/data", os.ErrPermission))
	if !strings.Contains(full, "full") || !strings.Contains(foreign, "another user") {
		t.Errorf("sentences: %q, %q", full, foreign)
	}
}
