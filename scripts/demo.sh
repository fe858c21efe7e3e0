#!/bin/sh
# The main job, for real, on this machine and without an AWS account: two
# instances are launched, end by themselves and leave nothing. Exits 0 only if
# each of these was observed. Everything happens in a folder of its own, which
# is removed at the end.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$top/bin:$PATH
export PATH

home=$(mktemp -d "${TMPDIR:-/tmp}/spawn-demo.XXXXXX")
export HOME="$home" XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config" XDG_CACHE_HOME="$home/cache"
unset AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

finish() {
  code=$?
  trap - EXIT INT TERM
  if [ "$code" -ne 0 ]; then
    printf '\nthe demo failed. The end of the local cloud'\''s log:\n' >&2
    spawn local logs 2>/dev/null | tail -n 20 >&2
  fi
  spawn local down 2>/dev/null || :
  rm -rf "$home"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') faint=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold= faint= plain=; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
shown() { printf '%s$ %s%s\n' "$faint" "$*" "$plain"; }
run() { shown "$@"; "$@"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# field NAME KEY prints what the cloud says of an instance.
field() {
  spawn list --local --all -o json | awk -v name="$1" -v key="$2" '
    /^  \{/ { seen = ""; value = "" }
    { line = $0; sub(/^ *"/, "", line); k = line; sub(/".*/, "", k); v = line; sub(/^[^:]*: */, "", v); sub(/,$/, "", v); gsub(/^"|"$/, "", v) }
    k == "name" { seen = v }
    k == key { value = v }
    /^  \}/ { if (seen == name) print value }'
}

# await_end NAME SECONDS waits until the instance has ended, and shows that it goes on.
await_end() {
  waited=0
  while [ "$(field "$1" state)" != terminated ]; do
    [ "$waited" -lt "$2" ] || fail "$1 is still $(field "$1" state) after $waited s"
    sleep 1
    waited=$((waited + 1))
    if [ -t 1 ]; then printf '\r  %s is %s, waiting %ss ' "$1" "$(field "$1" state)" "$waited"; fi
  done
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

title "1. Find an instance type and launch it. Its life: 45 seconds."
shown "truffle search t3.micro --local | spawn launch --local --ttl 45s --name demo"
truffle search t3.micro --local | spawn launch --local --ttl 45s --name demo
[ "$(field demo state)" = running ] || fail "demo is not running"
[ "$(field demo agent)" != "" ] || fail "demo's agent is silent"

runtime=$(spawn local status | awk '$1 == "runtime" { print $2 }' | tr -d ':')
if [ "$runtime" = sandbox ]; then
  title "2. Launch a second one, and kill its agent for good."
  run spawn launch --local --instance-type t3.micro --ttl 45s --name demo-without-agent
  kill_agent='rm -f /usr/local/bin/spored; for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = spored ]; then kill -9 "${p#/proc/}"; fi; done'
  shown "spawn connect --local demo-without-agent -- sh -c 'rm /usr/local/bin/spored; kill -9 <spored>'"
  spawn connect --local demo-without-agent -- sh -c "$kill_agent"
  still='for p in /proc/[0-9]*; do if [ "$(cat "$p/comm" 2>/dev/null)" = spored ]; then exit 1; fi; done'
  spawn connect --local demo-without-agent -- sh -c "$still" || fail "the agent of demo-without-agent lives on"
else
  title "2. Not shown here: an instance whose agent is killed."
  echo "It takes an instance that boots, and on this machine instances are plain processes:"
  spawn local status | sed -n 's/^runtime */  /p'
fi

title "3. What is running, until when, for how much?"
run spawn list --local
run spawn status --local demo

title "4. Wait. Nobody does anything."
await_end demo 90
reason=$(field demo state_reason)
echo "demo has ended: $reason"
case $reason in Client.UserInitiatedShutdown*) ;; *) fail "demo was not ended through the EC2 API" ;; esac
id=$(field demo id)
spawn local logs | grep 'TerminateInstances' | grep -q "assumed-role/spored-instance-role/$id" || fail "demo was not ended by its own role"
echo "  spored ended it at its deadline, through the EC2 API, as $id itself"
if [ "$runtime" = sandbox ]; then
  await_end demo-without-agent 90
  reason=$(field demo-without-agent state_reason)
  echo "demo-without-agent has ended: $reason"
  case $reason in Client.InstanceInitiatedShutdown*) ;; *) fail "demo-without-agent was not ended by its operating system" ;; esac
  echo "  the operating system's own timer powered it off, without any agent"
fi

title "5. Clean up, and look with another pair of eyes."
run spawn cleanup --local --yes
if command -v aws >/dev/null 2>&1 && aws --version >/dev/null 2>&1; then
  eval "$(spawn local env)"
  export AWS_PAGER= AWS_EC2_METADATA_DISABLED=true
  left() {
    shown "aws ec2 $*"
    found=$(aws ec2 "$@" --output text) || fail "aws ec2 $1 failed"
    [ "$found" = "" ] || [ "$found" = None ] || fail "left behind: $found"
    echo "  nothing"
  }
  left describe-instances --filters Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped --query 'Reservations[].Instances[].InstanceId'
  left describe-volumes --query 'Volumes[].VolumeId'
  left describe-network-interfaces --query 'NetworkInterfaces[].NetworkInterfaceId'
  left describe-security-groups --query 'SecurityGroups[?GroupName!=`default`].GroupId'
  left describe-vpcs --query 'Vpcs[?!IsDefault].VpcId'
else
  echo "No AWS command line here: spawn itself looks again."
  run spawn cleanup --local --dry-run
  left=$(spawn list --local -o json)
  [ "$left" = "[]" ] || fail "left behind: $left"
fi

title "Launched, used, ended by themselves, nothing left. Exit 0."
