package sense

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/core"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// keyboards senses when somebody last typed, as w(1) does: by the access time
// of the terminals. The kernel sets it when a program reads what was typed, to
// eight seconds; what programs print sets another time. A terminal also has it
// from when it was made, so a new login counts as a key.
//
// Looked at are the console, the serial lines and every pseudo-terminal, since
// not every way in (Systems Manager, an editor's remote server) says in utmp
// that somebody is there, and new systems have no utmp at all. Not counted are
// the windows of tmux, screen and their like: those are made and typed into by
// scripts with nobody there. Whoever is attached to one types on a terminal of
// their own, which counts.
//
// Terminals of containers are not visible here; whoever types into one does it
// through a terminal or a connection that is.
//
// https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/drivers/tty/tty_io.c (tty_update_time)
type keyboards struct {
	dev      string
	sessions *sessions
	known    map[string]terminal
}

// terminal is what is known of a terminal.
type terminal struct {
	accessed time.Time     // as its file last said
	made     uint64        // the file's inode and device: another one is another terminal
	typed    time.Duration // when the last key was, by the machine's own clock; may be before the agent started
	counts   bool
}

func newKeyboards(dev string, s *sessions) *keyboards {
	return &keyboards{dev: dev, sessions: s, known: map[string]terminal{}}
}

// consoles are the terminals besides the pseudo-terminals.
func consoles() []string {
	return []string{"tty1", "tty2", "tty3", "tty4", "tty5", "tty6", "ttyS0", "ttyAMA0", "hvc0"}
}

func (k *keyboards) sense(m moment) []core.Signal {
	s := core.Signal{Name: "keyboard", Active: true}
	name, last, err := k.lastKey(m)
	switch {
	case err != nil:
		s.Detail, s.Err = "keyboard unknown", fmt.Errorf("read when somebody last typed: %w", err)
	case name == "":
		s.Active, s.Detail = false, "nobody is logged in"
	default:
		age := max(m.elapsed-last, 0)
		s.Last = m.now.Add(-age)
		s.Active = age < m.idle.Timeout
		s.Detail = fmt.Sprintf("the last key was typed %s ago on %s", lifecycle.FormatDuration(age.Truncate(time.Second)), printable(name))
	}
	return []core.Signal{s}
}

// lastKey is the terminal on which the last key was typed, and when; "" if no
// terminal counts.
func (k *keyboards) lastKey(m moment) (name string, last time.Duration, err error) {
	names, err := k.terminals()
	if err != nil {
		return "", 0, err
	}
	now := make(map[string]terminal, len(names))
	for _, each := range names {
		t, there, err := k.look(each, m)
		if err != nil {
			return "", 0, err
		}
		if !there {
			continue
		}
		now[each] = t
		if t.counts && (name == "" || t.typed > last) {
			name, last = each, t.typed
		}
	}
	k.known = now
	return name, last, nil
}

// terminals are the names below /dev of all terminals that may be there. A
// machine without pseudo-terminals has no one logged in by ssh.
func (k *keyboards) terminals() ([]string, error) {
	names := consoles()
	dir, err := os.Open(filepath.Join(k.dev, "pts"))
	if errors.Is(err, fs.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, err
	}
	pts, err := dir.Readdirnames(-1)
	if closing := dir.Close(); err == nil {
		err = closing
	}
	for _, each := range pts {
		if _, notNumber := strconv.ParseUint(each, 10, 20); notNumber == nil {
			names = append(names, "pts/"+each)
		}
	}
	return names, err
}

// look looks at one terminal. Its access time is believed when it is first
// seen and when it has changed; one that lies in the future, because the clock
// was set back since, is taken for now, once.
func (k *keyboards) look(name string, m moment) (t terminal, there bool, err error) {
	accessed, made, err := accessTime(filepath.Join(k.dev, name))
	if errors.Is(err, fs.ErrNotExist) {
		return terminal{}, false, nil
	}
	if err != nil {
		return terminal{}, false, err
	}
	before, known := k.known[name]
	known = known && before.made == made
	if known && before.accessed.Equal(accessed) {
		return before, true, nil
	}
	t = terminal{accessed: accessed, made: made, typed: m.elapsed - max(m.now.Sub(accessed), 0)}
	if known && t.typed < before.typed {
		t.typed = m.elapsed // the clock was set back, and then somebody typed
	}
	window, err := k.sessions.isWindow(name)
	t.counts = !window
	return t, true, err
}
