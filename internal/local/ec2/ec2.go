// Package ec2 is EC2 of the local cloud: instances that really boot, through a
// runtime, and what belongs to them. Each region is a world of its own, with a
// default VPC, as in a new account.
//
// It is EC2 and nothing of its clients: it gives no tag a meaning. What it does
// not do it refuses; a parameter is never accepted and ignored. A file is about
// one kind of resource, and the rules in it cite AWS's documentation.
//
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html
package ec2

import (
	"log/slog"
	"net/http"
	"sync"

	"github.com/spawn-ec2/spawn/internal/local/call"
	"github.com/spawn-ec2/spawn/internal/local/clock"
	"github.com/spawn-ec2/spawn/internal/local/fault"
	"github.com/spawn-ec2/spawn/internal/local/iam"
	"github.com/spawn-ec2/spawn/internal/local/runtime"
	"github.com/spawn-ec2/spawn/internal/local/store"
	"github.com/spawn-ec2/spawn/internal/local/sts"
)

// Config is what EC2 is made of.
type Config struct {
	Account string
	Store   *store.Store
	Clock   *clock.Clock
	IAM     *iam.Service
	STS     *sts.Service
	Runtime runtime.Runtime
	Faults  *fault.Set // what is to go wrong
	Quotas  Quotas
	Dir     string       // instances have their folders below it
	API     http.Handler // the cloud's endpoint, as it is served inside instances
	APIAddr string       // the host and port under which it is served there
	Log     *slog.Logger
}

// Service is EC2 in every region.
type Service struct {
	Config

	instances   *collection[Instance]
	tokens      *store.Table[launchToken]
	volumes     *collection[Volume]
	interfaces  *collection[Interface]
	vpcs        *collection[VPC]
	subnets     *collection[Subnet]
	groups      *collection[SecurityGroup]
	gateways    *collection[Gateway]
	routeTables *collection[RouteTable]
	keys        *collection[KeyPair]
	capacity    *collection[CapacityReservation]
	spot        *collection[SpotRequest]
	addresses   *store.Table[string]            // whose an address is: "subnet address" or "public address" to the interface
	tags        *store.Table[map[string]string] // by resource id

	mu       sync.Mutex // guards what follows
	machines map[string]*machine
	consoles map[string]*console
	closing  bool
	running  sync.WaitGroup // the goroutines of machines
}

// New adds EC2's tables to the store.
func New(c Config) *Service {
	return &Service{
		Config:      c,
		instances:   newCollection[Instance](c),
		tokens:      store.NewTable[launchToken](c.Store),
		volumes:     newCollection[Volume](c),
		interfaces:  newCollection[Interface](c),
		vpcs:        newCollection[VPC](c),
		subnets:     newCollection[Subnet](c),
		groups:      newCollection[SecurityGroup](c),
		gateways:    newCollection[Gateway](c),
		routeTables: newCollection[RouteTable](c),
		keys:        newCollection[KeyPair](c),
		capacity:    newCollection[CapacityReservation](c),
		spot:        newCollection[SpotRequest](c),
		addresses:   store.NewTable[string](c.Store),
		tags:        store.NewTable[map[string]string](c.Store),
		machines:    map[string]*machine{},
		consoles:    map[string]*console{},
	}
}

// Operations are the actions that EC2 answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Writes("RunInstances", s.runInstances),
		lists(s, "DescribeInstances", s.describeInstances),
		lists(s, "DescribeInstanceStatus", s.describeInstanceStatus),
		call.Writes("TerminateInstances", s.terminateInstances),
		call.Writes("StopInstances", s.stopInstances),
		call.Writes("StartInstances", s.startInstances),
		call.Writes("RebootInstances", s.rebootInstances),
		call.Reads("DescribeInstanceAttribute", s.describeInstanceAttribute),
		call.Writes("ModifyInstanceAttribute", s.modifyInstanceAttribute),
		call.Writes("ModifyInstanceMetadataOptions", s.modifyInstanceMetadataOptions),
		call.Reads("GetConsoleOutput", s.getConsoleOutput),
		call.Writes("CreateTags", s.createTags),
		call.Writes("DeleteTags", s.deleteTags),
		lists(s, "DescribeTags", s.describeTags),
		call.Writes("ImportKeyPair", s.importKeyPair),
		lists(s, "DescribeKeyPairs", s.describeKeyPairs),
		call.Writes("DeleteKeyPair", s.deleteKeyPair),
		call.Writes("CreateVpc", s.createVpc),
		call.Writes("DeleteVpc", s.deleteVpc),
		lists(s, "DescribeVpcs", s.describeVpcs),
		call.Writes("ModifyVpcAttribute", s.modifyVpcAttribute),
		call.Reads("DescribeVpcAttribute", s.describeVpcAttribute),
		call.Writes("CreateSubnet", s.createSubnet),
		call.Writes("DeleteSubnet", s.deleteSubnet),
		lists(s, "DescribeSubnets", s.describeSubnets),
		call.Writes("ModifySubnetAttribute", s.modifySubnetAttribute),
		call.Writes("CreateInternetGateway", s.createInternetGateway),
		call.Writes("AttachInternetGateway", s.attachInternetGateway),
		call.Writes("DetachInternetGateway", s.detachInternetGateway),
		call.Writes("DeleteInternetGateway", s.deleteInternetGateway),
		lists(s, "DescribeInternetGateways", s.describeInternetGateways),
		call.Writes("CreateRouteTable", s.createRouteTable),
		call.Writes("DeleteRouteTable", s.deleteRouteTable),
		lists(s, "DescribeRouteTables", s.describeRouteTables),
		call.Writes("AssociateRouteTable", s.associateRouteTable),
		call.Writes("DisassociateRouteTable", s.disassociateRouteTable),
		call.Writes("CreateRoute", s.createRoute),
		call.Writes("DeleteRoute", s.deleteRoute),
		call.Writes("CreateSecurityGroup", s.createSecurityGroup),
		call.Writes("AuthorizeSecurityGroupIngress", s.authorizeIngress),
		call.Writes("RevokeSecurityGroupIngress", s.revokeIngress),
		call.Writes("AuthorizeSecurityGroupEgress", s.authorizeEgress),
		call.Writes("RevokeSecurityGroupEgress", s.revokeEgress),
		lists(s, "DescribeSecurityGroupRules", s.describeSecurityGroupRules),
		lists(s, "DescribeSecurityGroups", s.describeSecurityGroups),
		call.Writes("DeleteSecurityGroup", s.deleteSecurityGroup),
		lists(s, "DescribeNetworkInterfaces", s.describeNetworkInterfaces),
		lists(s, "DescribeVolumes", s.describeVolumes),
		call.Writes("DeleteVolume", s.deleteVolume),
		lists(s, "DescribeImages", s.describeImages),
		lists(s, "DescribeInstanceTypes", s.describeInstanceTypes),
		lists(s, "DescribeInstanceTypeOfferings", s.describeInstanceTypeOfferings),
		lists(s, "DescribeSpotPriceHistory", s.describeSpotPriceHistory),
		lists(s, "GetSpotPlacementScores", s.getSpotPlacementScores),
		lists(s, "DescribeSpotInstanceRequests", s.describeSpotInstanceRequests),
		call.Writes("CancelSpotInstanceRequests", s.cancelSpotInstanceRequests),
		call.Writes("CreateCapacityReservation", s.createCapacityReservation),
		call.Writes("CancelCapacityReservation", s.cancelCapacityReservation),
		lists(s, "DescribeCapacityReservations", s.describeCapacityReservations),
		lists(s, "DescribeCapacityBlockOfferings", s.describeCapacityBlockOfferings),
		lists(s, "DescribeRegions", s.describeRegions),
		lists(s, "DescribeAvailabilityZones", s.describeAvailabilityZones),
	}
}
