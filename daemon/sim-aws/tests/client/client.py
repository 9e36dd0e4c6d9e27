"""What an unmodified boto3 and the AWS command line find in the pretend account.

Usage: client.py URL. Prints each check that fails, and at the end how many passed; the exit code is 1 where any failed. The account is the
one of main.rs, on a clock that only this program moves. Expected codes, messages and statuses are those of the AWS API references.
"""

import json
import os
import subprocess
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]
REGION = "us-east-1"
passed, failed = 0, []


def check(name, holds, told=""):
    global passed
    if holds:
        passed += 1
    else:
        failed.append(f"{name}: {told}")


def client(service):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name=REGION,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


asg, ec2, eks, sqs = client("autoscaling"), client("ec2"), client("eks"), client("sqs")
cloudwatch, sts = client("cloudwatch"), client("sts")


def refused(name, call, code, said="", status=400):
    """The call is refused with this code, these words somewhere in its message, and this HTTP status: three checks."""
    try:
        answer = call()
    except ClientError as error:
        of = error.response["Error"]
        http = error.response["ResponseMetadata"]["HTTPStatusCode"]
        check(f"{name}: code", of["Code"] == code, of)
        check(f"{name}: message", said.lower() in of["Message"].lower(), of["Message"])
        check(f"{name}: status", http == status, http)
        return
    check(f"{name}: refused", False, answer)


def advance(seconds):
    urllib.request.urlopen(f"{URL}/_plimsoll/advance?seconds={seconds}").read()


def state():
    return json.load(urllib.request.urlopen(f"{URL}/_plimsoll/state"))


def group(name):
    return asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]


def machines(**of):
    alive = ("pending", "running")
    found = [m for m in state()["machines"] if m["state"] in alive]
    return [m for m in found if all(m[key] == value for key, value in of.items())]


def dry_runs():
    id = group("workers")["Instances"][0]["InstanceId"]
    before = state()["machines"]
    said = "Request would have succeeded, but DryRun flag is set."
    dry = lambda name, call: refused(f"dry run of {name}", call, "DryRunOperation", said, 412)
    dry("TerminateInstances", lambda: ec2.terminate_instances(InstanceIds=[id], DryRun=True))
    dry("CreateTags", lambda: ec2.create_tags(Resources=[id], Tags=[{"Key": "a", "Value": "b"}], DryRun=True))
    dry("CreateFleet", lambda: ec2.create_fleet(DryRun=True, **fleet(2)))
    data = {"InstanceType": "m5.large"}
    dry(
        "CreateLaunchTemplate",
        lambda: ec2.create_launch_template(LaunchTemplateName="dry", LaunchTemplateData=data, DryRun=True),
    )
    dry("DescribeInstances", lambda: ec2.describe_instances(DryRun=True))
    check("dry runs change nothing", state()["machines"] == before)
    missing = lambda: ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"], DryRun=True)
    refused("dry run of nobody", missing, "InvalidInstanceID.NotFound", "does not exist")
    templates = ec2.describe_launch_templates()["LaunchTemplates"]
    check("no dry template", "dry" not in [t["LaunchTemplateName"] for t in templates], templates)


def fleet(total, spot=None, on_demand=None, usual="on-demand", overrides=None, **more):
    target = {"TotalTargetCapacity": total, "DefaultTargetCapacityType": usual}
    if spot is not None:
        target["SpotTargetCapacity"] = spot
    if on_demand is not None:
        target["OnDemandTargetCapacity"] = on_demand
    config = {"LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "$Latest"}}
    if overrides is not None:
        config["Overrides"] = overrides
    return {"Type": "instant", "LaunchTemplateConfigs": [config], "TargetCapacitySpecification": target, **more}


def fleets():
    first, second = ec2.create_fleet(**fleet(1)), ec2.create_fleet(**fleet(1))
    check("fleets have ids", first["FleetId"].startswith("fleet-"), first["FleetId"])
    check("of their own", first["FleetId"] != second["FleetId"], first["FleetId"])
    check("the template's type", first["Instances"][0]["InstanceType"] == "m5.large", first["Instances"])
    token = ec2.create_fleet(**fleet(2, ClientToken="t-1"))
    again = ec2.create_fleet(**fleet(2, ClientToken="t-1"))
    check("a token is idempotent", token["Instances"] == again["Instances"], again)
    check("also in its id", token["FleetId"] == again["FleetId"], again["FleetId"])
    other = lambda: ec2.create_fleet(**fleet(3, ClientToken="t-1"))
    refused("another fleet by the same token", other, "IdempotentParameterMismatch")
    split = ec2.create_fleet(**fleet(5, spot=3, on_demand=2))
    counts = [i["Lifecycle"] for i in split["Instances"] for _ in i["InstanceIds"]]
    check("spot of a split", counts.count("spot") == 3, counts)
    check("on-demand of a split", counts.count("on-demand") == 2, counts)
    rest = ec2.create_fleet(**fleet(4, on_demand=1, usual="spot"))
    counts = [i["Lifecycle"] for i in rest["Instances"] for _ in i["InstanceIds"]]
    check("the rest is of the default type", (counts.count("spot"), counts.count("on-demand")) == (3, 1), counts)
    named = [{"InstanceType": "m6a.large", "AvailabilityZone": "us-east-1b"}]
    made = ec2.create_fleet(**fleet(2, overrides=named))
    rows = {(i["InstanceType"], i["AvailabilityZone"]) for i in made["Instances"]}
    check("overrides are taken", rows == {("m6a.large", "us-east-1b")}, rows)
    subnet = [{"InstanceType": "m6a.large", "SubnetId": "subnet-us-east-1c"}]
    made = ec2.create_fleet(**fleet(1, overrides=subnet))
    check("a subnet is a zone", made["Instances"][0]["AvailabilityZone"] == "us-east-1c", made["Instances"])
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "a"}]}]
    made = ec2.create_fleet(**fleet(1, TagSpecifications=tags))
    advance(60)
    found = ec2.describe_instances(Filters=[{"Name": "tag:team", "Values": ["a"]}])["Reservations"]
    ids = [i["InstanceId"] for r in found for i in r["Instances"]]
    check("instances are tagged", ids == made["Instances"][0]["InstanceIds"], ids)
    bad = lambda **of: (lambda: ec2.create_fleet(**{**fleet(1), **of}))
    refused("a fleet that requests", bad(Type="request"), "InvalidParameterValue", "instant")
    refused("a fleet of nothing", bad(LaunchTemplateConfigs=[]), "MissingParameter", "LaunchTemplateConfigs")
    nobody = [{"LaunchTemplateSpecification": {"LaunchTemplateName": "nobody", "Version": "1"}}]
    refused(
        "a fleet of no template",
        bad(LaunchTemplateConfigs=nobody),
        "InvalidLaunchTemplateName.NotFoundException",
        "does not exist",
    )
    untyped = [{"LaunchTemplateSpecification": {"LaunchTemplateName": "untyped", "Version": "1"}}]
    ec2.create_launch_template(LaunchTemplateName="untyped", LaunchTemplateData={"ImageId": "ami-1"})
    refused("a fleet without a type", bad(LaunchTemplateConfigs=untyped), "InvalidFleetConfiguration", "instance type")
    refused("more than the total", lambda: ec2.create_fleet(**fleet(2, spot=2, on_demand=1)), "InvalidParameterValue", "TotalTargetCapacity")
    refused("a purchase that is none", lambda: ec2.create_fleet(**fleet(1, usual="free")), "InvalidParameterValue", "free")
    unknown = ec2.create_fleet(**fleet(1, overrides=[{"InstanceType": "m99.huge"}]))
    codes = {error["ErrorCode"] for error in unknown["Errors"]}
    check("an unknown type fills nothing", not unknown["Instances"] and codes == {"InvalidInstanceType"}, unknown)


def new_group(name, **of):
    template = {"LaunchTemplateName": "fleet", "Version": "$Latest"}
    usual = {"MinSize": 0, "MaxSize": 9, "AvailabilityZones": ["us-east-1a"], "LaunchTemplate": template}
    given = {key: value for key, value in {**usual, **of}.items() if value is not None}
    return asg.create_auto_scaling_group(AutoScalingGroupName=name, **given)


def creating_groups():
    bad = lambda name, code, said, **of: refused(name, lambda: new_group("refused", **of), code, said)
    bad("more than the most", "ValidationError", "Desired capacity:12 must be between", DesiredCapacity=12)
    bad("fewer than the fewest", "ValidationError", "min size:2", MinSize=2, DesiredCapacity=1)
    bad("bounds the wrong way", "ValidationError", "Max bound, 1, must be greater than or equal to min bound, 3", MinSize=3, MaxSize=1)
    bad("no bounds", "ValidationError", "maxSize", MaxSize=None)
    bad("no template", "ValidationError", "launchTemplate", LaunchTemplate=None)
    bad("no zone", "ValidationError", "Availability Zone", AvailabilityZones=None)
    bad("a zone elsewhere", "ValidationError", "us-east-1z", AvailabilityZones=["us-east-1z"])
    bad("a subnet elsewhere", "ValidationError", "subnet-9", AvailabilityZones=None, VPCZoneIdentifier="subnet-9")
    version = {"LaunchTemplateName": "fleet", "Version": "7"}
    bad("a version that is not there", "ValidationError", "version", LaunchTemplate=version)
    untyped = {"LaunchTemplateName": "untyped", "Version": "1"}
    bad("a template without a type", "ValidationError", "InstanceType", LaunchTemplate=untyped)
    found = asg.describe_auto_scaling_groups(AutoScalingGroupNames=["refused"])["AutoScalingGroups"]
    check("what is refused leaves no group", not found, found)
    templates = [t["LaunchTemplateName"] for t in ec2.describe_launch_templates()["LaunchTemplates"]]
    check("and no template", "refused" not in templates, templates)
    new_group("plain", MinSize=1, DesiredCapacity=2)
    refused("a name that is taken", lambda: new_group("plain"), "AlreadyExists", "already exists")
    made = group("plain")
    check("its template is the one named", made["LaunchTemplate"]["LaunchTemplateName"] == "fleet", made)
    check("by its version", made["LaunchTemplate"]["Version"] == "$Latest", made["LaunchTemplate"])
    advance(60)
    check("it fills itself", len(group("plain")["Instances"]) == 2, group("plain")["Instances"])


def mixed_instances():
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "$Latest"},
            "Overrides": [{"InstanceType": "m6a.large"}, {"InstanceType": "m5.large"}],
        },
        "InstancesDistribution": {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 25},
    }
    new_group("mixed", LaunchTemplate=None, MixedInstancesPolicy=policy, DesiredCapacity=5)
    advance(60)
    made = group("mixed")
    shown = made["MixedInstancesPolicy"]["InstancesDistribution"]
    check("the base is shown", shown["OnDemandBaseCapacity"] == 1, shown)
    check("the share is shown", shown["OnDemandPercentageAboveBaseCapacity"] == 25, shown)
    types = [o["InstanceType"] for o in made["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]]
    check("overrides are shown in their order", types == ["m6a.large", "m5.large"], types)
    on_demand = len(machines(group="mixed", spot=False))
    check("one at the base, a quarter of four above", on_demand == 2, on_demand)
    check("the rest is spot", len(machines(group="mixed", spot=True)) == 3)
    found = ec2.describe_instances(Filters=[{"Name": "instance-lifecycle", "Values": ["spot"]}, {"Name": "tag:aws:autoscaling:groupName", "Values": ["mixed"]}])
    check("EC2 says the same", sum(len(r["Instances"]) for r in found["Reservations"]) == 3)
    asg.set_desired_capacity(AutoScalingGroupName="mixed", DesiredCapacity=9)
    advance(60)
    on_demand = len(machines(group="mixed", spot=False))
    check("it holds as the group grows", on_demand == 3, on_demand)
    policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] = 120
    over = lambda: new_group("refused", LaunchTemplate=None, MixedInstancesPolicy=policy)
    refused("a share above all", over, "ValidationError", "between 0 and 100")
    policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] = 0
    policy["LaunchTemplate"]["Overrides"] = [{"InstanceType": "m99.huge"}]
    refused("a type that is none", lambda: new_group("refused", LaunchTemplate=None, MixedInstancesPolicy=policy), "ValidationError", "m99.huge")


def updating_groups():
    update = lambda **of: (lambda: asg.update_auto_scaling_group(AutoScalingGroupName="plain", **of))
    refused("bounds the wrong way", update(MinSize=5, MaxSize=3), "ValidationError", "Max bound, 3, must be greater than or equal to min bound, 5")
    refused("most below fewest", update(MaxSize=0), "ValidationError", "Max bound, 0")
    refused("a size above the bounds", update(DesiredCapacity=50), "ValidationError", "Desired capacity:50 must be between the specified min size:1 and max size:9")
    refused("a group that is none", lambda: asg.update_auto_scaling_group(AutoScalingGroupName="nobody", MaxSize=3), "ValidationError", "not found")
    refused("a zone elsewhere", update(AvailabilityZones=["eu-west-1a"]), "ValidationError", "eu-west-1a")
    half = update(MaxSize=4, LaunchTemplate={"LaunchTemplateName": "nobody"})
    refused("a template that is none", half, "InvalidLaunchTemplateName.NotFoundException")
    now = group("plain")
    check("what is refused changes nothing", (now["MinSize"], now["MaxSize"], now["DesiredCapacity"]) == (1, 9, 2), now)
    update(MinSize=3, MaxSize=6)()
    now = group("plain")
    check("the fewest push the size", (now["MinSize"], now["MaxSize"], now["DesiredCapacity"]) == (3, 6, 3), now)
    update(AvailabilityZones=["us-east-1b"])()
    check("zones change", group("plain")["AvailabilityZones"] == ["us-east-1b"])
    above = lambda: asg.set_desired_capacity(AutoScalingGroupName="plain", DesiredCapacity=7)
    refused("above the most", above, "ValidationError", "above max value 6")
    below = lambda: asg.set_desired_capacity(AutoScalingGroupName="plain", DesiredCapacity=1)
    refused("below the fewest", below, "ValidationError", "below min value 3")
    advance(60)


def pages_and_filters():
    for name in ["p1", "p2", "p3"]:
        new_group(name, Tags=[{"Key": "page", "Value": name}])
    filters = [{"Name": "tag-key", "Values": ["page"]}]
    names, token = [], {}
    for _ in range(3):
        page = asg.describe_auto_scaling_groups(Filters=filters, MaxRecords=1, **token)
        names += [g["AutoScalingGroupName"] for g in page["AutoScalingGroups"]]
        token = {"NextToken": page.get("NextToken")}
    check("pages follow each other", names == ["p1", "p2", "p3"], names)
    check("the last has no token", token == {"NextToken": None}, token)
    describe = lambda **of: (lambda: asg.describe_auto_scaling_groups(**of))
    refused("a token of nobody", describe(NextToken="p1"), "InvalidNextToken", "p1")
    refused("too large a page", describe(MaxRecords=101), "ValidationError", "maxRecords")
    refused("too small a page", describe(MaxRecords=0), "ValidationError", "maxRecords")
    refused("a filter that is none", describe(Filters=[{"Name": "size", "Values": ["1"]}]), "ValidationError", "size")
    by_value = asg.describe_auto_scaling_groups(Filters=[{"Name": "tag:page", "Values": ["p2", "p3"]}])
    check("values of a filter are any", len(by_value["AutoScalingGroups"]) == 2, by_value)
    both = asg.describe_auto_scaling_groups(Filters=filters + [{"Name": "tag-value", "Values": ["p1"]}])
    check("filters are all", len(both["AutoScalingGroups"]) == 1, both)

    instances = lambda **of: (lambda: ec2.describe_instances(**of))
    refused("too small a page of EC2", instances(MaxResults=4), "InvalidParameterValue", "maxResults")
    refused("too large a page of EC2", instances(MaxResults=1001), "InvalidParameterValue", "maxResults")
    refused("a token of nobody at EC2", instances(NextToken="i-1"), "InvalidNextToken")
    refused("a filter that EC2 has not", instances(Filters=[{"Name": "colour", "Values": ["red"]}]), "InvalidParameterValue", "The filter 'colour' is invalid")
    id = group("workers")["Instances"][0]["InstanceId"]
    refused("ids and a page size", instances(InstanceIds=[id], MaxResults=5), "InvalidParameterCombination")
    refused("an instance that is none", instances(InstanceIds=["i-0000000000000000f"]), "InvalidInstanceID.NotFound", "i-0000000000000000f")
    paged = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
    pages = [[i["InstanceId"] for r in page["Reservations"] for i in r["Instances"]] for page in paged]
    ids = [id for page in pages for id in page]
    check("pages of EC2 are of the size", len(pages) > 1 and all(len(page) <= 5 for page in pages), pages)
    check("nobody is there twice", len(ids) == len(set(ids)), ids)
    whole = [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    check("and nobody is missing", sorted(ids) == sorted(whole), len(whole))
    wild = ec2.describe_instances(Filters=[{"Name": "instance-type", "Values": ["m6a.*"]}])
    types = {i["InstanceType"] for r in wild["Reservations"] for i in r["Instances"]}
    check("values may have wildcards", types == {"m6a.large"}, types)
    types = lambda **of: (lambda: ec2.describe_instance_types(**of))
    refused("too large a page of types", types(MaxResults=101), "InvalidParameterValue", "maxResults")
    refused("a type that is none", types(InstanceTypes=["m99.huge"]), "InvalidInstanceType", "m99.huge")
    sold = ec2.describe_instance_type_offerings(
        LocationType="availability-zone-id", Filters=[{"Name": "location", "Values": ["use1-az1"]}]
    )["InstanceTypeOfferings"]
    check("offerings by location", sold and {o["Location"] for o in sold} == {"use1-az1"}, sold[:2])
    refused("a kind of place that is none", lambda: ec2.describe_instance_type_offerings(LocationType="moon"), "InvalidParameterValue", "moon")
    versions = lambda: ec2.describe_launch_template_versions(LaunchTemplateName="fleet", Versions=["9"])
    refused("a version that is none", versions, "InvalidLaunchTemplateId.VersionNotFound")
    again = lambda: ec2.create_launch_template(LaunchTemplateName="fleet", LaunchTemplateData={"InstanceType": "m5.large"})
    refused("a template that is there", again, "InvalidLaunchTemplateName.AlreadyExistsException")
    odd = ec2.create_launch_template(LaunchTemplateName="odd", LaunchTemplateData={"InstanceType": "m99.huge"})
    check("a template of no type is warned of", odd["Warning"]["Errors"][0]["Code"] == "InvalidInstanceType", odd)
    check("and made", odd["LaunchTemplate"]["LatestVersionNumber"] == 1, odd)
    tags = lambda: ec2.create_tags(Resources=["i-0000000000000000f"], Tags=[{"Key": "a", "Value": "b"}])
    refused("tags of nobody", tags, "InvalidInstanceID.NotFound")


def lifecycle_hooks():
    hook = {"AutoScalingGroupName": "plain", "LifecycleHookName": "start"}
    put = lambda **of: (lambda: asg.put_lifecycle_hook(**{**hook, **of}))
    launching = "autoscaling:EC2_INSTANCE_LAUNCHING"
    refused("a hook of no transition", put(), "ValidationError", "lifecycleTransition")
    refused("a transition that is none", put(LifecycleTransition="launching"), "ValidationError", "Transition")
    refused("too short a heartbeat", put(LifecycleTransition=launching, HeartbeatTimeout=5), "ValidationError", "between 30 and 7200")
    refused("a result that is none", put(LifecycleTransition=launching, DefaultResult="MAYBE"), "ValidationError", "CONTINUE or ABANDON")
    put(LifecycleTransition=launching, HeartbeatTimeout=60)()
    shown = asg.describe_lifecycle_hooks(AutoScalingGroupName="plain")["LifecycleHooks"][0]
    check("a hook abandons where nobody says", shown["DefaultResult"] == "ABANDON", shown)
    check("its heartbeat is shown", shown["HeartbeatTimeout"] == 60, shown)

    before = {i["InstanceId"] for i in group("plain")["Instances"]}
    grow = lambda: asg.set_desired_capacity(AutoScalingGroupName="plain", DesiredCapacity=len(before) + 1)
    waiting = lambda: [i for i in group("plain")["Instances"] if i["LifecycleState"] == "Pending:Wait"]
    grow()
    advance(45)
    check("an instance waits at its hook", len(waiting()) == 1, group("plain")["Instances"])
    id = waiting()[0]["InstanceId"]
    done = lambda result, id=id: asg.complete_lifecycle_action(LifecycleActionResult=result, InstanceId=id, **hook)
    refused("a result that is none", lambda: done("MAYBE"), "ValidationError", "CONTINUE or ABANDON")
    done("ABANDON")
    check("who is abandoned ends", id not in [m["id"] for m in machines()])
    advance(60)
    check("and another comes", len(waiting()) == 1 and waiting()[0]["InstanceId"] != id, waiting())
    refused("who no longer waits", lambda: done("CONTINUE"), "ValidationError", "No active Lifecycle Action found")
    second = waiting()[0]["InstanceId"]
    done("CONTINUE", second)
    states = {i["InstanceId"]: i["LifecycleState"] for i in group("plain")["Instances"]}
    check("who continues is in service", states.get(second) == "InService", states)
    asg.set_desired_capacity(AutoScalingGroupName="plain", DesiredCapacity=len(before) + 2)
    advance(45)
    third = waiting()[0]["InstanceId"]
    asg.record_lifecycle_action_heartbeat(InstanceId=third, **hook)
    advance(55)
    check("a heartbeat begins the time anew", third in [m["id"] for m in machines()])
    advance(10)
    check("whose time is up is abandoned", third not in [m["id"] for m in machines()])
    asg.delete_lifecycle_hook(**hook)
    check("hooks can be taken away", not asg.describe_lifecycle_hooks(AutoScalingGroupName="plain")["LifecycleHooks"])
    refused("a hook that is none", lambda: asg.delete_lifecycle_hook(**hook), "ValidationError", "start")
    advance(120)


def activities():
    rows = asg.describe_scaling_activities(AutoScalingGroupName="plain")["Activities"]
    check("a group has a history", len(rows) >= 5, len(rows))
    times = [row["StartTime"] for row in rows]
    check("the newest first", times == sorted(times, reverse=True), times[:3])
    check("all of that group", {row["AutoScalingGroupName"] for row in rows} == {"plain"})
    one = asg.describe_scaling_activities(ActivityIds=[rows[1]["ActivityId"]])["Activities"]
    check("one by its id", [row["ActivityId"] for row in one] == [rows[1]["ActivityId"]], one)
    paged = asg.get_paginator("describe_scaling_activities").paginate(
        AutoScalingGroupName="plain", PaginationConfig={"PageSize": 2}
    )
    ids = [row["ActivityId"] for page in paged for row in page["Activities"]]
    check("pages in the same order", ids == [row["ActivityId"] for row in rows], ids[:3])
    refused("a history of nobody", lambda: asg.describe_scaling_activities(AutoScalingGroupName="nobody"), "ValidationError", "not found")
    refused("an activity of nobody", lambda: asg.describe_scaling_activities(ActivityIds=["a-1"]), "ValidationError", "a-1")
    refused("too large a page", lambda: asg.describe_scaling_activities(MaxRecords=500), "ValidationError", "maxRecords")


def instances_of_groups():
    workers = [i["InstanceId"] for i in group("workers")["Instances"]]
    stranger = machines(group=None)[0]["id"]
    protect = lambda *ids: asg.set_instance_protection(AutoScalingGroupName="workers", InstanceIds=list(ids), ProtectedFromScaleIn=True)
    refused("protecting a stranger", lambda: protect(workers[0], stranger), "ValidationError", stranger)
    check("protects nobody", not any(i["ProtectedFromScaleIn"] for i in group("workers")["Instances"]))
    protect(workers[0])
    check("protection is shown", [i["InstanceId"] for i in group("workers")["Instances"] if i["ProtectedFromScaleIn"]] == [workers[0]])
    detach = lambda **of: (lambda: asg.detach_instances(AutoScalingGroupName="workers", **of))
    refused("detaching a stranger", detach(InstanceIds=[stranger], ShouldDecrementDesiredCapacity=True), "ValidationError", stranger)
    refused("detaching without saying", detach(InstanceIds=[workers[1]]), "ValidationError", "shouldDecrementDesiredCapacity")
    detach(InstanceIds=[workers[1]], ShouldDecrementDesiredCapacity=True)()
    check("a group is smaller then", group("workers")["DesiredCapacity"] == 2, group("workers"))
    refused("ending a stranger by group", lambda: asg.terminate_instance_in_auto_scaling_group(InstanceId=stranger, ShouldDecrementDesiredCapacity=True), "ValidationError", "Instance Id not found")
    refused("a process that is none", lambda: asg.suspend_processes(AutoScalingGroupName="workers", ScalingProcesses=["Dance"]), "ValidationError", "Dance")
    asg.suspend_processes(AutoScalingGroupName="workers", ScalingProcesses=["Launch"])
    check("a process rests", [p["ProcessName"] for p in group("workers")["SuspendedProcesses"]] == ["Launch"])
    asg.resume_processes(AutoScalingGroupName="workers")
    check("and goes on", not group("workers")["SuspendedProcesses"])
    ended = asg.terminate_instance_in_auto_scaling_group(InstanceId=workers[2], ShouldDecrementDesiredCapacity=True)
    check("ending is an activity", workers[2] in ended["Activity"]["Description"], ended)
    check("and makes the group smaller", group("workers")["DesiredCapacity"] == 1)
    refused("below the fewest", lambda: asg.terminate_instance_in_auto_scaling_group(InstanceId=workers[0], ShouldDecrementDesiredCapacity=True), "ValidationError", "minSize")


def node_groups():
    name = {"clusterName": "blue", "nodegroupName": "ng"}
    update = lambda **of: (lambda: eks.update_nodegroup_config(**{**name, **of}))
    refused("a cluster that is none", lambda: eks.describe_cluster(name="green"), "ResourceNotFoundException", "green", 404)
    refused("a node group that is none", lambda: eks.describe_nodegroup(clusterName="blue", nodegroupName="no"), "ResourceNotFoundException", "no", 404)
    refused("a profile that is none", lambda: eks.describe_fargate_profile(clusterName="blue", fargateProfileName="no"), "ResourceNotFoundException", "no", 404)
    refused("an update that is none", lambda: eks.describe_update(name="blue", updateId="u"), "ResourceNotFoundException", "", 404)
    bounds = lambda **of: update(scalingConfig=of)
    refused("bounds the wrong way", bounds(minSize=7, maxSize=3), "InvalidParameterException", "can't be greater than maximum size")
    refused("a size above", bounds(desiredSize=9), "InvalidParameterException", "Desired capacity 9 can't be greater than max size 5")
    refused("a size below", bounds(minSize=2, desiredSize=1), "InvalidParameterException", "can't be greater than desired size")
    refused("a label that is none", update(labels={"removeLabels": ["nobody"]}), "InvalidParameterException", "nobody")
    odd = {"addOrUpdateTaints": [{"key": "a", "value": "b", "effect": "NEVER"}]}
    refused("an effect that is none", update(taints=odd), "InvalidParameterException", "NEVER")
    taint = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}
    begun = update(
        scalingConfig={"minSize": 1, "maxSize": 8, "desiredSize": 3},
        labels={"addOrUpdateLabels": {"team": "b"}, "removeLabels": ["old"]},
        taints={"addOrUpdateTaints": [taint]},
    )()["update"]
    check("an update begins", begun["status"] == "InProgress", begun)
    refused("while it goes on", bounds(maxSize=9), "ResourceInUseException", "not in Active State", 409)
    advance(120)
    done = eks.describe_update(name="blue", nodegroupName="ng", updateId=begun["id"])["update"]
    check("and ends", done["status"] == "Successful", done)
    now = eks.describe_nodegroup(**name)["nodegroup"]
    check("labels are set and taken away", now["labels"] == {"team": "b"}, now["labels"])
    check("taints are set", now["taints"] == [taint], now["taints"])
    check("bounds are set", now["scalingConfig"] == {"minSize": 1, "maxSize": 8, "desiredSize": 3}, now["scalingConfig"])
    behind = now["resources"]["autoScalingGroups"][0]["name"]
    check("also of the group behind", (group(behind)["MaxSize"], group(behind)["DesiredCapacity"]) == (8, 3), group(behind))
    update(taints={"removeTaints": [taint]})()
    advance(120)
    check("taints are taken away", eks.describe_nodegroup(**name)["nodegroup"]["taints"] == [])
    first = eks.list_nodegroups(clusterName="blue", maxResults=1)
    second = eks.list_nodegroups(clusterName="blue", maxResults=1, nextToken=first["nextToken"])
    check("pages of node groups", (first["nodegroups"], second["nodegroups"]) == (["ng"], ["other"]), (first, second))
    refused("too large a page", lambda: eks.list_nodegroups(clusterName="blue", maxResults=101), "InvalidParameterException", "maxResults")
    refused("a token of nobody", lambda: eks.list_nodegroups(clusterName="blue", nextToken="ng"), "InvalidParameterException", "token")
    selectors = [{"namespace": "batch"}]
    create = lambda name, **of: (lambda: eks.create_fargate_profile(clusterName="blue", fargateProfileName=name, podExecutionRoleArn="arn:aws:iam::123456789012:role/r", **of))
    refused("a profile of nobody", create("empty", selectors=[]), "InvalidParameterException", "selectors")
    refused("a profile elsewhere", create("far", selectors=selectors, subnets=["subnet-moon"]), "InvalidParameterException", "moon")
    create("batch", selectors=selectors)()
    refused("a profile that is there", create("batch", selectors=selectors), "ResourceInUseException", "batch", 409)
    refused("two at a time", create("second", selectors=selectors), "ResourceInUseException", "being created", 409)


def queues():
    refused("a queue that is none", lambda: sqs.get_queue_url(QueueName="nobody"), "QueueDoesNotExist", "does not exist")
    far = "http://127.0.0.1/123456789012/nobody"
    refused("receiving from nobody", lambda: sqs.receive_message(QueueUrl=far), "QueueDoesNotExist", "does not exist")
    refused("sending to nobody", lambda: sqs.send_message(QueueUrl=far, MessageBody="x"), "QueueDoesNotExist", "does not exist")
    refused("a name that is none", lambda: sqs.create_queue(QueueName="a b"), "InvalidParameterValue", "alphanumeric")
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    check("a queue is there once it is made", sqs.get_queue_url(QueueName="mine")["QueueUrl"] == url, url)
    check("and listed", url in sqs.list_queues()["QueueUrls"], url)
    check("by its prefix", sqs.list_queues(QueueNamePrefix="min")["QueueUrls"] == [url])
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    refused("a message of nothing", lambda: sqs.send_message(QueueUrl=url, MessageBody=""), "MissingParameter", "MessageBody")
    refused("too many at once", lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11), "InvalidParameterValue", "between 1 and 10")
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    check("what is sent comes", [m["Body"] for m in got] == ["hello"], got)
    check("and is hidden then", "Messages" not in sqs.receive_message(QueueUrl=url))
    advance(31)
    again = sqs.receive_message(QueueUrl=url)["Messages"]
    check("until its time is up", again[0]["MessageId"] == got[0]["MessageId"], again)
    refused("a receipt that is none", lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="x"), "ReceiptHandleIsInvalid")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again[0]["ReceiptHandle"])
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    check("what is deleted is gone", left["ApproximateNumberOfMessages"] == "0", left)
    refused("an empty batch", lambda: sqs.delete_message_batch(QueueUrl=url, Entries=[]), "EmptyBatchRequest")
    sqs.delete_queue(QueueUrl=url)
    refused("a queue that was deleted", lambda: sqs.get_queue_url(QueueName="mine"), "QueueDoesNotExist")


def metrics():
    datum = {"MetricName": "depth", "Value": 3.5, "Dimensions": [{"Name": "queue", "Value": "a"}]}
    cloudwatch.put_metric_data(Namespace="mine", MetricData=[datum])
    metric = {"Namespace": "mine", "MetricName": "depth", "Dimensions": datum["Dimensions"]}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
    span = {"StartTime": 0, "EndTime": 4102444800}
    got = cloudwatch.get_metric_data(MetricDataQueries=[query], **span)["MetricDataResults"]
    check("a metric in CBOR", got[0]["Values"] == [3.5], got)
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/monitoring/aws4_request",
    }
    body = {"MetricDataQueries": [query], **span}

    def post(target, body):
        headers["X-Amz-Target"] = f"GraniteServiceVersion20100801.{target}"
        request = urllib.request.Request(URL, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers["Content-Type"], json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], json.load(error)

    status, kind, said = post("GetMetricData", body)
    check("the same in JSON", said["MetricDataResults"][0]["Values"] == [3.5], said)
    check("as JSON", (status, kind) == (200, "application/x-amz-json-1.0"), (status, kind))
    check("with times in seconds", isinstance(said["MetricDataResults"][0]["Timestamps"][0], float), said)
    put = {"Namespace": "mine", "MetricData": [{"MetricName": "width", "Value": 2}]}
    check("put in JSON", post("PutMetricData", put)[0] == 200)
    query["MetricStat"]["Metric"] = {"Namespace": "mine", "MetricName": "width"}
    check("and got", post("GetMetricData", body)[2]["MetricDataResults"][0]["Values"] == [2.0])
    status, _, said = post("PutMetricData", {"MetricData": []})
    check("without a namespace", (status, said["__type"]) == (400, "MissingRequiredParameterException"), said)


def command_line():
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": URL,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PAGER": "",
    }

    def aws(*args):
        program = os.path.join(os.path.dirname(sys.executable), "aws")
        run = subprocess.run([sys.executable, program, *args, "--output", "json"], env=env, capture_output=True, text=True)
        return run.returncode, run.stdout, run.stderr

    code, out, err = aws("autoscaling", "describe-auto-scaling-groups", "--query", "AutoScalingGroups[].AutoScalingGroupName")
    check("the command line lists groups", code == 0 and "workers" in json.loads(out), err)
    code, out, err = aws("ec2", "describe-instances", "--filters", "Name=instance-state-name,Values=running", "--query", "length(Reservations)")
    check("and instances", code == 0 and int(out) > 0, err)
    code, out, err = aws("ec2", "terminate-instances", "--dry-run", "--instance-ids", machines()[0]["id"])
    check("a dry run by hand", code != 0 and "DryRunOperation" in err, err)
    code, out, err = aws("eks", "describe-nodegroup", "--cluster-name", "blue", "--nodegroup-name", "no")
    check("what is not there", code != 0 and "ResourceNotFoundException" in err, err)
    # Of SQS this command line takes its address from the flag alone.
    code, out, err = aws("sqs", "get-queue-url", "--queue-name", "notices", "--endpoint-url", URL)
    check("the queue of notices", code == 0 and json.loads(out)["QueueUrl"].endswith("/notices"), err)
    code, out, err = aws("autoscaling", "update-auto-scaling-group", "--auto-scaling-group-name", "workers", "--min-size", "9", "--max-size", "3")
    check("bounds the wrong way", code != 0 and "Max bound, 3" in err, err)
    code, out, err = aws("sts", "get-caller-identity")
    check("who is asked", code == 0 and json.loads(out)["Account"] == "123456789012", err)
    code, out, err = aws("cloudwatch", "put-metric-data", "--namespace", "mine", "--metric-name", "cli", "--value", "1")
    check("a metric", code == 0, err)


for part in (
    dry_runs,
    fleets,
    creating_groups,
    mixed_instances,
    updating_groups,
    pages_and_filters,
    lifecycle_hooks,
    activities,
    instances_of_groups,
    node_groups,
    queues,
    metrics,
    command_line,
):
    try:
        part()
    except Exception as error:
        failed.append(f"{part.__name__}: {type(error).__name__}: {error}")

for line in failed:
    print(f"failed: {line}")
print(f"{passed} checks passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
