import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect } from 'vitest';
import { defineFunction, startWorker } from '#src/client/client.ts';
import { commandLine } from '#test/support/cli/command-line.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';

const orders = defineFunction({
  name: 'orders',
  policy: { maxRetries: 0 },
  handler: () => {
    throw new Error('no stock');
  },
});

/** An agent that is connected to `sequent mcp`, by the client of the official SDK. */
async function openAgent(url: string, options: string[] = []) {
  const agent = new Client({ name: 'test', version: '1' });
  const args = [...commandLine(), 'mcp', '--server', url, ...options];
  await agent.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'pipe' }));
  return {
    async [Symbol.asyncDispose]() {
      await agent.close();
    },
    tools: async () => (await agent.listTools()).tools,
    /** Calls a tool, and returns its answer. */
    async ask(name: string, given: Record<string, unknown> = {}) {
      const { content, isError = false } = await agent.callTool({ name, arguments: given });
      return { isError, text: (content as { text: string }[])[0]?.text ?? '' };
    },
  };
}

describe('sequent mcp', () => {
  test('lets an agent diagnose a failed invocation, and change nothing', { timeout: 60_000 }, async ({ server, client }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [orders] });
    const invoked = await client.invoke(orders, { order: 7 });
    await invoked.result();
    await using agent = await openAgent(server.url);
    const tools = await agent.tools();
    expect(tools.map(({ name }) => name)).toContain('explain');
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);

    const id = invoked.requestId;
    expect((await agent.ask('explain', { id })).text).toContain('its terms allow no retry');
    expect((await agent.ask('timeline', { id })).text).toContain('no stock');
    await expect.poll(async () => (await agent.ask('list_invocations', { function: 'orders' })).text).toContain(id);
    expect((await agent.ask('list_functions')).text).toContain('orders');
    expect((await agent.ask('doctor')).isError).toBe(false);
    expect(await agent.ask('get_invocation', { id: 'no-such-id' })).toMatchObject({ isError: true });
    // What the agent chooses is never an option of a command.
    expect((await agent.ask('explain', { id: '--server=nats://127.0.0.1:1' })).text).not.toContain('127.0.0.1:1"');
    expect(await agent.ask('redrive', { id })).toMatchObject({ isError: true });
    expect((await client.timeline(id)).transitions.map(({ fact }) => fact.type)).not.toContain('redriven');
  });

  test('with --allow-changes tells a change first, and makes it when it is confirmed', { timeout: 60_000 }, async ({ server, client }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [orders] });
    await using agent = await openAgent(server.url, ['--allow-changes']);
    const isPaused = async (): Promise<boolean> => (await client.functions.get('orders')).definition.paused === true;

    expect((await agent.ask('pause_function', { function: 'orders' })).isError).toBe(false);
    expect(await isPaused()).toBe(false);
    expect((await agent.ask('pause_function', { function: 'orders', confirmed: true })).isError).toBe(false);
    expect(await isPaused()).toBe(true);
    await agent.ask('resume_function', { function: 'orders', confirmed: true });
    expect(await isPaused()).toBe(false);
  });
});
