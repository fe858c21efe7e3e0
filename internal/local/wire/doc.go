// Package wire turns AWS's wire formats into Go structs and back, by
// reflection: the Query protocol's forms, the XML of EC2, of Query services
// and of S3, the documents of JSON and REST-JSON services, and the envelopes of
// their errors.
//
// It knows the formats and no service. It is our own and not the SDK's,
// because a cloud that read with its client's code would agree with that
// client's mistakes.
package wire
