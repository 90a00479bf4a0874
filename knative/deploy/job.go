package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"irc.now/knative/render"
)

// A job that makes the first databases waits for their server, which takes minutes to start.
const (
	patience = 15 * time.Minute
	look     = time.Second
)

// What a job says of itself once it has ended.
const (
	complete = "Complete"
	failed   = "Failed"
)

// runJob applies a job and waits until it is done. One that is done already is left alone, and one that failed begins
// again.
func (c Config) runJob(ctx context.Context, job render.Object) error {
	before, err := c.outcome(ctx, job)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", job, err)
	}
	if before == failed {
		if err := c.run(ctx, nil, "kubectl", "delete", "job", job.Name(), "--namespace", job.Namespace()); err != nil {
			return fmt.Errorf("clear away %s, which failed: %w", job, err)
		}
	}
	if err := c.applyAll(ctx, []render.Object{job}); err != nil || before == complete {
		return err
	}
	fmt.Fprintf(c.Out, "Waiting for %s, before which no program of this release may start\n", job)
	ended, err := c.awaitJob(ctx, job)
	if err != nil || ended != complete {
		return c.explain(ctx, job, ended, err)
	}
	return nil
}

// awaitJob waits until a job has ended, and says how.
func (c Config) awaitJob(ctx context.Context, job render.Object) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it is not done after %v", patience))
	defer cancel()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if ended, err := c.outcome(ctx, job); ended != "" || err != nil && ctx.Err() == nil {
			return ended, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return "", context.Cause(ctx)
}

// outcome is how a job ended; "" while it has not, and for one that is not there.
func (c Config) outcome(ctx context.Context, job render.Object) (string, error) {
	said, err := c.output(ctx, nil, "kubectl", "get", "job", job.Name(), "--namespace", job.Namespace(), "--ignore-not-found",
		"--output", `jsonpath={range .status.conditions[?(@.status=="True")]}{.type} {end}`)
	if err != nil {
		return "", err
	}
	for condition := range strings.FieldsSeq(said) {
		if condition == complete || condition == failed {
			return condition, nil
		}
	}
	return "", nil
}

// explain says that a job did not end well, with the end of what it said.
func (c Config) explain(ctx context.Context, job render.Object, ended string, why error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx) // whoever deploys has ended it
	}
	if ended == failed {
		why = errors.New("it failed")
	}
	log, err := c.output(ctx, nil, "kubectl", "logs", "--namespace", job.Namespace(), "--selector", "batch.kubernetes.io/job-name="+job.Name(),
		"--prefix", "--tail", "20")
	if err != nil || strings.TrimSpace(log) == "" {
		log = "nothing; kubectl describe job " + job.Name() + " --namespace " + job.Namespace() + " may tell why"
	}
	return fmt.Errorf("%s was to make the databases ready for this release: %w. None of its programs was started. "+
		"Put right what is wrong, and deploy again. It says:\n%s", job, why, strings.TrimRight(log, "\n"))
}
