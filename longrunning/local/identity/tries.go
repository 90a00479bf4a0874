package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"irc.now/shared/fault"
	"irc.now/shared/throttle"
	"irc.now/shared/web"
)

// A person mistypes a few times; a guesser needs thousands. One address may be shared by a whole office.
const (
	accountBurst, accountEvery = 10, 20 * time.Second
	guessedBurst, guessedEvery = 60, 10 * time.Second
	addressBurst, addressEvery = 60, 2 * time.Second
)

// knownLifetime is how long a browser that somebody signed in with is known to be theirs.
const knownLifetime = 365 * 24 * time.Hour

// tries bound the guessing of passwords. Only failures count, and those of strangers do not keep somebody out of their
// account in a browser that they have signed in with before, nor from another address than the guesser's.
type tries struct {
	known   *throttle.Limiter // by browser that is known to be the account's
	account *throttle.Limiter // by e-mail address and network address
	guessed *throttle.Limiter // by e-mail address, of all networks together
	address *throttle.Limiter // by network address
	signUps *throttle.Limiter // by network address: accounts made, which all count
}

func newTries(now func() time.Time) tries {
	clock := throttle.WithClock(now)
	return tries{
		known:   throttle.New(accountEvery, accountBurst, clock),
		account: throttle.New(accountEvery, accountBurst, clock),
		guessed: throttle.New(guessedEvery, guessedBurst, clock),
		address: throttle.New(addressEvery, addressBurst, clock),
		signUps: throttle.New(addressEvery, addressBurst, clock),
	}
}

// try counts one try to sign in as email before the password is looked at. Good takes it back.
func (p *Provider) try(r *http.Request, email string) (good func(), err error) {
	if mark, ok := p.knownMark(r, email); ok {
		if !p.tries.known.Allow(mark) {
			return nil, manyForAccount()
		}
		return func() { p.tries.known.Give(mark) }, nil
	}
	address := addressOf(r)
	if !p.tries.address.Allow(address) {
		return nil, manyFromAddress()
	}
	pair := email + " from " + address
	if !p.tries.account.Allow(pair) || !p.tries.guessed.Allow(email) {
		return nil, manyForAccount()
	}
	return func() {
		p.tries.address.Give(address)
		p.tries.account.Give(pair)
		p.tries.guessed.Give(email)
	}, nil
}

func addressOf(r *http.Request) string { return throttle.AddressKey(web.ClientIP(r, 0).String()) }

func manyForAccount() error {
	return fault.New(fault.RateLimited, "There were too many tries for this e-mail address. Wait a minute and try again.")
}

func manyFromAddress() error {
	return fault.New(fault.RateLimited, "There were too many tries from your network. Wait a minute and try again.")
}

const knownPurpose = "known browser"

// know marks the browser as one that the owner of email has signed in with. The mark opens nothing.
func (p *Provider) know(w http.ResponseWriter, email string) {
	mark := p.seal.sealBytes(emailMark(email), knownPurpose)
	p.setCookie(w, knownCookie, base64.RawURLEncoding.EncodeToString(mark), knownLifetime)
}

// knownMark is the mark of a browser that the owner of email has signed in with.
func (p *Provider) knownMark(r *http.Request, email string) (mark string, ok bool) {
	text, found := p.cookie(r, knownCookie)
	if !found {
		return "", false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", false
	}
	whose, err := p.seal.openBytes(sealed, knownPurpose)
	return text, err == nil && string(whose) == string(emailMark(email))
}

// emailMark is short, for cookies are bounded.
func emailMark(email string) []byte {
	sum := sha256.Sum256([]byte(email))
	return sum[:16]
}
