package sense

import (
	"path/filepath"
	"strconv"
	"strings"
)

// sessions finds out whether a pseudo-terminal is the window of a terminal
// multiplexer: its session's leader, the shell in the window, is a child of
// the multiplexer's server. A server's other end of the pseudo-terminal cannot
// be seen without looking at every descriptor of every process.
type sessions struct {
	proc  string
	known map[string]leader // of terminals that were looked up
}

// leader is the leader of a terminal's session.
type leader struct {
	process
	window bool
}

// majorPTS is the major device number of pseudo-terminals.
//
// https://www.kernel.org/doc/Documentation/admin-guide/devices.txt
const majorPTS = 136

// isWindow tells that a terminal, by its name below /dev, is the window of a
// multiplexer. One without a session is not: it counts.
func (s *sessions) isWindow(name string) (bool, error) {
	digits, isPTS := strings.CutPrefix(name, "pts/")
	if !isPTS {
		return false, nil
	}
	minor, err := strconv.ParseUint(digits, 10, 20)
	if err != nil {
		return false, err
	}
	tty := minor&0xff | majorPTS<<8 | minor&^0xff<<12
	if l, known := s.known[name]; known {
		now, err := readProcess(&file{path: filepath.Join(s.proc, strconv.Itoa(l.pid), "stat"), enough: 4096})
		if err == nil && now.started == l.started && now.tty == tty {
			return l.window, nil
		}
	}
	l, found, err := s.lead(tty)
	if err != nil {
		return false, err
	}
	if s.known == nil || len(s.known) > 1000 {
		s.known = map[string]leader{}
	}
	delete(s.known, name)
	if found {
		s.known[name] = l
	}
	return l.window, nil
}

// lead finds the leader of the session on a terminal.
func (s *sessions) lead(tty uint64) (l leader, found bool, err error) {
	names := map[int]string{}
	err = eachProcess(s.proc, func(p process) error {
		names[p.pid] = p.comm
		if p.tty == tty && p.session == p.pid {
			l.process, found = p, true
		}
		return nil
	})
	l.window = found && multiplexes(names[l.parent])
	return l, found, err
}

// multiplexes tells by its name that a process is the server of a terminal
// multiplexer. tmux's calls itself "tmux: server".
func multiplexes(comm string) bool {
	switch comm {
	case "tmux: server", "tmux", "screen", "SCREEN", "zellij", "dtach", "abduco":
		return true
	}
	return false
}
