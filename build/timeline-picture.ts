import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

/**
 * npm run pictures draws docs/pictures/timeline.svg, the moving picture of README. The facts in it come from the real roles and
 * the real machine, which run one invocation under virtual time. test/unit/site/timeline-picture.test.ts compares the file.
 */
const file = fileURLToPath(new URL('../docs/pictures/timeline.svg', import.meta.url));

type Happening = { readonly atInMs: number; readonly type: string; readonly text: string };

/** Two attempts fail, the third succeeds, and a second function gets the outcome. */
async function runInvocation(): Promise<Happening[]> {
  let sequent: TestSequent | undefined;
  const orders = defineFunction({
    name: 'orders',
    policy: {
      maxRetries: 3,
      backoff: { initialInMs: 500, factor: 2, maxInMs: 10_000, jitter: 0 },
      onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'mail' } }],
    },
    handler: async (_event: unknown, { attempt }) => {
      await sequent?.clock.sleep(attempt === 3 ? 420 : 180);
      if (attempt < 3) throw new Error('the shop is closed');
      return { paid: true };
    },
  });
  const mail = defineFunction({ name: 'mail', handler: () => sequent?.clock.sleep(150) });
  sequent = await createTestSequent({ functions: [orders, mail] });
  try {
    const { requestId } = await sequent.invoke(orders, { order: 7 });
    await sequent.runUntilIdle();
    const { transitions } = await sequent.timeline(requestId);
    const begin = transitions[0]?.fact.at ?? 0;
    return transitions.map(({ fact }) => ({ atInMs: fact.at - begin, type: fact.type, text: inWords(fact) }));
  } finally {
    await sequent[Symbol.asyncDispose]();
  }
}

function inWords(fact: { readonly [key: string]: unknown; readonly type: string; readonly at: number }): string {
  const { type, attempt, failure, dueAt, at, payload } = fact as typeof fact & { failure?: { message: string } };
  if (type === 'queued') return 'accepted: durable';
  if (type === 'running') return `attempt ${attempt} starts`;
  if (type === 'retrying') return `attempt ${attempt}: ${failure?.message.replace(/^.*error: /, '')}; again in ${Number(dueAt) - at} ms`;
  if (type === 'succeeded') return `attempt ${attempt} returns ${payload}`;
  if (type === 'delivery.started') return 'the function mail gets the outcome';
  if (type === 'delivery.delivered') return 'mail accepted it';
  return 'everybody knows';
}

const STATES = ['queued', 'running', 'retrying', 'succeeded', 'notified'];
/** Slower than real, so that eyes can follow; then the end stays for a while. */
const MS_PER_MS = 3;
const PAUSE_IN_MS = 5_000;
/** Facts of one moment appear one after another. */
const STEP_IN_MS = 120;

/** The whole picture. */
export async function drawTimeline(): Promise<string> {
  const happenings = (await runInvocation()).map((one, index) => ({ ...one, shownAtInMs: one.atInMs * MS_PER_MS + index * STEP_IN_MS }));
  const endInMs = (happenings.at(-1)?.shownAtInMs ?? 0) + PAUSE_IN_MS;
  const percent = (ms: number) => ((ms / endInMs) * 100).toFixed(2);
  const styles: string[] = [];
  const shapes: string[] = [];
  const appears = (name: string, from: number, until = endInMs) => {
    const end = until >= endInMs ? '100% { opacity: 1 }' : `${percent(until - 10)}% { opacity: 1 } ${percent(until)}%, 100% { opacity: 0 }`;
    styles.push(
      `@keyframes ${name} { ${from === 0 ? '0%' : `0%, ${percent(from)}%`} { opacity: 0 } ${percent(from + 60)}% { opacity: 1 } ${end} }`,
    );
    return `style="animation-name: ${name}"`;
  };
  STATES.forEach((state, index) => {
    const x = 24 + index * 146;
    if (index > 0) shapes.push(`<path class="arrow" d="M${x - 22} 46h18m-5 -4l5 4l-5 4"/>`);
    shapes.push(
      `<rect class="state" x="${x}" y="28" width="120" height="36" rx="8"/><text class="name" x="${x + 60}" y="51">${state}</text>`,
    );
  });
  const moves = happenings.filter(({ type }) => STATES.includes(type));
  moves.forEach(({ type, shownAtInMs }, index) => {
    const x = 24 + STATES.indexOf(type) * 146;
    const at = appears(`s${index}`, shownAtInMs, moves[index + 1]?.shownAtInMs);
    shapes.push(
      `<g class="at ${type}" ${at}><rect x="${x}" y="28" width="120" height="36" rx="8"/><text x="${x + 60}" y="51">${type}</text></g>`,
    );
  });
  happenings.forEach(({ atInMs, type, text, shownAtInMs }, index) => {
    const y = 100 + index * 22;
    const subject = STATES.includes(type) ? type : type.replace('delivery.', 'delivery ');
    shapes.push(
      `<g class="at line" ${appears(`l${index}`, shownAtInMs)}><text class="time" x="86" y="${y}">${atInMs} ms</text>` +
        `<text class="${type.replace('.', '-')}" x="104" y="${y}">${subject}</text><text class="text" x="252" y="${y}">${escaped(text)}</text></g>`,
    );
  });
  const height = 100 + happenings.length * 22;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 752 ${height}" role="img" aria-label="One invocation: two attempts fail, the third succeeds, its destination is told">
<style>
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #c9d1d9 }
.back { fill: #0d1117 } .state { fill: none; stroke: #30363d } .arrow { fill: none; stroke: #484f58 }
.name, .at > rect + text { text-anchor: middle } .name { fill: #6e7681 } .time { text-anchor: end; fill: #6e7681 }
.at { animation: ${endInMs}ms linear infinite } .at > rect + text { fill: #0d1117; font-weight: 600 }
.at > rect { fill: #58a6ff } .retrying > rect { fill: #d29922 } .succeeded > rect, .notified > rect { fill: #3fb950 }
text.running { fill: #58a6ff } text.retrying { fill: #d29922 } text.succeeded, text.notified { fill: #3fb950 }
@media (prefers-reduced-motion: reduce) { .at { animation: none } .at > rect, .at > rect + text { opacity: 0 } }
${styles.join('\n')}
</style>
<rect class="back" width="752" height="${height}" rx="10"/>
${shapes.join('\n')}
</svg>
`;
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, await drawTimeline());
