#!/usr/bin/env bash
# Installs the servers that tests start for themselves, as CI does, and then everything Relevo needs.
set -euo pipefail
sudo apt-get update
sudo apt-get install -y --no-install-recommends postgresql mariadb-server chromium graphviz shellcheck
make setup
