// Package catalog is what is known about EC2 without asking it: the instance
// types, where they are offered, and what they cost according to price lists of
// a known date. It answers in microseconds and needs no account.
//
// The data is catalog.bin, embedded as it is and read in place. The program in
// gen distils it from pinned public sources; NOTICE names them. Nothing here is
// guessed: what no source tells is unknown, what a rule derived or a ratio
// estimated says so, and every value can name its source and date.
//
// The package never calls a network, keeps no state and imports nothing else of
// this module, because the local cloud is built on it.
package catalog

//go:generate go run ./gen -o catalog.bin
