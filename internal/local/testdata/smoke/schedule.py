"""EventBridge Scheduler: a group with schedules in it."""
import datetime
import json

from identity import TRUST
from judge import refused, same

TARGET = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
NO_GROUP = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/none"


def tell(cloud):
    role = cloud["iam"].create_role(RoleName="scheduler", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    scheduler = cloud["scheduler"]
    group = groups(scheduler)
    tagged(scheduler, group)
    schedules(scheduler, role)
    scheduler.delete_schedule_group(Name="ends")
    refused("ResourceNotFoundException", scheduler.delete_schedule_group, Name="none")


def groups(scheduler):
    group = scheduler.create_schedule_group(Name="ends", Tags=[{"Key": "k", "Value": "v"}])["ScheduleGroupArn"]
    refused("ConflictException", scheduler.create_schedule_group, Name="ends")
    shown = scheduler.get_schedule_group(Name="ends")
    same((shown["Arn"], shown["State"]), (group, "ACTIVE"))
    refused("ResourceNotFoundException", scheduler.get_schedule_group, Name="none")
    same(sorted(g["Name"] for g in scheduler.pages("list_schedule_groups", "ScheduleGroups", size=1)), ["default", "ends"])
    same([g["Arn"] for g in scheduler.list_schedule_groups(NamePrefix="en")["ScheduleGroups"]], [group])
    refused("ValidationException", scheduler.list_schedule_groups, NextToken="no")
    return group


def tagged(scheduler, group):
    scheduler.tag_resource(ResourceArn=group, Tags=[{"Key": "a", "Value": "b c"}])
    refused("ResourceNotFoundException", scheduler.tag_resource, ResourceArn=NO_GROUP, Tags=[{"Key": "a", "Value": "b"}])
    same({t["Key"]: t["Value"] for t in scheduler.list_tags_for_resource(ResourceArn=group)["Tags"]}, {"k": "v", "a": "b c"})
    refused("ResourceNotFoundException", scheduler.list_tags_for_resource, ResourceArn=NO_GROUP)
    scheduler.untag_resource(ResourceArn=group, TagKeys=["k", "a"])
    refused("ResourceNotFoundException", scheduler.untag_resource, ResourceArn=NO_GROUP, TagKeys=["k"])
    same(scheduler.list_tags_for_resource(ResourceArn=group)["Tags"], [])


def schedules(scheduler, role):
    start = datetime.datetime(2040, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    wanted = dict(
        GroupName="ends", ScheduleExpression="rate(10 minutes)", StartDate=start, FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": TARGET, "RoleArn": role, "Input": '{"InstanceIds":["i-0"]}'})
    for name in ("end-1", "end-2", "other"):
        same(scheduler.create_schedule(Name=name, **wanted)["ScheduleArn"], f"arn:aws:scheduler:us-east-1:123456789012:schedule/ends/{name}")
    refused("ConflictException", scheduler.create_schedule, Name="end-1", **wanted)
    got = scheduler.get_schedule(Name="end-1", GroupName="ends")
    same((moment(got["StartDate"]), got["State"], got["Target"]["Input"]), (start, "ENABLED", wanted["Target"]["Input"]))
    refused("ResourceNotFoundException", scheduler.get_schedule, Name="none", GroupName="ends")
    scheduler.update_schedule(Name="end-1", **{**wanted, "ScheduleExpression": "at(2041-01-01T00:00:00)", "Description": "once"})
    got = scheduler.get_schedule(Name="end-1", GroupName="ends")
    same((got["ScheduleExpression"], got["Description"]), ("at(2041-01-01T00:00:00)", "once"))
    refused("ResourceNotFoundException", scheduler.update_schedule, Name="none", **wanted)
    listed = scheduler.pages("list_schedules", "Schedules", size=1, GroupName="ends")
    same(sorted(s["Name"] for s in listed), ["end-1", "end-2", "other"])
    same([s["Name"] for s in scheduler.list_schedules(GroupName="ends", NamePrefix="end", State="ENABLED")["Schedules"]], ["end-1", "end-2"])
    refused("ValidationException", scheduler.list_schedules, NextToken="no")
    for name in ("end-1", "end-2", "other"):
        scheduler.delete_schedule(Name=name, GroupName="ends")
    refused("ResourceNotFoundException", scheduler.delete_schedule, Name="end-1", GroupName="ends")


def moment(value):
    """A time as boto3 shows it, or as text or seconds since 1970, which the CLI leaves."""
    if isinstance(value, (int, float)):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
