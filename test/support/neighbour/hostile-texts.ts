import { VARIANTS, variant } from './machines.ts';

/** A text that an attacker writes into a field, and what it tries. */
export type Hostile = { kind: string; text: string };

/** A program that an operator's shell would run creates a file in this folder. */
export const SHELL_MARK = 'neighbour-was-here';
/** What a page runs when it takes a text for markup or code (`harmDone`). */
const script = 'top.hostileRan=1';

const kinds = {
  control: [
    '\u0000nul',
    'a\u0007\u001b[2J\u001b]0;owned\u0007',
    '\u009b31m\u0085',
    'a\r\nSet-Cookie: sequent_session=stolen\r\n\r\nx',
    '\u2028\u2029',
  ],
  direction: ['\u202egnp.exe', '\u2066\u2067never closed'],
  shell: [
    `$(touch /tmp/${SHELL_MARK})`,
    `\`touch /tmp/${SHELL_MARK}\``,
    `a[$(touch /tmp/${SHELL_MARK})]`,
    `'; touch /tmp/${SHELL_MARK}; '`,
  ],
  html: [
    `<img src=x onerror=${script}>`,
    `"><svg onload=${script}>`,
    `javascript:${script}`,
    `</script><script>${script}</script>`,
    '{{7*7}}',
  ],
  prototype: ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '{"__proto__":{"isAdmin":true}}'],
  path: [
    '../../../../../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '/proc/self/environ',
    'C:\\..\\x',
    'file:///etc/passwd',
    '.',
    '..',
    '//127.0.0.1/x',
  ],
  subject: [
    '>',
    '*',
    'a.b',
    '$JS.API.STREAM.DELETE.INVOCATIONS',
    '_INBOX.x',
    'acme=Xq7otherdone',
    'acme.Xq7otherdone',
    '$KV.SEQUENT_FUNCTIONS.x',
  ],
  network: [
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:4222/',
    'http://[::ffff:7f00:1]/',
    'nats://127.0.0.1',
    'gopher://x',
  ],
  expression: ['^(a+)+$', '(a|aa)+$', '((.*)*)*x', '$..[?(@.a =~ /(a+)+$/)]', '$[0:999999999]', '* * * * * *', '0 0 30 2 *', '*/0 * * * *'],
  number: ['NaN', '-0', '1e999', '9007199254740993', '-1', '0x10', '９', '99999999999999999999999999'],
  confusable: ['\u0430cme', 'acme\u200b', '\uff41cme', 'ACME', '\u212a', 'e\u0301'.repeat(3), '\ud800', 'a\u00adb'],
  query: ["' OR '1'='1", '"; DROP TABLE invocations; --', 'x* NEAR y AND (', '%', '_', '\\'],
  huge: ['x'.repeat(70_000), '\u6f22'.repeat(30_000), '-eyJ'.repeat(20_000), '.'.repeat(60_000)],
  deep: ['['.repeat(20_000), `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, '('.repeat(20_000), '$'.repeat(5_000)],
} as const;

/** All texts, such that texts of different kinds follow each other: any few of them are of different kinds. */
export const hostileTexts: readonly Hostile[] = interleaved(
  Object.entries(kinds).map(([kind, texts]) => texts.map((text) => ({ kind, text }))),
);

/** The text with which this variant begins. */
export const firstText = (): number => Math.floor((hostileTexts.length * variant()) / VARIANTS);

export const hostileKinds: readonly string[] = Object.keys(kinds);

function interleaved(lists: readonly Hostile[][]): Hostile[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list[index] ?? [])).flat();
}
