package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/event"
	"irc.now/shared/fault"
	"irc.now/shared/store"
)

const (
	batchSize   = 64
	senders     = 16 // of one batch at once
	markTimeout = 5 * time.Second
	// A refused event is tried again after a minute, then two, four, … and at last each six hours: whoever repairs
	// the broker or the event finds it sent without asking for it.
	firstRefusal = time.Minute
	lastRefusal  = 6 * time.Hour
)

// Sink takes events for good, as *event.Sink does: nil once it has taken e; an error of kind Unavailable where
// sending again may help, any other where it will not.
type Sink interface {
	Send(ctx context.Context, e event.Event) error
}

// Relay sends what is in an outbox. Any number of relays may work on one outbox, in as many programs. It is safe for
// concurrent use.
type Relay struct {
	pool *pgxpool.Pool
	sink Sink
	log  *slog.Logger
	wake waker
}

// NewRelay makes a relay from the outbox in pool's database to sink. Stop it before closing the pool.
func NewRelay(pool *pgxpool.Pool, sink Sink, log *slog.Logger) *Relay {
	r := &Relay{pool: pool, sink: sink, log: log}
	r.wake.work = r.flushAlone
	return r
}

// Flush sends what is unsent and due, and returns how many the sink took. It stops at the first event that finds the
// sink away; the error is then of kind Unavailable, and what was not sent stays for the next call. A refused event
// is logged, kept and tried again later, and does not keep others back. Events that another relay is sending at this
// moment are left to it.
func (r *Relay) Flush(ctx context.Context) (sent int, err error) {
	for {
		batch, err := r.flushBatch(ctx)
		sent += batch.sent
		if err != nil || batch.seen < batchSize {
			return sent, err
		}
	}
}

type batchResult struct{ seen, sent int }

type row struct {
	Number   int64
	Event    string
	Refusals int
	err      error // of sending it
}

// flushBatch holds the rows' locks while it sends: when this program dies, PostgreSQL frees them at once.
func (r *Relay) flushBatch(ctx context.Context) (result batchResult, err error) {
	tx, err := r.pool.Begin(ctx)
	if err != nil {
		return result, store.Fault(fmt.Errorf("flush outbox: %w", err))
	}
	// What was sent is marked even if ctx ends meanwhile, so that it is not sent again for nothing.
	ctx, send := context.WithoutCancel(ctx), ctx
	defer func() {
		if rollback := tx.Rollback(ctx); rollback != nil && !errors.Is(rollback, pgx.ErrTxClosed) && err == nil {
			err = rollback
		}
	}()
	rows, err := claim(send, tx)
	if err != nil || len(rows) == 0 {
		return result, store.Fault(err)
	}
	r.send(send, rows)
	ctx, cancel := context.WithTimeout(ctx, markTimeout)
	defer cancel()
	result.seen = len(rows)
	result.sent, err = r.mark(ctx, tx, rows)
	return result, err
}

func claim(ctx context.Context, tx pgx.Tx) ([]row, error) {
	found, _ := tx.Query(ctx, `
		SELECT number, event, refusals FROM outbox WHERE sent_at IS NULL AND due_at <= now()
		ORDER BY due_at, number LIMIT $1 FOR UPDATE SKIP LOCKED`, batchSize)
	rows, err := pgx.CollectRows(found, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("claim events of the outbox: %w", err)
	}
	return rows, nil
}

// send fills each row's err. After the first that finds the sink away no more are begun; those under way go on, since
// the sink may be taking them.
func (r *Relay) send(ctx context.Context, rows []row) {
	var wg sync.WaitGroup
	next := make(chan *row)
	begin, away := context.WithCancelCause(ctx)
	defer away(nil)
	for range min(senders, len(rows)) {
		wg.Go(func() {
			for row := range next {
				row.err = r.sendOne(ctx, row)
				if fault.Is(row.err, fault.Unavailable) {
					away(row.err)
				}
			}
		})
	}
	for i := range rows {
		if begin.Err() != nil {
			rows[i].err = fault.Wrap(context.Cause(begin), fault.Unavailable, "The sink is away.")
			continue
		}
		next <- &rows[i]
	}
	close(next)
	wg.Wait()
}

func (r *Relay) sendOne(ctx context.Context, row *row) error {
	var e event.Event
	if err := json.Unmarshal([]byte(row.Event), &e); err != nil {
		return fmt.Errorf("read event %d of the outbox: %w", row.Number, err)
	}
	return r.sink.Send(ctx, e)
}

// mark commits what became of rows. err is the first reason why the sink is away, or the database's.
func (r *Relay) mark(ctx context.Context, tx pgx.Tx, rows []row) (sent int, err error) {
	var done, refused []int64
	var away error
	for _, row := range rows {
		switch {
		case row.err == nil:
			done = append(done, row.Number)
		case fault.Is(row.err, fault.Unavailable):
			if away == nil {
				away = row.err
			}
		default:
			refused = append(refused, row.Number)
			r.log.ErrorContext(ctx, "event refused by the broker", "outbox", row.Number,
				"refusals", row.Refusals+1, "error", row.err)
		}
	}
	if err := markRows(ctx, tx, done, refused); err != nil {
		return 0, store.Fault(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, store.Fault(fmt.Errorf("mark events as sent: %w", err))
	}
	return len(done), away
}

func markRows(ctx context.Context, tx pgx.Tx, done, refused []int64) error {
	if len(done) > 0 {
		if _, err := tx.Exec(ctx, `UPDATE outbox SET sent_at = now() WHERE number = ANY($1)`, done); err != nil {
			return fmt.Errorf("mark events as sent: %w", err)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE outbox SET refusals = refusals + 1,
			due_at = now() + least($2::interval * 2 ^ least(refusals, 20), $3::interval)
		WHERE number = ANY($1)`, refused, firstRefusal, lastRefusal)
	if err != nil {
		return fmt.Errorf("mark events as refused: %w", err)
	}
	return nil
}

// Prune deletes events that were sent longer ago than age, and returns how many.
func (r *Relay) Prune(ctx context.Context, age time.Duration) (int, error) {
	tag, err := r.pool.Exec(ctx, `DELETE FROM outbox WHERE sent_at < now() - $1::interval`, age)
	if err != nil {
		return 0, store.Fault(fmt.Errorf("prune outbox: %w", err))
	}
	return int(tag.RowsAffected()), nil
}
