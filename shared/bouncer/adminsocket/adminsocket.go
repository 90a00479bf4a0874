// Package adminsocket speaks the protocol of soju's admin socket (unix+admin): one BouncerServ command in,
// lines of text out, then OK or why not.
//
// Whoever can open the socket owns the bouncer. Words may be hostile: Command quotes them so that each
// arrives as the one word it is, and refuses those that no quoting can carry.
package adminsocket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/shared/bouncer"
)

const (
	defaultTimeout = 10 * time.Second
	maxAnswer      = 4 << 20
)

// ErrWord means that a word has control characters or broken UTF-8, which would end or change the command.
var ErrWord = errors.New("a word of the command has control characters or broken UTF-8")

// Refused is soju's answer to a command it did not carry out. Text is soju's own and may repeat what the
// user typed: it is for people or the log, not for programs.
type Refused struct{ Text string }

// Error is soju's text.
func (r *Refused) Error() string { return "soju refused: " + r.Text }

// Command runs one command and gives the lines soju printed. The error is a *Refused where soju answered,
// and anything else where it could not be asked. It takes a connection of its own and ends with ctx, at the
// latest after ten seconds. What soju was sent and has not come to by then, it does later all the same.
func Command(ctx context.Context, socket string, words ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	return Await(ctx, socket, words...)
}

// Await is Command that waits for soju as long as ctx lets it.
func Await(ctx context.Context, socket string, words ...string) ([]string, error) {
	line, err := Line(words...)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("open soju's admin socket: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, "BOUNCERSERV :"+line+"\r\n"); err != nil {
		return nil, fmt.Errorf("write to soju's admin socket: %w", errors.Join(ctx.Err(), err))
	}
	lines, err := answer(conn)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return lines, err
}

// Line makes one line of words, each quoted.
func Line(words ...string) (string, error) {
	quoted := make([]string, len(words))
	for i, word := range words {
		if !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsControl) {
			return "", ErrWord
		}
		quoted[i] = bouncer.Quote(word)
	}
	return strings.Join(quoted, " "), nil
}

// answer reads until soju says how the command ended. Lines that make no sense are passed over: an upstream
// server's error text may have line breaks in it.
func answer(conn io.Reader) ([]string, error) {
	var lines []string
	scanner := bufio.NewScanner(io.LimitReader(conn, maxAnswer))
	scanner.Buffer(nil, maxAnswer)
	for scanner.Scan() {
		message, err := ircmsg.ParseLine(scanner.Text())
		if err != nil || len(message.Params) == 0 {
			continue
		}
		last := message.Params[len(message.Params)-1]
		switch message.Command {
		case "PRIVMSG":
			lines = append(lines, last)
		case "BOUNCERSERV":
			return lines, nil
		case "FAIL":
			return lines, &Refused{Text: last}
		case "ERROR":
			return lines, fmt.Errorf("soju closed the admin connection: %s", last)
		}
	}
	return lines, fmt.Errorf("soju's admin socket ended before its answer: %w", errors.Join(scanner.Err(), io.ErrUnexpectedEOF))
}

// Stats is what "server status" tells.
type Stats struct {
	Active, Users          int // users that soju runs, users in its database
	Downstreams, Upstreams int // connected clients, connected networks
}

// ServerStatus asks soju how busy it is.
func ServerStatus(ctx context.Context, socket string) (Stats, error) {
	lines, err := Command(ctx, socket, "server", "status")
	if err != nil {
		return Stats{}, err
	}
	var s Stats
	if len(lines) != 1 {
		return Stats{}, fmt.Errorf("soju's server status has %d lines", len(lines))
	}
	_, err = fmt.Sscanf(lines[0], "%d/%d users, %d downstreams, %d upstreams", &s.Active, &s.Users, &s.Downstreams, &s.Upstreams)
	if err != nil {
		return Stats{}, fmt.Errorf("read soju's server status %q: %w", lines[0], err)
	}
	return s, nil
}
