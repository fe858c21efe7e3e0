// Package e2e drives the real programs as a person would, against the local
// cloud, and judges by the state of the cloud: never by what the programs print.
// It holds only tests.
package e2e
