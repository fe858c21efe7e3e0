#!/bin/sh
# Builds the programs twice from the last commit, in two folders, and compares
# every byte: of the programs, of the agents inside spawn, of manual pages and
# completions. What is not committed is not looked at.
#
# Both link anew, but take what is compiled from Go's cache, which knows no
# folders with -trimpath. COLD=1 compiles everything twice: ten minutes and more.
set -eu
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for folder in one another/deeper; do
	git clone -q . "$scratch/$folder"
	[ -z "${COLD:-}" ] || export GOCACHE="$scratch/cache-${folder%%/*}"
	make -C "$scratch/$folder" VERSION="$version" build >/dev/null
	(cd "$scratch/$folder" && find bin .build internal/agentbin/builds -type f -exec sha256sum {} + | sort -k 2) >"$scratch/sums-${folder%%/*}"
done
cmp "$scratch/sums-one" "$scratch/sums-another" || { diff "$scratch/sums-one" "$scratch/sums-another" >&2; exit 1; }
echo "two builds of $version are equal in all $(wc -l <"$scratch/sums-one") files"
