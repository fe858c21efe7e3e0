#!/bin/sh
# Installs spawn and truffle from a release, into ~/.local/bin or $PREFIX/bin:
#
#   sh install.sh                         the newest release
#   VERSION=v1.2.3 sh install.sh          another one
#   PREFIX=/usr/local sh install.sh       elsewhere; root only if the folder needs it
#   SPAWN_RELEASES=https://… sh install.sh   from a mirror
#
# What does not have the checksum that the release states is not installed, and
# what was installed before stays as it is.
set -eu

releases=${SPAWN_RELEASES:-https://github.com/spawn-ec2/spawn/releases}

die() {
	echo "install.sh: $1" >&2
	exit 1
}

# platform is this machine, as the files are named.
platform() {
	case $(uname -s) in
	Linux) os=linux ;;
	Darwin) os=darwin ;;
	*) die "there is no program for $(uname -s); on Windows take the .exe from $releases" ;;
	esac
	case $(uname -m) in
	x86_64 | amd64) echo "$os-amd64" ;;
	aarch64 | arm64) echo "$os-arm64" ;;
	*) die "there is no program for the processor $(uname -m)" ;;
	esac
}

# sum FILE is its SHA-256.
sum() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$1" | cut -d ' ' -f 1
	elif command -v shasum >/dev/null; then
		shasum -a 256 "$1" | cut -d ' ' -f 1
	else
		die "neither sha256sum nor shasum is installed: nothing can be verified"
	fi
}

# fetch FILE from the release.
fetch() {
	curl -fsSL --retry 2 -o "$scratch/$1" "$from/$1" || die "cannot download $from/$1"
}

# verify FILE against the release's checksums.
verify() {
	want=$(awk -v file="$1" '$2 == file || $2 == "*" file { print $1 }' "$scratch/SHA256SUMS")
	[ -n "$want" ] || die "SHA256SUMS does not name $1"
	got=$(sum "$scratch/$1")
	[ "$got" = "$want" ] || die "$1 has the checksum $got, but the release states $want: nothing was installed"
}

main() {
	command -v curl >/dev/null || die "curl is not installed"
	if [ -n "${VERSION:-}" ]; then from=$releases/download/$VERSION; else from=$releases/latest/download; fi
	if [ -n "${PREFIX:-}" ]; then
		folder=$PREFIX/bin
	else
		folder=${HOME:?set HOME or PREFIX}/.local/bin
	fi
	here=$(platform)
	mkdir -p "$folder" 2>/dev/null || die "$folder cannot be made: choose another PREFIX, or run this as root"
	[ -w "$folder" ] || die "$folder cannot be written to: choose another PREFIX, or run this as root"
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch" "$folder/.spawn-install.$$"' EXIT
	trap 'exit 130' INT TERM

	fetch SHA256SUMS
	for program in spawn truffle; do
		fetch "$program-$here"
		verify "$program-$here"
	done
	# Beside its place first: a program that runs is replaced, not written into.
	for program in spawn truffle; do
		cp "$scratch/$program-$here" "$folder/.spawn-install.$$"
		chmod 0755 "$folder/.spawn-install.$$"
		mv -f "$folder/.spawn-install.$$" "$folder/$program"
	done
	echo "installed in $folder: $("$folder/spawn" version)"
	case :$PATH: in
	*:"$folder":*) ;;
	*) echo "$folder is not in PATH: add it" >&2 ;;
	esac
}

main
