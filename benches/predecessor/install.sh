#!/bin/sh
# Installs claude-c2c 0.1.0, the server that c2c grew from, into the folder DIR, for the group `predecessor` of the
# benchmarks, which calls this by itself:
#   DIR/bin/claude-c2c      in a virtual environment, everything as in requirements.txt
#   DIR/requirements.txt    what is installed; written last
set -eu
dir=${1:?"usage: $0 DIR"}
wanted=$(dirname "$0")/requirements.txt

command -v python3 >/dev/null || { echo "there is no python3" >&2 && exit 1; }
rm -rf "$dir"
python3 -m venv "$dir"
"$dir/bin/pip" install --quiet --disable-pip-version-check --no-input --requirement "$wanted"
cp "$wanted" "$dir/requirements.txt"
