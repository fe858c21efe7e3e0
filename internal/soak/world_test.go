package soak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/spawn-ec2/spawn/internal/awsx"
	"github.com/spawn-ec2/spawn/internal/local"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/permissions"
)

// endpoint is where the cloud would listen, if it did.
const endpoint = "http://127.0.0.1:4566"

const region = "us-east-1"

// How many people there are, and from how many machines each of them works.
const (
	people   = 4
	machines = 3
)

// world is a cloud, the instances in it, and the people who use it.
type world struct {
	dir   string
	cloud *local.Cloud
	fleet *fleet
	desks []*desk // of all people: desk i is of person i % people
	root  *admin
}

// admin is the account's administrator, through whom the witness looks.
type admin struct {
	ec2       *ec2.Client
	scheduler *scheduler.Client
	iam       *iam.Client
}

// desk is a machine that a person works at: what is on its disk.
type desk struct {
	world  *world
	number int
	person string
	owner  string // the person's ARN
	access awsx.Local
	source netip.Prefix
	moved  int // how often a process was killed here, see crash
}

// newWorld makes a cloud with people in it. How healthy an instance is follows
// from the seed and from how many there were before it.
func newWorld(ctx context.Context, dir string, seed uint64) (*world, error) {
	w := &world{dir: dir, fleet: &fleet{hosts: map[string]*host{}}}
	born := 0
	w.fleet.born = func(string) health {
		born++ // under the fleet's lock
		return fate(seed, born)
	}
	var err error
	w.cloud, err = local.New(local.Options{Dir: filepath.Join(dir, "cloud"), Runtime: w.fleet, Addr: "127.0.0.1:4566", Clock: clock.New()})
	if err != nil {
		return nil, err
	}
	key := w.cloud.Admin()
	target, err := awsx.Connect(ctx, awsx.Options{Local: &awsx.Local{Endpoint: endpoint, AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}})
	if err != nil {
		return w, err
	}
	cfg := target.Config()
	cfg.HTTPClient = &line{to: w.cloud.Handler()}
	w.root = &admin{ec2: ec2.NewFromConfig(cfg), scheduler: scheduler.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg)}
	var owners []desk
	for n := range people {
		d, err := w.hire(ctx, fmt.Sprintf("person-%d", n))
		if err != nil {
			return w, err
		}
		owners = append(owners, d)
	}
	for n := range people * machines {
		d := owners[n%people]
		d.number, d.source = n, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(n + 1)}), 32)
		w.desks = append(w.desks, &d)
	}
	return w, nil
}

// fate is how healthy the n-th instance is: two thirds are whole.
func fate(seed uint64, n int) health {
	h := fnv.New64a()
	fmt.Fprint(h, seed, n)
	switch h.Sum64() % 6 {
	case 0:
		return hung
	case 1:
		return timered
	default:
		return whole
	}
}

// hire makes a person who may do what the documented policies of users say, and
// no more.
func (w *world) hire(ctx context.Context, name string) (d desk, err error) {
	user, err := w.root.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(name)})
	if err != nil {
		return d, err
	}
	for _, p := range permissions.Policies() {
		made := aws.String(name + "-" + p.Name)
		policy, err := w.root.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: made, PolicyDocument: aws.String(p.Document("aws", local.DefaultAccount).JSON())})
		if err != nil {
			return d, err
		}
		if _, err := w.root.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String(name), PolicyArn: policy.Policy.Arn}); err != nil {
			return d, err
		}
	}
	key, err := w.root.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(name)})
	if err != nil {
		return d, err
	}
	return desk{
		world: w, person: name, owner: aws.ToString(user.User.Arn),
		access: awsx.Local{Endpoint: endpoint, AccessKeyID: aws.ToString(key.AccessKey.AccessKeyId), SecretAccessKey: aws.ToString(key.AccessKey.SecretAccessKey)},
	}, nil
}

// disk is the folder of the desk's disk.
func (d *desk) disk() string {
	return filepath.Join(d.world.dir, fmt.Sprintf("desk-%d.%d", d.number, d.moved))
}

// home is where the person's key for this machine is, which no crash destroys.
func (d *desk) home() string { return filepath.Join(d.world.dir, fmt.Sprintf("home-%d", d.number)) }

// crash is what the death of a process leaves: the disk as it is at that moment.
// The process goes on with the old one, which nobody sees any more, and so do
// its locks.
func (d *desk) crash() error {
	was := d.disk()
	d.moved++
	err := os.CopyFS(d.disk(), os.DirFS(was))
	if errors.Is(err, os.ErrNotExist) {
		err = nil // a file that was removed meanwhile, or nothing was written yet
	}
	return err
}

// close ends the cloud.
func (w *world) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return w.cloud.Close(ctx)
}

// toJSON is for comparing and for people.
func toJSON(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}
