#!/bin/sh
# Makes the disk from which the machines of "make e2e" start: a Debian with
# systemd, cloud-init and an SSH server, as on an EC2 image. Prints its folder.
#
#   e2e-root.sh          install what is needed, make the disk if it is not there
#   e2e-root.sh --check  say what is missing, change nothing
#
# It is a machine's first disk and never changes: every machine writes to a layer
# of its own. It is kept in $XDG_CACHE_HOME/spawn-e2e, about 400 MB. The packages
# come from Debian's archive and are checked by Debian's keys.
#
# Exit 3 says that this system cannot have it, and standard error why.
set -eu

suite=bookworm
mirror=http://deb.debian.org/debian
packages=systemd,systemd-sysv,libpam-systemd,dbus,cloud-init,openssh-server,curl,ca-certificates,iproute2,nftables,procps,sudo,tmux
# Change this when what is made below changes.
form=3

missing() {
    echo "e2e-root: $*" >&2
    exit 3
}

[ "$(uname -s)" = Linux ] || missing "machines with systemd need Linux, and this is $(uname -s)"
[ "$(id -u)" = 0 ] || missing "machines with systemd need root"
root=${XDG_CACHE_HOME:-$HOME/.cache}/spawn-e2e/$suite-$(dpkg --print-architecture 2> /dev/null || uname -m)-$form

tools=
command -v systemd-nspawn > /dev/null || tools="$tools systemd-container"
if [ ! -d "$root" ]; then
    command -v mmdebstrap > /dev/null || tools="$tools mmdebstrap"
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || tools="$tools debian-archive-keyring"
fi
if [ -n "$tools" ]; then
    command -v apt-get > /dev/null || missing "install$tools; there is no apt-get here to do it with"
    [ "${1:-}" != --check ] || missing "not installed:$tools"
    # shellcheck disable=SC2086 # words
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $tools; } >&2 ||
        missing "apt-get cannot install$tools"
fi
if [ -d "$root" ]; then
    echo "$root"
    exit
fi
[ "${1:-}" != --check ] || missing "$root is not made yet"

mkdir -p "${root%/*}"
work=$root.$$
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
echo "e2e-root: making $root, which takes a minute or two" >&2
mmdebstrap --quiet --variant=minbase --include=$packages \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$work" "$mirror" >&2 ||
    missing "a Debian $suite cannot be had from $mirror"

# What an EC2 image has: the metadata service as cloud-init's only source, a user
# who logs in by key alone. The network is there before the machine boots.
cat > "$work/etc/cloud/cloud.cfg.d/95_machine.cfg" << 'END'
datasource_list: [Ec2]
datasource:
  Ec2: {strict_id: false, max_wait: 60, timeout: 5}
network: {config: disabled}
locale: C.UTF-8
ssh_genkeytypes: [ed25519]
system_info:
  default_user:
    name: ec2-user
    lock_passwd: true
    gecos: EC2 Default User
    groups: [adm, sudo]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
END
# How cloud-init knows EC2, and so that its metadata service wants a token: by
# the firmware, which a container has not. Nothing else of it is changed.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
cat >> "$work/usr/lib/python3/dist-packages/cloudinit/dmi.py" << 'END'


def read_dmi_data(key):
    known = {"system-uuid": "ec2e2e2e-0000-4000-8000-000000000000", "system-serial-number": "ec2e2e2e-0000-4000-8000-000000000000", "system-manufacturer": "Amazon EC2"}
    return known.get(key)
END
# What only costs time, or asks for a network that is not there.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service systemd-resolved.service console-getty.service; do
    ln -sf /dev/null "$work/etc/systemd/system/$unit"
done
# The agent's unit gives it a /proc of its own, in which a container has the
# host's figures: a busy host would make every machine look busy.
mkdir -p "$work/etc/systemd/system/spored.service.d"
cat > "$work/etc/systemd/system/spored.service.d/figures.conf" << 'END'
[Service]
BindReadOnlyPaths=-/run/figures/stat:/proc/stat -/run/figures/uptime:/proc/uptime
END
rm -f "$work"/etc/ssh/ssh_host_* "$work/etc/machine-id" "$work/etc/hostname"
: > "$work/etc/machine-id"
rm -rf "$work"/var/cache/apt/* "$work"/var/lib/apt/lists/*

mv -T "$work" "$root"
trap - EXIT
echo "$root"
