#!/bin/sh
# Runs the tests that need machines with systemd. Where there cannot be any it
# says what is missing and succeeds: the other tests are not held up by it.
#
# A system that has root and apt-get but nothing installed is prepared first;
# the disk that machines start from is made once, see e2e-root.sh.
set -eu
cd "$(dirname "$0")/.."

if disk=$(sh scripts/e2e-root.sh); then
    :
elif [ $? -eq 3 ]; then
    echo "SKIPPED: make e2e: no machine with systemd was booted; what is missing is said above"
    exit 0
else
    echo "make e2e: the disk for the machines could not be made" >&2
    exit 1
fi
# Machines mostly wait: more of them than there are processors.
SPAWN_E2E_MACHINE=$disk go test -count=1 -parallel 6 -timeout 10m -run '^TestMachine' ./internal/local/runtime/machine ./internal/e2e
