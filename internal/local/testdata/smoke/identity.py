"""STS and IAM: who one is, a role, its profile, a user and her key."""
import json

from judge import refused, same

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "scheduler.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}


def document(value):
    """A policy as the client shows it: boto3 and the CLI decode it."""
    return value if isinstance(value, dict) else json.loads(value)


def tell(cloud):
    me = cloud["sts"].get_caller_identity()
    same((me["Account"], me["Arn"].startswith("arn:aws:iam::123456789012:user/")), ("123456789012", True))
    role_and_profile(cloud["iam"])
    user(cloud["iam"])
    managed_policy(cloud["iam"])


def role_and_profile(iam):
    made = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST), Description="d",
                           Tags=[{"Key": "a", "Value": "b"}])["Role"]
    same(made["Arn"], "arn:aws:iam::123456789012:role/worker")
    iam.wait("role_exists", RoleName="worker")
    refused("EntityAlreadyExists", iam.create_role, RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))
    role = iam.get_role(RoleName="worker")["Role"]
    same((role["RoleId"], role["Description"], role["Tags"]), (made["RoleId"], "d", [{"Key": "a", "Value": "b"}]))
    same(document(role["AssumeRolePolicyDocument"]), TRUST)
    refused("NoSuchEntity", iam.get_role, RoleName="nobody")

    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=json.dumps(ALLOW))
    refused("MalformedPolicyDocument", iam.put_role_policy, RoleName="worker", PolicyName="p", PolicyDocument="{}")
    same(document(iam.get_role_policy(RoleName="worker", PolicyName="p")["PolicyDocument"]), ALLOW)
    refused("NoSuchEntity", iam.get_role_policy, RoleName="worker", PolicyName="q")
    refused("DeleteConflict", iam.delete_role, RoleName="worker")
    iam.delete_role_policy(RoleName="worker", PolicyName="p")
    refused("NoSuchEntity", iam.delete_role_policy, RoleName="worker", PolicyName="p")

    iam.create_instance_profile(InstanceProfileName="worker")
    iam.wait("instance_profile_exists", InstanceProfileName="worker")
    refused("EntityAlreadyExists", iam.create_instance_profile, InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    refused("LimitExceeded", iam.add_role_to_instance_profile, InstanceProfileName="worker", RoleName="worker")
    profile = iam.get_instance_profile(InstanceProfileName="worker")["InstanceProfile"]
    same([r["RoleName"] for r in profile["Roles"]], ["worker"])
    refused("NoSuchEntity", iam.get_instance_profile, InstanceProfileName="nothing")
    refused("DeleteConflict", iam.delete_instance_profile, InstanceProfileName="worker")
    iam.remove_role_from_instance_profile(InstanceProfileName="worker", RoleName="worker")
    refused("NoSuchEntity", iam.remove_role_from_instance_profile, InstanceProfileName="worker", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="worker")
    iam.delete_role(RoleName="worker")
    refused("NoSuchEntity", iam.get_role, RoleName="worker")


def user(iam):
    made = iam.create_user(UserName="ann", Tags=[{"Key": "a", "Value": "b"}])["User"]
    same((made["Arn"], made["Tags"]), ("arn:aws:iam::123456789012:user/ann", [{"Key": "a", "Value": "b"}]))
    refused("EntityAlreadyExists", iam.create_user, UserName="ann")
    iam.wait("user_exists", UserName="ann")
    same(iam.get_user(UserName="ann")["User"]["UserId"], made["UserId"])
    refused("NoSuchEntity", iam.get_user, UserName="bob")
    keys(iam)
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps(ALLOW))
    refused("NoSuchEntity", iam.put_user_policy, UserName="bob", PolicyName="p", PolicyDocument=json.dumps(ALLOW))
    simulated(iam, made["Arn"])
    refused("DeleteConflict", iam.delete_user, UserName="ann")
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    refused("NoSuchEntity", iam.delete_user_policy, UserName="ann", PolicyName="p")
    iam.delete_user(UserName="ann")
    refused("NoSuchEntity", iam.get_user, UserName="ann")


def managed_policy(iam):
    made = iam.create_policy(PolicyName="all-of-ec2", PolicyDocument=json.dumps(ALLOW), Tags=[{"Key": "a", "Value": "b"}])["Policy"]
    same((made["Arn"], made["DefaultVersionId"], made["IsAttachable"], made["AttachmentCount"]),
         ("arn:aws:iam::123456789012:policy/all-of-ec2", "v1", True, 0))
    refused("EntityAlreadyExists", iam.create_policy, PolicyName="all-of-ec2", PolicyDocument=json.dumps(ALLOW))
    who = iam.create_user(UserName="eve")["User"]["Arn"]
    iam.attach_user_policy(UserName="eve", PolicyArn=made["Arn"])
    refused("NoSuchEntity", iam.attach_user_policy, UserName="eve", PolicyArn=made["Arn"] + "x")
    refused("DeleteConflict", iam.delete_user, UserName="eve")
    simulated(iam, who)


def keys(iam):
    made = [iam.create_access_key(UserName="ann")["AccessKey"] for _ in range(2)]
    same([(k["UserName"], k["Status"], len(k["SecretAccessKey"])) for k in made], [("ann", "Active", 40)] * 2)
    refused("LimitExceeded", iam.create_access_key, UserName="ann")
    listed = iam.pages("list_access_keys", "AccessKeyMetadata", size=1, UserName="ann")
    same(sorted(k["AccessKeyId"] for k in listed), sorted(k["AccessKeyId"] for k in made))
    same([k for k in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"] if "SecretAccessKey" in k], [])
    refused("NoSuchEntity", iam.list_access_keys, UserName="bob")
    for key in made:
        iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    refused("NoSuchEntity", iam.delete_access_key, UserName="ann", AccessKeyId=made[0]["AccessKeyId"])


def simulated(iam, who):
    actions = ["ec2:RunInstances", "iam:CreateUser"]
    asked = dict(PolicySourceArn=who, ActionNames=actions)
    same([(r["EvalActionName"], r["EvalDecision"]) for r in iam.simulate_principal_policy(**asked)["EvaluationResults"]],
         [(actions[0], "allowed"), (actions[1], "implicitDeny")])
    paged = iam.pages("simulate_principal_policy", "EvaluationResults", size=1, **asked)
    same([r["EvalActionName"] for r in paged], actions)
    refused("NoSuchEntity", iam.simulate_principal_policy, PolicySourceArn=who + "e", ActionNames=actions)
