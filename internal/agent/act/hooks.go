package act

import (
	"bytes"
	"fmt"
	"time"
)

// HooksDir is where the owner of an instance puts programs that run before it
// ends.
const HooksDir = "/etc/spored/hooks.d"

// hooksPatience bounds all hooks of an end together, where less time is not
// given.
const hooksPatience = 2 * time.Minute

// maxHookOutput is how much of a hook's output is logged, in bytes: the end of
// it, where errors are.
const maxHookOutput = 4 << 10

// Ending is the end that hooks run before.
type Ending struct {
	Reason  string    // in a person's words: SPORED_REASON
	Action  string    // terminate, stop or hibernate: SPORED_ACTION
	At      time.Time // when it comes, at the latest: SPORED_DEADLINE in RFC 3339; zero: when the hooks are done
	PreStop string    // a shell command of the policy, which runs last; "" for none
}

// environment is what a hook has: nothing of the agent's own, such as the way
// to its service manager.
func (e Ending) environment() []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"LANG=C.UTF-8",
		"SPORED_REASON=" + printable(e.Reason),
		"SPORED_ACTION=" + e.Action,
	}
	if !e.At.IsZero() {
		env = append(env, "SPORED_DEADLINE="+e.At.UTC().Format(time.RFC3339))
	}
	return env
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct {
	kept    []byte
	dropped int64
}

func (l *lastBytes) Write(b []byte) (int, error) {
	l.kept = append(l.kept, b...)
	if over := len(l.kept) - maxHookOutput; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
		l.dropped += int64(over)
	}
	return len(b), nil
}

func (l *lastBytes) String() string {
	text := string(bytes.ToValidUTF8(bytes.TrimSpace(l.kept), []byte("?")))
	if l.dropped > 0 {
		return fmt.Sprintf("(%d bytes before this) %s", l.dropped, text)
	}
	return text
}
