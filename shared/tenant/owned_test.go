package tenant_test

import (
	"testing"

	"irc.now/shared/store/storetest"
	"irc.now/shared/tenant"
)

func TestWhoWasKilledWhileMakingADatabaseFindsItsOwn(t *testing.T) {
	admin := newAdmin(t)
	name := storetest.Name()
	t.Cleanup(func() { dropNow(t, name) })
	passwords := tenant.Passwords{Owner: "owner's password", Reader: "reader's password"}
	claim := tenant.Claim{Owner: "uid-1"}
	// What is left of a first attempt: a database without rights and without a note.
	if _, err := admin.Exec(t.Context(), `CREATE DATABASE making_`+name+` TEMPLATE template0`); err != nil {
		t.Fatal(err)
	}
	c, err := tenant.EnsureOwned(t.Context(), admin, name, claim, passwords)
	if err != nil {
		t.Fatal(err)
	}
	if err := try(t, c.Database, c.Owner, c.OwnerPassword, `CREATE TABLE message (text text)`); err != nil {
		t.Error(err)
	}
	if err := try(t, c.Database, c.Reader, c.ReaderPassword, `SELECT text FROM message`); err != nil {
		t.Error(err)
	}
	var left int
	if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE datname = $1`, "making_"+name).Scan(&left); err != nil || left > 0 {
		t.Errorf("%v: %d databases are left behind", err, left)
	}
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, claim, passwords); err != nil {
		t.Errorf("once more: %v", err)
	}
	if _, err := tenant.EnsureOwned(t.Context(), admin, name, tenant.Claim{Owner: "uid-2"}, passwords); err == nil {
		t.Error("somebody else gets it")
	}
}
