package reap

import "github.com/spawn-ec2/spawn/internal/price"

// Kind is a sort of leftover. The order of the constants is the order in which
// they can be deleted.
type Kind int

// The kinds. What comes before SecurityGroup are belongings, which should have
// gone with their instance; the rest is furniture, but for schedules and what
// carried users' scripts.
const (
	SpotRequest Kind = iota // a persistent one, which would start an instance anew
	Instance
	Interface
	Volume
	SecurityGroup
	Subnet
	Gateway
	VPC
	KeyPair
	Schedule // from here on not among what Delete deletes: it knows EC2 alone
	Cargo
	Bucket
	ScheduleGroup
	InstanceProfile
	Role
)

func (k Kind) String() string {
	return [...]string{
		"Spot request", "instance", "network interface", "volume", "security group", "subnet", "internet gateway", "VPC", "key pair",
		"schedule", "user-data object", "bucket", "schedule group", "instance profile", "role",
	}[k]
}

// MarshalText writes the kind in words.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Item is something that is left.
type Item struct {
	Kind    Kind       `json:"kind"`
	ID      string     `json:"id"`
	Name    string     `json:"name,omitempty"`
	Why     string     `json:"why"` // why it counts as left
	Owner   string     `json:"owner,omitempty"`
	Monthly price.Cost `json:"usd_per_month"` // what it costs as long as it is there

	launch string // whose it is, by its tag
	vpc    string // in which it is, where that matters
}
