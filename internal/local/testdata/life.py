"""The whole life of an instance, by boto3: a client that nobody here wrote.

The environment says where the cloud is. Prints one line that ends in ok, or
fails with a traceback.
"""
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return ""


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


quick = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 20}}
session = boto3.Session(region_name="eu-west-1")
ec2, iam, sts, s3 = (session.client(s) for s in ("ec2", "iam", "sts", "s3"))

account = sts.get_caller_identity()["Account"]
assert "eu-west-1" in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
same(zone in [s["AvailabilityZone"] for s in subnets], True)

key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHKGsyWTnPJn0iNWRFq9c4VHb2HrC9wS2p9K1nTtJAlN"
ec2.import_key_pair(KeyName="k", PublicKeyMaterial=key.encode(),
                    TagSpecifications=[{"ResourceType": "key-pair", "Tags": [{"Key": "a", "Value": "b"}]}])
ec2.get_waiter("key_pair_exists").wait(KeyNames=["k"], **quick)
same(ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"][0]["PublicKey"].startswith(key), True)

group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
ec2.get_waiter("security_group_exists").wait(GroupIds=[group], **quick)
rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.1/32", "Description": "me"}]}
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
same(code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule]), "InvalidPermission.Duplicate")
same(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"][0]["IpRanges"], rule["IpRanges"])

trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*"}]}'
iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, Tags=[{"Key": "a", "Value": "b"}])
iam.get_waiter("role_exists").wait(RoleName="r", **quick)
iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=allow)
same(iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"]["Statement"][0]["Effect"], "Allow")
same(iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Version"], "2012-10-17")
iam.create_instance_profile(InstanceProfileName="p")
iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="p", **quick)
iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")

launch = dict(
    ImageId="resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
    InstanceType="t4g.small", MinCount=1, MaxCount=1, ClientToken="t", KeyName="k", SecurityGroupIds=[group],
    IamInstanceProfile={"Name": "p"}, UserData="#!/bin/sh\n", InstanceInitiatedShutdownBehavior="terminate",
    MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled", "HttpPutResponseHopLimit": 2},
    BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeType": "gp3", "VolumeSize": 9, "Encrypted": True}}],
    TagSpecifications=[{"ResourceType": t, "Tags": [{"Key": "Name", "Value": "x"}]} for t in ("instance", "volume", "network-interface")],
)
same(code_of(ec2.run_instances, **launch, DryRun=True), "DryRunOperation")
made = ec2.run_instances(**launch)["Instances"][0]
instance = made["InstanceId"]
same((made["State"], made["RootDeviceName"], made["Architecture"]), ({"Code": 0, "Name": "pending"}, "/dev/sda1", "arm64"))
same(ec2.run_instances(**launch)["Instances"][0]["InstanceId"], instance)
same(code_of(ec2.run_instances, **{**launch, "UserData": "other"}), "IdempotentParameterMismatch")
ec2.get_waiter("instance_exists").wait(InstanceIds=[instance], **quick)
ec2.get_waiter("instance_running").wait(InstanceIds=[instance], **quick)
ec2.get_waiter("instance_status_ok").wait(InstanceIds=[instance], **quick)
shown = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["x"]}])["Reservations"][0]["Instances"][0]
same(shown["IamInstanceProfile"]["Arn"], f"arn:aws:iam::{account}:instance-profile/p")
same(shown["MetadataOptions"]["HttpTokens"], "required")
same(len(shown["NetworkInterfaces"]), 1)
assert shown["PublicIpAddress"].startswith("203.0.113.")
same(shown["Tags"], [{"Key": "Name", "Value": "x"}])
same(ec2.describe_images(ImageIds=[shown["ImageId"]])["Images"][0]["RootDeviceName"], "/dev/sda1")
volume = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])["Volumes"][0]
same((volume["State"], volume["Size"], volume["Encrypted"]), ("in-use", 9, True))
same(code_of(ec2.delete_volume, VolumeId=volume["VolumeId"]), "VolumeInUse")
same(code_of(ec2.delete_security_group, GroupId=group), "DependencyViolation")
ec2.create_tags(Resources=[instance], Tags=[{"Key": "a:b", "Value": ""}])
same({t["Key"] for t in ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]}, {"Name", "a:b"})
ec2.delete_tags(Resources=[instance], Tags=[{"Key": "a:b"}])
ec2.stop_instances(InstanceIds=[instance])
ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance], **quick)
ec2.start_instances(InstanceIds=[instance])
ec2.get_waiter("instance_running").wait(InstanceIds=[instance], **quick)
ec2.terminate_instances(InstanceIds=[instance])
ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], **quick)
same(ec2.describe_volumes()["Volumes"], [])
same(ec2.describe_network_interfaces()["NetworkInterfaces"], [])
ec2.delete_security_group(GroupId=group)
same(code_of(ec2.describe_security_groups, GroupIds=[group]), "InvalidGroup.NotFound")
ec2.delete_key_pair(KeyName="k")
same(code_of(ec2.describe_key_pairs, KeyNames=["k"]), "InvalidKeyPair.NotFound")

same(code_of(iam.delete_role, RoleName="r"), "DeleteConflict")
iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
iam.delete_instance_profile(InstanceProfileName="p")
iam.delete_role_policy(RoleName="r", PolicyName="p")
iam.delete_role(RoleName="r")
same(code_of(iam.get_role, RoleName="r"), "NoSuchEntity")

bucket = "bucket-by-boto3"
s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.get_waiter("bucket_exists").wait(Bucket=bucket, **quick)
same(code_of(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}), "BucketAlreadyOwnedByYou")
body = b"x" * 100_000
s3.put_object(Bucket=bucket, Key="a b/c+d", Body=body, IfNoneMatch="*", ExpectedBucketOwner=account)
same(code_of(s3.put_object, Bucket=bucket, Key="a b/c+d", Body=body, IfNoneMatch="*"), "PreconditionFailed")
same(s3.get_object(Bucket=bucket, Key="a b/c+d")["Body"].read(), body)
same(s3.head_object(Bucket=bucket, Key="a b/c+d")["ContentLength"], len(body))
same(s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"], "a b/c+d")
# Without this boto3 signs URLs for its own endpoints alone with version 4.
signer = session.client("s3", config=Config(signature_version="s3v4"))
url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/c+d"})
same(urllib.request.urlopen(url, timeout=10).read(), body)
same(code_of(s3.delete_bucket, Bucket=bucket), "BucketNotEmpty")
s3.delete_object(Bucket=bucket, Key="a b/c+d")
s3.delete_bucket(Bucket=bucket)
same(code_of(s3.head_bucket, Bucket=bucket), "404")
print("boto3", boto3.__version__, "ok")
