#!/bin/sh
# spawn-deadline: the operating system's own hold on this instance's deadline.
# It ends the instance when spored cannot: killed, wedged or never installed.
#
#   spawn-deadline arm     set the timer for the deadline as it is known now
#   spawn-deadline check   the timer went off: end the instance, unless a later
#                          deadline is proved, then set the timer again
#   spawn-deadline watch   be the timer, where systemd is not
#
# The deadline is the one that spored wrote last, else the one the instance was
# launched with. If anything is unclear the instance ends on time. To power off
# ends it: it was launched with shutdown behaviour "terminate".
#
# For tests only: SPAWN_ROOT is put before every path, and SPAWN_POWER_OFF is
# run in place of turning the power off.
set -u

root=${SPAWN_ROOT:-}
first=@DEADLINE@ # seconds since 1970
grace=10         # spored's own call comes first
moved=$root/var/lib/spored/deadline
recorded=$root/etc/spored/instance
run=$root/run/spored
again=systemd/system/spawn-deadline.timer.d/time.conf
proved=$run/deadline
console=$root/dev/console
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
TMPDIR=$root/run # some shells keep here-documents there, and a disk may be full

log() {
    line="$(date -u +%Y-%m-%dT%H:%M:%SZ) spawn-deadline: $*"
    echo "$line"
    {
        echo "$line" >> "$root/var/log/spawn-deadline.log"
        if [ -n "$console" ] && [ -w "$console" ]; then echo "$line" > "$console"; fi
    } 2> /dev/null
}

now() { date +%s; }

has_systemd() { [ -d "$root/run/systemd/system" ]; }

# bounded runs a command that may hang with its service manager.
bounded() {
    if command -v timeout > /dev/null 2>&1; then timeout 30 "$@"; else "$@"; fi
}

# deadline prints it in seconds since 1970. One that was proved while the disk
# took no more files is in $proved, until spored writes a newer one.
deadline() {
    d=
    file=$moved
    # shellcheck disable=SC3013 # dash, bash and busybox have -nt
    if [ -e "$proved" ] && { [ ! -e "$moved" ] || [ "$proved" -nt "$moved" ]; }; then file=$proved; fi
    { read -r d < "$file"; } 2> /dev/null
    case $d in
        '' | 0* | *[!0-9]* | ?????????????*) d=$first ;;
    esac
    echo "$d"
}

# fetch METHOD PATH HEADER prints one line of the metadata service's answer. It
# returns 0, 1 if the service answered that there is no such thing, or 2 if
# nothing certain was learnt. It takes a second at most, two without curl.
fetch() {
    if command -v curl > /dev/null 2>&1; then
        answer=$(curl -s --noproxy '*' --max-time 1 -X "$1" -H "$3" -w '\n%{http_code}' "$metadata/latest/$2" 2> /dev/null | head -c 2048)
    else
        answer=$(timeout 2 python3 -c '
import sys, urllib.error, urllib.request
method, url, header = sys.argv[1:]
name, value = header.split(": ", 1)
request = urllib.request.Request(url, method=method, headers={name: value})
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with opener.open(request, timeout=1) as got:
        print(got.read(1024).decode("ascii", "replace"), got.status, sep="\n")
except urllib.error.HTTPError as refused:
    print("", refused.code, sep="\n")
' "$1" "$metadata/latest/$2" "$3" 2> /dev/null)
    fi
    case $(echo "$answer" | tail -n 1) in
        200) echo "$answer" | head -n 1 ;;
        404) return 1 ;;
        *) return 2 ;;
    esac
}

# ask PATH prints what the metadata service has there; it returns as fetch does.
ask() {
    token=$(fetch PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 60') || return 2
    case $token in
        '' | *[!A-Za-z0-9_=+/-]*) return 2 ;;
    esac
    fetch GET "meta-data/$1" "X-aws-ec2-metadata-token: $token"
}

# ask_for SECONDS PATH asks once, and on for so long while nothing certain comes.
ask_for() {
    until=$(($(now) + $1))
    while :; do
        ask "$2"
        result=$?
        if [ $result -ne 2 ] || [ "$(now)" -ge $until ]; then return $result; fi
        sleep 1
    done
}

# seconds_of prints an RFC 3339 time in seconds since 1970; anything else fails.
# It counts by itself: not every date(1) reads this form, and some read too much.
seconds_of() {
    case $1 in
        [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z) zone=0 ;;
        [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9][+-][01][0-9]:[0-5][0-9])
            zone=${1#???????????????????}
            zone=${zone%%[0-9]*}1$(echo "${zone#?}" | tr -d :) # such as -10530
            zone=$(((zone / 100 % 100 * 60 + zone % 100) * 60))
            ;;
        *) return 1 ;;
    esac
    # A 1 before each number keeps a 0 in front from meaning octal.
    IFS=-T:Z+ read -r y m d h min s _ << END
$1
END
    y=$((1$y - 10000)) m=$((1$m - 100)) d=$((1$d - 100)) h=$((1$h - 100)) min=$((1$min - 100)) s=$((1$s - 100))
    case $m in
        4 | 6 | 9 | 11) days=30 ;;
        2) days=$((28 + (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)))) ;;
        *) days=31 ;;
    esac
    [ $y -ge 1970 ] && [ $m -ge 1 ] && [ $m -le 12 ] && [ $d -ge 1 ] && [ $d -le $days ] && [ $h -le 23 ] || return 1
    if [ $m -le 2 ]; then y=$((y - 1)) m=$((m + 12)); fi # a year from March to February, its odd day last
    d=$((365 * y + y / 4 - y / 100 + y / 400 + (153 * m - 457) / 5 + d - 719469))
    echo $((((d * 24 + h) * 60 + min) * 60 + s - zone))
}

# later_deadline SECONDS tells that the instance's tag proves a deadline later
# than the one known, and remembers it.
later_deadline() {
    tag=$(ask_for "$1" tags/instance/spawn:deadline) || return 1
    later=$(seconds_of "$tag") || { log "the tag spawn:deadline is no time"; return 1; }
    [ "$later" -gt "$(deadline)" ] || return 1
    log "the deadline was moved to $tag"
    for file in "$moved" "$proved"; do
        { mkdir -p "${file%/*}" && echo "$later" > "$file.new" && mv -f "$file.new" "$file" && return; } 2> /dev/null
    done
}

# foreign tells that this disk was copied from another instance, whose deadline
# is none of ours. Only a certain answer counts.
foreign() {
    id=
    { read -r id < "$recorded"; } 2> /dev/null
    case $id in i-*) ;; *) return 1 ;; esac
    this=$(ask instance-id) || return 1
    case $this in
        "$id") return 1 ;;
        i-*) return 0 ;;
        *) return 1 ;;
    esac
}

left() { echo $(($(deadline) + grace - $(now))); }

# due SECONDS tells that the instance has to end now. The metadata has so long
# to answer: none but its own two seconds, or a minute at boot.
due() {
    [ "$(left)" -le 0 ] || return 1
    later_deadline "$1"
    [ "$(left)" -le 0 ]
}

# power_off turns the machine off, by force if it must; it fails if it is still
# there to do so. The kernel's own switch
# comes last and only on a machine booted by systemd, never in a container or
# namespace, where it would be the host's.
power_off() {
    log "the deadline $(deadline) has passed: power off"
    if [ -n "${SPAWN_POWER_OFF:-}" ]; then
        $SPAWN_POWER_OFF
        exit 0
    fi
    if has_systemd; then
        systemctl poweroff --ignore-inhibitors &
    else
        poweroff &
    fi
    sleep 20
    log "the shutdown hangs: forcing it"
    poweroff -f &
    sleep 20
    if has_systemd && ! systemd-detect-virt --quiet --container; then
        echo 1 > /proc/sys/kernel/sysrq
        echo o > /proc/sysrq-trigger
    fi
    sleep 10
    log "this machine cannot be turned off"
    return 1
}

# patience is how long the metadata may take: a minute while the machine boots,
# and when it comes to its deadline so late that it must have slept through it,
# stopped or hibernated, and may have been given a later one meanwhile.
patience() {
    up=
    { read -r up _ < "$root/proc/uptime"; } 2> /dev/null
    up=${up%%.*}
    case $up in '' | *[!0-9]*) up=300 ;; esac
    if [ "$up" -lt 300 ] || [ "$(left)" -lt -60 ]; then echo 60; else echo 0; fi
}

check() {
    if [ "$(left)" -gt 0 ] && [ "$(left)" -le 30 ]; then sleep "$(left)"; fi
    if ! due "$(patience)"; then
        arm
    elif foreign; then
        log "this disk belongs to another instance: nothing is done"
        disarm
    else
        power_off
    fi
}

watch() {
    echo $$ > "$run/watch.pid"
    trap '' HUP
    while :; do
        left=$(left)
        if [ "$left" -gt 10 ]; then
            sleep 5
        elif [ "$left" -gt 0 ]; then
            sleep 1
        elif ! due "$(patience)"; then
            sleep 1
        elif foreign; then
            log "this disk belongs to another instance: nothing is done"
            disarm
            return
        else
            power_off
        fi
    done
}

# arm_systemd sets a timer that survives reboots and hibernation. A calendar
# time that passed before the timer first ran would never fire: hence the stamp
# of an earlier run. Nothing here may wait for systemd, which may be waiting
# for us: this runs before sysinit.target on Ubuntu and Debian. The timer waits
# for no target either: by default a calendar timer waits for sysinit.target
# and for the time to be in step, and something of the user's could keep both
# from coming.
arm_systemd() {
    at=$(($(deadline) + grace))
    mkdir -p "$root/var/lib/systemd/timers"
    touch "$root/var/lib/systemd/timers/stamp-spawn-deadline.timer"
    when="$(date -u -d "@$at" '+%Y-%m-%d %H:%M:%S') UTC"
    runtime=
    if timer_file "$root/etc/systemd/system"; then
        rm -f "$root/run/$again"
    else
        runtime=--runtime
        timer_file "$root/run/systemd/system" && time_again || return 1
    fi
    bounded systemctl daemon-reload &&
        bounded systemctl --quiet $runtime enable spawn-deadline.timer spawn-deadline.path &&
        bounded systemctl --no-block restart spawn-deadline.timer spawn-deadline.path || return 1
    if [ "$(left)" -le 2 ]; then bounded systemctl --no-block start spawn-deadline.service; fi
}

# timer_file FOLDER writes the timer there.
timer_file() {
    whole "$1/spawn-deadline.timer" << END
[Unit]
Description=End of this instance
DefaultDependencies=no

[Timer]
OnCalendar=$when
Persistent=true
AccuracySec=1s
Unit=spawn-deadline.service

[Install]
WantedBy=timers.target
END
}

# time_again says when once more, below /run: a timer from before the disk was
# full is still in /etc, which goes before /run.
time_again() {
    whole "$root/run/$again" << END
[Timer]
OnCalendar=
OnCalendar=$when
END
}

# whole FILE writes what it reads there, whole or not at all.
whole() {
    { mkdir -p "${1%/*}" && cat > "$1.new" && mv -f "$1.new" "$1"; } 2> /dev/null
}

# arm_alone leaves a watcher in a session of its own, which outlives the
# script that started it.
arm_alone() {
    pid=
    { read -r pid < "$run/watch.pid"; } 2> /dev/null
    if [ -n "$pid" ] && grep -q spawn-deadline "$root/proc/$pid/cmdline" 2> /dev/null; then return; fi
    if command -v setsid > /dev/null 2>&1; then
        setsid /bin/sh "$0" watch < /dev/null > /dev/null 2>&1 &
    else
        nohup /bin/sh "$0" watch < /dev/null > /dev/null 2>&1 &
    fi
}

arm() {
    mkdir -p "$run"
    # A deadline that moves while this runs is seen by nobody else: systemd does
    # not watch the file until its unit has ended.
    for _ in 1 2 3; do
        at=
        if ! has_systemd || ! arm_systemd; then arm_alone; fi
        if [ -z "$at" ] || [ "$at" -eq $(($(deadline) + grace)) ]; then break; fi
    done
    date -u +%s > "$run/os-timer"
    log "armed for the deadline $(deadline), $(left) s from now with a grace of $grace s"
}

disarm() {
    rm -f "$run/os-timer"
    if has_systemd; then bounded systemctl --quiet --no-block disable --now spawn-deadline.timer spawn-deadline.path; fi
}

case ${1:-} in
    arm)
        console= # where cloud-init's output goes by itself
        arm
        ;;
    check) check ;;
    watch) watch ;;
    *)
        echo "usage: spawn-deadline arm|check|watch" >&2
        exit 2
        ;;
esac
