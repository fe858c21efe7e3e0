"""EC2's networks: a VPC from nothing to nothing, its groups, gateways, tables."""
from judge import refused, same

NONE = "00000000000000000"


def tags(kind, **pairs):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in pairs.items()]}]


def having(**pairs):
    """Filters; an underscore stands for the hyphen of the filter's name."""
    return [{"Name": k.replace("_", "-"), "Values": [v]} for k, v in pairs.items()]


def tell(cloud):
    ec2 = cloud["ec2"]
    key_pairs(ec2)
    vpc = vpcs(ec2)
    subnet = subnets(ec2, vpc)
    gateway = gateways(ec2, vpc)
    route_tables(ec2, vpc, subnet, gateway)
    security_groups(ec2, vpc)
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    refused("Gateway.NotAttached", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    refused("InvalidInternetGatewayID.NotFound", ec2.delete_internet_gateway, InternetGatewayId=gateway)
    ec2.delete_subnet(SubnetId=subnet)
    refused("InvalidSubnetID.NotFound", ec2.delete_subnet, SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    refused("InvalidVpcID.NotFound", ec2.delete_vpc, VpcId=vpc)


def key_pairs(ec2):
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHKGsyWTnPJn0iNWRFq9c4VHb2HrC9wS2p9K1nTtJAlN"
    made = ec2.import_key_pair(KeyName="k", PublicKeyMaterial=public.encode(), TagSpecifications=tags("key-pair", a="b"))
    same((made["KeyName"], made["Tags"]), ("k", [{"Key": "a", "Value": "b"}]))
    refused("InvalidKeyPair.Duplicate", ec2.import_key_pair, KeyName="k", PublicKeyMaterial=public.encode())
    ec2.wait("key_pair_exists", KeyNames=["k"])
    (shown,) = ec2.describe_key_pairs(Filters=having(key_name="k"), IncludePublicKey=True)["KeyPairs"]
    same((shown["KeyPairId"], shown["KeyFingerprint"], shown["PublicKey"].startswith(public)), (made["KeyPairId"], made["KeyFingerprint"], True))
    refused("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["none"])
    ec2.delete_key_pair(KeyName="k")
    same(ec2.describe_key_pairs()["KeyPairs"], [])
    refused("InvalidParameterCombination", ec2.delete_key_pair)


def vpcs(ec2):
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", a="b"))["Vpc"]
    vpc = made["VpcId"]
    same((made["CidrBlock"], made["IsDefault"], made["Tags"]), ("10.0.0.0/16", False, [{"Key": "a", "Value": "b"}]))
    refused("InvalidVpc.Range", ec2.create_vpc, CidrBlock="10.0.0.0/8")
    ec2.wait("vpc_exists", VpcIds=[vpc])
    ec2.wait("vpc_available", VpcIds=[vpc])
    same([v["VpcId"] for v in ec2.describe_vpcs(Filters=having(**{"tag:a": "b"}))["Vpcs"]], [vpc])
    refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=["vpc-" + NONE])
    # Five are a region's quota, and five the smallest page.
    same(sorted(v["IsDefault"] for v in ec2.pages("describe_vpcs", "Vpcs", least=1)), [False, True])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    refused("InvalidVpcID.NotFound", ec2.modify_vpc_attribute, VpcId="vpc-" + NONE, EnableDnsHostnames={"Value": True})
    same(ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"], {"Value": True})
    refused("InvalidVpcID.NotFound", ec2.describe_vpc_attribute, VpcId="vpc-" + NONE, Attribute="enableDnsSupport")
    return vpc


def subnets(ec2, vpc):
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]
    subnet = made["SubnetId"]
    same((made["AvailabilityZone"], made["AvailableIpAddressCount"], made["MapPublicIpOnLaunch"]), ("us-east-1b", 251, False))
    refused("InvalidSubnet.Conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/25")
    ec2.wait("subnet_available", SubnetIds=[subnet])
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    refused("InvalidSubnetID.NotFound", ec2.modify_subnet_attribute, SubnetId="subnet-" + NONE, MapPublicIpOnLaunch={"Value": True})
    (shown,) = ec2.describe_subnets(Filters=having(vpc_id=vpc))["Subnets"]
    same((shown["SubnetId"], shown["MapPublicIpOnLaunch"], shown["State"]), (subnet, True, "available"))
    refused("InvalidSubnetID.NotFound", ec2.describe_subnets, SubnetIds=["subnet-" + NONE])
    every = ec2.pages("describe_subnets", "Subnets")
    same((subnet in [s["SubnetId"] for s in every], len(every)), (True, len(ec2.describe_subnets()["Subnets"])))
    return subnet


def gateways(ec2, vpc):
    gateway = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", a="b"))["InternetGateway"]["InternetGatewayId"]
    refused("InvalidParameterValue", ec2.create_internet_gateway, TagSpecifications=tags("vpc", a="b"))
    ec2.wait("internet_gateway_exists", InternetGatewayIds=[gateway])
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    refused("Resource.AlreadyAssociated", ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    (shown,) = ec2.describe_internet_gateways(Filters=having(**{"attachment.vpc-id": vpc}))["InternetGateways"]
    same((shown["InternetGatewayId"], shown["Attachments"]), (gateway, [{"State": "available", "VpcId": vpc}]))
    refused("InvalidInternetGatewayID.NotFound", ec2.describe_internet_gateways, InternetGatewayIds=["igw-" + NONE])
    same(len(ec2.pages("describe_internet_gateways", "InternetGateways", least=1)), 2)
    return gateway


def route_tables(ec2, vpc, subnet, gateway):
    made = [ec2.create_route_table(VpcId=vpc)["RouteTable"] for _ in range(4)]
    table = made[0]["RouteTableId"]
    same([(r["DestinationCidrBlock"], r["GatewayId"]) for r in made[0]["Routes"]], [("10.0.0.0/16", "local")])
    refused("InvalidVpcID.NotFound", ec2.create_route_table, VpcId="vpc-" + NONE)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    refused("RouteAlreadyExists", ec2.create_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    same(association["AssociationState"]["State"], "associated")
    refused("InvalidRouteTableID.NotFound", ec2.associate_route_table, RouteTableId="rtb-" + NONE, SubnetId=subnet)
    (shown,) = ec2.describe_route_tables(Filters=having(**{"association.subnet-id": subnet}))["RouteTables"]
    same({r["DestinationCidrBlock"]: r["State"] for r in shown["Routes"]}, {"10.0.0.0/16": "active", "0.0.0.0/0": "active"})
    refused("InvalidRouteTableID.NotFound", ec2.describe_route_tables, RouteTableIds=["rtb-" + NONE])
    same(len(ec2.pages("describe_route_tables", "RouteTables")), 6)  # and a main one for each VPC
    ec2.disassociate_route_table(AssociationId=association["AssociationId"])
    refused("InvalidAssociationID.NotFound", ec2.disassociate_route_table, AssociationId=association["AssociationId"])
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    refused("InvalidRoute.NotFound", ec2.delete_route, RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    for t in made:
        ec2.delete_route_table(RouteTableId=t["RouteTableId"])
    refused("InvalidRouteTableID.NotFound", ec2.delete_route_table, RouteTableId=table)


def security_groups(ec2, vpc):
    groups = [ec2.create_security_group(GroupName=f"g{n}", Description="d", VpcId=vpc)["GroupId"] for n in range(4)]
    group = groups[0]
    refused("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="g0", Description="d", VpcId=vpc)
    ec2.wait("security_group_exists", GroupIds=[group])
    same(len(ec2.pages("describe_security_groups", "SecurityGroups")), 6)  # and a default one for each VPC
    same([g["GroupName"] for g in ec2.describe_security_groups(Filters=having(group_name="g?"))["SecurityGroups"]], ["g0", "g1", "g2", "g3"])
    refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=["sg-" + NONE])

    def rule(port):
        return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "192.0.2.1/32", "Description": "me"}]}
    for port in (22, 443):
        (added,) = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule(port)])["SecurityGroupRules"]
        same((added["FromPort"], added["CidrIpv4"], added["IsEgress"], added["Description"]), (port, "192.0.2.1/32", False, "me"))
    refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule(22)])
    (added,) = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule(80)])["SecurityGroupRules"]
    same(added["IsEgress"], True)
    refused("InvalidPermission.Duplicate", ec2.authorize_security_group_egress, GroupId=group, IpPermissions=[rule(80)])
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    same([p["FromPort"] for p in shown["IpPermissions"]], [22, 443])

    rules = ec2.describe_security_group_rules(Filters=having(group_id=group))["SecurityGroupRules"]
    same(len(rules), 4)  # and the one that lets everything out
    every = ec2.pages("describe_security_group_rules", "SecurityGroupRules")
    same({r["SecurityGroupRuleId"] for r in rules} < {r["SecurityGroupRuleId"] for r in every}, True)
    refused("InvalidSecurityGroupRuleId.NotFound", ec2.describe_security_group_rules, SecurityGroupRuleIds=["sgr-" + NONE])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule(22)])
    refused("InvalidPermission.NotFound", ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=[rule(22)])
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[added["SecurityGroupRuleId"]])
    refused("InvalidSecurityGroupRuleId.NotFound", ec2.revoke_security_group_egress, GroupId=group, SecurityGroupRuleIds=[added["SecurityGroupRuleId"]])
    for g in groups:
        ec2.delete_security_group(GroupId=g)
    refused("InvalidGroup.NotFound", ec2.delete_security_group, GroupId=group)
