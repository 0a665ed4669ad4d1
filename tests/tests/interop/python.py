"""Two sessions through the official Python SDK; works with its 1.x and its 2.x.

Prints one JSON object: what the client was told, and what arrived. Usage: python.py SHIM
"""

import asyncio
import contextlib
import json
import os
import sys

import mcp
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def parameters(name):
    return StdioServerParameters(command=sys.argv[1], env={**os.environ, "C2C_NAME": name})


@contextlib.asynccontextmanager
async def session(name):
    """A session as every version of the SDK offers it."""
    async with stdio_client(parameters(name)) as (read, write):
        async with ClientSession(read, write) as client:
            await client.initialize()
            yield client


@contextlib.asynccontextmanager
async def newest(name):
    """The 2.x client, which asks for `server/discover` first; the plain one where there is none."""
    if hasattr(mcp, "Client"):
        async with mcp.Client(parameters(name)) as client:
            yield client
    else:
        async with session(name) as client:
            yield client


async def call(client, tool, arguments=None, **options):
    result = await client.call_tool(tool, arguments or {}, **options)
    failed = getattr(result, "is_error", None) or getattr(result, "isError", None) or False
    return bool(failed), json.loads(result.content[0].text)


async def until_waiting(client, name):
    while True:
        _, listed = await call(client, "list_sessions")
        if any(one["name"] == name and one["waiting"] for one in listed["sessions"]):
            return
        await asyncio.sleep(0.01)  # looks again at what another process does


async def main():
    async with session("alice") as alice, newest("bob") as bob:
        tools = sorted(tool.name for tool in (await bob.list_tools()).tools)
        wait = asyncio.create_task(call(bob, "wait_for_message", {"timeout_s": 50}))
        await until_waiting(alice, "bob")
        blocked = not wait.done()
        _, sent = await call(alice, "send_message", {"to": "bob", "body": "grüße 😀", "tag": "status"})
        _, waited = await asyncio.wait_for(wait, 20)
        failed, error = await call(alice, "send_message", {"to": "bob", "body": ""})

        abandoned = asyncio.create_task(call(bob, "wait_for_message", {"from": "nobody", "timeout_s": 50}))
        await until_waiting(alice, "bob")
        abandoned.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await abandoned
        _, after = await call(bob, "mark_read", {"message_ids": [sent["id"]]})

        print(json.dumps({
            "tools": tools, "blocked": blocked, "sent": sent["id"], "waited": waited,
            "failed": failed, "error": error, "marked": after["marked"],
        }))


asyncio.run(asyncio.wait_for(main(), 60))
