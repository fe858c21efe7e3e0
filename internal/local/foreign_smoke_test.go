package local_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spawn-ec2/spawn/internal/local/s3"
)

// The smoke: foreign clients call every operation that the cloud has, each with
// success, with an error and, in EC2, as a dry run. The scripts assert what is
// answered; that none of it was forgotten, the tape tells.

// services are the cloud's, as it signs for them, and as boto3 calls them.
var services = map[string]string{
	"ec2": "ec2", "iam": "iam", "sts": "sts", "s3": "s3", "ssm": "ssm", "scheduler": "scheduler", "pricing": "pricing", "servicequotas": "service-quotas",
}

func TestBoto3CallsEveryOperation(t *testing.T) {
	w := newSmoke(t)
	if _, err := w.command("python3", "-c", "import boto3"); err != nil {
		t.Skip("boto3 is missing: this foreign client judges nothing here")
	}
	w.smoke("boto3")
}

func TestAWSCommandLineCallsEveryOperation(t *testing.T) {
	w := newSmoke(t)
	if _, err := w.command("python3", "-c", "import awscli.clidriver"); err != nil {
		why := "no AWS CLI is installed"
		if _, err := exec.LookPath("aws"); err == nil {
			why = "the AWS CLI that is installed has no Python package to drive (version 2 has none)"
		}
		t.Skip(why + ": this foreign client does not judge every operation here")
	}
	w.smoke("cli")
}

func newSmoke(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short")
	}
	return newWorld(t)
}

// smoke lets a client call everything and reads from the tape whether it did.
func (w *world) smoke(client string) {
	w.t.Helper()
	served := map[string][]string{}
	for service, theirs := range services {
		served[theirs] = w.operations(service)
	}
	names, err := json.Marshal(served)
	noError(w.t, err)
	out, err := w.command("python3", filepath.Join("testdata", "smoke"), client, string(names))
	if err != nil {
		w.t.Fatal(out)
	}
	seen := w.seen()
	for service := range services {
		for _, name := range w.operations(service) {
			o := seen[service+"."+name]
			if !o.succeeded {
				w.t.Errorf("%s never saw %s succeed", client, name)
			}
			if !o.refused && !neverRefuses(name) {
				w.t.Errorf("%s never saw %s refuse anything", client, name)
			}
			if service == "ec2" && !o.dry && !neverDry(name) {
				w.t.Errorf("%s never made a dry run of %s", client, name)
			}
		}
	}
}

// operations are what the cloud answers of a service.
func (w *world) operations(service string) []string {
	w.t.Helper()
	names := w.Served(service)
	if service == "s3" {
		names = s3Operations(w.t)
	}
	if len(names) == 0 {
		w.t.Fatalf("the cloud has no operations of %s", service)
	}
	slices.Sort(names)
	return names
}

// s3Operations asks S3 what it takes requests of every method for, with and
// without the queries that choose an action in AWS.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
func s3Operations(t testing.TB) []string {
	queries := strings.Fields(`accelerate acl analytics attributes cors delete encryption intelligent-tiering inventory legal-hold lifecycle
		list-type=2 location logging metrics notification object-lock ownershipControls policy policyStatus publicAccessBlock replication
		requestPayment restore retention select session tagging torrent uploadId=x&partNumber=1 uploads versioning versions website`)
	found := map[string]bool{}
	for _, query := range append(queries, "") {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
			for _, at := range [][2]string{{"", ""}, {"bucket", ""}, {"bucket", "key"}} {
				r := httptest.NewRequestWithContext(t.Context(), method, "/?"+query, nil)
				if name, err := s3.Action(r, at[0], at[1]); err == nil {
					found[name] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(found))
}

// outcome is what came of an operation's calls.
type outcome struct{ succeeded, refused, dry bool }

func (w *world) seen() map[string]outcome {
	seen := map[string]outcome{}
	for _, c := range w.Tape().Calls(0) {
		o := seen[c.Service+"."+c.Action]
		switch {
		case c.Error == "DryRunOperation":
			o.dry = true
		case c.Error != "":
			o.refused = true
		default:
			o.succeeded = true
		}
		seen[c.Service+"."+c.Action] = o
	}
	return seen
}

// neverRefuses tells of the operation that takes nothing which could be wrong,
// and needs no permission.
func neverRefuses(name string) bool { return name == "GetCallerIdentity" }

// neverDry tells of EC2's operations that have no DryRun.
func neverDry(name string) bool {
	return slices.Contains([]string{"ModifyVpcAttribute", "ModifySubnetAttribute"}, name)
}

// TestTheDocumentationListsEveryOperation compares the table of
// docs/local-cloud.md with what is served.
func TestTheDocumentationListsEveryOperation(t *testing.T) {
	w := newWorld(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "local-cloud.md"))
	noError(t, err)
	headings := map[string]string{
		"ec2": "EC2", "iam": "IAM", "sts": "STS", "s3": "S3", "ssm": "SSM", "scheduler": "EventBridge Scheduler",
		"pricing": "Price List", "servicequotas": "Service Quotas",
	}
	for service, heading := range headings {
		_, rest, found := strings.Cut(string(text), "\n| "+heading+" | ")
		row, _, closed := strings.Cut(rest, " |\n")
		if !found || !closed {
			t.Errorf("the documentation has no row for %s", heading)
			continue
		}
		told := strings.Split(row, ", ")
		slices.Sort(told)
		if served := w.operations(service); !slices.Equal(told, served) {
			t.Errorf("%s: the documentation lists %q, the cloud has %q", heading, told, served)
		}
	}
}
