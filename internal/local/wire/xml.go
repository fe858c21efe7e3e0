package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
)

// TimeFormat is how EC2, IAM and S3 write a time in XML: UTC, to the
// millisecond.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// Time writes t as AWS does in XML.
func Time(t time.Time) string { return t.UTC().Format(TimeFormat) }

// Items is a list as EC2 writes it: one element around item elements. It is
// written even when empty, as AWS does; clients tell an empty list from an
// absent one.
type Items[T any] []T

// MarshalXML implements xml.Marshaler.
func (l Items[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return marshalList(e, start, "item", l)
}

// Members is a list as IAM writes it: one element around member elements.
type Members[T any] []T

// MarshalXML implements xml.Marshaler.
func (l Members[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return marshalList(e, start, "member", l)
}

func marshalList[T any](e *xml.Encoder, start xml.StartElement, item string, list []T) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	each := xml.StartElement{Name: xml.Name{Local: item}}
	for i := range list {
		if err := e.EncodeElement(&list[i], each); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// Protocol is how a service writes its answers.
type Protocol struct {
	// Namespace is the XML namespace of a successful answer.
	Namespace string
	// Version is the API version that a Query service's callers name.
	Version string
	// Target is what the name of an action begins with in a JSON service's
	// X-Amz-Target header.
	Target string
	style  style
}

type style int

const (
	styleEC2 style = iota
	styleQuery
	styleS3
	styleJSON
	styleREST
)

// EC2 is the protocol of EC2: Query requests, answers of its own form.
func EC2() Protocol {
	return Protocol{Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", Version: "2016-11-15", style: styleEC2}
}

// IAM is the protocol of IAM: AWS Query.
func IAM() Protocol {
	return Protocol{Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Version: "2010-05-08", style: styleQuery}
}

// STS is the protocol of STS: AWS Query.
func STS() Protocol {
	return Protocol{Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Version: "2011-06-15", style: styleQuery}
}

// S3 is the protocol of S3: REST with XML bodies.
func S3() Protocol {
	return Protocol{Namespace: "http://s3.amazonaws.com/doc/2006-03-01/", style: styleS3}
}

// Answer writes the successful answer to an action of a Query or JSON service;
// output is a struct, or nil for an answer without content.
func (p Protocol) Answer(action, requestID string, output any) ([]byte, error) {
	if p.IsJSON() {
		return EncodeJSON(output)
	}
	content, err := fields(output)
	if err != nil {
		return nil, fmt.Errorf("write the answer to %s: %w", action, err)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	switch p.style {
	case styleEC2:
		fmt.Fprintf(&b, `<%sResponse xmlns="%s"><requestId>%s</requestId>`, action, p.Namespace, requestID)
		b.Write(content)
	default:
		fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, action, p.Namespace)
		if output != nil {
			fmt.Fprintf(&b, `<%sResult>%s</%sResult>`, action, content, action)
		}
		fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>`, requestID)
	}
	fmt.Fprintf(&b, "</%sResponse>", action)
	return b.Bytes(), nil
}

// Document writes output, a struct, as a document of its own under root, as S3
// answers.
func (p Protocol) Document(root string, output any) ([]byte, error) {
	content, err := fields(output)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", root, err)
	}
	return fmt.Appendf(nil, `%s<%s xmlns="%s">%s</%s>`, xml.Header, root, p.Namespace, content, root), nil
}

// fields is the XML of a struct's fields, without an element around them.
func fields(output any) ([]byte, error) {
	if output == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	if err := e.EncodeElement(output, xml.StartElement{Name: xml.Name{Local: "o"}}); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(b.Bytes(), []byte("<o>")), []byte("</o>")), nil
}
