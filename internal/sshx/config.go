package sshx

import (
	"fmt"
	"strings"
)

// HostBlock is a Host of ssh's configuration: what ssh, and whatever uses it, is
// to do for the names. A name with characters that have a meaning in a pattern
// is left out.
//
// https://man.openbsd.org/ssh_config
func HostBlock(t Target, names ...string) string {
	var plain []string
	for _, name := range names {
		if name != "" && !strings.ContainsAny(name, " \t\"*?!,#\\") {
			plain = append(plain, name)
		}
	}
	if len(plain) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Host %s\n  HostName %s\n  User %s\n", strings.Join(plain, " "), t.Host, t.User)
	for _, o := range t.options() {
		fmt.Fprintf(&b, "  %s %s\n", o[0], o[1])
	}
	return b.String()
}
