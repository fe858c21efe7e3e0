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
	Faults  *fault.Set   // what is to go wrong
	Dir     string       // instances have their folders below it
	API     http.Handler // the cloud's endpoint, as it is served inside instances
	APIAddr string       // the host and port under which it is served there
	Log     *slog.Logger
}

// Service is EC2 in every region.
type Service struct {
	Config

	instances   *store.Table[Instance]
	tokens      *store.Table[launchToken]
	volumes     *store.Table[Volume]
	interfaces  *store.Table[Interface]
	vpcs        *store.Table[VPC]
	subnets     *store.Table[Subnet]
	groups      *store.Table[SecurityGroup]
	gateways    *store.Table[Gateway]
	routeTables *store.Table[RouteTable]
	keys        *store.Table[KeyPair]
	capacity    *store.Table[CapacityReservation]
	spot        *store.Table[SpotRequest]
	addresses   *store.Table[string]            // whose an address is: "subnet address" or "public address" to the interface
	tags        *store.Table[map[string]string] // by resource id

	mu       sync.Mutex // guards what follows
	machines map[string]*machine
	consoles map[string]*console
	closing  bool
	running  sync.WaitGroup // the goroutines of machines
}

// New adds EC2's tables to the store and the default network to every region.
func New(c Config) *Service {
	s := &Service{
		Config:      c,
		instances:   store.NewTable[Instance](c.Store),
		tokens:      store.NewTable[launchToken](c.Store),
		volumes:     store.NewTable[Volume](c.Store),
		interfaces:  store.NewTable[Interface](c.Store),
		vpcs:        store.NewTable[VPC](c.Store),
		subnets:     store.NewTable[Subnet](c.Store),
		groups:      store.NewTable[SecurityGroup](c.Store),
		gateways:    store.NewTable[Gateway](c.Store),
		routeTables: store.NewTable[RouteTable](c.Store),
		keys:        store.NewTable[KeyPair](c.Store),
		capacity:    store.NewTable[CapacityReservation](c.Store),
		spot:        store.NewTable[SpotRequest](c.Store),
		addresses:   store.NewTable[string](c.Store),
		tags:        store.NewTable[map[string]string](c.Store),
		machines:    map[string]*machine{},
		consoles:    map[string]*console{},
	}
	return s
}

// Operations are the actions that EC2 answers.
func (s *Service) Operations() []call.Operation {
	return []call.Operation{
		call.Writes("RunInstances", s.runInstances),
		call.Reads("DescribeInstances", s.describeInstances),
		call.Reads("DescribeInstanceStatus", s.describeInstanceStatus),
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
		call.Reads("DescribeTags", s.describeTags),
		call.Writes("ImportKeyPair", s.importKeyPair),
		call.Reads("DescribeKeyPairs", s.describeKeyPairs),
		call.Writes("DeleteKeyPair", s.deleteKeyPair),
		call.Writes("CreateVpc", s.createVpc),
		call.Writes("DeleteVpc", s.deleteVpc),
		call.Reads("DescribeVpcs", s.describeVpcs),
		call.Writes("ModifyVpcAttribute", s.modifyVpcAttribute),
		call.Reads("DescribeVpcAttribute", s.describeVpcAttribute),
		call.Writes("CreateSubnet", s.createSubnet),
		call.Writes("DeleteSubnet", s.deleteSubnet),
		call.Reads("DescribeSubnets", s.describeSubnets),
		call.Writes("ModifySubnetAttribute", s.modifySubnetAttribute),
		call.Writes("CreateInternetGateway", s.createInternetGateway),
		call.Writes("AttachInternetGateway", s.attachInternetGateway),
		call.Writes("DetachInternetGateway", s.detachInternetGateway),
		call.Writes("DeleteInternetGateway", s.deleteInternetGateway),
		call.Reads("DescribeInternetGateways", s.describeInternetGateways),
		call.Writes("CreateRouteTable", s.createRouteTable),
		call.Writes("DeleteRouteTable", s.deleteRouteTable),
		call.Reads("DescribeRouteTables", s.describeRouteTables),
		call.Writes("AssociateRouteTable", s.associateRouteTable),
		call.Writes("DisassociateRouteTable", s.disassociateRouteTable),
		call.Writes("CreateRoute", s.createRoute),
		call.Writes("DeleteRoute", s.deleteRoute),
		call.Writes("CreateSecurityGroup", s.createSecurityGroup),
		call.Writes("AuthorizeSecurityGroupIngress", s.authorizeIngress),
		call.Writes("RevokeSecurityGroupIngress", s.revokeIngress),
		call.Writes("AuthorizeSecurityGroupEgress", s.authorizeEgress),
		call.Writes("RevokeSecurityGroupEgress", s.revokeEgress),
		call.Reads("DescribeSecurityGroupRules", s.describeSecurityGroupRules),
		call.Reads("DescribeSecurityGroups", s.describeSecurityGroups),
		call.Writes("DeleteSecurityGroup", s.deleteSecurityGroup),
		call.Reads("DescribeNetworkInterfaces", s.describeNetworkInterfaces),
		call.Reads("DescribeVolumes", s.describeVolumes),
		call.Writes("DeleteVolume", s.deleteVolume),
		call.Reads("DescribeImages", s.describeImages),
		call.Reads("DescribeInstanceTypes", s.describeInstanceTypes),
		call.Reads("DescribeInstanceTypeOfferings", s.describeInstanceTypeOfferings),
		call.Reads("DescribeSpotPriceHistory", s.describeSpotPriceHistory),
		call.Reads("GetSpotPlacementScores", s.getSpotPlacementScores),
		call.Reads("DescribeSpotInstanceRequests", s.describeSpotInstanceRequests),
		call.Writes("CancelSpotInstanceRequests", s.cancelSpotInstanceRequests),
		call.Writes("CreateCapacityReservation", s.createCapacityReservation),
		call.Writes("CancelCapacityReservation", s.cancelCapacityReservation),
		call.Reads("DescribeCapacityReservations", s.describeCapacityReservations),
		call.Reads("DescribeCapacityBlockOfferings", s.describeCapacityBlockOfferings),
		call.Reads("DescribeRegions", s.describeRegions),
		call.Reads("DescribeAvailabilityZones", s.describeAvailabilityZones),
	}
}
