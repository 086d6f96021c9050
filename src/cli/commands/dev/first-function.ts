import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const FIRST_FUNCTION = 'hello.ts';

/** Files that a new project has before its first line of code. */
const isOfNewProject = (name: string): boolean =>
  /^(?:\.|node_modules$|package(?:-lock)?\.json$|tsconfig\.json$|README|LICEN[CS]E)/i.test(name);

const text = `import type { HandlerContext } from 'sequent-functions/client';

export const handler = async (event: { name?: string }, context: HandlerContext) => {
  context.getLogger().info(\`attempt \${context.attempt} of \${context.getRequestID()}\`);
  return { hello: event.name ?? 'world' };
};
`;

/** Writes a first function with types into a folder without any code. Returns whether it did; a folder with anything else is left alone. */
export function createFirstFunction(folder: string): boolean {
  if (!readdirSync(folder).every(isOfNewProject)) return false;
  writeFileSync(join(folder, FIRST_FUNCTION), text, { flag: 'wx' });
  return true;
}
