package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/spawn-ec2/spawn/internal/account"
	"github.com/spawn-ec2/spawn/internal/deadline"
	"github.com/spawn-ec2/spawn/internal/instance"
	"github.com/spawn-ec2/spawn/internal/journal"
	"github.com/spawn-ec2/spawn/internal/lifecycle"
	"github.com/spawn-ec2/spawn/internal/reap"
)

// FinishAbandoned gives the instances of launches on this machine that died what
// those had no time to give them: the bond to a persistent Spot request, a name
// of their own among several, and the cloud's layer of the deadline. It looks at
// the journals in dir for an endpoint and a region, in the account that is
// calling, and returns whom it armed.
//
// An instance whose launch died is not ended: somebody wanted it, and it ends at
// its deadline. A launch that has no instance is left to RecallAbandoned.
func FinishAbandoned(ctx context.Context, dir, endpoint, region string, api deadline.API, cloud deadline.Cloud) (armed []instance.Instance, err error) {
	err = eachAbandoned(dir, endpoint, region, func(r *journal.Remains) (over bool, err error) {
		more, over, err := finish(ctx, r, api, cloud)
		armed = append(armed, more...)
		return over, err
	})
	return armed, err
}

// RecallAbandoned writes into the journals of launches that died what those made
// without hearing so, as its tags tell, and closes them: all of it then counts as
// made by this machine, so that a cleanup need not wait until it is old. What
// still has an instance is left to FinishAbandoned.
func RecallAbandoned(ctx context.Context, dir, endpoint, region string, who account.Identity, api reap.API, now time.Time) error {
	return eachAbandoned(dir, endpoint, region, func(r *journal.Remains) (over bool, err error) {
		if r.Header.Account != who.Account {
			return false, nil
		}
		made, err := reap.OfLaunch(ctx, api, r.Header.Launch)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(made, func(item reap.Item) bool { return item.Kind == reap.Instance }) {
			return false, nil
		}
		for _, item := range made {
			if slices.ContainsFunc(r.Entries, func(e journal.Entry) bool { return e.ID == item.ID }) {
				continue
			}
			if err := r.Record(journal.Entry{Kind: journal.Kind(item.Kind.String()), ID: item.ID, Region: region, At: now.UTC()}); err != nil {
				return false, err
			}
		}
		return !pending(r, now), nil
	})
}

// eachAbandoned does something about every abandoned launch of an endpoint and a
// region, and closes the journals of those that are over.
func eachAbandoned(dir, endpoint, region string, do func(*journal.Remains) (over bool, err error)) error {
	remains, err := journal.Abandoned(dir)
	failed := []error{err}
	for _, r := range remains {
		over := false
		if r.Header.Endpoint == endpoint && r.Header.Region == region {
			over, err = do(r)
			failed = append(failed, err)
		}
		if over {
			failed = append(failed, r.Done())
		} else {
			failed = append(failed, r.Release())
		}
	}
	return errors.Join(failed...)
}

// finish gives the instances of one abandoned launch what they lack, and tells
// whether nothing remains to be done about it. An instance whose id the launch
// never learned is found by the token of its request.
func finish(ctx context.Context, r *journal.Remains, api deadline.API, cloud deadline.Cloud) (armed []instance.Instance, over bool, err error) {
	asked, err := requests(r)
	if err != nil || len(asked) == 0 {
		return nil, false, err
	}
	who, err := cloud.Who(ctx)
	if err != nil || who.Account != r.Header.Account {
		return nil, false, err
	}
	made, err := withTokens(ctx, api, asked)
	if err != nil {
		return nil, false, fmt.Errorf("look for what the launch %s made: %w", r.Header.Launch, err)
	}
	if err := nameApart(ctx, api, made); err != nil {
		return nil, false, err
	}
	for _, m := range made {
		if m.State.Ended() {
			continue
		}
		over = true
		armedNow, err := m.complete(ctx, r, api, cloud, who)
		if armedNow {
			armed = append(armed, m.Instance)
		}
		if err != nil {
			return armed, false, err
		}
	}
	return armed, over, nil
}

// found is an instance of a launch that died, with the request that made it.
type found struct {
	instance.Instance
	request *ec2.RunInstancesInput
}

// complete binds and arms one instance, and writes that down. What was done
// already is done once more at most, and changes nothing.
func (f found) complete(ctx context.Context, r *journal.Remains, api deadline.API, cloud deadline.Cloud, who account.Identity) (armed bool, err error) {
	request := f.Persistent
	if persistent(f.request) && f.SpotRequest != "" {
		if err := tie(ctx, api, who, r.Header.Region, f.Instance); err != nil {
			return false, err
		}
		request = f.SpotRequest
	}
	written := func(e journal.Entry) bool { return e.Kind == journal.Schedule && e.ID == f.ID }
	if f.NoBackstop || f.Tags.Deadline.IsZero() || slices.ContainsFunc(r.Entries, written) {
		return false, nil
	}
	if err := cloud.Arm(ctx, f.ID, f.Tags.Deadline, request); err != nil {
		return false, err
	}
	return true, r.Record(journal.Entry{Kind: journal.Schedule, ID: f.ID, Region: r.Header.Region, At: cloud.Clock.Now().UTC()})
}

// requests are the frozen requests that the launch may have sent, by their
// tokens.
func requests(r *journal.Remains) (map[string]*ec2.RunInstancesInput, error) {
	asked := map[string]*ec2.RunInstancesInput{}
	for _, e := range r.Entries {
		if e.Kind != journal.Attempt {
			continue
		}
		request := &ec2.RunInstancesInput{}
		if err := json.Unmarshal(e.Request, request); len(e.Request) > 0 && err != nil {
			return nil, fmt.Errorf("read the request %s of the launch %s: %w", e.ID, r.Header.Launch, err)
		}
		asked[e.ID] = request
	}
	return asked, nil
}

// withTokens finds the instances that requests made, ended ones too.
func withTokens(ctx context.Context, api instance.Describer, asked map[string]*ec2.RunInstancesInput) (made []found, err error) {
	all, err := instance.Where(ctx, api, byToken, slices.Sorted(maps.Keys(asked)))
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		made = append(made, found{instance.Read(i), asked[aws.ToString(i.ClientToken)]})
	}
	return made, nil
}

// nameApart gives each of several instances a number, if it has none yet.
func nameApart(ctx context.Context, api tagger, made []found) error {
	taken := map[string]bool{}
	for _, m := range made {
		taken[m.Name] = true
	}
	for i, number := 0, 1; len(made) > 1 && i < len(made); i++ {
		m := &made[i]
		if m.State.Ended() || m.Name == "" || m.Name != nameIn(m.request) {
			continue
		}
		for taken[numbered(m.Name, number)] {
			number++
		}
		name := numbered(m.Name, number)
		if err := writeTags(ctx, api, m.ID, map[string]string{lifecycle.TagName: name}); err != nil {
			return fmt.Errorf("name %s: %w", m.ID, err)
		}
		m.Name, taken[name] = name, true
	}
	return nil
}

// nameIn is the name that a request gives to all its instances; "" when it is
// not known.
func nameIn(request *ec2.RunInstancesInput) string {
	if request == nil {
		return ""
	}
	for _, spec := range request.TagSpecifications {
		if spec.ResourceType == types.ResourceTypeInstance {
			return account.TagMap(spec.Tags)[lifecycle.TagName]
		}
	}
	return ""
}

// persistent tells that a request is for Spot instances which EC2 would replace.
func persistent(request *ec2.RunInstancesInput) bool {
	return request != nil && request.InstanceMarketOptions != nil && request.InstanceMarketOptions.SpotOptions != nil &&
		request.InstanceMarketOptions.SpotOptions.SpotInstanceType == types.SpotInstanceTypePersistent
}

// unheardFor is how long a request that died with its sender may take to have
// its effect, and EC2 to show it.
//
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
const unheardFor = 2 * time.Minute

// pending tells whether an instance of the launch may still come to be seen.
func pending(r *journal.Remains, now time.Time) bool {
	return slices.ContainsFunc(r.Entries, func(e journal.Entry) bool {
		return e.Kind == journal.Attempt && now.Sub(e.At) < unheardFor
	})
}
