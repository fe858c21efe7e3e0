// Package awserr answers questions about errors that AWS services return: is
// what was asked for missing, in use, already there, out of capacity, refused.
//
// It is the only place in this repository that knows the services' error
// codes; everybody else asks a question. The codes are in codes.go, in sets,
// each set with the page that documents it. The package decides nothing about
// what to do next, wraps nothing and makes no calls, and it imports only
// smithy-go, so that spored can afford it.
//
// Every question may be asked of any error, wrapped or not, nil included: the
// answer for an error that no service returned is no. An error made with
// errors.Join is judged by the first service error in it.
package awserr
