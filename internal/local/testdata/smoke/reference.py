"""What only tells: parameters, prices, quotas, and EC2's regions, zones and types."""
import json

from judge import refused, same

AL2023 = "/aws/service/ami-amazon-linux-latest"


def tell(cloud):
    parameters(cloud["ssm"])
    prices(cloud["pricing"])
    quotas(cloud["service-quotas"])
    places_and_types(cloud["ec2"])


def parameters(ssm):
    found = ssm.pages("get_parameters_by_path", "Parameters", size=1, Path=AL2023)
    same(sorted(p["Name"].rsplit("-", 1)[1] for p in found), ["arm64", "x86_64"])
    refused("InvalidNextToken", ssm.get_parameters_by_path, Path=AL2023, NextToken="no")
    one = ssm.get_parameter(Name=found[0]["Name"])["Parameter"]
    same((one["Value"], one["Type"], one["ARN"]), (found[0]["Value"], "String", "arn:aws:ssm:us-east-1::parameter" + one["Name"]))
    refused("ParameterNotFound", ssm.get_parameter, Name="/none")
    several = ssm.get_parameters(Names=[found[1]["Name"], "/none"])
    same(([p["Value"] for p in several["Parameters"]], several["InvalidParameters"]), ([found[1]["Value"]], ["/none"]))
    refused("ValidationException", ssm.get_parameters, Names=[f"/{n}" for n in range(11)])


def prices(pricing):
    filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in
               {"instanceType": "m7i.large", "regionCode": "us-east-1"}.items()]
    listed = pricing.pages("get_products", "PriceList", size=1, ServiceCode="AmazonEC2", Filters=filters)
    used = [p for p in map(product, listed) if p["product"]["attributes"]["capacitystatus"] == "Used"]
    (term,) = used[0]["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    same((len(used), dimension["unit"], float(dimension["pricePerUnit"]["USD"]) > 0), (1, "Hrs", True))
    same(pricing.get_products(ServiceCode="AmazonEC2", Filters=filters, MaxResults=100)["FormatVersion"], "aws_v1")
    refused("InvalidParameterException", pricing.get_products, ServiceCode="AmazonEC2",
            Filters=[{"Type": "TERM_MATCH", "Field": "colour", "Value": "red"}])


def product(text):
    return text if isinstance(text, dict) else json.loads(text)


def quotas(quota):
    one = quota.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    same((one["Value"] > 0, one["UsageMetric"]["MetricDimensions"]["Class"]), (True, "Standard/OnDemand"))
    refused("NoSuchResourceException", quota.get_service_quota, ServiceCode="ec2", QuotaCode="L-00000000")
    every = quota.pages("list_service_quotas", "Quotas", ServiceCode="ec2")
    same([q["Value"] for q in every if q["QuotaCode"] == one["QuotaCode"]], [one["Value"]])
    same(len(every), len({q["QuotaArn"] for q in every}))
    refused("NoSuchResourceException", quota.list_service_quotas, ServiceCode="none")


def places_and_types(ec2):
    names = [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
    same("eu-west-1" in names and names == sorted(names), True)
    same(len(ec2.describe_regions(RegionNames=["eu-west-1"])["Regions"]), 1)
    refused("InvalidParameterValue", ec2.describe_regions, RegionNames=["eu-nowhere-1"])
    zones = ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])["AvailabilityZones"]
    same(zones[0]["ZoneName"], "us-east-1a")
    refused("InvalidParameterValue", ec2.describe_availability_zones, ZoneNames=["us-east-1z"])

    (small,) = ec2.describe_instance_types(InstanceTypes=["t4g.small"])["InstanceTypes"]
    same((small["VCpuInfo"]["DefaultVCpus"], small["MemoryInfo"]["SizeInMiB"], small["ProcessorInfo"]["SupportedArchitectures"]),
         (2, 2048, ["arm64"]))
    family = ec2.pages("describe_instance_types", "InstanceTypes", Filters=[{"Name": "instance-type", "Values": ["m7i.*"]}])
    same(("m7i.large" in [t["InstanceType"] for t in family], len(family) > 5), (True, True))
    refused("InvalidInstanceType", ec2.describe_instance_types, InstanceTypes=["x9.none"])
    offered = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t4g.small"]}])["InstanceTypeOfferings"]
    same("us-east-1a" in [o["Location"] for o in offered], True)
    many = ec2.pages("describe_instance_type_offerings", "InstanceTypeOfferings", Filters=[{"Name": "instance-type", "Values": ["m7i.*"]}])
    same(sorted(o["InstanceType"] for o in many), sorted(t["InstanceType"] for t in family))
    refused("InvalidParameterValue", ec2.describe_instance_type_offerings, LocationType="planet")

    images = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"]
    same({i["Architecture"] for i in images}, {"arm64"})
    every = ec2.pages("describe_images", "Images", size=1)
    same({i["ImageId"] for i in images} < {i["ImageId"] for i in every}, True)
    ec2.wait("image_exists", ImageIds=[images[0]["ImageId"]])
    ec2.wait("image_available", ImageIds=[images[0]["ImageId"]])
    refused("InvalidAMIID.NotFound", ec2.describe_images, ImageIds=["ami-00000000000000000"])
