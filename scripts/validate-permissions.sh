#!/bin/sh
# Check what an AWS profile may do of what spawn needs, and print what is missing
# as a policy:
#
#   scripts/validate-permissions.sh PROFILE
#
# It is "spawn doctor" with that profile, and exits as that does: 0, or 4 if a
# launch would be refused. Without a profile the environment's credentials count.
set -eu

spawn=$(command -v spawn) || spawn=$(dirname "$0")/../bin/spawn
[ -x "$spawn" ] || {
	echo "spawn is missing: run make build, or put it into PATH" >&2
	exit 1
}
profile=${1:-}
[ $# -eq 0 ] || shift
if [ -n "$profile" ]; then
	exec "$spawn" doctor --profile "$profile" "$@"
fi
exec "$spawn" doctor "$@"
