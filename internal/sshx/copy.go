package sshx

import "strings"

// CopyArgs are the arguments with which to run scp, between this machine and a
// target. A path of the target is written by Target.Path, one of this machine by
// LocalPath.
//
// https://man.openbsd.org/scp
func CopyArgs(t Target, recursive bool, paths ...string) []string {
	args := t.optionArgs()
	if recursive {
		args = append(args, "-r")
	}
	return append(append(args, "--"), paths...)
}

// Path is a path on the target as scp takes it. An address of IPv6 stands in
// brackets, since a colon ends the host.
func (t Target) Path(path string) string {
	host := t.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return t.User + "@" + host + ":" + path
}

// LocalPath is a path on this machine as scp takes it: one with a colon before
// its first slash would be another machine's.
func LocalPath(path string) string {
	before, _, _ := strings.Cut(path, "/")
	if strings.Contains(before, ":") {
		return "./" + path
	}
	return path
}
