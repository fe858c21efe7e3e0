package wire

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Route is the method and the path of a REST operation, /schedules/{Name}: a
// part in braces takes one segment of the path.
type Route struct {
	Method string
	Path   string
}

// Match tells whether a request goes to the route, and with which parameters of
// the path. escaped is the path as it was sent: a segment may hold an encoded
// slash.
func (r Route) Match(method, escaped string) (map[string]string, bool) {
	pattern, sent := strings.Split(r.Path, "/"), strings.Split(escaped, "/")
	if method != r.Method || len(pattern) != len(sent) {
		return nil, false
	}
	parameters := map[string]string{}
	for i, part := range pattern {
		name, variable := strings.CutPrefix(part, "{")
		if !variable {
			if part != sent[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(sent[i])
		if err != nil {
			return nil, false
		}
		parameters[strings.TrimSuffix(name, "}")] = value
	}
	return parameters, true
}

// DecodeREST reads a request into the struct that into points to. A field with
// the tag `path:"Name"` takes that part of the route's path, one with
// `query:"groupName"` that parameter of the query, a list each time it is given,
// and all others take members of the body, as DecodeJSON does. Every error is a *ParameterError.
func DecodeREST(path map[string]string, query url.Values, body []byte, into any) error {
	v := reflect.ValueOf(into).Elem()
	named := map[string]reflect.Value{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if name := tag.Get("path"); name != "" {
			v.Field(i).SetString(path[name])
		}
		if name := tag.Get("query"); name != "" {
			named[name] = v.Field(i)
		}
	}
	for name, values := range query {
		field, known := named[name]
		switch {
		case !known:
			return &ParameterError{Name: name, Unknown: true}
		case field.Type() == reflect.TypeFor[[]string]():
			field.Set(reflect.ValueOf(slices.Clone(values)))
			continue
		case len(values) != 1:
			return &ParameterError{Name: name, Reason: "it is given more than once"}
		}
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		if err := setScalar(field, values[0]); err != nil {
			return &ParameterError{Name: name, Reason: err.Error()}
		}
	}
	return DecodeJSON(body, into)
}

// outsideBody tells whether a field of a REST input comes from the path or the
// query.
func outsideBody(field reflect.StructField) bool {
	return field.Tag.Get("path") != "" || field.Tag.Get("query") != ""
}
