#!/bin/sh
# Installs the pinned Claude Code into the folder DIR and prints the path of its program, for tests/tests/claude.rs:
#   CLAUDE_BIN=$(tests/tests/claude/install.sh DIR) cargo test -p c2c-harness --test claude
# What it says besides goes to stderr. The program is one native file; npm only fetches it (about 360 MB).
set -eu
dir=${1:?"usage: $0 DIR"}
version=2.1.330
package=@anthropic-ai/claude-code
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
program=$dir/node_modules/.bin/claude

if ! "$program" --version 2>/dev/null | grep -qF "$version"; then
    [ -f "$dir/package.json" ] || echo '{"private": true}' >"$dir/package.json"
    # The version is named: with an older Node, npm would choose an old one.
    (cd "$dir" && npm install --silent --no-audit --no-fund "$package@$version") >&2
fi
"$program" --version 2>/dev/null | grep -qF "$version" || {
    echo "$program is not version $version" >&2
    exit 1
}
echo "$program"
