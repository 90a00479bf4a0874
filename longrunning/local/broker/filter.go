package broker

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/types"

	"irc.now/shared/event"
)

// attributes is the older form of a filter: each named attribute has exactly that value; "" is any value.
type attributes struct {
	Attributes map[string]string `json:"attributes"`
}

// Filter is one expression of the CloudEvents Subscriptions API, of which exactly one field is set. CloudEvents SQL
// is not understood here.
type Filter struct {
	Exact  map[string]string `json:"exact,omitempty"`
	Prefix map[string]string `json:"prefix,omitempty"`
	Suffix map[string]string `json:"suffix,omitempty"`
	All    []Filter          `json:"all,omitempty"`
	Any    []Filter          `json:"any,omitempty"`
	Not    *Filter           `json:"not,omitempty"`
}

// takes reports whether the trigger wants e. All of filters must; where there are none, the older filter decides.
func (t *TriggerManifest) takes(e event.Event) bool {
	if len(t.Spec.Filters) > 0 {
		return Filter{All: t.Spec.Filters}.takes(e)
	}
	if t.Spec.Filter == nil {
		return true
	}
	for name, want := range t.Spec.Filter.Attributes {
		if got, has := attribute(e, name); !has || want != "" && got != want {
			return false
		}
	}
	return true
}

func (f Filter) takes(e event.Event) bool {
	switch {
	case len(f.Exact) > 0:
		return each(e, f.Exact, func(got, want string) bool { return got == want })
	case len(f.Prefix) > 0:
		return each(e, f.Prefix, strings.HasPrefix)
	case len(f.Suffix) > 0:
		return each(e, f.Suffix, strings.HasSuffix)
	case len(f.Any) > 0:
		for _, one := range f.Any {
			if one.takes(e) {
				return true
			}
		}
		return false
	case f.Not != nil:
		return !f.Not.takes(e)
	}
	for _, one := range f.All {
		if !one.takes(e) {
			return false
		}
	}
	return true
}

func each(e event.Event, wanted map[string]string, match func(got, want string) bool) bool {
	for name, want := range wanted {
		if got, has := attribute(e, name); !has || !match(got, want) {
			return false
		}
	}
	return true
}

func (f Filter) check() error {
	set := 0
	for _, is := range []bool{
		len(f.Exact) > 0, len(f.Prefix) > 0, len(f.Suffix) > 0, len(f.All) > 0, len(f.Any) > 0, f.Not != nil,
	} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("each filter holds exactly one of exact, prefix, suffix, all, any and not")
	}
	for _, inner := range append(append([]Filter{}, f.All...), f.Any...) {
		if err := inner.check(); err != nil {
			return err
		}
	}
	if f.Not != nil {
		return f.Not.check()
	}
	return nil
}

// attribute is a context attribute of e as text, as CloudEvents writes it, and whether e has it.
func attribute(e event.Event, name string) (value string, has bool) {
	switch name {
	case "specversion":
		value = e.SpecVersion()
	case "type":
		value = e.Type()
	case "source":
		value = e.Source()
	case "subject":
		value = e.Subject()
	case "id":
		value = e.ID()
	case "datacontenttype":
		value = e.DataContentType()
	case "dataschema":
		value = e.DataSchema()
	case "time":
		if !e.Time().IsZero() {
			value = types.FormatTime(e.Time())
		}
	default:
		extension, has := e.Extensions()[name]
		if !has {
			return "", false
		}
		text, err := types.Format(extension)
		if err != nil {
			text = fmt.Sprint(extension)
		}
		return text, true
	}
	return value, value != ""
}
