#!/bin/sh
# Makes sessions.svg of a real run: two unmodified clients in terminals, c2c between them, a scripted model behind each.
# Needs what tests/tests/claude/README.md says, and CLAUDE_BIN.
set -eu
cd "$(dirname "$0")/../.."
screens=$(mktemp -d)
trap 'rm -rf "$screens"' EXIT
cargo build --bins
C2C_PICTURE_DIR=$screens cargo test -p c2c-harness --test claude picture::two_sessions_at_work
python3 docs/pictures/draw.py "$screens/local.screen" "$screens/online.screen" >docs/pictures/sessions.svg
