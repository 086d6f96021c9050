import { Command } from 'commander';
import { type OutputStream, plain, widthOf } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withConnection } from '../../session.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';
import { judge } from './findings.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Examines the server, the streams, the roles, the functions and the clocks.')
    .option('--replicas', 'also compare the replicas of the log: their messages, and the content of samples')
    .addHelpText('after', examples)
    .action(action(doctor));
}

const examples = `
Examples:
  sequent doctor
  sequent doctor --replicas
  sequent doctor --json | jq '.findings[] | select(.level != "ok")'

Exit codes: 0 no problem, 1 problems, 6 NATS cannot be reached or JetStream is off.`;

async function doctor(call: Call<{ replicas?: true }>): Promise<ExitCode> {
  const { terminal, format } = call;
  // A question without an answer is a finding, and a server that answers no ping is none: the questions would wait one after the other.
  const examined = await withConnection(call.options, async (connection, { dataDir }) => {
    const { examine } = await import('./examine.ts');
    return await examine(connection, { dataDir, withReplicas: call.options.replicas === true });
  });
  const findings = judge(examined);
  const isHealthy = findings.every(({ level }) => level !== 'problem');
  const { inspection, durability } = examined;
  if (format === 'json') terminal.out.line(JSON.stringify({ healthy: isHealthy, ...inspection, durability, findings }, null, 2));
  else if (format === 'jsonl') for (const finding of findings) terminal.out.line(JSON.stringify(finding));
  else if (format === 'name') terminal.out.line(isHealthy ? 'healthy' : 'unhealthy');
  else for (const line of draw(examined, findings, terminal.out)) terminal.out.line(line);
  return isHealthy ? exitCodes.ok : exitCodes.failed;
}

const signs = {
  ok: { unicode: '✔', ascii: 'ok', colour: 'green' },
  note: { unicode: '●', ascii: '--', colour: 'yellow' },
  problem: { unicode: '✖', ascii: '!!', colour: 'red' },
} as const;

function draw({ inspection }: Examined, findings: readonly Finding[], output: OutputStream): string[] {
  const { paint, isUnicode } = output;
  const { url, name } = inspection.server;
  const width = Math.max(...findings.map(({ check }) => widthOf(check)));
  const lines = findings.flatMap(({ level, check, seen, remedy }) => {
    const { unicode, ascii, colour } = signs[level];
    const sign = paint[colour](isUnicode ? unicode : ascii);
    const line = `${sign} ${check}${' '.repeat(width - widthOf(check))}  ${plain(seen)}`;
    return remedy === undefined
      ? [line]
      : [line, `${' '.repeat((isUnicode ? 1 : 2) + width + 3)}${paint.dim(say('try: {remedy}', { remedy: plain(remedy) }))}`];
  });
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const notes = findings.filter(({ level }) => level === 'note').length;
  const verdict =
    problems > 0
      ? paint.red(problems === 1 ? say('1 problem') : say('{count} problems', { count: problems }))
      : paint.green(say('no problem'));
  return [
    `${paint.bold(plain(url))}  ${paint.dim(plain(name))}`,
    '',
    ...lines,
    '',
    verdict + (notes === 0 ? '' : notes === 1 ? say(', 1 note') : say(', {count} notes', { count: notes })),
  ];
}
