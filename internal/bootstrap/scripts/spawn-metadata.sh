#!/bin/sh
# spawn-metadata: who on this instance may reach the metadata service, and
# with it the instance's role. Only root may, unless the launch shared the
# role. It may run any number of times; run it again after a firewall was
# flushed. What became of it is the one line in /run/spored/metadata:
#
#   root by nft | root by iptables | shared | open: why
#
# What containers and virtual machines send is forwarded and has no owner: it
# is refused as a whole. For tests only: SPAWN_ROOT is put before every path.
set -u
root=${SPAWN_ROOT:-}
share=@SHARE_ROLE@ # yes or no
mark=$root/run/spored/metadata
v4=169.254.169.254
v6=fd00:ec2::254

has() { command -v "$1" > /dev/null 2>&1; }

# accounts prints the user ids that are let through: root, and the account
# under which sshd asks for the keys of EC2 Instance Connect, which nobody can
# log in to.
# https://github.com/aws/aws-ec2-instance-connect-config/issues/19
accounts() {
    echo 0
    uid=$(id -u ec2-instance-connect 2> /dev/null)
    case $uid in '' | *[!0-9]*) ;; *) echo "$uid" ;; esac
}

# A packet whose socket is closed already has no owner and passes: its
# connection was made by one who may.
by_nft() {
    has nft || return 1
    nft -f - << END
table inet spawn_metadata
delete table inet spawn_metadata
table inet spawn_metadata {
    chain output {
        type filter hook output priority 0; policy accept;
        ip daddr $v4 meta skuid != { $(accounts | paste -s -d , -) } reject
        ip6 daddr $v6 meta skuid != { $(accounts | paste -s -d , -) } reject
    }
    chain forward {
        type filter hook forward priority 0; policy accept;
        ip daddr $v4 reject
        ip6 daddr $v6 reject
    }
}
END
}

# by_tables COMMAND ADDRESS
by_tables() {
    has "$1" || return 1
    "$1" -w 5 -N SPAWN_METADATA 2> /dev/null || "$1" -w 5 -F SPAWN_METADATA || return 1
    for uid in $(accounts); do
        "$1" -w 5 -A SPAWN_METADATA -m owner --uid-owner "$uid" -j RETURN || return 1
    done
    "$1" -w 5 -A SPAWN_METADATA -m owner --socket-exists -j REJECT || return 1
    "$1" -w 5 -C OUTPUT -d "$2" -j SPAWN_METADATA 2> /dev/null || "$1" -w 5 -I OUTPUT -d "$2" -j SPAWN_METADATA || return 1
    "$1" -w 5 -C FORWARD -d "$2" -j REJECT 2> /dev/null || "$1" -w 5 -I FORWARD -d "$2" -j REJECT
}

# restrict prints what became of it. The service has an IPv6 address only
# where that was asked for, so an IPv4 rule alone is worth having.
restrict() {
    if by_nft; then
        echo "root by nft"
    elif ! by_tables iptables $v4; then
        if has nft || has iptables; then why="the firewall refused the rules"; else why="neither nft nor iptables is installed"; fi
        echo "open: $why, so every user of this instance can use its role"
    elif ! by_tables ip6tables $v6; then
        echo "root by iptables, IPv4 alone"
    else
        echo "root by iptables"
    fi
}

release() {
    if has nft; then printf 'table inet spawn_metadata\ndelete table inet spawn_metadata\n' | nft -f -; fi
    for command in "iptables $v4" "ip6tables $v6"; do
        tables=${command% *}
        if ! has "$tables" || ! "$tables" -w 5 -n -L SPAWN_METADATA > /dev/null 2>&1; then continue; fi
        "$tables" -w 5 -D OUTPUT -d "${command#* }" -j SPAWN_METADATA
        "$tables" -w 5 -D FORWARD -d "${command#* }" -j REJECT
        "$tables" -w 5 -F SPAWN_METADATA
        "$tables" -w 5 -X SPAWN_METADATA
    done
    echo "shared"
}

mkdir -p "${mark%/*}"
if [ $share = yes ]; then result=$(release); else result=$(restrict); fi
echo "spawn-metadata: the metadata service and the role are for: $result"
echo "$result" > "$mark"
