#!/bin/sh
# Record the session that the README shows: docs/session.svg. Everything in it
# really happens, in a local cloud in a folder of its own, which is removed at
# the end. It needs "make build", and script of util-linux.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
[ -x "$top/bin/spawn" ] || { echo "bin/spawn is missing: run make build" >&2; exit 1; }
command -v script > /dev/null || { echo "script (util-linux, bsdutils) is missing: it records what a terminal gets" >&2; exit 1; }

home=$(mktemp -d "${TMPDIR:-/tmp}/spawn-record.XXXXXX")
finish() {
  code=$?
  trap - EXIT INT TERM
  HOME=$home "$top/bin/spawn" local down > /dev/null 2>&1 || :
  rm -rf "$home"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

cat > "$home/session.sh" << 'END'
stty cols 106 rows 60
shown() {
  printf '\033[32m$\033[m \033[1m%s\033[m\n' "$1"
  sh -c "$1"
}
shown 'truffle search m7i.large'
echo
shown 'truffle search m7i.large | spawn launch --local --ttl 8h --name demo'
echo
shown 'spawn list --local'
echo
shown 'spawn status --local demo'
echo
shown 'spawn terminate --local demo --yes'
END

# From nothing: no credentials, no settings, no key, the terminal of everybody.
env -i HOME="$home" PATH="$top/bin:/usr/local/bin:/usr/bin:/bin" TERM=xterm-256color LANG=C.UTF-8 AWS_EC2_METADATA_DISABLED=true \
  script -qec "sh $home/session.sh" /dev/null < /dev/null > "$home/session"

(cd "$top" && go run ./internal/manual -session) < "$home/session" > "$home/session.svg"
mv "$home/session.svg" "$top/docs/session.svg"
echo "docs/session.svg has $(wc -c < "$top/docs/session.svg") bytes"
