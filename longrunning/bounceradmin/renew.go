package bounceradmin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"irc.now/shared/background"
)

// dialTimeout bounds a handshake with the soju beside us.
const dialTimeout = 10 * time.Second

// Renewal makes soju take up a renewed certificate, which it reads again on SIGHUP, without dropping anybody. Whether it
// has to is told by the certificate that soju answers with, so that a renewal is not missed while this was not running.
type Renewal struct {
	File    string        // the certificate, PEM, as soju is configured with
	Address string        // where soju speaks TLS
	Every   time.Duration // between looks at File
	Signal  func() error  // sends SIGHUP to soju
	Log     *slog.Logger

	known [sha256.Size]byte // of the file that soju is known to answer with
}

// Run looks until ctx ends. What goes wrong is logged and tried again: the file may not be there yet, or soju.
func (r *Renewal) Run(ctx context.Context) {
	r.look(ctx)
	background.Every(ctx, r.Every, r.look)
}

func (r *Renewal) look(ctx context.Context) {
	if err := r.compare(ctx); err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "could not compare soju's certificate with its file", slog.Any("error", err))
	}
}

// compare asks soju only when the file is another than the one it was last seen with.
func (r *Renewal) compare(ctx context.Context) error {
	text, err := os.ReadFile(r.File)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	sum := sha256.Sum256(text)
	if sum == r.known {
		return nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("the certificate's file is no PEM")
	}
	answered, err := answeredWith(ctx, r.Address)
	if err != nil {
		return err
	}
	if bytes.Equal(answered, block.Bytes) {
		r.known = sum
		return nil
	}
	if err := r.Signal(); err != nil {
		return err
	}
	r.Log.InfoContext(ctx, "told soju of a renewed certificate")
	return nil
}

// answeredWith is the certificate of the server at address, unverified: it is compared, not trusted.
func answeredWith(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // nothing is sent; see above
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("ask soju for its certificate: %w", err)
	}
	defer conn.Close()
	secured, ok := conn.(*tls.Conn)
	if !ok || len(secured.ConnectionState().PeerCertificates) == 0 {
		return nil, net.ErrClosed
	}
	return secured.ConnectionState().PeerCertificates[0].Raw, nil
}

// SignalProcess sends signal to every process of the name that can be seen: in a pod whose containers share their
// processes, that is soju's.
func SignalProcess(name string, signal syscall.Signal) error {
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	found := false
	for _, file := range files {
		comm, err := os.ReadFile(file) //nolint:gosec // the kernel's
		if err != nil || strings.TrimSpace(string(comm)) != name {
			continue // a process that has just ended has no file
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if err := syscall.Kill(pid, signal); err != nil {
			return fmt.Errorf("signal %s: %w", name, err)
		}
		found = true
	}
	if !found {
		return fmt.Errorf("no process is called %s", name)
	}
	return nil
}
