package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"irc.now/shared/fault"
)

func TestInternalErrorsAreNeverShown(t *testing.T) {
	err := fmt.Errorf("dial postgres://secret@db: %w", errors.New("refused"))
	if got := fault.Sentence(err); strings.Contains(got, "secret") {
		t.Fatalf("Sentence shows an internal error: %q", got)
	}
	if got := fault.KindOf(err); got != fault.Internal {
		t.Fatalf("KindOf = %v, want internal", got)
	}
}

func TestKindAndSentenceSurviveWrapping(t *testing.T) {
	cause := errors.New("unique violation")
	err := fmt.Errorf("choose handle: %w", fault.Wrap(cause, fault.Conflict, "The handle %q is taken.", "ada"))
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("KindOf = %v, want conflict", fault.KindOf(err))
	}
	if got, want := fault.Sentence(err), `The handle "ada" is taken.`; got != want {
		t.Errorf("Sentence = %q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestCollectorReportsEveryField(t *testing.T) {
	var c fault.Collector
	if c.Err() != nil {
		t.Fatal("an empty collector reports an error")
	}
	c.Check("nick", nil)
	c.Check("nick", fault.New(fault.Invalid, "Too long."))
	c.Add("nick", "A second complaint is not kept.")
	c.Add("address", "No host.")
	err := c.Err()
	fields := fault.FieldsOf(err)
	if len(fields) != 2 || fields["nick"] != "Too long." || fields["address"] != "No host." {
		t.Fatalf("fields = %v", fields)
	}
	if got := fault.Sentence(err); got != "No host. Too long." {
		t.Errorf("Sentence = %q", got)
	}
}
