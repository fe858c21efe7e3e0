package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// JSON is the protocol of services that take a JSON document and an
// X-Amz-Target header: AWS JSON 1.1. target is what the header's value begins
// with, AmazonSSM.
//
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
func JSON(target string) Protocol { return Protocol{Target: target, style: styleJSON} }

// REST is the protocol of services that have a path for every resource and JSON
// bodies: REST-JSON.
//
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
func REST() Protocol { return Protocol{style: styleREST} }

// IsJSON tells whether the protocol's answers are JSON.
func (p Protocol) IsJSON() bool { return p.style == styleJSON || p.style == styleREST }

// ContentType is that of the protocol's answers.
func (p Protocol) ContentType() string {
	switch p.style {
	case styleJSON:
		return "application/x-amz-json-1.1"
	case styleREST:
		return "application/json"
	default:
		return "text/xml;charset=UTF-8"
	}
}

// Epoch is a time as JSON services write it: seconds since 1970, with
// milliseconds as decimals.
type Epoch time.Time

// MarshalJSON implements json.Marshaler.
func (e Epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}

// EncodeJSON writes a struct as a JSON document; nil is an empty object.
func EncodeJSON(output any) ([]byte, error) {
	if output == nil {
		return []byte("{}"), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(output); err != nil {
		return nil, fmt.Errorf("write an answer in JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// failureJSON is the document of an error. Services differ in whether the
// message's name is capitalised; clients read both, and this writes both.
func failureJSON(e *Error) []byte {
	text, err := EncodeJSON(struct {
		Type    string `json:"__type"`
		Lower   string `json:"message"`
		Message string `json:"Message"`
	}{e.Code, e.Message, e.Message})
	if err != nil {
		panic("wire: strings cannot be written in JSON: " + err.Error()) // it cannot be
	}
	return text
}

// DecodeJSON reads a JSON document into the struct that into points to. A field
// takes the member of its own name, and names are case-sensitive, as they are to
// AWS. A pointer, slice or map stays nil when its member is absent or null; a
// time takes seconds since 1970.
//
// A member that no field takes is an error: what we would ignore might matter.
// Every error is a *ParameterError. An empty document is an empty object.
func DecodeJSON(document []byte, into any) error {
	members, err := readObject(document)
	if err != nil {
		return err
	}
	return intoMembers("", members, reflect.ValueOf(into).Elem())
}

func readObject(document []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var members map[string]any
	if err := d.Decode(&members); err != nil {
		return nil, &ParameterError{Name: "the request", Reason: "it is not a JSON object"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &ParameterError{Name: "the request", Reason: "something follows its JSON object"}
	}
	return members, nil
}

// intoMembers fills a struct's fields. prefix is the path of the struct, with a
// dot behind it.
func intoMembers(prefix string, members map[string]any, v reflect.Value) error {
	taken := map[string]bool{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if outsideBody(field) {
			continue
		}
		value, given := members[field.Name]
		taken[field.Name] = true
		if !given || value == nil {
			continue
		}
		if err := intoValue(prefix+field.Name, value, v.Field(i)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !taken[name] {
			return &ParameterError{Name: prefix + name, Unknown: true}
		}
	}
	return nil
}

func intoValue(name string, value any, v reflect.Value) error {
	wrong := func(want string) error { return &ParameterError{Name: name, Reason: "it must be " + want} }
	if v.Type() == reflect.TypeFor[time.Time]() {
		return intoTime(name, value, v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return intoValue(name, value, v.Elem())
	case reflect.Struct:
		members, ok := value.(map[string]any)
		if !ok {
			return wrong("an object")
		}
		return intoMembers(name+".", members, v)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			return wrong("a list")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, item := range list {
			if err := intoValue(fmt.Sprintf("%s.%d", name, i+1), item, v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			return wrong("a string")
		}
		v.SetString(text)
	case reflect.Bool:
		truth, ok := value.(bool)
		if !ok {
			return wrong("a boolean")
		}
		v.SetBool(truth)
	case reflect.Int, reflect.Int32, reflect.Int64:
		number, _ := value.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, v.Type().Bits())
		if err != nil {
			return wrong("an integer")
		}
		v.SetInt(n)
	default:
		panic("wire: no way to read JSON into a " + v.Type().String())
	}
	return nil
}

// latest is the last second that a time may name: the end of the year 9999.
const latest = 253402300799

func intoTime(name string, value any, v reflect.Value) error {
	number, _ := value.(json.Number)
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > latest {
		return &ParameterError{Name: name, Reason: "it must be a time in seconds since 1970"}
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
	return nil
}
