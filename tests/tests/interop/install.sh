#!/bin/sh
# Installs the official MCP SDKs into the folder DIR, for tests/tests/interop.rs:
#   DIR/py2   Python, newest 2.x      DIR/py1   Python, newest 1.x      DIR/node   TypeScript
# and the server that c2c grew from, for tests/tests/seed_store.rs:
#   DIR/seed  claude-c2c 0.1.0
# Then: C2C_INTEROP_DIR=DIR cargo test -p c2c-harness --test interop
set -eu
dir=${1:?"usage: $0 DIR"}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# python FOLDER PACKAGE...: a virtual environment with these packages.
python() {
    folder=$1
    shift
    if [ ! -d "$dir/$folder" ] && ! python3 -m venv "$dir/$folder"; then
        # Debian has it in a package of its own; without it there is nothing to test with, which is no fault of c2c's.
        rm -rf "${dir:?}/$folder"
        echo "python3 cannot make a virtual environment: the tests with $folder will be skipped"
        return
    fi
    "$dir/$folder/bin/pip" install --quiet --disable-pip-version-check --upgrade "$@"
    "$dir/$folder/bin/pip" show mcp | sed -n 's/^Version:/Python mcp/p'
}

if command -v python3 >/dev/null; then
    python py2 'mcp>=2,<3'
    python py1 'mcp>=1,<2'
    python seed claude-c2c==0.1.0 'mcp>=1,<2'
else
    echo "no python3: the Python tests will be skipped"
fi

if command -v npm >/dev/null; then
    mkdir -p "$dir/node"
    [ -f "$dir/node/package.json" ] || echo '{"private": true, "type": "module"}' >"$dir/node/package.json"
    (cd "$dir/node" && npm install --silent --no-audit --no-fund '@modelcontextprotocol/sdk@latest')
    sed -n 's/^ *"version": *"\([^"]*\)".*/TypeScript @modelcontextprotocol\/sdk \1/p' \
        "$dir/node/node_modules/@modelcontextprotocol/sdk/package.json"
else
    echo "no npm: the TypeScript test will be skipped"
fi
