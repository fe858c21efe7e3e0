#!/bin/sh
# Try on a real account what spawn takes for granted about AWS and nobody here
# could try. It has never been run against AWS: whoever runs it is the first.
#
#   make verify-aws VERIFY=--yes-it-costs-money
#
# It launches at most six t3.nano, of which none lives longer than 30 minutes:
# below 0.05 dollars, public addresses included. Whatever happens, it ends them
# and removes what it made; should it be killed, spawn's deadlines and
# "spawn cleanup" do so for all but the three that it launches without spawn.
# The role, key, bucket and group that spawn keeps in an account stay.
#
# It needs spawn, the AWS command line, and credentials as docs/iam-permissions.md
# says, and in addition ec2:RunInstances and ec2:TerminateInstances for instances
# without spawn's tag. With SPAWN_LOCAL=1 and the environment of "spawn local env"
# it tries the local cloud, which shows that the script works, and nothing of AWS.
#
# Exit code: 0 all that was tried held, 1 something did not, 2 nothing was done.
set -u

run=spawn-verify-$(date +%s)
kind=${VERIFY_TYPE:-t3.nano}
image=resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
results=''
bad=0

result() { # held|FAILED|untried, what, why
	results="$results$(printf '%-8s %s%s' "$1" "$2" "${3:+: $3}")
"
	printf '%-8s %s%s\n' "$1" "$2" "${3:+: $3}"
	[ "$1" != FAILED ] || bad=1
}

agree() {
	case " $* " in *' --yes-it-costs-money '*) ;; *)
		echo "this launches instances, for less than 0.05 dollars; to agree: --yes-it-costs-money" >&2
		exit 2
		;;
	esac
	for program in spawn aws; do
		command -v "$program" >/dev/null || { echo "$program is not in PATH" >&2; exit 2; }
	done
	who=$(aws sts get-caller-identity --query Arn --output text) || exit 2
	echo "as $who, in ${AWS_REGION:-${AWS_DEFAULT_REGION:-the region of the configuration}}, at ${AWS_ENDPOINT_URL:-AWS}"
	[ -t 0 ] || return 0
	printf 'launch there? [y/N] '
	read -r answer
	[ "$answer" = y ] || exit 2
}

# Ids of the instances that the script launched without spawn.
# shellcheck disable=SC2317 # the trap calls it
loose() {
	aws ec2 describe-instances --filters "Name=tag:Name,Values=$run" Name=instance-state-name,Values=pending,running,stopping,stopped \
		--query 'Reservations[].Instances[].InstanceId' --output text
}

id_of() { spawn status "$1" -o json | sed -n 's/^ *"id": "\(i-[0-9a-f]*\)".*/\1/p' | head -n 1; }

state_of() { aws ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].State.Name' --output text; }

# ends INSTANCE SECONDS: whether it has ended by then.
ends() {
	left=$2
	while [ "$left" -gt 0 ]; do
		case $(state_of "$1") in shutting-down | terminated) return 0 ;; esac
		sleep 5
		left=$((left - 5))
	done
	return 1
}

# shellcheck disable=SC2317 # the trap calls it
clean() {
	code=$?
	trap - EXIT INT TERM
	echo "cleaning up"
	aws scheduler delete-schedule --group-name spawn --name "$run" >/dev/null 2>&1 # it may be gone, or never have been
	for name in "$run-a" "$run-b" "$run-c"; do
		spawn terminate "$name" --yes >/dev/null 2>&1 # the same
	done
	ids=$(loose)
	# shellcheck disable=SC2086 # one word an id
	[ -z "$ids" ] || aws ec2 terminate-instances --instance-ids $ids >/dev/null || echo "NOT ENDED: $ids" >&2
	spawn cleanup --yes || echo "spawn cleanup left something: run it again" >&2
	exit "$code"
}

# code COMMAND...: the error code that an AWS command ends with, or "none".
code() {
	if out=$("$@" 2>&1); then echo none; else echo "$out" | sed -n 's/.*An error occurred (\([A-Za-z.]*\)).*/\1/p'; fi
}

# on NAME COMMAND: what a shell command prints on an instance, run as root.
on() {
	case ${SPAWN_LOCAL:-} in
	1) printf '%s\n' "$2" | spawn connect "$1" -- sh 2>/dev/null ;; # who is root there
	*) printf '%s\n' "$2" | spawn connect "$1" -- sudo sh 2>/dev/null ;;
	esac
}

# inside NAME ARGUMENTS: the error code of an AWS command on an instance, under
# the role of its agent. With --dry-run EC2 answers DryRunOperation for "would be
# done", and does nothing.
inside() {
	on "$1" "AWS_REGION=$region ${AWS_ENDPOINT_URL:+AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL} aws $2 2>&1" |
		sed -n 's/.*An error occurred (\([A-Za-z.]*\)).*/\1/p'
}

# want CODE GOT WHAT
want() { if [ "$1" = "$2" ]; then result held "$3"; else result FAILED "$3" "got ${2:-no answer}, not $1"; fi; }

network() {
	vpc=$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)
	if [ "$vpc" = None ]; then
		want VPCIdNotSpecified "$(code aws ec2 create-security-group --group-name "$run" --description "$run")" \
			"a security group without a VPC is refused with VPCIdNotSpecified where there is no default one"
	else
		result untried "VPCIdNotSpecified" "the region has a default VPC"
	fi
}

launch_raw() { # zone
	aws ec2 run-instances --client-token "$run" --image-id "$image" --instance-type "$kind" --count 1 --placement "AvailabilityZone=$1" \
		--instance-initiated-shutdown-behavior terminate --user-data "$(printf '#!/bin/sh\npoweroff\n')" \
		--tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=$run}]" --query 'Instances[0].InstanceId' --output text
}

raw() {
	zones=$(aws ec2 describe-instance-type-offerings --location-type availability-zone --filters "Name=instance-type,Values=$kind" --query 'InstanceTypeOfferings[].Location' --output text)
	# shellcheck disable=SC2086 # one word a zone
	set -- $zones
	first=$(launch_raw "$1") || { result FAILED "RunInstances takes resolve:ssm: as the image" "see above"; return; }
	result held "RunInstances takes resolve:ssm: as the image"
	again=$(launch_raw "$1" 2>&1)
	case $again in
	*"$first"* | *IdempotentInstanceTerminated*) result held "the same request again, with its client token, is the same instance" ;;
	*) result FAILED "the same request again, with its client token, is the same instance" "$again" ;;
	esac
	if [ $# -gt 1 ]; then
		other=$(launch_raw "$2")
		case $other in
		i-*) if [ "$other" != "$first" ]; then result held "a client token is of one zone: in another it is another instance"; else result FAILED "a client token is of one zone" "it was the same instance"; fi ;;
		*) result FAILED "a client token is of one zone" "refused" ;;
		esac
	fi
	if ends "$first" 240; then result held "poweroff terminates, by the shutdown behaviour"; else result FAILED "poweroff terminates, by the shutdown behaviour" "it is $(state_of "$first")"; fi
}

# equipped: whether there is an AWS command line on the instances, as Amazon Linux has it.
equipped() { [ -n "$(on "$run-a" 'command -v aws')" ]; }

self_only() { # ids of a and b
	for act in "terminate-instances --instance-ids" "stop-instances --instance-ids" "create-tags --tags Key=spawn:status,Value=x --resources"; do
		want DryRunOperation "$(inside "$run-a" "ec2 $act $1 --dry-run")" "ec2:SourceInstanceARN lets an instance ${act%% *} itself"
		want UnauthorizedOperation "$(inside "$run-a" "ec2 $act $2 --dry-run")" "and not another"
	done
	want UnauthorizedOperation "$(inside "$run-a" "ec2 create-tags --tags Key=spawn:deadline,Value=x --resources $1 --dry-run")" "an instance cannot move its own deadline"
}

spot() {
	if ! spawn launch --instance-type "$kind" --spot --idle-timeout 20m --idle-action stop --ttl 30m --name "$run-c"; then
		result untried "a Spot request is cancelled by its own instance alone" "it could not be launched"
		return
	fi
	request=$(aws ec2 describe-instances --instance-ids "$(id_of "$run-c")" --query 'Reservations[0].Instances[0].SpotInstanceRequestId' --output text)
	want DryRunOperation "$(inside "$run-c" "ec2 cancel-spot-instance-requests --spot-instance-request-ids $request --dry-run")" "an instance may cancel the Spot request that it came from"
	want UnauthorizedOperation "$(inside "$run-a" "ec2 cancel-spot-instance-requests --spot-instance-request-ids $request --dry-run")" "and another may not"
}

metadata() {
	# shellcheck disable=SC2016 # the instance's shell expands it
	got=$(on "$run-a" 'curl -s -H "X-aws-ec2-metadata-token: $(curl -s -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)" http://169.254.169.254/latest/meta-data/tags/instance/spawn:managed')
	want true "$got" "an instance reads its tags from its metadata, keys with a colon too"
}

# A schedule a minute from now ends an instance, under the role of spawn's schedules.
schedule() { # id of b
	account=$(aws sts get-caller-identity --query Account --output text)
	partition=$(aws sts get-caller-identity --query Arn --output text | cut -d: -f2)
	at=$(date -u -d '+70 seconds' +%Y-%m-%dT%H:%M:%S 2>/dev/null || date -u -v+70S +%Y-%m-%dT%H:%M:%S)
	aws scheduler create-schedule --group-name spawn --name "$run" --flexible-time-window Mode=OFF --action-after-completion DELETE \
		--schedule-expression "at($at)" --target "{\"Arn\":\"arn:aws:scheduler:::aws-sdk:ec2:terminateInstances\",\"RoleArn\":\"arn:$partition:iam::$account:role/spawn-scheduler-role\",\"Input\":\"{\\\"InstanceIds\\\":[\\\"$1\\\"]}\"}" >/dev/null
}

agree "$@"
trap clean EXIT
trap 'exit 130' INT TERM
region=$(aws configure get region 2>/dev/null || true)
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-${region:-us-east-1}}}
network
for name in "$run-a" "$run-b"; do
	spawn launch --instance-type "$kind" --ttl 30m --name "$name" --create-key || { result FAILED "spawn launch"; exit 1; }
done
a=$(id_of "$run-a")
b=$(id_of "$run-b")
result held "spawn launches, and its agent reports"
metadata
if equipped; then
	self_only "$a" "$b"
	spot
else
	result untried "what the role of an instance may do" "there is no AWS command line on the instance"
fi
if schedule "$b"; then scheduled=1; else scheduled=0; fi
raw
if [ "$scheduled" = 0 ]; then
	result FAILED "a schedule is taken with the universal target" "see above"
elif ends "$b" 300; then
	result held "a schedule with a universal target ends an instance, under a role that may end spawn's alone"
else
	result FAILED "a schedule with a universal target ends an instance" "it is $(state_of "$b")"
fi
if equipped; then
	on "$run-a" "AWS_REGION=$region ${AWS_ENDPOINT_URL:+AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL} aws ec2 terminate-instances --instance-ids $a" >/dev/null
	if ends "$a" 120; then result held "an instance terminates itself"; else result FAILED "an instance terminates itself"; fi
fi
echo
printf '%s' "$results"
exit "$bad"
