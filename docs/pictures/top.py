#!/usr/bin/env python3
"""top.py PROGRAMS: makes top.svg, a picture of `c2c top`, from a real run: three sessions (real c2c-shim processes, driven over
MCP) work together in a temporary folder, and tmux holds the terminal. PROGRAMS is the folder that c2c, c2c-broker and
c2c-shim are in. Needs tmux."""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS, ROWS = 112, 30
PATIENCE_S = 20


class Session:
    """One shim, and the client that it believes to have."""

    def __init__(self, programs, env, name):
        env = env | {"C2C_NAME": name}
        self.shim = subprocess.Popen([programs / "c2c-shim"], env=env, text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.number = 0
        client = {"name": "claude-code", "version": "2.1.330"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        self.answer(self.request("initialize", hello))
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, message):
        self.shim.stdin.write(json.dumps(message) + "\n")
        self.shim.stdin.flush()

    def request(self, method, params):
        self.number += 1
        self.write({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        return self.number

    def answer(self, number):
        for line in self.shim.stdout:
            message = json.loads(line)
            if message.get("id") == number:
                return message["result"]
        raise SystemExit("a shim ended")

    def start(self, tool, **arguments):
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def call(self, tool, **arguments):
        # As people would see it come, one after the other.
        time.sleep(0.7)
        return json.loads(self.answer(self.start(tool, **arguments))["content"][0]["text"])

    def end(self):
        self.shim.stdin.close()
        self.shim.wait()


def work(api, web, review):
    """What the picture shows."""
    first = api.call("send_message", to="web", body="orders.total is in cents now, see migrations/0042", tag="handoff")
    web.call("wait_for_message", timeout_s=5)
    web.call("send_message", reply_to=first["id"], body="Thanks. Which release has it?", tag="question")
    waited = api.call("wait_for_message", timeout_s=5)["messages"][0]
    api.call("send_message", reply_to=waited["id"], body="v2.31, deployed to staging a minute ago")
    web.call("wait_for_message", timeout_s=5)
    api.call("set_state", key="staging", value={"release": "v2.31"})
    review.call("send_message", to="*", body="I review the migration now; please no pushes to main", tag="status")
    question = review.call("send_message", to="api", body="Is there an index on orders.total?", tag="question")
    api.call("send_message", reply_to=question["id"], body="No, it is never searched by")
    answer = review.call("wait_for_message", timeout_s=5)["messages"][0]
    review.call("mark_read", message_ids=[answer["id"]])
    review.call("send_message", to=["api", "web"], body="Approved. Go on.", tag="status")
    review.start("wait_for_message", timeout_s=600)


def screen(tmux, *words):
    """What the terminal shows once all of these words are on it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        shown = subprocess.run([*tmux, "capture-pane", "-e", "-p"], capture_output=True, text=True).stdout
        if all(word in shown for word in words):
            return shown
        time.sleep(0.1)
    raise SystemExit(f"{words} did not appear:\n{shown}")


def main():
    programs = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="c2c-", dir="/tmp") as folder:
        env = {"HOME": folder, "PATH": "/usr/bin:/bin", "CLAUDE_C2C_DB": f"{folder}/c2c.db", "USER": "ada",
               "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        tmux = ["tmux", "-S", f"{folder}/tmux", "-f", "/dev/null"]
        sessions = [Session(programs, env, name) for name in ("api", "web", "review")]
        try:
            size = ["-x", str(COLUMNS), "-y", str(ROWS)]
            subprocess.run([*tmux, "new-session", "-d", *size, f"{programs}/c2c", "top"], env=env | os.environ | env, check=True)
            screen(tmux, "review")
            work(*sessions)
            shown = screen(tmux, "Approved", "1 waiting")
        finally:
            subprocess.run([*tmux, "kill-server"], stderr=subprocess.DEVNULL)
            for session in sessions:
                session.end()
            subprocess.run([programs / "c2c", "stop", "--wait"], env=env, stdout=subprocess.DEVNULL)
        file = Path(folder) / "c2c top.screen"
        file.write_text(shown)
        drawn = subprocess.run([sys.executable, HERE / "draw.py", file], capture_output=True, text=True, check=True)
    (HERE / "top.svg").write_text(drawn.stdout)


if __name__ == "__main__":
    main()
