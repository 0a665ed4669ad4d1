// Two sessions through the official TypeScript SDK.
// Prints one JSON object: what the client was told, and what arrived.
// Usage: node typescript.mjs SHIM FOLDER-OF-NODE-MODULES

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [shim, modules] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)).href);
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");

const deadline = setTimeout(() => {
  console.error("not done within 60 s");
  process.exit(1);
}, 60_000);

async function session(name) {
  const client = new Client({ name: "typescript", version: "1.0" });
  const env = { ...process.env, C2C_NAME: name };
  await client.connect(new StdioClientTransport({ command: shim, env }));
  return client;
}

async function call(client, name, args = {}, options = undefined) {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  return { failed: result.isError === true, json: JSON.parse(result.content[0].text) };
}

async function untilWaiting(client, name) {
  for (;;) {
    const { json } = await call(client, "list_sessions");
    if (json.sessions.some((one) => one.name === name && one.waiting)) return;
    await new Promise((resolve) => setTimeout(resolve, 10)); // looks again at what another process does
  }
}

const [alice, bob] = [await session("alice"), await session("bob")];
const tools = (await bob.listTools()).tools.map((tool) => tool.name).sort();
let done = false;
const wait = call(bob, "wait_for_message", { timeout_s: 50 }).finally(() => (done = true));
await untilWaiting(alice, "bob");
const blocked = !done;
const sent = (await call(alice, "send_message", { to: "bob", body: "grüße 😀", tag: "status" })).json;
const waited = (await wait).json;
const bad = await call(alice, "send_message", { to: "bob", body: "" });

const abort = new AbortController();
const abandoned = call(bob, "wait_for_message", { from: "nobody", timeout_s: 50 }, { signal: abort.signal });
await untilWaiting(alice, "bob");
abort.abort();
await abandoned.catch(() => {});
const marked = (await call(bob, "mark_read", { message_ids: [sent.id] })).json.marked;

console.log(JSON.stringify({
  tools, blocked, sent: sent.id, waited, failed: bad.failed, error: bad.json, marked,
}));
await Promise.all([alice.close(), bob.close()]);
clearTimeout(deadline);
