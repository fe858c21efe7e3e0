#!/bin/sh
# Installs and starts spored. It runs once, late; the deadline is armed
# already and holds if all of this fails.
#
# For tests only: SPAWN_ROOT is put before every path, SPAWN_FETCH_SECONDS is
# how long a download is tried again, SPAWN_START_SECONDS how long the agent has
# to come up.
set -u
umask 022

root=${SPAWN_ROOT:-}
sha256='@SHA256@'
object='@OBJECT_URL@'
presigned='@PRESIGNED_URL@'
region='@REGION@'
endpoint='@ENDPOINT@'
metadata=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}
bin=$root/usr/local/bin
sbin=$root/usr/local/sbin
patience=${SPAWN_FETCH_SECONDS:-300}
start_patience=${SPAWN_START_SECONDS:-20}

mkdir -p "$bin" "$sbin" "$root/etc/spored" "$root/var/log"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

log() { echo "spawn bootstrap: $*"; }

has() { command -v "$1" > /dev/null 2>&1; }

# By the instance's role. Python signs the request itself, because curl before
# 7.86 leaves headers unsigned that S3 wants signed; it is there wherever
# cloud-init is. https://github.com/curl/curl/issues/8810
cat > "$work/fetch.py" << 'END_OF_PYTHON'
@FETCH_PY@
END_OF_PYTHON
role_python() { has python3 && python3 "$work/fetch.py" "$metadata" "$object" "$region" "$1"; }

role_curl() {
    has curl || return 1
    ask="curl -sf --noproxy * --max-time 5"
    set -f
    token=$($ask -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/latest/api/token") || return 1
    roles=$metadata/latest/meta-data/iam/security-credentials/
    role=$($ask -H "X-aws-ec2-metadata-token: $token" "$roles" | head -n 1)
    [ -n "$role" ] || return 1
    $ask -H "X-aws-ec2-metadata-token: $token" "$roles$role" > "$work/role" || return 1
    # The secrets go by standard input: a command line is for all to see.
    curl -sSf --max-time 120 -o "$1" --aws-sigv4 "aws:amz:$region:s3" -K - "$object" << END
user = "$(field AccessKeyId):$(field SecretAccessKey)"
header = "x-amz-security-token: $(field Token)"
header = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
END
}

# field NAME prints a string of the role's credentials.
field() { sed -n "s/.*\"$1\" *: *\"\([^\"\\\\]*\)\".*/\1/p" "$work/role"; }

# By a URL that carries its own permission, and expires.
by_url() {
    [ -n "$presigned" ] || return 1
    if has curl; then
        curl -sSf --max-time 120 -o "$1" "$presigned"
    elif has wget; then
        wget -q -T 120 -t 1 -O "$1" "$presigned"
    elif has python3; then
        python3 -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=120) as a, open(sys.argv[2], "wb") as b: shutil.copyfileobj(a, b)' "$presigned" "$1"
    else
        return 1
    fi
}

genuine() { [ -s "$1" ] && echo "$sha256  $1" | sha256sum -c - > /dev/null 2>&1; }

# fetch tries every way once; what is not the pinned file is as good as
# nothing.
fetch() {
    for way in role_python role_curl by_url; do
        rm -f "$work/spored.gz"
        $way "$work/spored.gz" 2> "$work/$way.log"
        if genuine "$work/spored.gz"; then
            log "the agent was fetched ($way)"
            return
        fi
    done
    return 1
}

fetch_patiently() {
    until=$(($(date +%s) + patience))
    pause=1
    until fetch; do
        if [ $(($(date +%s) + pause)) -ge $until ]; then
            log "the agent could not be fetched in $patience s"
            for way in role_python role_curl by_url; do
                { [ -s "$work/$way.log" ] && log "$way: $(tail -n 1 "$work/$way.log")"; }
            done
            return 1
        fi
        sleep $pause
        pause=$((pause * 2))
        if [ $pause -gt 30 ]; then pause=30; fi
    done
}

install_agent() {
    gunzip -c "$work/spored.gz" > "$bin/spored.new" && chmod 755 "$bin/spored.new" && mv -f "$bin/spored.new" "$bin/spored" || return 1
    rm -f "$root/etc/spored/environment"
    if [ -n "$endpoint" ]; then echo "AWS_ENDPOINT_URL='$endpoint'" > "$root/etc/spored/environment"; fi
}

start_systemd() {
    mkdir -p "$root/etc/systemd/system"
    cat > "$root/etc/systemd/system/spored.service" << 'END'
@SPORED_SERVICE@
END
    systemctl daemon-reload
    systemctl --quiet enable spored.service
    systemctl --no-block restart spored.service
}

start_alone() {
    cat > "$sbin/spored-supervise.new" << 'END_OF_SUPERVISE'
@SPORED_SUPERVISE@
END_OF_SUPERVISE
    chmod 755 "$sbin/spored-supervise.new"
    mv -f "$sbin/spored-supervise.new" "$sbin/spored-supervise"
    "$sbin/spored-supervise" start
}

# await_agent waits for the agent, so that what comes after this script, the
# user's for one, finds it at work.
await_agent() {
    until=$(($(date +%s) + start_patience))
    while ! up; do
        if [ "$(date +%s)" -ge $until ]; then
            log "the agent was started, and is not up after $start_patience s"
            return
        fi
        sleep 0.2 2> /dev/null || sleep 1
    done
    log "the agent is up"
}

up() {
    if [ -d "$root/run/systemd/system" ]; then
        systemctl is-active --quiet spored.service
    else
        [ -e "$root/run/spored/control.sock" ]
    fi
}

fetch_patiently || exit 1
install_agent || { log "the agent could not be installed"; exit 1; }
if [ -d "$root/run/systemd/system" ]; then start_systemd; else start_alone; fi
await_agent
