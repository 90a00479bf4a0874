package store_test

import (
	"fmt"
	"testing"

	"irc.now/shared/store"
)

func TestAGrantIsTakenApart(t *testing.T) {
	rights, err := store.Grant{Table: "a", May: "SELECT (x, y), INSERT, UPDATE(z),DELETE"}.Rights()
	want := "[{a x SELECT} {a y SELECT} {a  INSERT} {a z UPDATE} {a  DELETE}]"
	if err != nil || fmt.Sprint(rights) != want {
		t.Errorf("%v (%v), want %s", rights, err, want)
	}
}

func TestAGrantThatIsNoneIsRefused(t *testing.T) {
	for _, grant := range []store.Grant{
		{Table: "a", May: ""}, {Table: "a", May: "ALL"}, {Table: "a", May: "TRUNCATE"}, {Table: "a", May: "SELECT, "},
		{Table: "a", May: "DELETE (x)"}, {Table: "a", May: "SELECT ()"}, {Table: "a", May: "SELECT (x) ON b TO public"},
		{Table: "a; DROP TABLE b", May: "SELECT"}, {Table: "", May: "SELECT"}, {Table: "a", May: `SELECT ("x")`}, {Table: "a", May: "SELECT (x,)"},
	} {
		if rights, err := grant.Rights(); err == nil {
			t.Errorf("%+v became %v", grant, rights)
		}
	}
}
