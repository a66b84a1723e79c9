#!/bin/sh
# Packages of the operating system, on Debian and on Enterprise Linux: os-packages.sh run|build
#   run    what the suite needs while it runs; lists what is there then, for the SBOM
#   build  what installing and trimming it needs on top; never part of an image
set -eu

case $1 in
    run) debian='ca-certificates python3' enterprise='ca-certificates python3' ;;
    build) debian='binutils python3-venv' enterprise='binutils python3-pip' ;;
esac
listed=/usr/share/sen4cap/os-packages.tsv

. "$(dirname "$0")/ca.sh"
if command -v apt-get >/dev/null; then
    # Unquoted: no option at all where there is no certificate.
    certificates=${SSL_CERT_FILE:+-o Acquire::https::CaInfo=$SSL_CERT_FILE}
    apt-get $certificates update -qq
    DEBIAN_FRONTEND=noninteractive apt-get $certificates install -y -qq --no-install-recommends $debian >/dev/null
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*
    list() { dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\n'; }
elif manager=$(command -v dnf || command -v microdnf); then
    # The -minimal variants have microdnf, which knows the same words.
    "$manager" -y --setopt=install_weak_deps=0 --setopt=tsflags=nodocs \
        ${SSL_CERT_FILE:+"--setopt=sslcacert=$SSL_CERT_FILE"} install $enterprise
    "$manager" clean all
    rm -rf /var/cache/dnf /var/cache/yum /var/cache/libdnf5 /var/log/*
    list() { rpm --query --all --queryformat '%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n'; }
else
    echo "os-packages: neither apt-get nor dnf nor microdnf in the base image" >&2
    exit 1
fi
if [ "$1" = run ]; then
    mkdir -p "$(dirname "$listed")"
    list >"$listed"
fi
