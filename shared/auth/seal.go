package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"irc.now/shared/config"
)

// Whisper keeps a secret for the signed-in user's next page under name; [Auth.TakeWhisper] reads it once. It is
// sealed with a key that only the visitor's cookie yields, so the database never holds it in a readable form.
func (a *Auth) Whisper(ctx context.Context, name, secret string) error {
	aead, err := a.sealer(ctx, name)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the program instead
	sealed := aead.Seal(nonce, nonce, []byte(secret), nil)
	a.sessions.Put(ctx, sealPrefix+name, base64.RawStdEncoding.EncodeToString(sealed))
	return nil
}

// TakeWhisper reads and forgets a secret; "" where there is none, or where the session's token has changed since.
func (a *Auth) TakeWhisper(ctx context.Context, name string) string {
	sealed, err := base64.RawStdEncoding.DecodeString(a.sessions.PopString(ctx, sealPrefix+name))
	if err != nil || len(sealed) == 0 {
		return ""
	}
	aead, err := a.sealer(ctx, name)
	if err != nil || len(sealed) < aead.NonceSize() {
		return ""
	}
	secret, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
	if err != nil {
		return ""
	}
	return string(secret)
}

// sealer derives the key from the session's token, of which the database knows only the hash.
func (a *Auth) sealer(ctx context.Context, name string) (cipher.AEAD, error) {
	key, err := a.derive(ctx, "whisper "+name)
	if err != nil {
		return nil, fmt.Errorf("seal %q: %w", name, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal %q: %w", name, err)
	}
	return cipher.NewGCM(block)
}

// Derive makes a secret of the session's token and of purpose, the same whenever it is asked in the session. Nobody else
// can make it, not even who can read the database.
func (a *Auth) Derive(ctx context.Context, purpose string) (config.Secret, error) {
	key, err := a.derive(ctx, "secret "+purpose)
	return config.Secret(key), err
}

func (a *Auth) derive(ctx context.Context, purpose string) ([]byte, error) {
	token := a.sessions.Token(ctx)
	if token == "" {
		return nil, errors.New("the visitor has no session yet")
	}
	return hkdf.Key(sha256.New, []byte(token), nil, "irc.now session "+purpose, 32)
}
