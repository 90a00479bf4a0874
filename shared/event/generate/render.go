package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"irc.now/shared/event"
)

const head = `# Events

<!-- Made by "go generate ./shared/event"; change the types in shared/event instead. -->

Every fact that other parts care about is a [CloudEvent](https://cloudevents.io) 1.0. Functions send it to the broker
(` + "`K_SINK`" + `), and the Triggers in ` + "`knative/base/triggers`" + ` say who gets it, in a cluster and on one machine alike.

- **At least once, in any order.** A consumer is idempotent on ` + "`source`" + ` and ` + "`id`" + ` together. What an event says may
  be out of date when it arrives: ask for the present state.
- **Nothing is lost.** A fact in PostgreSQL and its event are written in one transaction (` + "`shared/event/outbox`" + `). They
  are sent right after it, or at a tick for what a crash or an absent broker left behind.
- **No names or addresses travel.** Payloads hold ids.
- **Fields are only ever added.** Consumers ignore those that they do not know.
- The extension ` + "`requestid`" + ` is the id of the request in which it happened; logs have the same.
- Data is JSON, and an event has at most %d KiB.

Ticks are not facts of ours: Knative's PingSource sends ` + "`%s`" + ` without data, and Triggers choose by its source.
`

// render makes the page; root is the module's folder, whose sources hold the comments.
func render(root string) ([]byte, error) {
	reflector, err := newReflector(root)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, head, event.MaxSize>>10, event.TickType)
	for _, entry := range event.Catalogue() {
		if err := renderEntry(&page, reflector, entry); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Type, err)
		}
	}
	return page.Bytes(), nil
}

func newReflector(root string) (*jsonschema.Reflector, error) {
	// Comments are found by paths relative to the working directory.
	before, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if err := os.Chdir(root); err != nil {
		return nil, err
	}
	defer func() { _ = os.Chdir(before) }() // it was there a moment ago
	r := &jsonschema.Reflector{
		ExpandedStruct: true, Anonymous: true, AllowAdditionalProperties: true,
	}
	return r, r.AddGoComments("irc.now", filepath.Join("shared", "event"), jsonschema.WithFullComment())
}

func renderEntry(page *bytes.Buffer, reflector *jsonschema.Reflector, entry event.Entry) error {
	schema := reflector.Reflect(entry.Example)
	if schema.Description == "" {
		return fmt.Errorf("%T has no comment", entry.Example)
	}
	fmt.Fprintf(page, "\n## `%s`\n\n%s\n\nSource: `%s`.\n\n", entry.Type,
		prose(reflect.TypeOf(entry.Example).Name(), oneLine(schema.Description)), entry.Source)
	fmt.Fprint(page, "| field | type | | meaning |\n|---|---|---|---|\n")
	for field := schema.Properties.Oldest(); field != nil; field = field.Next() {
		needed := ""
		if slices.Contains(schema.Required, field.Key) {
			needed = "always"
		}
		if field.Value.Description == "" {
			return fmt.Errorf("field %s has no comment", field.Key)
		}
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", field.Key, field.Value.Type, needed, oneLine(field.Value.Description))
	}
	schema.Description = "" // is above
	return errorsOf(fenced(page, "Schema", schema), renderExample(page, entry))
}

// prose turns a Go comment, which begins with the type's name, into a sentence.
func prose(name, comment string) string {
	return strings.Replace(comment, name+" says that", "Says that", 1)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func renderExample(page *bytes.Buffer, entry event.Entry) error {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	e, err := event.NewWithID("evt_1NkQ2bXyZ", at, entry.Source, entry.Example)
	if err != nil {
		return err
	}
	return fenced(page, "Example", e)
}

func fenced(page *bytes.Buffer, title string, value any) error {
	encoded, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(page, "\n<details><summary>%s</summary>\n\n```json\n%s\n```\n\n</details>\n", title, encoded)
	return nil
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
