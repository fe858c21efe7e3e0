// Package doctor is "spawn doctor": it looks at all that a launch will need, of
// this machine and of the account, and changes nothing.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spawn-ec2/spawn/internal/cli/spawn/factory"
	"github.com/spawn-ec2/spawn/internal/permissions"
	"github.com/spawn-ec2/spawn/internal/problem"
	"github.com/spawn-ec2/spawn/internal/term"
)

// Options are what the command line says.
type Options struct {
	Factory *factory.Factory
	Output  string
	Policy  string
	Account string
}

// New makes the command.
func New(f *factory.Factory) *cobra.Command {
	o := &Options{Factory: f}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine, the credentials and what they allow",
		Long: `Looks at all that a launch needs, without changing anything: credentials,
clock, permissions (IAM is asked what it would say, EC2 by a dry run), quotas,
SSH key, and whether the local cloud can boot here. What is not permitted is
printed as a policy to ask for. Exits with 4 if a launch would be refused.

  spawn doctor
  spawn doctor --policy spawn-user > spawn-user.json
  aws iam create-policy --policy-name spawn-user --policy-document file://spawn-user.json`,
		Args: factory.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("policy") {
				return printPolicy(cmd.Context(), o)
			}
			return doctorRun(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVarP(&o.Output, "output", "o", "text", "how to show it, a `form`: text or json")
	cmd.Flags().StringVar(&o.Policy, "policy", "", "print the policy of that `name` instead: "+strings.Join(policyNames(), ", "))
	cmd.Flags().StringVar(&o.Account, "account", "", "with --policy: for the account of that `number`, which is then not asked for")
	f.CloudFlags(cmd)
	return cmd
}

// State is what became of a check.
type State string

// The states. Lacking keeps a launch from having all of its parts, Failed keeps
// it from being.
const (
	OK      State = "ok"
	Lacking State = "lacking"
	Failed  State = "failed"
	Unknown State = "unknown"
)

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`
}

// Report is all of them, and what to ask an administrator for.
type Report struct {
	Version string                `json:"version"`
	Checks  []Check               `json:"checks"`
	Missing *permissions.Document `json:"missing_policy,omitempty"`
}

func doctorRun(ctx context.Context, o *Options) error {
	if err := factory.OneOf("--output", o.Output, "text", "json"); err != nil {
		return err
	}
	r := Report{Version: o.Factory.Version}
	done := o.Factory.Streams.Wait("checking this machine and the account")
	r.Checks = append(r.Checks, machine(ctx, o.Factory)...)
	checks, missing := cloud(ctx, o.Factory)
	done()
	r.Checks = append(r.Checks, checks...)
	if len(missing.Statement) > 0 {
		r.Missing = &missing
	}
	if err := r.print(o); err != nil {
		return err
	}
	return r.verdict()
}

func (r Report) print(o *Options) error {
	s := o.Factory.Streams
	if o.Output == "json" {
		return term.JSON(s, r)
	}
	lines := [][2]string{{"version", "spawn " + r.Version}}
	for _, c := range r.Checks {
		lines = append(lines, [2]string{c.Name, string(c.State) + ": " + c.Detail})
		if c.Next != "" {
			lines = append(lines, [2]string{"", "next: " + c.Next})
		}
	}
	if err := term.Pairs(s, lines); err != nil {
		return err
	}
	if r.Missing != nil {
		return o.Factory.Println("\nTo have what is missing, ask for this policy:\n" + r.Missing.Indented())
	}
	return nil
}

// verdict is an error if a launch would be refused.
func (r Report) verdict() error {
	var failed []string
	for _, c := range r.Checks {
		if c.State == Failed {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return problem.New(problem.Denied, "a launch would be refused: see %s", strings.Join(failed, ", "))
}

func policyNames() (names []string) {
	for _, p := range permissions.Policies() {
		names = append(names, p.Name)
	}
	return names
}

// printPolicy prints a policy as IAM takes it, for an account.
func printPolicy(ctx context.Context, o *Options) error {
	if err := factory.OneOf("--policy", o.Policy, policyNames()...); err != nil {
		return err
	}
	partition, number := permissions.Partition(o.Factory.Global.Region), o.Account
	if number == "" {
		target, err := o.Factory.Reach(ctx, "")
		if err != nil {
			return err
		}
		who, err := identify(ctx, target)
		if err != nil {
			return err
		}
		partition, number = who.Partition, who.Account
	}
	if len(number) != 12 || strings.Trim(number, "0123456789") != "" {
		return problem.New(problem.Usage, "an account's number has twelve digits, and %q has not", number)
	}
	for _, p := range permissions.Policies() {
		if p.Name == o.Policy {
			return o.Factory.Println(p.Document(partition, number).Indented())
		}
	}
	return fmt.Errorf("there is no policy %s", o.Policy)
}
