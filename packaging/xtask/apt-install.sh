#!/usr/bin/env bash
# Installs the named packages, as root. The downloads get a folder of their own: on some machines a hook empties apt's
# shared one at any `apt-get update`, also while another install reads it. Nothing is left of that folder.
set -euo pipefail
archives=$(mktemp -d)
trap 'rm -rf "$archives"' EXIT
mkdir "$archives/partial"
chmod -R a+rx "$archives" # apt downloads as a user of its own
if id _apt >/dev/null 2>&1; then chown _apt "$archives/partial"; fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update
apt-get -qq -o "Dir::Cache::archives=$archives" -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
