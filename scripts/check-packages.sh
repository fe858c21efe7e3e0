#!/bin/sh
# Looks into the packages in bin: programs, manual pages and completions are
# where each distribution looks for them, and the programs run once installed.
# Usage: check-packages.sh VERSION ARCHITECTURE...
set -eu
cd "$(dirname "$0")/.."
version=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# wants PACKAGE LIST FILE...: every file is in the list.
wants() {
	package=$1 list=$2
	shift 2
	for file in "$@"; do
		grep -q " \./$file\$" "$list" || { echo "$package lacks /$file" >&2; exit 1; }
	done
	echo "$package: $(grep -c -v '/$' "$list") files"
}

files='usr/bin/spawn usr/bin/truffle usr/bin/spored
usr/share/man/man1/spawn.1.gz usr/share/man/man1/spawn-launch.1.gz
usr/share/man/man1/truffle-search.1.gz usr/share/man/man1/spored.1.gz
usr/share/bash-completion/completions/spawn usr/share/bash-completion/completions/truffle
usr/share/fish/vendor_completions.d/spawn.fish usr/share/spawn/completions/spored.ps1
usr/share/doc/spawn/NOTICE'

# runs PROGRAM VERSION: the installed program tells the version. Only this
# machine's can be asked.
runs() {
	said=$("$1" version | head -n 1)
	[ "$said" = "${1##*/} $2" ] || { echo "$1 says it is $said, not $2" >&2; exit 1; }
	echo "  $said"
}

for arch in "$@"; do
	deb=$(ls bin/spawn_*_"$arch".deb)
	if command -v dpkg-deb >/dev/null; then
		dpkg-deb -c "$deb" >"$scratch/list"
		# shellcheck disable=SC2086 # a list of words
		wants "$deb" "$scratch/list" $files usr/share/zsh/vendor-completions/_spawn usr/share/doc/spawn/copyright
		if [ "$(dpkg --print-architecture)" = "$arch" ]; then
			mkdir -p "$scratch/deb/var/lib/dpkg/updates" "$scratch/deb/var/lib/dpkg/info"
			: >"$scratch/deb/var/lib/dpkg/status"
			dpkg --root="$scratch/deb" --force-not-root --log=/dev/null -i "$deb" >/dev/null
			for p in spawn truffle spored; do runs "$scratch/deb/usr/bin/$p" "$version"; done
			dpkg --root="$scratch/deb" --force-not-root --log=/dev/null -P spawn >/dev/null 2>&1
			for file in $files; do
				[ ! -e "$scratch/deb/$file" ] || { echo "removing $deb leaves /$file" >&2; exit 1; }
			done
		fi
	else
		echo "SKIPPED: dpkg-deb is not installed, $deb was not looked into"
	fi

	case $arch in amd64) rpmarch=x86_64 ;; arm64) rpmarch=aarch64 ;; *) rpmarch=$arch ;; esac
	rpm=$(ls bin/spawn-*."$rpmarch".rpm)
	if command -v rpm2cpio >/dev/null && command -v cpio >/dev/null; then
		mkdir -p "$scratch/rpm-$arch"
		package=$PWD/$rpm
		(cd "$scratch/rpm-$arch" && rpm2cpio "$package" | cpio -idm --quiet --no-absolute-filenames 2>/dev/null)
		(cd "$scratch/rpm-$arch" && find . -type f | sed 's/^/ /') >"$scratch/list"
		# shellcheck disable=SC2086 # a list of words
		wants "$rpm" "$scratch/list" $files usr/share/zsh/site-functions/_spawn usr/share/licenses/spawn/LICENSE
		case $(uname -m) in
		"$rpmarch") for p in spawn truffle spored; do runs "$scratch/rpm-$arch/usr/bin/$p" "$version"; done ;;
		esac
	else
		echo "SKIPPED: rpm2cpio or cpio is not installed, $rpm was not looked into"
	fi
done
