import { Command } from 'commander';
import { plain } from '#src/cli/print/terminal.ts';
import type { HistoryTree, InvocationSummary } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../call.ts';
import { exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

type TreeOptions = { function?: string };

export function treeCommand(): Command {
  return new Command('tree')
    .summary('the chain that an invocation is part of')
    .description('Draws what followed from what: the destinations that invoked further functions, and what was run again.')
    .argument('<id>', 'the request id of any of them')
    .option('--function <name>', 'its function, if several functions were invoked under one id')
    .addHelpText('after', '\nExamples:\n  sequent tree order-4711\n  sequent tree order-4711 -o name     all ids of the chain')
    .action(action<TreeOptions>(tree));
}

async function tree(call: Call<TreeOptions>): Promise<typeof exitCodes.ok> {
  const { options, args, terminal } = call;
  return await withClient(options, async ({ history }) => {
    const found = await history.tree(args[0] ?? '', options.function === undefined ? {} : { function: options.function });
    print(found, call);
    if (found.isCut) terminal.err.line(`only the first ${found.nodes.length} are shown`);
    return exitCodes.ok;
  });
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

/** One line for each; whose parent is not known stands at the left. */
function drawTree({ nodes }: Pick<HistoryTree, 'nodes'>, isUnicode: boolean): string[] {
  const ids = new Set(nodes.map(({ id }) => id));
  const below = new Map<string, InvocationSummary[]>();
  const tops: InvocationSummary[] = [];
  for (const node of nodes) {
    const parent = node.parent ?? node.redriveOf;
    if (parent === null || parent === node.id || !ids.has(parent)) tops.push(node);
    else below.set(parent, [...(below.get(parent) ?? []), node]);
  }
  const [branch, last, line] = isUnicode ? ['├─ ', '└─ ', '│  '] : ['|- ', '`- ', '|  '];
  const drawn = new Set<string>();
  const draw = (node: InvocationSummary, head: string, indent: string): string[] => {
    // Ids are chosen by callers: a ring of parents must not be drawn for ever.
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
  return [...tops.flatMap((top) => draw(top, '', '')), ...nodes.flatMap((node) => draw(node, '', ''))];
}

function describe({ id, function: name, state, status, condition, durationInMs, redriveOf }: InvocationSummary): string {
  const took = durationInMs === null ? '' : `, ${formatDuration(durationInMs)}`;
  return plain(`${name}  ${id}  ${state} (${condition ?? status}${took})${redriveOf === null ? '' : '  run again'}`);
}
