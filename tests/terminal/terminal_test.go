package terminal_test

import (
	"testing"

	"irc.now/tests/terminal"
)

func TestWhatIsTypedIsReadAndWhatIsWrittenIsSeen(t *testing.T) {
	x := terminal.Start(t, terminal.Get(t, "bash", "bash", "bookworm"), t.TempDir(), []string{"--norc"}, []string{"WORD=visible"})
	x.Type(`echo "it is $WORD"`)
	x.Shows("it is visible")
	x.Paste("echo one$((1+1))\necho two$((2+2))")
	x.Press("\r")
	x.Shows("one2")
	x.Shows("two4")
	x.Type("exit")
	x.Exits()
}
