#!/bin/sh
# Writes SHA256SUMS of what a folder has for downloading: programs named by their
# platform, packages, and bills of materials. Usage: checksums.sh FOLDER
set -eu
cd "$1"
set --
for file in *-linux-* *-darwin-* *-windows-* *.deb *.rpm *.cdx.json; do
	case " $* " in *" $file "*) continue ;; esac
	[ ! -f "$file" ] || set -- "$@" "$file"
done
if command -v sha256sum >/dev/null; then
	sha256sum "$@" >SHA256SUMS
else
	shasum -a 256 "$@" >SHA256SUMS
fi
