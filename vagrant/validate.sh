#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the Vagrantfile for both providers, without starting a machine.
set -euo pipefail

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
ROOT=$(dirname "$HERE")
# shellcheck source=../scripts/common.sh
. "$ROOT/scripts/common.sh"

# VirtualBox is in no Debian. To read a Vagrantfile, Vagrant only asks it for its version.
stub_virtualbox() {
  printf '#!/bin/sh\necho 7.0.20r163906\n' >"$1/VBoxManage"
  chmod +x "$1/VBoxManage"
}

validate() {
  local provider=$1 home=$2 log=$2/log
  if ! (cd "$HERE" && PATH=$home:$PATH VAGRANT_HOME=$home/vagrant.d VAGRANT_DOTFILE_PATH=$home/dot VAGRANT_CHECKPOINT_DISABLE=1 \
    VAGRANT_DEFAULT_PROVIDER=$provider vagrant validate </dev/null >"$log" 2>&1); then
    cat "$log" >&2
    die "the Vagrantfile does not hold for $provider."
  fi
  say "The Vagrantfile holds for $provider."
}

ensure_packages "checking the Vagrantfile" vagrant vagrant-libvirt
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
stub_virtualbox "$temporary"
validate virtualbox "$temporary"
validate libvirt "$temporary"
