// Package sshx is what spawn needs of SSH on the user's machine: finding or
// making a key that EC2 accepts, comparing public keys, and running the ssh
// program against an instance whose host key is remembered by instance, not by
// address.
//
// Of an agent it asks for the public keys that it holds, and nothing else. It
// does not speak the SSH protocol, talk to a service, read a private key, or
// change a file that it did not make: a key that exists is never overwritten,
// and the user's own known_hosts and configuration are left alone.
package sshx
