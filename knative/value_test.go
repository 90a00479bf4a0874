package knative_test

import "strconv"

// values are all strings in an object, by their path.
func values(object map[string]any) map[string]string {
	found := map[string]string{}
	collect(object, "", found)
	return found
}

func collect(value any, path string, found map[string]string) {
	switch v := value.(type) {
	case string:
		found[path] = v
	case map[string]any:
		for key, inner := range v {
			collect(inner, path+"."+key, found)
		}
	case []any:
		for i, inner := range v {
			collect(inner, path+"."+strconv.Itoa(i), found)
		}
	}
}

// dig is what lies at path below object; nil where nothing does.
func dig(value any, path ...string) any {
	for _, key := range path {
		fields, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = fields[key]
	}
	return value
}

// word is the string at path below value; "" where there is none.
func word(value any, path ...string) string {
	found, _ := dig(value, path...).(string)
	return found
}

func list(value any) []any {
	found, _ := value.([]any)
	return found
}

func words(value any) []string {
	var found []string
	for _, one := range list(value) {
		if word, ok := one.(string); ok {
			found = append(found, word)
		}
	}
	return found
}
