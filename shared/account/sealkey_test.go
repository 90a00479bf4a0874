package account_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"irc.now/shared/account"
)

func TestASealKeyIsWholeAndNeverPrinted(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, account.SealKeyBytes))
	var key account.SealKey
	ok(t, key.UnmarshalText([]byte(text)))
	if printed := fmt.Sprintf("%v %+v %#v %x", key, key, &key, key); strings.ContainsAny(printed, "07") {
		t.Errorf("printed as %s", printed)
	}
	for _, wrong := range []string{"", "c2hvcnQ=", text + "AAAA", "no base64"} {
		var key account.SealKey
		if err := key.UnmarshalText([]byte(wrong)); err == nil || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
