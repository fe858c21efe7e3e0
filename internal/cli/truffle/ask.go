package truffle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/catalog"
	"github.com/spawn-ec2/spawn/internal/find"
	"github.com/spawn-ec2/spawn/internal/market"
	"github.com/spawn-ec2/spawn/internal/market/ask"
	"github.com/spawn-ec2/spawn/internal/market/kept"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/settings"
	"github.com/spawn-ec2/spawn/internal/term"
)

// askTimeout bounds the asking of EC2, credentials included: what is late by
// then comes from the catalog.
const askTimeout = 8 * time.Second

// inCatalog are the facets that the catalog has an answer to.
const inCatalog = market.Types | market.Zones | market.OnDemand | market.Spot

// ask finds out what is known for a question: the catalog's knowledge, under
// what the cloud that the flags choose says about it, now or a while ago. What
// it could not find out, and what the user sees instead, goes to standard error.
//
// That nobody could be asked is no error, but the survey's Err, because the
// catalog has answers to most questions. It is one when the flags demand that
// somebody is asked.
func (f Factory) ask(ctx context.Context, s shared, q market.Question) (find.Known, error) {
	if s.all() {
		configured, err := s.configured(f)
		if err != nil {
			return find.Known{}, err
		}
		q.Regions, q.First = nil, configured
	}
	done := f.Streams.Wait("asking %s", asked(q, s.Local))
	survey, err := f.survey(ctx, s, q)
	done()
	if err == nil && errors.Is(ctx.Err(), context.Canceled) {
		err = ctx.Err()
	}
	if err != nil {
		return find.Known{}, err
	}
	survey.Regions = slices.DeleteFunc(survey.Regions, nobodyKnows)
	f.note(shortfalls(survey))
	if s.Output.ForEyes() {
		f.note(f.ages(survey))
	}
	return find.Known{Live: survey}, nil
}

// asked says who is asked, and about how much.
func asked(q market.Question, local bool) string {
	who := "AWS"
	if local {
		who = "the local cloud"
	}
	switch len(q.Regions) {
	case 0:
		return who + " about every region"
	case 1:
		return who + " about " + q.Regions[0]
	}
	return fmt.Sprintf("%s about %d regions", who, len(q.Regions))
}

// questioner is what has a question: a query, behind a pointer, so that the
// question is about the regions that were written into it meanwhile.
type questioner interface {
	Question() (market.Question, error)
}

// askIn writes the regions that the flags mean into a query's, asks its question,
// and leaves the regions there that the account turned out to have.
func (f Factory) askIn(ctx context.Context, s shared, regions *[]string, facets market.Facet, query questioner) (find.Known, error) {
	var err error
	if *regions, err = s.regions(f); err != nil {
		return find.Known{}, err
	}
	q, err := query.Question()
	if err != nil {
		return find.Known{}, err
	}
	q.Facets |= facets
	known, err := f.ask(ctx, s, q)
	*regions = s.answered(known, *regions)
	return known, err
}

// nobodyKnows tells that a region is in no list and that its EC2 did not answer:
// it does not exist, and is not to be taken for one that was asked. Prices and
// scores are told by other regions, which say nothing about what they do not
// know.
func nobodyKnows(r market.Region) bool {
	return r.Facets()&^(market.OnDemand|market.Scores) == 0 && !slices.Contains(catalog.Regions(), r.Name)
}

func (f Factory) note(lines []string) {
	for _, line := range lines {
		term.Note(f.Streams, "%s", line)
	}
}

// survey answers from disk as far as the flags allow it, and asks for the rest.
func (f Factory) survey(ctx context.Context, s shared, q market.Question) (market.Survey, error) {
	if s.Local {
		return f.surveyLocal(ctx, s, q)
	}
	setup, err := awsx.ReadSetup(f.Env, s.Profile)
	if err != nil {
		return market.Survey{}, err
	}
	earlier := kept.New(f.Places.Market(), setup.Identity, f.Now)
	survey := market.Survey{Question: q}
	if !s.Refresh {
		survey = earlier.Read(q, s.Offline)
	}
	switch {
	case survey.Complete():
		return survey, nil
	case s.Offline:
		survey.Err = problem.New(problem.Failed, "not asked, because of --offline").WithNext("leave --offline out")
		return survey, nil
	case !setup.Credentials && !s.Refresh && s.Profile == "":
		survey.Err = problem.New(problem.Denied, "no AWS credentials are configured").
			WithNext("sign in with aws sso login or aws configure, name a profile with --profile or AWS_PROFILE, or ask the local cloud: --local")
		return survey, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	target, err := awsx.Connect(ctx, awsx.Options{Profile: s.Profile, Region: home(q)})
	switch {
	case err != nil && (s.Refresh || s.Profile != "" || errors.Is(err, context.Canceled)):
		return survey, err
	case err != nil:
		survey.Err = err
		f.note([]string{"AWS was not asked: " + err.Error() + "; " + problem.NextOf(err)})
		return survey, nil
	}
	survey = ask.Ask(ctx, ask.Of(target), f.Now, survey)
	if err := earlier.Write(survey); err != nil {
		f.note([]string{err.Error()})
	}
	return survey, demanded(s, survey)
}

// home is the region through which an account is reached.
func home(q market.Question) string {
	if len(q.Regions) > 0 {
		return q.Regions[0]
	}
	return cmp.Or(q.First, defaultRegion)
}

// demanded is the error of a survey that had to find something out and did not.
func demanded(s shared, survey market.Survey) error {
	if !s.Refresh {
		return nil
	}
	err := survey.Enabled.Err
	for _, r := range survey.Regions {
		if r.Facets() != 0 {
			return nil
		}
		for _, cause := range r.Errors() {
			err = cmp.Or(err, cause)
		}
	}
	return err
}

// surveyLocal asks the local cloud. Nothing of it is kept on disk: it answers at
// once, and may be another one a moment later. Where none runs, the catalog
// knows what one would say, but for what only a running one has.
func (f Factory) surveyLocal(ctx context.Context, s shared, q market.Question) (market.Survey, error) {
	survey := market.Survey{Question: q}
	if s.Offline {
		survey.Err = problem.New(problem.Failed, "not asked, because of --offline").WithNext("leave --offline out")
		return survey, nil
	}
	contact, ok, err := settings.ReadLocalContact(f.Places.LocalCloud())
	if err != nil {
		return survey, err
	}
	if !ok || !listens(ctx, contact.Endpoint) {
		survey.Err = problem.New(problem.Failed, "the local cloud is not running").WithNext("start it with: spawn local up")
		if s.Refresh || q.Facets&(market.Reservations|market.Blocks) != 0 {
			return survey, survey.Err
		}
		return survey, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	id, secret := contact.Caller()
	target, err := awsx.Connect(ctx, awsx.Options{
		Region: home(q), Local: &awsx.Local{Endpoint: contact.Endpoint, AccessKeyID: id, SecretAccessKey: secret},
	})
	if err != nil {
		return survey, err
	}
	survey = ask.Ask(ctx, ask.Of(target), f.Now, survey)
	return survey, demanded(s, survey)
}

// listens tells whether somebody takes connections at an address of this
// machine.
func listens(ctx context.Context, endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
