"""boto3 reads what the JSON services of the local cloud answer."""

import datetime
import json

import boto3

region = "us-east-1"
ssm = boto3.client("ssm", region_name=region)
path = "/aws/service/ami-amazon-linux-latest"
found = [p for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=path) for p in page["Parameters"]]
assert len(found) == 2, found
assert ssm.get_parameter(Name=found[0]["Name"])["Parameter"]["Value"] == found[0]["Value"]
try:
    ssm.get_parameter(Name="/none")
    raise AssertionError("a parameter that is not there was found")
except ssm.exceptions.ParameterNotFound:
    pass

filters = {"instanceType": "m7i.large", "regionCode": region, "capacitystatus": "Used"}
products = boto3.client("pricing", region_name=region).get_products(
    ServiceCode="AmazonEC2", Filters=[{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in filters.items()])
(product,) = [json.loads(text) for text in products["PriceList"]]
(term,) = product["terms"]["OnDemand"].values()
(dimension,) = term["priceDimensions"].values()
assert float(dimension["pricePerUnit"]["USD"]) > 0, dimension

quota = boto3.client("service-quotas", region_name=region).get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")
assert quota["Quota"]["Value"] == 5.0, quota

iam = boto3.client("iam")
trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="ends", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
scheduler = boto3.client("scheduler", region_name=region)
group = scheduler.create_schedule_group(Name="ends", Tags=[{"Key": "k", "Value": "v"}])["ScheduleGroupArn"]
assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == [{"Key": "k", "Value": "v"}]
start = datetime.datetime(2040, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
schedule = dict(
    Name="end", GroupName="ends", ScheduleExpression="rate(10 minutes)", StartDate=start,
    FlexibleTimeWindow={"Mode": "OFF"}, Target={
        "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances", "RoleArn": role, "Input": '{"InstanceIds":["i-0"]}'})
scheduler.create_schedule(**schedule)
try:
    scheduler.create_schedule(**schedule)
    raise AssertionError("a schedule was made twice")
except scheduler.exceptions.ConflictException:
    pass
got = scheduler.get_schedule(Name="end", GroupName="ends")
assert got["StartDate"] == start and got["State"] == "ENABLED", got
assert [s["Name"] for s in scheduler.list_schedules(GroupName="ends")["Schedules"]] == ["end"]
scheduler.delete_schedule(Name="end", GroupName="ends")
try:
    scheduler.get_schedule(Name="end", GroupName="ends")
    raise AssertionError("a schedule that was deleted is there")
except scheduler.exceptions.ResourceNotFoundException:
    pass
scheduler.delete_schedule_group(Name="ends")
