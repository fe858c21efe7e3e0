package picker

import (
	"context"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/spawn-ec2/spawn/internal/term"
)

// mark stands before the answer under the cursor.
const mark = "> "

const (
	// above is a blank line between what was there and the question.
	above = 1
	// leastRows is what the form keeps of a low terminal: a title, and answers that
	// scroll.
	leastRows = 4
)

// ending is how a question ended.
type ending int

const (
	open        ending = iota
	taken              // with an answer
	back               // for the question before
	interrupted        // and all with it
)

// question is a form of huh's with one field, and below it what is to be known
// beside.
type question struct {
	form          *huh.Form
	field         huh.Field
	fit           func(columns int)          // lays the field out anew, which ends a filter
	beside        func(columns int) []string // lines of at most so many columns
	columns, rows int                        // of the terminal; no rows before they are known
	ended         ending
}

func newQuestion(field huh.Field, fit func(int), beside func(int) []string) *question {
	form := huh.NewForm(huh.NewGroup(field)).WithTheme(huh.ThemeFunc(theme)).WithShowHelp(false).WithShowErrors(false)
	form.SubmitCmd = tea.Quit
	return &question{form: form, field: field, fit: fit, beside: beside}
}

// theme is bold, faint, and one colour of the terminal's own.
func theme(bool) *huh.Styles {
	t := huh.ThemeBase(false)
	t.Focused.Base = lipgloss.NewStyle()
	t.Focused.Title = lipgloss.NewStyle().Bold(true)
	t.Focused.SelectSelector = lipgloss.NewStyle().Foreground(lipgloss.Cyan).SetString(mark)
	t.Focused.SelectedOption = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	t.Focused.TextInput.Prompt = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
	t.Focused.TextInput.Placeholder = lipgloss.NewStyle().Faint(true)
	t.Blurred = t.Focused
	return t
}

// interruption says that the context ended.
type interruption struct{}

// usualRows is how high a terminal is that does not say it.
const usualRows = 24

// run puts the question until it ended. The field is laid out before, for a key
// that was pressed ahead.
func (q *question) run(ctx context.Context, s term.Streams, screen *colorprofile.Writer) error {
	q.columns = s.Columns
	q.fit(q.columns)
	p := tea.NewProgram(q,
		tea.WithInput(s.In), tea.WithOutput(screen.Forward), tea.WithColorProfile(screen.Profile), tea.WithWindowSize(s.Columns, usualRows),
		tea.WithoutSignalHandler()) // the context ends with them
	stop := context.AfterFunc(ctx, func() { p.Send(interruption{}) })
	defer stop()
	_, err := p.Run()
	return err
}

// Init implements tea.Model.
func (q *question) Init() tea.Cmd { return q.form.Init() }

// Update implements tea.Model. A key that the form has no use for at the moment
// may end the question: Esc ends a filter before it goes back.
func (q *question) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case interruption:
		return q.end(interrupted)
	case tea.KeyPressMsg:
		switch pressed := msg.String(); {
		case pressed == "ctrl+c", pressed == "ctrl+d":
			return q.end(interrupted)
		case pressed == "ctrl+j": // an Enter from before the question, which huh takes for Down
			return q, nil
		case key.Matches(msg, q.form.KeyBinds()...):
		case pressed == "esc", pressed == "shift+tab":
			return q.end(back)
		}
	case tea.WindowSizeMsg:
		if msg.Width != q.columns {
			q.fit(msg.Width)
		}
		q.columns, q.rows = msg.Width, msg.Height
		q.field.WithHeight(0) // as high as it needs to be, and then at most what there is
		msg.Height = max(leastRows, msg.Height-above-len(q.below()))
		return q, q.pass(msg)
	}
	return q, q.pass(msg)
}

// pass lets the form have a message.
func (q *question) pass(msg tea.Msg) tea.Cmd {
	_, cmd := q.form.Update(msg)
	if q.form.State == huh.StateCompleted {
		q.ended = taken
	}
	return cmd
}

func (q *question) end(how ending) (tea.Model, tea.Cmd) {
	q.ended = how
	return q, tea.Quit
}

// View implements tea.Model.
func (q *question) View() tea.View {
	if q.ended != open || q.rows == 0 {
		return tea.NewView("")
	}
	return tea.NewView(strings.Repeat("\n", above) + strings.Join(append([]string{q.form.View()}, q.below()...), "\n"))
}

// below is what stands below the form, or as much of its end as a low terminal
// has room for.
func (q *question) below() []string {
	lines := q.beside(q.columns)
	return lines[max(0, min(len(lines)-1, above+leastRows+len(lines)-q.rows)):]
}
