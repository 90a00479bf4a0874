package auth

import (
	"maps"
	"testing"
	"time"
)

func TestSessionsSurviveStorage(t *testing.T) {
	deadline := time.Unix(1_800_000_000, 0).UTC()
	for _, values := range []map[string]any{{}, {"": ""}, {"user": "ada", "id_token": "a.b.c", "odd": "\x00\xff\n"}} {
		data, err := codec{}.Encode(deadline, values)
		if err != nil {
			t.Fatal(err)
		}
		gotDeadline, got, err := codec{}.Decode(data)
		if err != nil || !gotDeadline.Equal(deadline) || !maps.Equal(got, values) {
			t.Errorf("%v came back as %v until %v (%v)", values, got, gotDeadline, err)
		}
		for cut := range data {
			if _, _, err := (codec{}).Decode(data[:cut]); err != nil {
				t.Errorf("cut to %d bytes: %v", cut, err)
			}
		}
	}
	if _, err := (codec{}).Encode(deadline, map[string]any{"number": 1}); err == nil {
		t.Error("a number was stored")
	}
}

func FuzzStoredSessionsAreReadOrEmpty(f *testing.F) {
	data, err := codec{}.Encode(time.Unix(1, 0), map[string]any{"user": "ada"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{codecVersion, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, values, err := (codec{}).Decode(data); err != nil || values == nil {
			t.Errorf("%x: %v, %v", data, values, err)
		}
	})
}
