#!/bin/sh
# poweroff, halt and reboot of a local machine: init gets the signal that
# systemd's init would take for the same (SIGRTMIN is 34). This machine's init
# takes halt for poweroff.
for arg in "$@"; do
	case $arg in
	-w | --wtmp-only) exit 0 ;; # only a note in a log that is not kept here
	-f | --force | -ff | -d | --no-wtmp | -n | --no-sync | --no-wall | -p | --poweroff | -h) ;;
	*)
		echo "${0##*/}: $arg is not understood by this machine" >&2
		exit 1
		;;
	esac
done
case ${0##*/} in
halt) kill -37 1 ;;
reboot) kill -39 1 ;;
*) kill -38 1 ;;
esac
