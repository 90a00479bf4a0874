package bounceradmin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/fault"
)

// undoTimeout is for taking back a change whose request is over already.
const undoTimeout = 15 * time.Second

// step is one command of a change, and the command that takes it back; nil where there is nothing to take
// back.
type step struct{ do, undo []string }

// perform runs the steps as the user. When one fails, those before it are taken back, and it too where soju
// may have done it: nobody knows after a time-out.
func (s *Server) perform(ctx context.Context, user string, steps []step) error {
	if s.busy.is(user) { // which would do all of it later, and take it back
		return errBusy
	}
	for i, step := range steps {
		_, err := s.soju.as(ctx, user, step.do...)
		if err == nil {
			continue
		}
		if fault.Is(err, fault.Unavailable) {
			i++
		}
		s.takeBack(ctx, err, user, steps[:i])
		return err
	}
	return nil
}

// takeBack undoes steps. A soju that is busy takes its time for that too; it has the commands in their order by then.
func (s *Server) takeBack(ctx context.Context, why error, user string, steps []step) {
	if !errors.Is(why, context.DeadlineExceeded) {
		s.undo(context.WithoutCancel(ctx), user, steps)
		return
	}
	s.busy.mark(user)
	s.tasks.group.Go(func(soft, _ context.Context) { s.undo(soft, user, steps) })
}

func (s *Server) undo(ctx context.Context, user string, steps []step) {
	ctx, cancel := context.WithTimeout(ctx, undoTimeout)
	defer cancel()
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].undo == nil {
			continue
		}
		_, err := s.soju.as(ctx, user, steps[i].undo...)
		if err != nil && !fault.Is(err, fault.NotFound) {
			s.log.ErrorContext(ctx, "a change could not be taken back", slog.String("user", user),
				slog.String("command", kind(steps[i].undo)), slog.Any("error", err))
		}
	}
}

// checkWords refuses a change before its first command where one of them could not be sent.
func checkWords(steps []step) error {
	for _, step := range steps {
		if _, err := adminsocket.Line(step.do...); err != nil {
			return explain(errors.Join(err))
		}
	}
	return nil
}
