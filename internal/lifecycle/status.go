package lifecycle

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// Phase is where an instance's agent is in its life.
type Phase string

// The phases.
const (
	PhaseReady       Phase = "ready"       // the deadline is armed and being watched
	PhaseWarned      Phase = "warned"      // an end is near and users were told
	PhaseEnding      Phase = "ending"      // the instance is being ended now
	PhaseStopping    Phase = "stopping"    // it is being stopped now
	PhaseHibernating Phase = "hibernating" // it is being hibernated now
	PhaseFailed      Phase = "failed"      // an action could not be carried out; Why says which
)

// Status is what spored tells about itself in the tag spawn:status, at
// meaningful moments only: it is not a heartbeat.
type Status struct {
	Phase    Phase
	Deadline Deadline   // the one that the agent enforces: its acknowledgement
	OSTimer  bool       // the operating system's own timer was seen armed
	Agent    string     // the agent's version
	At       time.Time  // when it was written, by the instance's clock
	Idle     IdleWatch  // the idle policy that the agent enforces: its acknowledgement
	Next     time.Time  // when the instance ends or stops if that is sooner than its deadline; zero: nothing sooner is known
	Script   ScriptFate // what became of the user's scripts
	Why      string     // in a person's words, may be empty
}

// IdleWatch is the idle policy that an agent says it enforces.
type IdleWatch struct {
	Known   bool          // the agent said so; an older one does not
	Timeout time.Duration // 0: idleness does not end the instance
	CPU     float64       // percent of all processors
	Action  IdleAction
}

// Watch is p as an agent acknowledges it.
func (p IdlePolicy) Watch() IdleWatch {
	if !p.On() {
		return IdleWatch{Known: true}
	}
	return IdleWatch{Known: true, Timeout: p.Timeout, CPU: p.Threshold(), Action: p.Does()}
}

// String is off, or the timeout, the share and the action, such as 1h/5/stop;
// "" when nothing was said.
func (w IdleWatch) String() string {
	switch {
	case !w.Known:
		return ""
	case w.Timeout < time.Second:
		return "off"
	default:
		return FormatDuration(w.Timeout) + "/" + strconv.FormatFloat(w.CPU, 'f', -1, 64) + "/" + string(w.Action)
	}
}

// parseIdleWatch reads what String wrote. What it cannot read acknowledges
// nothing.
func parseIdleWatch(s string) IdleWatch {
	if s == "off" {
		return IdleWatch{Known: true}
	}
	timeout, rest, _ := strings.Cut(s, "/")
	cpu, action, _ := strings.Cut(rest, "/")
	var w IdleWatch
	var errTimeout, errCPU error
	w.Timeout, errTimeout = ParseDuration(timeout)
	w.CPU, errCPU = ParsePercent(cpu)
	w.Action, w.Known = IdleAction(action), true
	if errTimeout != nil || errCPU != nil || !w.Action.Valid() {
		return IdleWatch{}
	}
	return w
}

// maxTagValue is EC2's limit for a tag's value, in characters.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
const maxTagValue = 256

// String is the tag's value: key=value pairs, the reason last because it may
// hold spaces. What would not fit a tag is cut from the reason.
func (s Status) String() string {
	timer := "unseen"
	if s.OSTimer {
		timer = "armed"
	}
	out := fmt.Sprintf("phase=%s deadline=%s os-timer=%s agent=%s at=%s",
		s.Phase, s.Deadline, timer, strings.Join(strings.Fields(s.Agent), "_"), s.At.UTC().Format(time.RFC3339))
	if idle := s.Idle.String(); idle != "" {
		out += " idle=" + idle
	}
	if !s.Next.IsZero() {
		out += " next=" + s.Next.UTC().Format(time.RFC3339)
	}
	if s.Script != "" {
		out += " script=" + string(s.Script)
	}
	if why := oneLine(s.Why); why != "" {
		out += " why=" + why
	}
	return cutTagValue(out)
}

// oneLine makes of any text, the output of a failed command perhaps, one line
// of valid UTF-8 without control characters, which XML cannot carry.
func oneLine(text string) string {
	printable := func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}
	return strings.Join(strings.Fields(strings.Map(printable, text)), " ")
}

// cutTagValue cuts s to what a tag holds, never within a character. A character
// outside the basic plane counts as two: it is not documented how EC2 counts
// it, and a status that is refused is worse than one that is a little shorter.
func cutTagValue(s string) string {
	left := maxTagValue
	for i, r := range s {
		if left -= utf16.RuneLen(r); left < 0 {
			return strings.TrimRight(s[:i], " ")
		}
	}
	return s
}

// ParseStatus reads a status tag. Keys that it does not know are skipped: the
// agent may be newer. An error means that no phase could be read.
func ParseStatus(value string) (Status, error) {
	var s Status
	fields, why, _ := strings.Cut(value, " why=")
	s.Why = why
	for _, field := range strings.Fields(fields) {
		key, v, _ := strings.Cut(field, "=")
		switch key {
		case "phase":
			s.Phase = Phase(v)
		case "deadline":
			// A deadline that cannot be read acknowledges nothing.
			s.Deadline, _ = ParseDeadline(v)
		case "os-timer":
			s.OSTimer = v == "armed"
		case "agent":
			s.Agent = v
		case "at":
			// Nor does a time: it stays unknown.
			s.At, _ = parseMoment(v)
		case "idle":
			s.Idle = parseIdleWatch(v)
		case "next":
			s.Next, _ = parseMoment(v)
		case "script":
			s.Script = readScriptFate(v)
		}
	}
	if s.Phase == "" {
		return Status{}, fmt.Errorf("no phase in the status %q", value)
	}
	return s, nil
}
