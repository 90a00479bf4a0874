package introspection_test

import (
	"strings"
	"testing"
	"time"

	"irc.now/longrunning/local/introspectiontest"
	"irc.now/shared/introspection"
)

func TestASignatureIsProvenWithoutAskingAboutTheToken(t *testing.T) {
	idp, stranger := introspectiontest.Start(t), introspectiontest.Start(t)
	p := newProvider(idp)
	good := map[string]any{"sub": "s", "exp": time.Now().Add(time.Minute).Unix()}
	signed := idp.Sign(t, good)
	parts := strings.Split(signed, ".")
	for name, c := range map[string]struct {
		token string
		want  introspection.Proof
	}{
		"signed":              {signed, introspection.Signed},
		"without an end":      {idp.Sign(t, map[string]any{"sub": "s"}), introspection.Signed},
		"run out":             {idp.Sign(t, map[string]any{"sub": "s", "exp": time.Now().Add(-time.Hour).Unix()}), introspection.Void},
		"about nobody":        {idp.Sign(t, map[string]any{}), introspection.Void},
		"of another provider": {stranger.Sign(t, good), introspection.Void}, // whose key has the same name
		"changed":             {parts[0] + "." + parts[1] + "x." + parts[2], introspection.Void},
		"unsigned":            {parts[0] + "." + parts[1] + ".", introspection.Void},
		"no algorithm":        {"eyJhbGciOiJub25lIn0." + parts[1] + ".", introspection.Unproven},
		"opaque":              {"an-opaque-token-0123456789", introspection.Unproven},
		"dots":                {"..", introspection.Unproven},
		"":                    {"", introspection.Unproven},
	} {
		proof, subject := p.Prove(t.Context(), c.token)
		if proof != c.want || (subject == "s") != (c.want == introspection.Signed) {
			t.Errorf("%s: %v %q, want %v", name, proof, subject, c.want)
		}
	}
	if idp.Asked() != 0 || idp.KeysRead() != 1 {
		t.Errorf("the provider was asked about %d tokens, and for its keys %d times", idp.Asked(), idp.KeysRead())
	}
}

func TestMadeUpKeysCostNoCallEach(t *testing.T) {
	idp := introspectiontest.Start(t)
	p := newProvider(idp)
	const header = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im1hZGUgdXAifQ" // {"alg":"ES256","kid":"made up"}
	for range 50 {
		if proof, _ := p.Prove(t.Context(), header+".e30."+strings.Repeat("A", 86)); proof != introspection.Unproven {
			t.Fatalf("proof = %v", proof)
		}
	}
	if idp.KeysRead() != 1 {
		t.Errorf("the keys were asked for %d times", idp.KeysRead())
	}
}

func TestWithoutKeysNothingIsProven(t *testing.T) {
	idp := introspectiontest.Start(t)
	p := newProvider(idp)
	idp.Fail(503)
	if proof, _ := p.Prove(t.Context(), idp.Sign(t, map[string]any{"sub": "s"})); proof != introspection.Unproven {
		t.Errorf("proof = %v", proof)
	}
}
