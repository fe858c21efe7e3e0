// Package network makes the network that every machine of the local cloud has: a
// loopback with the metadata service's address, and an interface whose cable ends
// at a gateway that leads nowhere. It makes it out of network namespaces, so on
// Linux alone, and reaches no network of the host's.
package network
