#!/bin/sh
# Builds deb and rpm with nfpm from the programs in bin and the manual pages and
# completions in .build/share. Usage: NFPM=path packages.sh VERSION ARCHITECTURE...
set -eu
cd "$(dirname "$0")/.."
# A package's version begins with a digit; a commit without a tag before it has
# none, and is older than every release.
PACKAGE_VERSION=${1#v}
case $PACKAGE_VERSION in
[0-9]*.[0-9]*.[0-9]*) ;;
*) PACKAGE_VERSION=0.0.0~$PACKAGE_VERSION ;;
esac
# Neither format takes a dash in it: 1.2.3-rc.1 is older than 1.2.3, and
# 1.2.3-4-gabc, four commits on, is newer.
case $PACKAGE_VERSION in
*-rc* | *-beta* | *-alpha*) PACKAGE_VERSION=$(echo "$PACKAGE_VERSION" | sed 's/-/~/') ;;
esac
PACKAGE_VERSION=$(echo "$PACKAGE_VERSION" | tr - +)
export PACKAGE_VERSION
shift
rm -f bin/*.deb bin/*.rpm
for PACKAGE_ARCH in "$@"; do
	export PACKAGE_ARCH
	# In a package a program has its own name, without the platform.
	mkdir -p ".build/package-$PACKAGE_ARCH"
	for program in spawn truffle spored; do
		cp "bin/$program-linux-$PACKAGE_ARCH" ".build/package-$PACKAGE_ARCH/$program"
	done
	for kind in deb rpm; do
		"${NFPM:?}" package --config packaging/nfpm.yaml --packager $kind --target bin
	done
done
