// Package wizard is what "spawn" does at a terminal when nothing was said: it
// asks what is needed and turns the answers into the arguments of "spawn
// launch", which it shows, and which are all that it launches by.
//
// The questions know no terminal: they are put through an Asker. They call no
// cloud, because types and prices come from the embedded catalog.
package wizard

import (
	"context"
	"errors"
	"time"

	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/launch"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Asker puts questions to somebody. Its errors are those of term.Choose.
type Asker interface {
	Choose(ctx context.Context, c term.Choice) (int, error)
	Fill(ctx context.Context, b term.Blank) (string, error)
	Say(text string)        // words, folded where they must be
	Show(facts [][2]string) // each with its name
	Command(text string)    // to be copied, so never folded
}

// World is what the questions need to know of the machine that they are asked
// on.
type World struct {
	Known       find.Known
	Region      string // where to launch when nobody says
	LocalRegion string // the same in the local cloud, which reads no configuration
	Local       bool   // the local cloud was asked for
	Credentials bool   // something is configured that could give AWS credentials

	// Key says which SSH key there is; "" is none.
	Key func(context.Context) (where string, err error)
	// Plan is what a launch with these arguments comes to. It makes nothing.
	Plan func(ctx context.Context, args []string) (launch.Plan, error)

	Ceiling time.Duration // the longest life
	Now     func() time.Time
}

// Outcome is what somebody wants in the end.
type Outcome struct {
	Args   []string // of "spawn launch"
	Launch bool     // now; else they only wanted to know
}

// talk is one run through the questions. Answers stay when somebody goes back,
// and are then what Enter means.
type talk struct {
	Asker
	world World
	Answers
	given   []string // arguments that were there before
	outcome Outcome
}

// errEnough ends the questions without a launch and without an error.
var errEnough = errors.New("nothing more is wanted")

// Run asks until it is known what to launch. given are arguments of "spawn
// launch" that were said already. The error is of kind Interrupted when somebody
// gave up; nothing was made then, or before.
func Run(ctx context.Context, asker Asker, world World, given []string) (Outcome, error) {
	t := &talk{Asker: asker, world: world, given: given, Answers: Answers{Local: world.Local, TTL: defaultTTL}}
	err := t.ask(ctx, []question{t.account, t.need, t.where, t.which, t.market, t.life, t.idle, t.key, t.decide})
	switch {
	case errors.Is(err, errEnough):
		return t.outcome, nil
	case problem.KindOf(err) == problem.Interrupted && err != nil:
		return Outcome{}, problem.New(problem.Interrupted, "nothing was launched")
	}
	return t.outcome, err
}

// question asks something; asked is false when there was nothing to ask.
type question func(context.Context) (asked bool, err error)

// ask puts questions one after the other, and the one before again for who
// wants to go back.
func (t *talk) ask(ctx context.Context, questions []question) error {
	var before []int
	for at := 0; at < len(questions); {
		asked, err := questions[at](ctx)
		switch {
		case errors.Is(err, term.ErrBack) && len(before) == 0:
			t.Say("this is the first question; Ctrl-C ends it all")
		case errors.Is(err, term.ErrBack):
			at, before = before[len(before)-1], before[:len(before)-1]
		case err != nil:
			return err
		default:
			if asked {
				before = append(before, at)
			}
			at++
		}
	}
	return nil
}
