import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

type Call = { name: string; arguments: Record<string, unknown> };
type Spoken = { tools: string[]; answer: string; isError: boolean };

/** Speaks the Model Context Protocol with a command: initializes, lists the tools, and calls one of them. */
export async function speakMcp(words: readonly string[], cwd: string, call: Call): Promise<Spoken> {
  const agent = new Client({ name: 'test', version: '1' });
  const [command = '', ...args] = words;
  try {
    await agent.connect(new StdioClientTransport({ command, args, cwd, env: getDefaultEnvironment(), stderr: 'pipe' }));
    const { tools } = await agent.listTools();
    const { content, isError = false } = await agent.callTool(call);
    const answer = (content as { text: string }[])[0]?.text ?? '';
    return { tools: tools.map(({ name }) => name), answer, isError: isError === true };
  } finally {
    await agent.close();
  }
}
