package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"irc.now/shared/background"
)

// Certificate is one that is read again whenever its files change, without dropping anybody.
type Certificate struct {
	CertFile, KeyFile string
	Log               *slog.Logger

	now  atomic.Pointer[tls.Certificate]
	text []byte // of the files, as last read well; Load's alone
}

// Load reads the files. Where they are no pair, as for a moment while they are exchanged, the certificate before stays.
func (c *Certificate) Load() error {
	cert, err := os.ReadFile(c.CertFile)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return fmt.Errorf("read the certificate's key: %w", err)
	}
	text := bytes.Join([][]byte{cert, key}, nil)
	if bytes.Equal(text, c.text) {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("read the certificate and its key: %w", err)
	}
	c.now.Store(&pair)
	c.text = text
	return nil
}

// Follow reads the files at each interval until ctx ends.
func (c *Certificate) Follow(ctx context.Context, every time.Duration) {
	background.Every(ctx, every, func(ctx context.Context) {
		if err := c.Load(); err != nil {
			c.Log.WarnContext(ctx, "could not read the certificate; the one before stays", slog.Any("error", err))
		}
	})
}

// TLS is the configuration of a listener that answers with the certificate as it is at that time.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}
