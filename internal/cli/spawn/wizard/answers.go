package wizard

import (
	"slices"
	"strings"
)

// Answers are what somebody said.
type Answers struct {
	Local     bool
	Need      Need
	Region    string
	Type      string
	Spot      bool
	TTL       string // as --ttl takes it
	Idle      string // an --idle-action; "": nothing is done
	CreateKey bool
	KeyPair   string
}

// defaultTTL is what --ttl is when nobody says.
const defaultTTL = "8h"

// idleTimeout is how long an instance may be idle, where something is done then.
const idleTimeout = "1h"

// Args are the answers as arguments of "spawn launch".
func (a Answers) Args() []string {
	var args []string
	if a.Local {
		args = append(args, "--local")
	}
	args = append(args, "--instance-type", a.Type, "--region", a.Region)
	if a.Spot {
		args = append(args, "--spot")
	}
	args = append(args, "--ttl", a.TTL)
	switch a.Idle {
	case "":
	case hibernate:
		args = append(args, "--idle-timeout", idleTimeout, "--hibernate-on-idle")
	default:
		args = append(args, "--idle-timeout", idleTimeout, "--idle-action", a.Idle)
	}
	switch {
	case a.KeyPair != "":
		args = append(args, "--key-pair", a.KeyPair)
	case a.CreateKey:
		args = append(args, "--create-key")
	}
	return args
}

// Command is a command line for a shell that gives a program these arguments.
func Command(args []string) string {
	words := []string{"spawn", "launch"}
	for _, arg := range args {
		words = append(words, quoted(arg))
	}
	return strings.Join(words, " ")
}

// quoted is an argument as a POSIX shell takes it for itself.
func quoted(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=+@%", r)
	}
	if arg != "" && !slices.ContainsFunc([]rune(arg), func(r rune) bool { return !plain(r) }) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
