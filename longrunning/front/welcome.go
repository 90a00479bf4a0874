package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	headerTime    = 5 * time.Second  // for the ingress's PROXY header
	handshakeTime = 10 * time.Second // for TLS
	signInTime    = time.Minute      // from the handshake to soju's 001; people do not type their password then
	refusalTime   = 2 * time.Second  // for a sentence to whom is sent away
)

// welcome is the life of one connection, until it ends or hard does.
func (s *Server) welcome(hard context.Context, conn net.Conn, secure *tls.Config) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(hard, func() { _ = conn.Close() })()
	raw := conn
	from, outer, err := s.addressOf(raw)
	if err != nil {
		s.metrics.refused("header")
		return
	}
	t, refusal := s.gate.enter(from.Addr(), func() { _ = raw.Close() })
	if t == nil {
		s.metrics.refused(refusal)
		if secure == nil { // a handshake is what a flood would like us to pay for
			s.tell(outer, "ERROR :Too many connections. Close some, or try again in a minute.")
		}
		return
	}
	defer t.leave()
	inner, err := s.secured(hard, outer, secure)
	if err != nil {
		s.metrics.refused("handshake")
		return
	}
	bouncer, err := s.dial(hard, from, raw.LocalAddr())
	if err != nil {
		s.metrics.refused("bouncer away")
		s.config.Log.WarnContext(hard, "soju is away", slog.Any("error", err))
		s.tell(inner, "ERROR :The bouncer is starting. Try again in a few seconds.")
		return
	}
	defer func() { _ = bouncer.Close() }()
	defer context.AfterFunc(hard, func() { _ = bouncer.Close() })()
	c := newClient(s, t, inner, bouncer)
	if !s.enter(c) {
		return
	}
	defer s.leave(c)
	late := time.AfterFunc(signInTime, c.expire)
	defer late.Stop()
	c.relay()
}

// addressOf is where the client is, and the connection to go on with: the ingress's word for it is taken where it may give one.
func (s *Server) addressOf(conn net.Conn) (netip.AddrPort, net.Conn, error) {
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.AddrPort{}, nil, fmt.Errorf("read the client's address: %w", err)
	}
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	for _, prefix := range s.config.ProxyFrom {
		if !prefix.Contains(peer.Addr()) {
			continue
		}
		proxied := proxyproto.NewConn(conn, proxyproto.SetReadHeaderTimeout(headerTime))
		header := proxied.ProxyHeader() // reads it; nil where there is none
		if header == nil || header.Command.IsLocal() {
			return peer, proxied, nil
		}
		told, err := netip.ParseAddrPort(header.SourceAddr.String())
		if err != nil {
			return netip.AddrPort{}, nil, fmt.Errorf("read the address that the ingress tells: %w", err)
		}
		return netip.AddrPortFrom(told.Addr().Unmap(), told.Port()), proxied, nil
	}
	return peer, conn, nil
}

// secured is conn after the handshake; conn itself where secure is nil.
func (s *Server) secured(ctx context.Context, conn net.Conn, secure *tls.Config) (net.Conn, error) {
	if secure == nil {
		return conn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	inner := tls.Server(conn, secure)
	if err := inner.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("shake hands: %w", err)
	}
	return inner, nil
}

// dial connects to soju and tells it where the client is.
func (s *Server) dial(ctx context.Context, from netip.AddrPort, local net.Addr) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(ctx, headerTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.config.Socket)
	if err != nil {
		return nil, fmt.Errorf("connect to soju: %w", err)
	}
	bouncer, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	if s.config.Announce {
		header := proxyproto.HeaderProxyFromAddrs(2, net.TCPAddrFromAddrPort(from), local)
		if _, err := header.WriteTo(bouncer); err != nil {
			return nil, errors.Join(fmt.Errorf("tell soju the client's address: %w", err), bouncer.Close())
		}
	}
	return bouncer, nil
}

// tell sends a last line.
func (s *Server) tell(conn net.Conn, line string) {
	_ = conn.SetWriteDeadline(time.Now().Add(refusalTime))
	_, _ = io.WriteString(conn, line+"\r\n")
}
