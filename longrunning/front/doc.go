// Package front is what IRC clients reach of a bouncer. It ends TLS, takes the client's address from the ingress, bounds what
// one can send, and passes lines on to soju over a Unix socket.
//
// Trust begins nowhere here: whoever connects is a stranger until soju says 001, and hostile after that too. soju keeps what it
// is sent until it finds the end of a line, and lets one client's lines block all of a user's networks. So:
//
//   - a line has at most [MaxLine] bytes, tags and line break included; a longer one ends the connection;
//   - whoever has not signed in after [signInTime] is sent away, and so is the oldest of them where too many wait;
//   - addresses from the internet have a bound of connections each (IPv6: each /64); those of an ingress have none;
//   - lines that go on to a network are paced, for soju queues few of them: see [pace].
//
// It holds no secret but the certificate's key, and cannot reach soju's administration. It must not read what is in lines
// beyond their command and first parameter, and never logs any of it.
package front
