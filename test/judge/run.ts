import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readExecutions } from '#src/judge/collect.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { encodeEdn } from '#src/judge/write-evidence.ts';
import { readStreams } from './read-server.ts';
import { readEvidence } from './recorded.ts';

const HELP = `npm run judge -- [options] [file.jsonl…]

Judges recorded evidence, or what a NATS server holds, without any code of the product. Prints what did not hold, with the ids of the rules.

  --server URL       reads the streams of this server
  --executions FILE  the lines that functions wrote: "<id> <attempt>", after "+" or "-" for a start or an end
  --lossy            a power cut took messages
  --cuts N           this number of power cuts took messages
  --edn FILE         writes the journal of the clients in Jepsen's EDN form
  --help

Exit codes: 0 everything held, 1 something did not hold.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string' },
    executions: { type: 'string' },
    lossy: { type: 'boolean', default: false },
    cuts: { type: 'string' },
    edn: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function judged(name: string, evidence: Evidence): boolean {
  const problems = judge(evidence);
  for (const problem of problems) print(`  ${problem}`);
  print(`${name}: ${evidence.log.length} messages, ${evidence.client.length} operations, ${problems.length} problems`);
  if (values.edn !== undefined) writeFileSync(values.edn, encodeEdn(evidence.client));
  return problems.length === 0;
}

async function main(): Promise<boolean> {
  let isSound = true;
  for (const file of positionals) isSound = judged(file, readEvidence(file)) && isSound;
  if (values.server === undefined) return isSound;
  const executions = values.executions === undefined ? {} : { executions: readExecutions(values.executions) };
  const cuts = Number(values.cuts ?? values.lossy);
  const loss = { isLossy: cuts > 0, cuts };
  const evidence = { ...(await readStreams(values.server, loss)), client: [], ...loss, ...executions };
  return judged(values.server, evidence) && isSound;
}

if (values.help || (positionals.length === 0 && values.server === undefined)) print(HELP);
else process.exitCode = (await main()) ? 0 : 1;
