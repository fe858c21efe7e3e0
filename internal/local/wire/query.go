package wire

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deeply a parameter's name may nest; EC2's deepest have
// six parts.
const maxDepth = 12

// ParameterError is a form that does not fit the operation's input.
type ParameterError struct {
	Name    string // the parameter as the caller wrote it
	Unknown bool   // the operation has no such parameter
	Reason  string // what is wrong with its value
}

func (e *ParameterError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("the parameter %s is not recognized", e.Name)
	}
	return fmt.Sprintf("invalid value for parameter %s: %s", e.Name, e.Reason)
}

// DecodeQuery reads a form into the struct that into points to. A field takes
// the parameter of its own name, or of its tag `query:"Name"`. A slice takes
// Name.1, Name.2 and so on, as EC2 writes lists, or with `query:"Name,member"`
// Name.member.1, as other Query services do. A struct takes Name.Field, a
// []byte base64, and a pointer stays nil when its parameter is absent.
//
// A parameter that no field takes is an error: what we would ignore, AWS would
// not. Every error is a *ParameterError.
func DecodeQuery(form url.Values, into any) error {
	root := &param{}
	for name, values := range form {
		if name == "Action" || name == "Version" {
			continue
		}
		if err := root.add(name, values); err != nil {
			return err
		}
	}
	if err := root.into(reflect.ValueOf(into).Elem(), false); err != nil {
		return err
	}
	if left := root.unused(); left != "" {
		return &ParameterError{Name: left, Unknown: true}
	}
	return nil
}

// param is a node of the tree that the dots in parameters' names make.
type param struct {
	name  string // in full
	value *string
	parts map[string]*param
	taken bool
}

func (p *param) add(name string, values []string) error {
	parts := strings.Split(name, ".")
	if len(parts) > maxDepth {
		return &ParameterError{Name: name, Unknown: true}
	}
	if len(values) != 1 {
		return &ParameterError{Name: name, Reason: "it is given more than once"}
	}
	for i, part := range parts {
		if p.parts == nil {
			p.parts = map[string]*param{}
		}
		child, found := p.parts[part]
		if !found {
			child = &param{name: strings.Join(parts[:i+1], ".")}
			p.parts[part] = child
		}
		p = child
	}
	p.value = &values[0]
	return nil
}

// unused is the name of the first parameter that was given and not taken.
func (p *param) unused() string {
	if p.value != nil && !p.taken {
		return p.name
	}
	for _, key := range sortedKeys(p.parts) {
		if left := p.parts[key].unused(); left != "" {
			return left
		}
	}
	return ""
}

func (p *param) into(v reflect.Value, members bool) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return p.into(v.Elem(), members)
	case reflect.Struct:
		return p.intoStruct(v)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return p.intoSlice(v, members)
		}
	}
	if p.value == nil {
		return &ParameterError{Name: p.name, Reason: "a single value is expected"}
	}
	p.taken = true
	if err := setScalar(v, *p.value); err != nil {
		return &ParameterError{Name: p.name, Reason: err.Error()}
	}
	return nil
}

func (p *param) intoStruct(v reflect.Value) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if err := p.intoStruct(v.Field(i)); err != nil {
				return err
			}
			continue
		}
		name, option, _ := strings.Cut(field.Tag.Get("query"), ",")
		if name == "" {
			name = field.Name
		}
		if child, found := p.parts[name]; found {
			if err := child.into(v.Field(i), option == "member"); err != nil {
				return err
			}
		}
	}
	return nil
}

// intoSlice takes the numbered parts in the order of their numbers. AWS
// tolerates gaps, and so does this: the numbers only order.
func (p *param) intoSlice(v reflect.Value, members bool) error {
	if p.value != nil && *p.value == "" {
		p.taken = true // an empty list
	}
	list := p
	if members {
		list = p.parts["member"]
		if list == nil {
			return nil
		}
	}
	type numbered struct {
		n    uint64
		part *param
	}
	var items []numbered
	for key, part := range list.parts {
		n, err := strconv.ParseUint(key, 10, 32)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != key {
			continue // stays unused, hence unknown
		}
		items = append(items, numbered{n, part})
	}
	slices.SortFunc(items, func(a, b numbered) int {
		switch {
		case a.n < b.n:
			return -1
		case a.n > b.n:
			return 1
		}
		return 0
	})
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := item.part.into(v.Index(i), false); err != nil {
			return err
		}
	}
	return nil
}

func setScalar(v reflect.Value, s string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		switch s { // the lexical forms of xsd:boolean
		case "true", "1", "True":
			v.SetBool(true)
		case "false", "0", "False":
			v.SetBool(false)
		default:
			return fmt.Errorf("%q is not a boolean", s)
		}
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not an integer", s)
		}
		v.SetInt(n)
	case reflect.Slice: // of bytes
		b, err := decodeBase64(s)
		if err != nil {
			return err
		}
		v.SetBytes(b)
	default:
		panic("wire: no way to read a parameter into a " + v.Type().String())
	}
	return nil
}

// decodeBase64 takes what clients send: with line breaks, with and without
// padding.
func decodeBase64(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '=' {
			return -1
		}
		return r
	}, s)
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("it is not base64")
	}
	return b, nil
}

func sortedKeys(m map[string]*param) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
