#!/bin/sh
# systemctl of a local machine, whose init is not systemd: the verbs that end
# the machine work, everything else is the host's systemctl, which says that
# there is no systemd.
for arg in "$@"; do
	case $arg in
	-*) ;;
	poweroff | halt | reboot) exec "/usr/local/sbin/$arg" ;;
	*) break ;;
	esac
done
exec /usr/bin/systemctl "$@"
