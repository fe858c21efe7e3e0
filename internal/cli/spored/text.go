package spored

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spawn-ec2/spawn/internal/agent/control"
	"github.com/spawn-ec2/spawn/internal/agent/sense"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// The rules of what a person reads here: a line is a word, then what there is
// to say. What is not known is called unknown. Moments are in UTC with the time
// until or since them. Nothing needs colour.

const unknown = "unknown"

// page is text in columns.
type page struct {
	text    strings.Builder
	columns *tabwriter.Writer
}

func newPage() *page {
	p := &page{}
	p.columns = tabwriter.NewWriter(&p.text, 0, 0, 2, ' ', 0)
	return p
}

// line adds cells; the last may be as long as it likes.
func (p *page) line(cells ...string) {
	for i, cell := range cells {
		cells[i] = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, cell)
	}
	_, _ = fmt.Fprintln(p.columns, strings.Join(cells, "\t")) // a strings.Builder takes all
}

func (p *page) String() string {
	_ = p.columns.Flush() // a strings.Builder takes all
	return p.text.String()
}

func statusText(s control.Status) string {
	p := newPage()
	p.line("instance", known(s.Instance))
	p.line("agent", fmt.Sprintf("%s, started %s", known(s.Agent), moment(s.Started, s.Now)))
	p.line("state", known(string(s.Phase)))
	p.line("deadline", deadlineText(s))
	if s.Next != nil {
		p.line("next end", fmt.Sprintf("%s: %s, %s", moment(s.Next.At, s.Now), s.Next.Action, s.Next.Why))
	}
	p.line("idle", idleText(s))
	if s.Idle.Last != "" {
		p.line("activity", fmt.Sprintf("%s: %s", moment(s.Idle.Since, s.Now), s.Idle.Last))
	}
	if s.KeepaliveUntil.After(s.Now) {
		p.line("kept alive", "until "+moment(s.KeepaliveUntil, s.Now))
	}
	if s.Completed != "" {
		p.line("workload", "says that it is done: "+s.Completed)
	}
	for _, script := range s.Scripts {
		p.line("script", scriptText(script, s.Now))
	}
	p.line("os timer", known(s.OSTimer))
	p.line("notices", noticesText(s))
	p.line("told spawn", tagText(s))
	return p.String() + "\n" + signalsText(s)
}

func deadlineText(s control.Status) string {
	if s.Deadline.IsZero() {
		return unknown + ": no policy and no tag was read yet"
	}
	return moment(s.Deadline.Time(), s.Now)
}

func idleText(s control.Status) string {
	if s.Idle.Timeout == 0 {
		return "is not looked for: no idle timeout is set"
	}
	rule := fmt.Sprintf("%s after %s without use", known(s.Idle.Action), lifecycle.FormatDuration(time.Duration(s.Idle.Timeout)*time.Second))
	if !s.Idle.Now {
		return "no (" + rule + "): " + strings.Join(s.Idle.Because, "; ")
	}
	text := fmt.Sprintf("yes, since %s (%s)", moment(s.Idle.Since, s.Now), rule)
	switch {
	case s.Idle.Retry:
		text += ": it failed and is tried again " + moment(s.Idle.At, s.Now)
	case !s.Idle.At.IsZero():
		text += ": " + moment(s.Idle.At, s.Now)
	}
	return text
}

func scriptText(u sense.Script, now time.Time) string {
	switch {
	case u.Failed != "":
		return fmt.Sprintf("%s could not run: %s", u.Name, u.Failed)
	case u.Exit != nil:
		return fmt.Sprintf("%s ended %s with exit code %d", u.Name, moment(u.Ended, now), *u.Exit)
	default:
		return fmt.Sprintf("%s started %s and has not ended", u.Name, moment(u.Started, now))
	}
}

func noticesText(s control.Status) string {
	var all []string
	for _, n := range s.Notices {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", n.Kind, n.Action, moment(n.At, s.Now))))
	}
	switch {
	case s.NoticesError != "" && len(all) == 0:
		return unknown + ": " + s.NoticesError
	case s.NoticesError != "":
		return strings.Join(append(all, unknown+" whether there are others: "+s.NoticesError), "; ")
	case s.Notices == nil:
		return unknown + ": EC2 was not asked yet"
	case len(all) == 0:
		return "none from EC2"
	default:
		return strings.Join(all, "; ")
	}
}

func tagText(s control.Status) string {
	text := "nothing yet"
	if s.Tag.Value != "" {
		text = fmt.Sprintf("%s: %s", moment(s.Tag.Written, s.Now), s.Tag.Value)
	}
	if s.Tag.Error != "" {
		text += "; the latest could not be written: " + s.Tag.Error
	}
	return text
}

// signalsText is what every sensor said.
func signalsText(s control.Status) string {
	if s.Signals == nil {
		return "No sensor was read yet, which counts as use.\n"
	}
	p := newPage()
	for _, signal := range s.Signals {
		word, detail := "quiet", signal.Detail
		switch {
		case signal.Error != "":
			word, detail = "failed", strings.TrimSpace(signal.Detail+" counts as use: "+signal.Error)
		case signal.Active:
			word = "in use"
		}
		if !signal.Last.IsZero() {
			detail += " (last " + moment(signal.Last, s.Now) + ")"
		}
		p.line(signal.Name, word, detail)
	}
	return fmt.Sprintf("Signals, read %s:\n", moment(s.Sampled, s.Now)) + p.String()
}

func configText(c control.Config) string {
	p := newPage()
	for _, s := range c.Settings {
		value := s.Value
		if value == "" {
			value = "none"
		}
		p.line(s.Name, value, "from "+s.From)
	}
	return p.String()
}

func known(s string) string {
	if s == "" {
		return unknown
	}
	return s
}

// moment is a time with its distance from now.
func moment(t, now time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	text := t.UTC().Format(time.RFC3339)
	switch left := t.Sub(now).Round(time.Second); {
	case left > 0:
		return text + " (in " + short(left) + ")"
	case left < 0:
		return text + " (" + short(-left) + " ago)"
	default:
		return text + " (now)"
	}
}

// short is a length of time in two units at most: 3d 4h, 2h 5m, 1m 30s.
func short(d time.Duration) string {
	seconds := int64(d / time.Second)
	var parts []string
	for _, unit := range []struct {
		symbol string
		length int64
	}{{"d", 24 * 60 * 60}, {"h", 60 * 60}, {"m", 60}, {"s", 1}} {
		n := seconds / unit.length
		seconds %= unit.length
		if len(parts) > 0 || n > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+unit.symbol)
		}
	}
	if len(parts) > 1 && !strings.HasPrefix(parts[1], "0") {
		return parts[0] + " " + parts[1]
	}
	return parts[0]
}
