#!/bin/sh
# shutdown of a local machine: now, or in so many minutes; one minute if nothing
# is said. -c takes it back. A message behind the time goes to nobody.
pending=/run/shutdown.pid
signal=38 when= cancel= only_warn=
for arg in "$@"; do
	case $arg in
	-c) cancel=1 ;;
	-k) only_warn=1 ;;
	-H | --halt) signal=37 ;;
	-r | --reboot) signal=39 ;;
	-h | -P | -p | -hP | -Ph | --poweroff | -f | -y | --no-wall) ;;
	-*)
		echo "shutdown: $arg is not understood by this machine" >&2
		exit 1
		;;
	*)
		[ -n "$when" ] || when=$arg
		;;
	esac
done
if [ -n "$cancel" ]; then
	[ -r "$pending" ] || exit 0
	kill "$(cat "$pending")"
	exec rm -f "$pending"
fi
case ${when:-+1} in
now | +0 | 0) minutes=0 ;;
+*[!0-9]* | +)
	echo "shutdown: $when is no number of minutes" >&2
	exit 1
	;;
+*) minutes=${when:-+1} minutes=${minutes#+} ;;
*)
	echo "shutdown: $when: this machine knows now and +minutes alone" >&2
	exit 1
	;;
esac
[ -z "$only_warn" ] || exit 0
if [ "$minutes" -eq 0 ]; then
	kill "-$signal" 1
	exit
fi
nohup sh -c 'sleep "$1"; kill "-$2" 1' shutdown "$((minutes * 60))" "$signal" </dev/null >/dev/null 2>&1 &
echo $! >"$pending"
