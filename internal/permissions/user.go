package permissions

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spawn-ec2/spawn/internal/lifecycle"
)

// Capability is a part of what spawn does that a person may be allowed or not.
// Without Launching and Managing there is no spawn; without the others it works
// with less, and says what is missing.
type Capability string

// The capabilities, as a person reads them.
const (
	Launching  Capability = "launch instances"
	Managing   Capability = "manage and clean up"
	Keys       Capability = "import an SSH key"
	Checking   Capability = "check what would be done, and what you may do"
	AgentsRole Capability = "make the agent's role"
	Buckets    Capability = "distribute the agent"
	CloudLayer Capability = "the cloud's layer of the deadline"
	Networking Capability = "make a network where there is none"
	Finding    Capability = "find types, prices and capacity"
)

// Capabilities are all of them, the needed ones first.
func Capabilities() []Capability {
	return []Capability{Launching, Managing, Keys, Checking, AgentsRole, Buckets, CloudLayer, Networking, Finding}
}

// Policy is a managed policy to be made and attached.
type Policy struct {
	Name         string
	Capabilities []Capability
}

// Policies are those that the person who runs spawn needs, by need, as one would
// be too long: to launch and manage; for the layers of the deadline, which are
// the agent with its role and bucket, and the cloud's schedules; to make a
// network in regions without a default VPC; and for truffle.
func Policies() []Policy {
	return []Policy{
		{"spawn-user", []Capability{Launching, Managing, Keys, Checking}},
		{"spawn-user-layers", []Capability{AgentsRole, Buckets, CloudLayer}},
		{"spawn-user-network", []Capability{Networking}},
		{"truffle-user", []Capability{Finding}},
	}
}

// Document is the policy's text for an account.
func (p Policy) Document(partition, account string) Document {
	d := Document{Version: version}
	for _, c := range p.Capabilities {
		d.Statement = append(d.Statement, c.statements(partition, account)...)
	}
	return d
}

// User is what the person who runs spawn and truffle must be allowed for all
// that their commands do: all the policies as one document, which may be longer
// than IAM takes. Asking who is calling (sts:GetCallerIdentity) needs no
// permission.
func User(partition, account string) Document {
	return Policy{Capabilities: Capabilities()}.Document(partition, account)
}

// For is what one capability needs.
func For(c Capability, partition, account string) Document {
	return Document{Version: version, Statement: c.statements(partition, account)}
}

// Ask is the policy to ask an administrator for, on one line.
func Ask(c Capability, partition, account string) string { return For(c, partition, account).JSON() }

// Indented is the document as a person reads it.
func (d Document) Indented() string {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("a policy document cannot be encoded: %v", err)) // it holds only strings
	}
	return string(b)
}

func (c Capability) statements(partition, account string) []Statement {
	s := scope{partition, account}
	switch c {
	case Launching:
		return s.launching()
	case Managing:
		return s.managing()
	case Keys:
		return s.keys()
	case AgentsRole:
		return s.agentsRole()
	case Buckets:
		return s.buckets()
	case CloudLayer:
		return s.cloudLayer()
	case Finding:
		return s.finding()
	case Checking:
		return s.checking()
	case Networking:
		return s.networking()
	default:
		return nil
	}
}

// scope is where statements hold: an account, in all of its regions.
type scope struct{ partition, account string }

type conditions = map[string]map[string][]string

// born holds for what is tagged as spawn's in the very call that makes it, ours
// for what bears the tag already.
func born() conditions {
	return conditions{"StringEquals": {"aws:RequestTag/" + lifecycle.TagManaged: {"true"}}}
}

func ours() conditions {
	return conditions{"StringEquals": {"aws:ResourceTag/" + lifecycle.TagManaged: {"true"}}}
}

// bornIn holds for tags that an action gives to what it makes.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
func bornIn(actions ...string) conditions {
	c := born()
	c["StringEquals"]["ec2:CreateAction"] = actions
	return c
}

// onlyTags holds for what bears the tag, if nothing but tags with these keys is
// written.
func onlyTags(keys ...string) conditions {
	c := ours()
	c["ForAllValues:StringEquals"] = map[string][]string{"aws:TagKeys": keys}
	return c
}

func passedTo(service string) conditions {
	return conditions{"StringEquals": {"iam:PassedToService": {service}}}
}

func allow(sid string, resources []string, when conditions, actions ...string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: when}
}

func (s scope) ec2(kinds ...string) []string { return ec2ARNs(s.partition, s.account, kinds...) }

func (s scope) iam(kind, name string) []string {
	return []string{fmt.Sprintf("arn:%s:iam::%s:%s/%s", s.partition, s.account, kind, name)}
}

// launching: new things must bear our tag from their first moment; what exists
// already may be used whoever made it. RunInstances reads the image's parameter
// with the caller's permission. The first Spot Instance of an account makes a
// role of EC2's own.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
func (s scope) launching() []Statement {
	fresh := []string{"instance", "volume", "network-interface", "spot-instances-request"}
	existing := append([]string{fmt.Sprintf("arn:%s:ec2:*::image/*", s.partition)}, s.ec2("subnet", "security-group", "key-pair", "capacity-reservation")...)
	return []Statement{
		allow("LookAround", []string{"*"}, nil, "ec2:DescribeInstances", "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeCapacityReservations", "ec2:DescribeImages"),
		allow("ReadImageNames", []string{fmt.Sprintf("arn:%s:ssm:*::parameter/aws/service/*", s.partition)}, nil, "ssm:GetParameters", "ssm:GetParametersByPath"),
		allow("LaunchTagged", s.ec2(fresh...), born(), "ec2:RunInstances"),
		allow("LaunchWith", existing, nil, "ec2:RunInstances", "ec2:ModifyInstanceAttribute"),
		allow("MakeSecurityGroup", s.ec2("security-group"), born(), "ec2:CreateSecurityGroup"),
		allow("MakeSecurityGroupIn", s.ec2("vpc"), nil, "ec2:CreateSecurityGroup"),
		allow("OpenSecurityGroup", s.ec2("security-group"), ours(), "ec2:AuthorizeSecurityGroupIngress"),
		allow("FirstSpotInstance", s.iam("role", "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"),
			conditions{"StringEquals": {"iam:AWSServiceName": {"spot.amazonaws.com"}}}, "iam:CreateServiceLinkedRole"),
		allow("NameInstances", s.ec2("instance"), onlyTags(lifecycle.TagName, lifecycle.TagSpotRequest, lifecycle.TagBackstop), "ec2:CreateTags"),
		allow("TieSpotRequests", s.ec2("spot-instances-request"), onlyTags(lifecycle.TagInstance), "ec2:CreateTags"),
		allow("TagWhatIsMade", s.ec2(append(fresh, "security-group")...), bornIn("RunInstances", "CreateSecurityGroup"), "ec2:CreateTags"),
	}
}

// managing: only what bears our tag is touched, and of an instance's tags only
// those that say when it ends. ModifyInstanceAttribute puts an instance into a
// security group; LaunchWith has its other half, since the request names all the
// groups, whoever made them.
func (s scope) managing() []Statement {
	return []Statement{
		allow("LookForRemains", []string{"*"}, nil, "ec2:DescribeVolumes", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSpotInstanceRequests", "ec2:DescribeVpcs", "ec2:DescribeInternetGateways"),
		allow("ActOnInstances", s.ec2("instance"), ours(), "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances", "ec2:ModifyInstanceAttribute"),
		allow("CancelSpotRequests", s.ec2("spot-instances-request"), ours(), "ec2:CancelSpotInstanceRequests"),
		allow("ReadConsoles", s.ec2("instance"), ours(), "ec2:GetConsoleOutput"),
		allow("MoveDeadlines", s.ec2("instance"), onlyTags(lifecycle.TagDeadline, lifecycle.TagBackstop), "ec2:CreateTags"),
		allow("DeleteRemains", s.ec2("volume", "network-interface", "security-group"), ours(), "ec2:DeleteVolume", "ec2:DeleteNetworkInterface", "ec2:DeleteSecurityGroup"),
	}
}

func (s scope) keys() []Statement {
	return []Statement{
		allow("LookForKeys", []string{"*"}, nil, "ec2:DescribeKeyPairs"),
		allow("ImportKey", s.ec2("key-pair"), born(), "ec2:ImportKeyPair"),
		allow("TagKey", s.ec2("key-pair"), bornIn("ImportKeyPair"), "ec2:CreateTags"),
	}
}

// agentsRole: whoever may write a role's policy and pass the role has, in the
// end, what that policy says. Where that is too much, an administrator makes the
// role once, and MakeAgentRole is left out.
//
// AddRoleToInstanceProfile asks for iam:PassRole without saying to whom.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func (s scope) agentsRole() []Statement {
	pass := conditions{"StringEqualsIfExists": passedTo("ec2.amazonaws.com")["StringEquals"]}
	return []Statement{
		allow("MakeAgentRole", slices.Concat(s.iam("role", AgentRole), s.iam("instance-profile", AgentRole)), nil,
			"iam:CreateRole", "iam:TagRole", "iam:PutRolePolicy",
			"iam:CreateInstanceProfile", "iam:TagInstanceProfile", "iam:AddRoleToInstanceProfile"),
		allow("PassAgentRole", s.iam("role", AgentRole), pass, "iam:PassRole"),
	}
}

// buckets: ListBucket makes S3 say that an object is missing instead of refusing.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s scope) buckets() []Statement {
	bucket := fmt.Sprintf("arn:%s:s3:::%s-*", s.partition, BucketPrefix(s.account))
	return []Statement{
		allow("MakeAgentBucket", []string{bucket}, nil, "s3:CreateBucket", "s3:ListBucket"),
		allow("StoreAgent", []string{bucket + "/*"}, nil, "s3:GetObject", "s3:PutObject"),
		allow("DropScripts", []string{bucket + "/user-data/*"}, nil, "s3:DeleteObject"),
	}
}

// cloudLayer: a schedule can be made only in our group, and only for the role
// that ends nothing but what spawn made.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
func (s scope) cloudLayer() []Statement {
	schedules := fmt.Sprintf("arn:%s:scheduler:*:%s:schedule/%s/*", s.partition, s.account, ScheduleGroup)
	return []Statement{
		allow("MakeScheduleGroup", []string{scheduleGroupARN(s.partition, s.account)}, nil, "scheduler:CreateScheduleGroup", "scheduler:TagResource"),
		allow("KeepSchedules", []string{schedules}, nil,
			"scheduler:CreateSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule", "scheduler:ListSchedules"),
		allow("MakeSchedulerRole", s.iam("role", SchedulerRole), nil, "iam:CreateRole", "iam:TagRole", "iam:PutRolePolicy"),
		allow("PassSchedulerRole", s.iam("role", SchedulerRole), passedTo("scheduler.amazonaws.com"), "iam:PassRole"),
	}
}

// checking is what a dry run and spawn doctor read: whether the role is there,
// and what IAM would say to the one who asks. Who has come in through a role
// must find that role's ARN first. None of it changes anything.
func (s scope) checking() []Statement {
	return []Statement{
		allow("LookForAgentRole", s.iam("instance-profile", AgentRole), nil, "iam:GetInstanceProfile"),
		allow("AskWhatYouMay", slices.Concat(s.iam("user", "*"), s.iam("role", "*")), nil, "iam:SimulatePrincipalPolicy", "iam:GetRole"),
	}
}

// finding is what truffle reads. None of these can be limited to a resource.
func (s scope) finding() []Statement {
	return []Statement{allow("Find", []string{"*"}, nil,
		"ec2:DescribeRegions", "ec2:DescribeAvailabilityZones", "ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings",
		"ec2:DescribeSpotPriceHistory", "ec2:GetSpotPlacementScores",
		"ec2:DescribeCapacityReservations", "ec2:DescribeCapacityBlockOfferings",
		"pricing:GetProducts", "servicequotas:ListServiceQuotas")}
}

// networking: a VPC of ours, with what is in it, is made, changed and deleted by
// its tag. The main route table comes with the VPC and has no tag, and no
// condition key tells that its VPC has one: routes may be set in any.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
func (s scope) networking() []Statement {
	parts := s.ec2("vpc", "subnet", "internet-gateway")
	return []Statement{
		allow("LookForNetworks", []string{"*"}, nil, "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInternetGateways", "ec2:DescribeRouteTables", "ec2:DescribeAvailabilityZones"),
		allow("MakeNetwork", parts, born(), "ec2:CreateVpc", "ec2:CreateSubnet", "ec2:CreateInternetGateway"),
		allow("TagNetwork", parts, bornIn("CreateVpc", "CreateSubnet", "CreateInternetGateway"), "ec2:CreateTags"),
		allow("ChangeNetwork", parts, ours(),
			"ec2:CreateSubnet", "ec2:ModifySubnetAttribute", "ec2:AttachInternetGateway",
			"ec2:DetachInternetGateway", "ec2:DeleteSubnet", "ec2:DeleteInternetGateway", "ec2:DeleteVpc"),
		allow("LeadToTheInternet", s.ec2("route-table"), nil, "ec2:CreateRoute", "ec2:DeleteRoute"),
	}
}
