package broker

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/batch"
	"irc.now/shared/store"
	"irc.now/shared/store/migrate"
)

//go:embed migrations/*.sql
var files embed.FS

// migrations bring the tables of what was accepted and of dead letters.
var migrations = store.Set{Name: "broker", Files: files, Table: store.FirstTable}

// queue is what is accepted and not yet delivered, in PostgreSQL. One broker at a time works on a database: a second
// one would deliver what the first has claimed.
type queue struct {
	// durable is for what must not be lost once it was said.
	durable *pgxpool.Pool
	// quick does not wait for the disk: what it loses when PostgreSQL crashes is a claim or an outcome, and the worst
	// that follows is that an event is delivered again.
	quick *pgxpool.Pool
	// puts stores what arrives at the same time in one statement, so that they wait for the disk together.
	puts *batch.Batcher[*put, struct{}]
}

// put is one event on its way into the queue.
type put struct {
	triggers []string
	encoded  []byte
}

// putting has one statement at a time under way: what comes meanwhile is the next.
var putting = batch.Limits{Loads: 1, Keys: 64, Patience: 10 * time.Second}

// delivery is one event on its way to one trigger's subscriber.
type delivery struct {
	Number     int64
	Event      []byte
	Attempts   int // this one included
	AcceptedAt time.Time
}

// outcome is what became of a delivery.
type outcome struct {
	delivery
	verdict verdict
	problem string
	pause   time.Duration // until the next attempt
}

type verdict string

const (
	delivered verdict = "delivered"
	retried   verdict = "retried"
	dead      verdict = "dead"     // kept as a dead letter
	dropped   verdict = "dropped"  // given up, and the manifests name no dead-letter sink
	released  verdict = "released" // cut short by our own stop; not counted as an attempt
)

func openQueue(ctx context.Context, url string) (*queue, error) {
	if err := migrate.Up(ctx, url, migrations); err != nil {
		return nil, err
	}
	durable, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	config := durable.Config()
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	quick, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		durable.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	q := &queue{durable: durable, quick: quick}
	q.puts = batch.New(putting, q.putAll)
	return q, nil
}

func (q *queue) close() {
	q.durable.Close()
	q.quick.Close()
}

// put stores encoded once for each of triggers; when it returns nil, no crash loses it. When ctx ends first, it may
// be stored all the same.
func (q *queue) put(ctx context.Context, triggers []string, encoded []byte) error {
	if _, err := q.puts.Get(ctx, &put{triggers, encoded}); err != nil {
		return store.Fault(fmt.Errorf("store event: %w", err))
	}
	return nil
}

// putAll stores all or none.
func (q *queue) putAll(ctx context.Context, puts []*put) (map[*put]struct{}, error) {
	var triggers []string
	var events [][]byte
	for _, p := range puts {
		for _, trigger := range p.triggers {
			triggers, events = append(triggers, trigger), append(events, p.encoded)
		}
	}
	_, err := q.durable.Exec(ctx, `INSERT INTO delivery (trigger, event) SELECT * FROM unnest($1::text[], $2::bytea[])`,
		triggers, events)
	return nil, store.Fault(err)
}

// claim takes up to limit deliveries of trigger that are due. They are due again after lease.
func (q *queue) claim(ctx context.Context, trigger string, limit int, lease time.Duration) ([]delivery, error) {
	rows, _ := q.quick.Query(ctx, `
		UPDATE delivery SET claimed = true, attempts = attempts + 1, due_at = now() + $3::interval
		WHERE number IN (
			SELECT number FROM delivery WHERE trigger = $1 AND due_at <= now()
			ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING number, event, attempts, accepted_at`, trigger, limit, lease)
	claimed, err := pgx.CollectRows(rows, pgx.RowToStructByName[delivery])
	if err != nil {
		return nil, store.Fault(fmt.Errorf("claim deliveries of %s: %w", trigger, err))
	}
	return claimed, nil
}

// untilNext is the time until the next delivery of trigger is due, at most limit.
func (q *queue) untilNext(ctx context.Context, trigger string, limit time.Duration) (time.Duration, error) {
	var wait time.Duration
	err := q.quick.QueryRow(ctx, `
		SELECT greatest(interval '0', least($2::interval, min(due_at) - now())) FROM delivery WHERE trigger = $1`,
		trigger, limit).Scan(&wait)
	if err != nil {
		return 0, store.Fault(fmt.Errorf("look for the next delivery of %s: %w", trigger, err))
	}
	return wait, nil
}

// record stores outcomes, all or none.
func (q *queue) record(ctx context.Context, outcomes []outcome) error {
	sorted := map[verdict][]outcome{}
	for _, o := range outcomes {
		sorted[o.verdict] = append(sorted[o.verdict], o)
	}
	statements := &pgx.Batch{}
	if done := append(sorted[delivered], sorted[dropped]...); len(done) > 0 {
		statements.Queue(`DELETE FROM delivery WHERE number = ANY($1)`, numbers(done))
	}
	if again := sorted[retried]; len(again) > 0 {
		statements.Queue(`
			UPDATE delivery SET claimed = false, due_at = now() + later.seconds * interval '1 s'
			FROM unnest($1::bigint[], $2::float8[]) AS later (number, seconds)
			WHERE delivery.number = later.number`, numbers(again), pauses(again))
	}
	if back := sorted[released]; len(back) > 0 {
		statements.Queue(`UPDATE delivery SET claimed = false, due_at = now(), attempts = attempts - 1
			WHERE number = ANY($1)`, numbers(back))
	}
	if gone := sorted[dead]; len(gone) > 0 {
		statements.Queue(`
			WITH gone AS (
				DELETE FROM delivery USING unnest($1::bigint[], $2::text[]) AS why (number, problem)
				WHERE delivery.number = why.number
				RETURNING delivery.number, trigger, event, accepted_at, attempts, problem)
			INSERT INTO dead_letter (number, trigger, event, accepted_at, attempts, problem) SELECT * FROM gone`,
			numbers(gone), problems(gone))
	}
	if err := q.quick.SendBatch(ctx, statements).Close(); err != nil {
		return store.Fault(fmt.Errorf("store outcomes of deliveries: %w", err))
	}
	return nil
}

func numbers(of []outcome) []int64 {
	list := make([]int64, len(of))
	for i, o := range of {
		list[i] = o.Number
	}
	return list
}

func pauses(of []outcome) []float64 {
	list := make([]float64, len(of))
	for i, o := range of {
		list[i] = o.pause.Seconds()
	}
	return list
}

func problems(of []outcome) []string {
	list := make([]string, len(of))
	for i, o := range of {
		// PostgreSQL's text takes neither.
		list[i] = strings.ReplaceAll(strings.ToValidUTF8(o.problem, "?"), "\x00", "?")
	}
	return list
}

// recover frees what a broker that was killed had claimed, and makes dead letters of what is for triggers that are gone.
func (q *queue) recover(ctx context.Context, triggers []string) error {
	_, err := q.durable.Exec(ctx, `UPDATE delivery SET claimed = false, due_at = now() WHERE claimed`)
	if err != nil {
		return store.Fault(fmt.Errorf("free claimed deliveries: %w", err))
	}
	_, err = q.durable.Exec(ctx, `
		WITH gone AS (
			DELETE FROM delivery WHERE trigger <> ALL($1::text[])
			RETURNING number, trigger, event, accepted_at, attempts, 'the trigger is gone')
		INSERT INTO dead_letter (number, trigger, event, accepted_at, attempts, problem) SELECT * FROM gone`, triggers)
	if err != nil {
		return store.Fault(fmt.Errorf("give up deliveries without a trigger: %w", err))
	}
	return nil
}
