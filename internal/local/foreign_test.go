package local_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// environment points any AWS client at the cloud, and away from the files of
// whoever runs the test.
func (w *world) environment() []string {
	a := w.admin()
	none := filepath.Join(w.dir, "none")
	clean := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(clean, "AWS_ENDPOINT_URL="+w.url, "AWS_ACCESS_KEY_ID="+a.key, "AWS_SECRET_ACCESS_KEY="+a.secret, "AWS_REGION=eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1,localhost")
}

func (w *world) command(name string, args ...string) (string, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(w.environment(), "PYTHONDONTWRITEBYTECODE=1") // nothing is left in testdata
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err != nil {
		return errOut.String(), err
	}
	return strings.TrimSpace(out.String()), nil
}

func TestBoto3LivesAnInstancesLife(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short")
	}
	w := newWorld(t)
	if _, err := w.command("python3", "-c", "import boto3"); err != nil {
		t.Skip("boto3 is missing: this foreign client judges nothing here")
	}
	out, err := w.command("python3", filepath.Join("testdata", "life.py"))
	if err != nil {
		t.Fatal(out)
	}
	t.Log(out)
}

func TestAWSCommandLineLivesAnInstancesLife(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is missing: this foreign client judges nothing here")
	}
	w := newWorld(t)
	run := func(args ...string) string {
		t.Helper()
		out, err := w.command("aws", args...)
		if err != nil {
			t.Fatalf("aws %s: %s", strings.Join(args, " "), out)
		}
		return out
	}
	text := func(query string, args ...string) string {
		t.Helper()
		return run(append(args, "--query", query, "--output", "text")...)
	}
	if got := text("Account", "sts", "get-caller-identity"); got != "123456789012" {
		t.Errorf("the account is %s", got)
	}
	group := text("GroupId", "ec2", "create-security-group", "--group-name", "g", "--description", "d")
	run("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "192.0.2.1/32")
	id := text("Instances[0].InstanceId", "ec2", "run-instances", "--image-id", al2023, "--instance-type", "t3.micro", "--security-group-ids", group,
		"--user-data", "#!/bin/sh", "--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=x}]")
	run("ec2", "wait", "instance-running", "--instance-ids", id)
	if got := text("Reservations[].Instances[].Tags[].Value", "ec2", "describe-instances", "--filters", "Name=tag:Name,Values=x"); got != "x" {
		t.Errorf("the tag is %q", got)
	}
	run("ec2", "terminate-instances", "--instance-ids", id)
	run("ec2", "wait", "instance-terminated", "--instance-ids", id)
	run("ec2", "delete-security-group", "--group-id", group)
	if out, err := w.command("aws", "ec2", "describe-instances", "--instance-ids", "i-00000000000000000"); err == nil || !strings.Contains(out, "InvalidInstanceID.NotFound") {
		t.Errorf("an unknown instance: %s %v", out, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	noError(t, os.WriteFile(file, []byte("content"), 0o600))
	run("s3", "mb", "s3://bucket-by-the-cli")
	run("s3", "cp", file, "s3://bucket-by-the-cli/dir/file")
	run("s3", "cp", "s3://bucket-by-the-cli/dir/file", file+".back")
	if back, err := os.ReadFile(file + ".back"); err != nil || string(back) != "content" {
		t.Errorf("it came back as %q, %v", back, err)
	}
	run("s3", "rm", "s3://bucket-by-the-cli/dir/file")
	run("s3", "rb", "s3://bucket-by-the-cli")
	if len(w.machines.byID) != 1 {
		t.Errorf("%d machines booted", len(w.machines.byID))
	}
}
