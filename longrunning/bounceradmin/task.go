package bounceradmin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

const (
	busyFor  = 5 * time.Second  // how long a soju that did not answer about a user is not asked again
	soon     = 3 * time.Second  // how long a caller waits before it is told that it is done later
	tryAgain = 2 * time.Second  // when soju was started anew meanwhile
	giveUp   = 30 * time.Minute // soju is through with the longest queue that was seen in ten
)

// busy are the users about whom soju did not answer just now. Each question that it does not come to waits in the user's
// queue, of which all their networks use the places.
type busy struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (b *busy) mark(user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until[user] = time.Now().Add(busyFor)
}

func (b *busy) is(user string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, marked := b.until[user]
	if marked && time.Now().After(until) {
		delete(b.until, user)
		marked = false
	}
	return marked
}

// taskID is what a task does to which network.
type taskID struct {
	user string
	id   int64
	what string
}

func removal(user string, id int64) taskID { return taskID{user, id, "remove"} }

// task is a command that has to be done even where its user's soju does not come to it for minutes: who is flooded by a
// network must be able to leave it.
type task struct {
	done chan struct{}
	err  error
}

// tasks are those under way. A command is sent once, and again only where soju was stopped before it came to it: a second
// one would wait behind the first and find another network of that name.
type tasks struct {
	group   background.Group
	mu      sync.Mutex
	running map[taskID]*task
}

// pending reports whether there is such a task.
func (t *tasks) pending(id taskID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running[id] != nil
}

// begin has do done, or gives what is under way already.
func (t *tasks) begin(id taskID, do func(context.Context) error) *task {
	t.mu.Lock()
	defer t.mu.Unlock()
	if running := t.running[id]; running != nil {
		return running
	}
	began := &task{done: make(chan struct{})}
	if !t.group.Go(func(soft, _ context.Context) { began.err = do(soft); t.end(id, began) }) {
		began.err = fault.New(fault.Unavailable, "The bouncer is being stopped. Please try again in a minute.")
		close(began.done)
		return began
	}
	t.running[id] = began
	return began
}

func (t *tasks) end(id taskID, ended *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, id)
	close(ended.done)
}

// carryOut does something to a network, and answers when it is done or, where soju takes long, that it will be.
func (s *Server) carryOut(ctx context.Context, w http.ResponseWriter, id taskID, words ...string) error {
	began := s.tasks.begin(id, func(ctx context.Context) error { return s.persist(ctx, id, words) })
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-began.done:
		if began.err != nil {
			return finish(w, began.err)
		}
		return respond(w, bouncer.Outcome{})
	case <-timer.C:
	case <-ctx.Done():
	}
	s.busy.mark(id.user)
	return respond(w, bouncer.Outcome{Later: true})
}

// persist runs a command until soju has done it. A soju that is away is nobody's to wait for, unless it was stopped while it
// had the command.
func (s *Server) persist(ctx context.Context, id taskID, words []string) error {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	for began := time.Now(); ; {
		err := s.soju.await(ctx, id.user, words...)
		late := time.Since(began) > soon
		if err != nil && late {
			s.log.WarnContext(ctx, "a change that soju was slow to make failed", slog.String("user", id.user),
				slog.String("command", kind(words)), slog.Any("error", err))
		}
		if !late || !fault.Is(err, fault.Unavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(tryAgain):
		}
		if gone, err := s.records.gone(ctx, id.user, id.id); err == nil && gone {
			return nil
		}
	}
}
