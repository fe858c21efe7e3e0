"""What instances cost and where there is room for them: Spot and reservations."""
from instance import IMAGE
from judge import refused, same
from network import NONE, having


def tell(cloud):
    ec2 = cloud["ec2"]
    history(ec2)
    spot(ec2)
    reservations(ec2)
    blocks(ec2)


def history(ec2):
    prices = ec2.pages("describe_spot_price_history", "SpotPriceHistory", size=3, InstanceTypes=["m7i.large"], ProductDescriptions=["Linux/UNIX"])
    same((all(float(p["SpotPrice"]) > 0 for p in prices), {p["InstanceType"] for p in prices}), (True, {"m7i.large"}))
    there = ec2.describe_spot_price_history(InstanceTypes=["m7i.large"], AvailabilityZone="us-east-1a")["SpotPriceHistory"]
    same({p["AvailabilityZone"] for p in there}, {"us-east-1a"})
    refused("InvalidParameterValue", ec2.describe_spot_price_history, Filters=having(colour="red"))
    asked = dict(InstanceTypes=["m7i.large", "m7g.large", "m6i.large"], TargetCapacity=1)
    scores = ec2.get_spot_placement_scores(**asked)["SpotPlacementScores"]
    same((len(scores), all(1 <= s["Score"] <= 10 for s in scores)), (10, True))
    # Ten scores are the most there are, and ten the smallest page.
    same(ec2.pages("get_spot_placement_scores", "SpotPlacementScores", size=10, least=1, **asked), scores)
    refused("InvalidParameterValue", ec2.get_spot_placement_scores, **asked, RegionNames=["eu-nowhere-1"])


def spot(ec2):
    persistent = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}}
    made = ec2.run_instances(ImageId=IMAGE, InstanceType="t3.micro", MinCount=6, MaxCount=6, InstanceMarketOptions=persistent)["Instances"]
    requests = [i["SpotInstanceRequestId"] for i in made]
    same({i["InstanceLifecycle"] for i in made}, {"spot"})
    ec2.wait("spot_instance_request_fulfilled", SpotInstanceRequestIds=requests)
    shown = ec2.pages("describe_spot_instance_requests", "SpotInstanceRequests")
    same({(r["State"], r["Type"], r["Status"]["Code"]) for r in shown}, {("active", "persistent", "fulfilled")})
    (one,) = ec2.describe_spot_instance_requests(Filters=having(instance_id=made[0]["InstanceId"]))["SpotInstanceRequests"]
    same(one["SpotInstanceRequestId"], requests[0])
    refused("InvalidSpotInstanceRequestID.NotFound", ec2.describe_spot_instance_requests, SpotInstanceRequestIds=["sir-00000000"])
    cancelled = ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=requests)["CancelledSpotInstanceRequests"]
    same({c["State"] for c in cancelled}, {"cancelled"})
    refused("InvalidSpotInstanceRequestID.NotFound", ec2.cancel_spot_instance_requests, SpotInstanceRequestIds=["sir-00000000"])
    ids = [i["InstanceId"] for i in made]
    ec2.wait("instance_running", InstanceIds=ids)
    ec2.terminate_instances(InstanceIds=ids)
    ec2.wait("instance_terminated", InstanceIds=ids)


def reservations(ec2):
    wanted = dict(InstanceType="t3.micro", InstancePlatform="Linux/UNIX", AvailabilityZone="us-east-1a", InstanceCount=2)
    made = [ec2.create_capacity_reservation(**wanted, InstanceMatchCriteria=m)["CapacityReservation"] for m in ("open", "targeted")]
    same([(r["State"], r["AvailableInstanceCount"], r["InstanceMatchCriteria"]) for r in made], [("active", 2, "open"), ("active", 2, "targeted")])
    refused("InvalidParameterValue", ec2.create_capacity_reservation, **{**wanted, "InstanceType": "x9.none"})
    ids = [r["CapacityReservationId"] for r in made]
    same(sorted(r["CapacityReservationId"] for r in ec2.pages("describe_capacity_reservations", "CapacityReservations", size=1)), sorted(ids))
    (one,) = ec2.describe_capacity_reservations(Filters=having(instance_match_criteria="open"))["CapacityReservations"]
    same(one["CapacityReservationId"], ids[0])
    refused("InvalidCapacityReservationId.NotFound", ec2.describe_capacity_reservations, CapacityReservationIds=["cr-" + NONE])
    for i in ids:
        same(ec2.cancel_capacity_reservation(CapacityReservationId=i)["Return"], True)
    refused("InvalidCapacityReservationId.NotFound", ec2.cancel_capacity_reservation, CapacityReservationId="cr-" + NONE)


def blocks(ec2):
    wanted = dict(InstanceType="p5.48xlarge", InstanceCount=1, CapacityDurationHours=24)
    # One block is all that is ever offered here.
    (block,) = ec2.pages("describe_capacity_block_offerings", "CapacityBlockOfferings", size=1, least=1, **wanted)
    same((block["CapacityBlockDurationHours"], float(block["UpfrontFee"]) > 0), (24, True))
    same(ec2.describe_capacity_block_offerings(**wanted)["CapacityBlockOfferings"], [block])
    refused("InvalidParameterValue", ec2.describe_capacity_block_offerings, **{**wanted, "InstanceType": "t3.micro"})
