package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
)

// Error is an error as a service answers it.
type Error struct {
	Status  int    // of HTTP
	Code    string // what programs look at
	Message string // what people read
	Region  string // S3 alone: where the bucket really is
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf is a client error with status 400, which most are.
func Errorf(code, format string, args ...any) *Error {
	return Statusf(http.StatusBadRequest, code, format, args...)
}

// Statusf is an error with another status.
func Statusf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Failure writes the envelope of an error. resource is the path of what was
// asked for; only S3 tells it.
func (p Protocol) Failure(e *Error, requestID, resource string) []byte {
	if p.IsJSON() {
		return failureJSON(e)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	text := func(element, s string) {
		b.WriteString("<" + element + ">")
		xml.Escape(&b, []byte(s))
		b.WriteString("</" + element + ">")
	}
	switch p.style {
	case styleEC2:
		b.WriteString("<Response><Errors><Error>")
		text("Code", e.Code)
		text("Message", e.Message)
		b.WriteString("</Error></Errors>")
		text("RequestID", requestID)
		b.WriteString("</Response>")
	case styleQuery:
		fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error>`, p.Namespace)
		text("Type", blame(e.Status))
		text("Code", e.Code)
		text("Message", e.Message)
		b.WriteString("</Error>")
		text("RequestId", requestID)
		b.WriteString("</ErrorResponse>")
	case styleS3:
		b.WriteString("<Error>")
		text("Code", e.Code)
		text("Message", e.Message)
		if e.Region != "" {
			text("Region", e.Region)
		}
		text("Resource", resource)
		text("RequestId", requestID)
		text("HostId", "local")
		b.WriteString("</Error>")
	}
	return b.Bytes()
}

func blame(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// FormError is e as this protocol's services answer it.
func (p Protocol) FormError(e *ParameterError) *Error {
	switch {
	case p.style == styleEC2 && e.Unknown:
		return Errorf("UnknownParameter", "The parameter %s is not recognized", e.Name)
	case p.style == styleEC2:
		return Errorf("InvalidParameterValue", "Invalid value for parameter %s: %s", e.Name, e.Reason)
	case p.IsJSON() && e.Unknown:
		return Errorf("ValidationException", "The member %s is not recognized by this cloud", e.Name)
	case p.IsJSON():
		return Errorf("SerializationException", "Invalid value for %s: %s", e.Name, e.Reason)
	case e.Unknown:
		return Errorf("InvalidInput", "The parameter %s is not recognized by this cloud", e.Name)
	default:
		return Errorf("ValidationError", "Invalid value for parameter %s: %s", e.Name, e.Reason)
	}
}

// NoSuchAction is the answer to an action that this cloud does not have.
func (p Protocol) NoSuchAction(action string) *Error {
	if p.IsJSON() {
		return Errorf("UnknownOperationException", "This cloud has no operation %s.", action)
	}
	return Errorf("InvalidAction", "The action %s is not valid for this web service.", action)
}
