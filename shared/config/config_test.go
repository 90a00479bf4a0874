package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"irc.now/shared/config"
)

type settings struct {
	Base    config.URL    `env:"BASE_URL,required,notEmpty"`
	Token   config.Secret `env:"TOKEN,required,notEmpty"`
	Port    int           `env:"IRC_PORT" envDefault:"6667"`
	Timeout time.Duration `env:"TIMEOUT" envDefault:"5s"`
	TLS     bool          `env:"IRC_TLS"`
	Names   []string      `env:"NAMES"`
	Nested  struct {
		Limit int `env:"LIMIT" envDefault:"3"`
	} `envPrefix:"NESTED_"`
}

func (s *settings) Validate() error {
	var all []error
	if s.Port < 1 || s.Port > 65535 {
		all = append(all, errors.New("IRC_PORT must be between 1 and 65535"))
	}
	if s.Token == "" {
		all = append(all, errors.New("TOKEN must have 32 characters"))
	}
	return errors.Join(all...)
}

func TestLoadFillsTheStruct(t *testing.T) {
	var got settings
	err := config.Load(map[string]string{
		"BASE_URL": "https://my.irc.now/", "TOKEN": "s3cret", "IRC_TLS": "true", "NAMES": "a,b", "NESTED_LIMIT": "7",
	}, &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Base != "https://my.irc.now" || got.Token.Reveal() != "s3cret" || got.Port != 6667 ||
		got.Timeout != 5*time.Second || !got.TLS || len(got.Names) != 2 || got.Nested.Limit != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestLoadNamesEveryProblemAtOnce(t *testing.T) {
	var dst settings
	err := config.Load(map[string]string{
		"TOKEN": "", "IRC_PORT": "99999", "TIMEOUT": "hunter2", "IRC_TLS": "hunter2", "NESTED_LIMIT": "hunter2",
	}, &dst)
	problem, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *config.Error", err)
	}
	for _, want := range []string{
		"BASE_URL is not set", "TOKEN is empty", "IRC_PORT must be between",
		`TIMEOUT is not a duration`, `IRC_TLS is neither "true" nor "false"`, "NESTED_LIMIT is not a whole number",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	if len(problem.Problems) != 6 {
		t.Errorf("%d problems, want one for each of 6 variables:\n%v", len(problem.Problems), err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a value is repeated in:\n%v", err)
	}
}

func TestLoadDoesNotReadTheProcessEnvironment(t *testing.T) {
	t.Setenv("BASE_URL", "https://my.irc.now")
	t.Setenv("TOKEN", "s3cret")
	var dst settings
	if err := config.Load(nil, &dst); err == nil {
		t.Error("a nil environment was taken for the process's")
	}
	if config.Environ()["TOKEN"] != "s3cret" {
		t.Error("Environ lacks a variable that is set")
	}
}

func TestLoadReportsAMistakenStruct(t *testing.T) {
	if err := config.Load(map[string]string{}, settings{}); err == nil {
		t.Error("a struct that is no pointer was accepted")
	}
}

func TestURLIsAbsoluteAndBare(t *testing.T) {
	for text, want := range map[string]string{
		"http://my.irc.localhost:8080":  "http://my.irc.localhost:8080",
		"http://my.irc.localhost:8080/": "http://my.irc.localhost:8080",
		"https://id.irc.now/realms/irc": "https://id.irc.now/realms/irc",
	} {
		if got, err := config.ParseURL(text); err != nil || got.String() != want {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"my.irc.now", "/path", "ftp://irc.now", "https://", "https://user:hunter2@irc.now", "https://irc.now?x=1",
		"https://irc.now#x", "javascript:alert(1)", "https://irc.now:port", "http://irc.now\nX: y", "https://irc.now?",
	} {
		if got, err := config.ParseURL(text); err == nil {
			t.Errorf("%q was accepted as %q", text, got)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is repeated in %q", err)
		}
	}
}

func TestURLParts(t *testing.T) {
	u := config.URL("https://my.irc.now:8443")
	if !u.HTTPS() || u.Host() != "my.irc.now:8443" || u.Join("/auth") != "https://my.irc.now:8443/auth" {
		t.Errorf("got %v, %q, %q", u.HTTPS(), u.Host(), u.Join("/auth"))
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "hunter2"
	type holder struct{ Password config.Secret }
	secret := config.Secret(value)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "secret", secret, "holder", holder{secret}, "pointer", &secret)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "holder", holder{secret})
	encoded, err := json.Marshal(map[string]holder{"holder": {secret}})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(encoded) +
		fmt.Sprint(secret, holder{secret}, []config.Secret{secret}) +
		fmt.Sprintf("%s %v %+v %#v %q %x %d", secret, secret, holder{secret}, holder{secret}, secret, secret, secret)
	if strings.Contains(all, value) || strings.Contains(all, "68756e74657232") {
		t.Errorf("the secret is in %s", all)
	}
	if fmt.Sprint(config.Secret("")) != "" {
		t.Error("an empty secret looks as if it were set")
	}
}

func TestSecretEqual(t *testing.T) {
	if !config.Secret("a").Equal("a") || config.Secret("a").Equal("b") || config.Secret("a").Equal("") {
		t.Error("Equal is wrong")
	}
}
