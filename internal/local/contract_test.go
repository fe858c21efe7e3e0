package local_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/spawn-ec2/spawn/internal/cloudtest"
)

// The contract suite: the same calls to this cloud and to moto, which nobody
// here wrote, and the outcomes compared. An outcome is the code of the error or,
// for a call that succeeds, the shape of its answer: what in it does not depend
// on the cloud, put into words by the step; "ok" where there is nothing to tell.

// scene is a sequence of calls, each made to one cloud after the other.
type scene struct {
	name  string
	steps []step
}

// step is a call and what it comes to.
type step struct {
	name string
	do   func(context.Context, *stage) (string, error)
	want string // of this cloud
	moto string // of moto, where it is known to differ; empty: the same
	why  string // it differs

	unjudged string // why moto is not asked; empty: it is
}

// stage is a cloud and the ids of what the scene has made there.
type stage struct {
	ec2       *ec2.Client
	iam       *iam.Client
	s3        *s3.Client
	ssm       *ssm.Client
	scheduler *scheduler.Client
	ids       map[string]string
}

// newStage is a cloud before a scene begins.
func newStage(c aws.Config) *stage {
	return &stage{
		ec2: ec2.NewFromConfig(c), iam: iam.NewFromConfig(c), ssm: ssm.NewFromConfig(c), scheduler: scheduler.NewFromConfig(c),
		s3:  s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
		ids: map[string]string{},
	}
}

// id is the id of what an earlier step made, for an input.
func (s *stage) id(name string) *string { return aws.String(s.ids[name]) }

// play makes a step's call.
func (s step) play(ctx context.Context, on *stage) string {
	shape, err := s.do(ctx, on)
	switch code := codeOf(err); {
	case code != "":
		return code
	case err != nil:
		return "no answer: " + err.Error()
	case shape == "":
		return "ok"
	}
	return shape
}

// just makes a step of a call whose answer has no shape to compare.
func just[In, Out any](call func(*ec2.Client) func(context.Context, *In, ...func(*ec2.Options)) (*Out, error), in func(*stage) *In) func(context.Context, *stage) (string, error) {
	return shaped(call, in, func(*stage, *Out) string { return "" })
}

// shaped makes a step of a call, and words its answer.
func shaped[In, Out any](call func(*ec2.Client) func(context.Context, *In, ...func(*ec2.Options)) (*Out, error), in func(*stage) *In, shape func(*stage, *Out) string) func(context.Context, *stage) (string, error) {
	return func(ctx context.Context, s *stage) (string, error) {
		out, err := call(s.ec2)(ctx, in(s))
		if err != nil {
			return "", err
		}
		return shape(s, out), nil
	}
}

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short")
	}
	scenes := []scene{
		networkScene(), interfaceScene(), routeScene(), ruleScene(), attributeScene(), typeScene(),
		roleScene(), userScene(), objectScene(), parameterScene(), scheduleScene(),
	}
	t.Run("local", func(t *testing.T) {
		for _, scene := range scenes {
			w := newWorld(t)
			on := newStage(w.config(w.admin()))
			for _, s := range scene.steps {
				if got := s.play(t.Context(), on); got != s.want {
					t.Errorf("%s, %s: %s, not %s", scene.name, s.name, got, s.want)
				}
			}
		}
	})
	t.Run("moto", func(t *testing.T) {
		moto := aws.Config{
			Region: region, BaseEndpoint: aws.String(cloudtest.Moto(t).Target.Endpoint), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDMOTO", "moto", ""),
		}
		for _, scene := range scenes {
			on := newStage(moto)
			for _, s := range scene.steps {
				s.judge(t, scene.name, on)
			}
		}
	})
}

// judge compares what moto says with what this cloud is to say, or with what it
// is known to say instead: a divergence that is gone is to be struck from here.
func (s step) judge(t *testing.T, scene string, on *stage) {
	t.Helper()
	if s.unjudged != "" {
		t.Logf("%s, %s: not judged: %s", scene, s.name, s.unjudged)
		return
	}
	got := s.play(t.Context(), on)
	if s.moto == "" {
		if got != s.want {
			t.Errorf("%s, %s: moto says %s, this cloud %s", scene, s.name, got, s.want)
		}
		return
	}
	if s.why == "" || s.moto == s.want {
		t.Errorf("%s, %s: the divergence has no reason, or is none", scene, s.name)
	}
	if got != s.moto {
		t.Errorf("%s, %s: moto says %s, and no longer %s; this cloud %s", scene, s.name, got, s.moto, s.want)
	}
}

func createVpc(name, cidr string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.CreateVpcInput, ...func(*ec2.Options)) (*ec2.CreateVpcOutput, error) {
		return c.CreateVpc
	}, func(*stage) *ec2.CreateVpcInput {
		return &ec2.CreateVpcInput{CidrBlock: &cidr, TagSpecifications: tagged("vpc")}
	}, func(s *stage, out *ec2.CreateVpcOutput) string {
		s.ids[name] = *out.Vpc.VpcId
		return fmt.Sprintf("%s default=%t %d tag", *out.Vpc.CidrBlock, *out.Vpc.IsDefault, len(out.Vpc.Tags))
	})
}

func createSubnet(name, vpc, cidr string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.CreateSubnetInput, ...func(*ec2.Options)) (*ec2.CreateSubnetOutput, error) {
		return c.CreateSubnet
	}, func(s *stage) *ec2.CreateSubnetInput {
		return &ec2.CreateSubnetInput{VpcId: s.id(vpc), CidrBlock: &cidr}
	}, func(s *stage, out *ec2.CreateSubnetOutput) string {
		s.ids[name] = *out.Subnet.SubnetId
		return fmt.Sprintf("%s public=%t free=%d", *out.Subnet.CidrBlock, *out.Subnet.MapPublicIpOnLaunch, *out.Subnet.AvailableIpAddressCount)
	})
}

func createGateway(name string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.CreateInternetGatewayInput, ...func(*ec2.Options)) (*ec2.CreateInternetGatewayOutput, error) {
		return c.CreateInternetGateway
	}, func(*stage) *ec2.CreateInternetGatewayInput { return &ec2.CreateInternetGatewayInput{} },
		func(s *stage, out *ec2.CreateInternetGatewayOutput) string {
			s.ids[name] = *out.InternetGateway.InternetGatewayId
			return fmt.Sprintf("%d attachments", len(out.InternetGateway.Attachments))
		})
}

func attach(gateway, vpc string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.AttachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.AttachInternetGatewayOutput, error) {
		return c.AttachInternetGateway
	}, func(s *stage) *ec2.AttachInternetGatewayInput {
		return &ec2.AttachInternetGatewayInput{InternetGatewayId: s.id(gateway), VpcId: s.id(vpc)}
	})
}

func detach(gateway, vpc string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DetachInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DetachInternetGatewayOutput, error) {
		return c.DetachInternetGateway
	}, func(s *stage) *ec2.DetachInternetGatewayInput {
		return &ec2.DetachInternetGatewayInput{InternetGatewayId: s.id(gateway), VpcId: s.id(vpc)}
	})
}

func deleteGateway(gateway string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DeleteInternetGatewayInput, ...func(*ec2.Options)) (*ec2.DeleteInternetGatewayOutput, error) {
		return c.DeleteInternetGateway
	}, func(s *stage) *ec2.DeleteInternetGatewayInput {
		return &ec2.DeleteInternetGatewayInput{InternetGatewayId: s.id(gateway)}
	})
}

func deleteVpc(vpc string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DeleteVpcInput, ...func(*ec2.Options)) (*ec2.DeleteVpcOutput, error) {
		return c.DeleteVpc
	}, func(s *stage) *ec2.DeleteVpcInput { return &ec2.DeleteVpcInput{VpcId: s.id(vpc)} })
}

func deleteSubnet(subnet string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DeleteSubnetInput, ...func(*ec2.Options)) (*ec2.DeleteSubnetOutput, error) {
		return c.DeleteSubnet
	}, func(s *stage) *ec2.DeleteSubnetInput { return &ec2.DeleteSubnetInput{SubnetId: s.id(subnet)} })
}

func createTable(name, vpc string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.CreateRouteTableInput, ...func(*ec2.Options)) (*ec2.CreateRouteTableOutput, error) {
		return c.CreateRouteTable
	}, func(s *stage) *ec2.CreateRouteTableInput { return &ec2.CreateRouteTableInput{VpcId: s.id(vpc)} },
		func(s *stage, out *ec2.CreateRouteTableOutput) string {
			s.ids[name] = *out.RouteTable.RouteTableId
			return wordRoutes(out.RouteTable.Routes)
		})
}

// wordRoutes says where routes go, whatever the ids.
func wordRoutes(routes []types.Route) string {
	var words []string
	for _, r := range routes {
		target, _, _ := strings.Cut(aws.ToString(r.GatewayId), "-")
		words = append(words, fmt.Sprintf("%s>%s %s %s", aws.ToString(r.DestinationCidrBlock), target, r.State, r.Origin))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func describeTable(table string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
		return c.DescribeRouteTables
	}, func(s *stage) *ec2.DescribeRouteTablesInput {
		return &ec2.DescribeRouteTablesInput{RouteTableIds: []string{s.ids[table]}}
	}, func(_ *stage, out *ec2.DescribeRouteTablesOutput) string {
		return wordRoutes(out.RouteTables[0].Routes) + fmt.Sprintf("; %d associations", len(out.RouteTables[0].Associations))
	})
}

func deleteTable(table string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DeleteRouteTableInput, ...func(*ec2.Options)) (*ec2.DeleteRouteTableOutput, error) {
		return c.DeleteRouteTable
	}, func(s *stage) *ec2.DeleteRouteTableInput {
		return &ec2.DeleteRouteTableInput{RouteTableId: s.id(table)}
	})
}

func createRoute(table, cidr, gateway string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.CreateRouteInput, ...func(*ec2.Options)) (*ec2.CreateRouteOutput, error) {
		return c.CreateRoute
	}, func(s *stage) *ec2.CreateRouteInput {
		return &ec2.CreateRouteInput{RouteTableId: s.id(table), DestinationCidrBlock: &cidr, GatewayId: s.id(gateway)}
	})
}

func deleteRoute(table, cidr string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DeleteRouteInput, ...func(*ec2.Options)) (*ec2.DeleteRouteOutput, error) {
		return c.DeleteRoute
	}, func(s *stage) *ec2.DeleteRouteInput {
		return &ec2.DeleteRouteInput{RouteTableId: s.id(table), DestinationCidrBlock: &cidr}
	})
}

func associate(name, table, subnet string) func(context.Context, *stage) (string, error) {
	return shaped(func(c *ec2.Client) func(context.Context, *ec2.AssociateRouteTableInput, ...func(*ec2.Options)) (*ec2.AssociateRouteTableOutput, error) {
		return c.AssociateRouteTable
	}, func(s *stage) *ec2.AssociateRouteTableInput {
		return &ec2.AssociateRouteTableInput{RouteTableId: s.id(table), SubnetId: s.id(subnet)}
	}, func(s *stage, out *ec2.AssociateRouteTableOutput) string {
		s.ids[name] = *out.AssociationId
		return ""
	})
}

func disassociate(association string) func(context.Context, *stage) (string, error) {
	return just(func(c *ec2.Client) func(context.Context, *ec2.DisassociateRouteTableInput, ...func(*ec2.Options)) (*ec2.DisassociateRouteTableOutput, error) {
		return c.DisassociateRouteTable
	}, func(s *stage) *ec2.DisassociateRouteTableInput {
		return &ec2.DisassociateRouteTableInput{AssociationId: s.id(association)}
	})
}
