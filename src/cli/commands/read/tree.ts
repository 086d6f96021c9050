import { Command } from 'commander';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { HistoryTree, InvocationSummary } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { askFresh } from '../../history/ask-fresh.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type TreeOptions = { function?: string };

export function treeCommand(): Command {
  return new Command('tree')
    .description('Draws the invocations of a chain: those that destinations started, and redrives.')
    .argument('<id>', `${INVOCATION_ARGUMENT}; of any invocation of the chain`)
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .addHelpText('after', '\nExamples:\n  sequent tree order-4711\n  sequent tree order-4711 -o name     all ids of the chain')
    .action(action<TreeOptions>(tree));
}

async function tree(call: Call<TreeOptions>): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, (client) => printTree(call, client));
}

/** Prints the chain of the invocation that the argument names. */
export async function printTree(call: Call<TreeOptions>, client: SequentClient): Promise<typeof exitCodes.ok> {
  const { options, args, terminal } = call;
  const given = options.function === undefined ? {} : { function: options.function };
  const { id, owner } = await namedInvocation(client, args[0] ?? '', given);
  const found = await askFresh(client, call, (freshness) => client.history.tree(id, owner, freshness));
  print(found, call);
  if (found.isCut) terminal.err.line(say('only the first {count} invocations are shown', { count: found.nodes.length }));
  return exitCodes.ok;
}

function print(found: HistoryTree, { format, terminal: { out } }: Call<TreeOptions>): void {
  switch (format) {
    case 'json':
      return out.line(JSON.stringify(found, null, 2));
    case 'jsonl':
      return found.nodes.forEach((node) => void out.line(JSON.stringify(node)));
    case 'name':
      return found.nodes.forEach(({ id }) => void out.line(id));
    case 'table':
      for (const line of drawTree(found, out.isUnicode)) out.line(line);
  }
}

/** Draws one line per invocation. Invocations without a known parent are roots. */
function drawTree({ nodes }: Pick<HistoryTree, 'nodes'>, isUnicode: boolean): string[] {
  const ids = new Set(nodes.map(({ id }) => id));
  const below = new Map<string, InvocationSummary[]>();
  const roots: InvocationSummary[] = [];
  for (const node of nodes) {
    const parent = node.parent ?? node.redriveOf;
    if (parent === null || parent === node.id || !ids.has(parent)) roots.push(node);
    else below.set(parent, [...(below.get(parent) ?? []), node]);
  }
  const [branch, last, line] = isUnicode ? ['├─ ', '└─ ', '│  '] : ['|- ', '`- ', '|  '];
  const drawn = new Set<string>();
  const draw = (node: InvocationSummary, head: string, indent: string): string[] => {
    // Callers choose ids, so parents may form a cycle.
    if (drawn.has(node.id)) return [];
    drawn.add(node.id);
    const children = below.get(node.id) ?? [];
    return [
      `${head}${describe(node)}`,
      ...children.flatMap((child, index) =>
        index === children.length - 1
          ? draw(child, `${indent}${last}`, `${indent}   `)
          : draw(child, `${indent}${branch}`, `${indent}${line}`),
      ),
    ];
  };
  return [...roots.flatMap((root) => draw(root, '', '')), ...nodes.flatMap((node) => draw(node, '', ''))];
}

function describe({ id, function: name, state, status, condition, durationInMs, redriveOf }: InvocationSummary): string {
  const took = durationInMs === null ? '' : `, ${formatDuration(durationInMs)}`;
  const text = say('{name}  {id}  {state} ({why})', { name, id, state: sayWord(state), why: `${condition ?? status}${took}` });
  return plain(`${text}${redriveOf === null ? '' : say('  run again')}`);
}
