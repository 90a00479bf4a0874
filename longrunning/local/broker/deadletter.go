package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
	"irc.now/shared/store"
)

// DeadLetter is an event that a trigger's subscriber did not take, however often it was tried.
type DeadLetter struct {
	Number   int64 // names it to Replay
	Trigger  string
	Event    []byte // CloudEvents JSON
	Attempts int
	DiedAt   time.Time
	Problem  string // of the last attempt
}

func (o outcome) deadLetter(trigger string) DeadLetter {
	return DeadLetter{
		Number: o.Number, Trigger: trigger, Event: o.Event, Attempts: o.Attempts, DiedAt: time.Now(), Problem: o.problem,
	}
}

// listed is the most dead letters that are shown at once.
const listed = 200

// DeadLetters gives the newest dead letters, the newest first, 200 at most. The broker must be running.
func (b *Broker) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.now == nil {
		return nil, errStopped()
	}
	rows, _ := b.now.queue.durable.Query(ctx, `
		SELECT number, trigger, event, attempts, died_at, problem FROM dead_letter
		ORDER BY died_at DESC, number DESC LIMIT $1`, listed)
	letters, err := pgx.CollectRows(rows, pgx.RowToStructByName[DeadLetter])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("list dead letters: %w", err))
	}
	return letters, nil
}

// Replay delivers dead letters again as if they had just been accepted: the one of number, or all where number is 0.
// It returns how many. Those whose trigger is gone stay. The broker must be running.
func (b *Broker) Replay(ctx context.Context, number int64) (int, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.now == nil {
		return 0, errStopped()
	}
	var triggers []string
	for name := range b.now.lanes {
		triggers = append(triggers, name)
	}
	tag, err := b.now.queue.durable.Exec(ctx, `
		WITH back AS (
			DELETE FROM dead_letter WHERE trigger = ANY($1) AND ($2::bigint = 0 OR number = $2)
			RETURNING trigger, event, accepted_at)
		INSERT INTO delivery (trigger, event, accepted_at) SELECT * FROM back`, triggers, number)
	if err != nil {
		return 0, store.Fault(fmt.Errorf("replay dead letters: %w", err))
	}
	for _, l := range b.now.lanes {
		l.wake()
	}
	return int(tag.RowsAffected()), nil
}

func errStopped() error {
	return fault.New(fault.Unavailable, "The broker is stopped. Try again when it runs.")
}

func (b *Broker) listDeadLetters(w http.ResponseWriter, r *http.Request) {
	letters, err := b.DeadLetters(r.Context())
	if err != nil {
		http.Error(w, fault.Sentence(err), httpfault.Status(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff") // problems quote strangers
	if len(letters) == 0 {
		fmt.Fprintln(w, "There are no dead letters: every event was delivered or is on its way.")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NUMBER\tDIED\tTRIGGER\tATTEMPTS\tTYPE\tEVENT\tPROBLEM")
	for _, letter := range letters {
		var e event.Event
		_ = json.Unmarshal(letter.Event, &e) // what cannot be read is listed without type and id
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%s\t%s\t%q\n", letter.Number, letter.DiedAt.UTC().Format(time.RFC3339),
			letter.Trigger, letter.Attempts, e.Type(), e.ID(), letter.Problem)
	}
	_ = table.Flush()                            // the reader has gone: nobody to tell
	path, _, _ := strings.Cut(r.RequestURI, "?") // as asked for, below whatever path the broker is served
	fmt.Fprintf(w,                               //nolint:gosec // text/plain with nosniff, for whoever asked with that Host and path
		"\nDeliver all again:  curl -X POST 'http://%[1]s%[2]s/replay'\n"+
			"Deliver one again:  curl -X POST 'http://%[1]s%[2]s/replay?number=%[3]d'\n", r.Host, path, letters[0].Number)
}

func (b *Broker) replayDeadLetters(w http.ResponseWriter, r *http.Request) {
	var number int64
	if text := r.FormValue("number"); text != "" {
		parsed, err := strconv.ParseInt(text, 10, 64)
		if err != nil || parsed < 1 {
			http.Error(w, "The number is not one of the list at /dead-letters.", http.StatusBadRequest)
			return
		}
		number = parsed
	}
	count, err := b.Replay(r.Context(), number)
	if err != nil {
		b.config.Log.ErrorContext(r.Context(), "replay dead letters", "error", err)
		http.Error(w, fault.Sentence(err), httpfault.Status(err))
		return
	}
	fmt.Fprintf(w, "%d on their way again.\n", count)
}
