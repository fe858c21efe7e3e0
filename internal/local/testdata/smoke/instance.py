"""EC2's instances: six of them from the launch to the end, and what is theirs."""
from judge import refused, same, until
from network import NONE, having, tags

IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def tell(cloud):
    ec2 = cloud["ec2"]
    ids = launch(ec2)
    first = ids[0]
    described(ec2, ids)
    tagged(ec2, first)
    attributes(ec2, first)
    power(ec2, first)
    ended(ec2, ids)


def launch(ec2):
    request = dict(
        ImageId=IMAGE, InstanceType="t3.micro", MinCount=6, MaxCount=6, ClientToken="t", UserData="#!/bin/sh\n",
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled", "HttpPutResponseHopLimit": 2},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "VolumeSize": 9, "DeleteOnTermination": False}}],
        TagSpecifications=tags("instance", Name="x") + tags("volume", Name="v") + tags("network-interface", Name="n"))
    made = ec2.run_instances(**request)["Instances"]
    same([(i["State"]["Name"], i["AmiLaunchIndex"]) for i in made], [("pending", n) for n in range(6)])
    same([i["InstanceId"] for i in ec2.run_instances(**request)["Instances"]], [i["InstanceId"] for i in made])
    refused("IdempotentParameterMismatch", ec2.run_instances, **{**request, "UserData": "other"})
    ids = [i["InstanceId"] for i in made]
    for waiter in ("instance_exists", "instance_running", "instance_status_ok", "system_status_ok"):
        ec2.wait(waiter, InstanceIds=ids)
    return ids


def described(ec2, ids):
    reservations = ec2.describe_instances(Filters=having(**{"tag:Name": "x"}, instance_state_name="running"))["Reservations"]
    same([i["InstanceId"] for r in reservations for i in r["Instances"]], ids)
    refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-" + NONE])
    paged = ec2.pages("describe_instances", "Reservations")
    same(sorted(i["InstanceId"] for r in paged for i in r["Instances"]), sorted(ids))
    statuses = ec2.describe_instance_status(InstanceIds=ids)["InstanceStatuses"]
    same({(s["InstanceState"]["Name"], s["SystemStatus"]["Status"]) for s in statuses}, {("running", "ok")})
    refused("InvalidInstanceID.NotFound", ec2.describe_instance_status, InstanceIds=["i-" + NONE])
    same(sorted(s["InstanceId"] for s in ec2.pages("describe_instance_status", "InstanceStatuses")), sorted(ids))

    volumes = ec2.pages("describe_volumes", "Volumes", Filters=having(**{"tag:Name": "v"}))
    same({(v["State"], v["Size"], v["Attachments"][0]["InstanceId"] in ids) for v in volumes}, {("in-use", 9, True)})
    ec2.wait("volume_in_use", VolumeIds=[v["VolumeId"] for v in volumes])
    same(len(ec2.describe_volumes()["Volumes"]), 6)
    refused("InvalidVolume.NotFound", ec2.describe_volumes, VolumeIds=["vol-" + NONE])
    refused("VolumeInUse", ec2.delete_volume, VolumeId=volumes[0]["VolumeId"])

    interfaces = ec2.pages("describe_network_interfaces", "NetworkInterfaces")
    same({(n["Status"], n["Attachment"]["InstanceId"] in ids, n["TagSet"][0]["Value"]) for n in interfaces}, {("in-use", True, "n")})
    (one,) = ec2.describe_network_interfaces(Filters=having(**{"attachment.instance-id": ids[0]}))["NetworkInterfaces"]
    same(one["Association"]["PublicIp"].startswith("203.0.113."), True)
    refused("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, NetworkInterfaceIds=["eni-" + NONE])
    # An interface here belongs to an instance all its life: this waiter can only give up.
    refused("Waiter", Waiting(ec2, "network_interface_available"), NetworkInterfaceIds=["eni-" + NONE])


class Waiting:
    """A waiter in an operation's place, for refused."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def once(self, **arguments):
        self.client.wait(self.name, **arguments)


def tagged(ec2, instance):
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "a:b", "Value": ""}])
    refused("InvalidInstanceID.NotFound", ec2.create_tags, Resources=["i-" + NONE], Tags=[{"Key": "a", "Value": ""}])
    same({t["Key"]: t["Value"] for t in ec2.describe_tags(Filters=having(resource_id=instance))["Tags"]}, {"Name": "x", "a:b": ""})
    refused("InvalidParameterValue", ec2.describe_tags, Filters=having(colour="red"))
    same(len(ec2.pages("describe_tags", "Tags", Filters=having(key="Name"))), 18)
    ec2.delete_tags(Resources=[instance], Tags=[{"Key": "a:b"}])
    same(len(ec2.describe_tags(Filters=having(resource_id=instance))["Tags"]), 1)
    refused("InvalidID", ec2.delete_tags, Resources=["x"], Tags=[{"Key": "a"}])


def attributes(ec2, instance):
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    same(ec2.describe_instance_attribute(InstanceId=instance, Attribute="disableApiTermination")["DisableApiTermination"], {"Value": True})
    refused("OperationNotPermitted", ec2.terminate_instances, InstanceIds=[instance])
    refused("IncorrectInstanceState", ec2.modify_instance_attribute, InstanceId=instance, InstanceType={"Value": "t3.small"})
    refused("InvalidInstanceID.NotFound", ec2.describe_instance_attribute, InstanceId="i-" + NONE, Attribute="instanceType")
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    options = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="optional", HttpPutResponseHopLimit=3)
    same((options["InstanceMetadataOptions"]["HttpTokens"], options["InstanceMetadataOptions"]["HttpPutResponseHopLimit"]), ("optional", 3))
    refused("InvalidInstanceID.NotFound", ec2.modify_instance_metadata_options, InstanceId="i-" + NONE, HttpTokens="optional")
    same(f"booted {instance}" in ec2.get_console_output(InstanceId=instance)["Output"], True)
    refused("InvalidInstanceID.NotFound", ec2.get_console_output, InstanceId="i-" + NONE)


def power(ec2, instance):
    ec2.reboot_instances(InstanceIds=[instance])
    refused("InvalidInstanceID.NotFound", ec2.reboot_instances, InstanceIds=["i-" + NONE])
    (change,) = ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"]
    same((change["PreviousState"]["Name"], change["CurrentState"]["Code"]), ("running", 64))
    ec2.wait("instance_stopped", InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.small"})
    (change,) = ec2.start_instances(InstanceIds=[instance])["StartingInstances"]
    same((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("stopped", "pending"))
    ec2.wait("instance_running", InstanceIds=[instance])
    (shown,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    same(shown["InstanceType"], "t3.small")
    refused("UnsupportedHibernationConfiguration", ec2.stop_instances, InstanceIds=[instance], Hibernate=True)
    refused("InvalidInstanceID.NotFound", ec2.start_instances, InstanceIds=["i-" + NONE])


def ended(ec2, ids):
    volumes = [v["VolumeId"] for v in ec2.describe_volumes()["Volumes"]]
    changes = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    same({c["CurrentState"]["Name"] for c in changes}, {"shutting-down"})
    ec2.wait("instance_terminated", InstanceIds=ids)
    refused("IncorrectInstanceState", ec2.start_instances, InstanceIds=[ids[0]])
    refused("Waiter", Waiting(ec2, "instance_running"), InstanceIds=ids)  # it is not waited for what will never be
    until(lambda: not ec2.describe_network_interfaces()["NetworkInterfaces"])
    ec2.wait("volume_available", VolumeIds=volumes)  # their launch said that they stay
    for volume in volumes:
        ec2.delete_volume(VolumeId=volume)
    ec2.wait("volume_deleted", VolumeIds=volumes)
    same(ec2.describe_volumes()["Volumes"], [])
