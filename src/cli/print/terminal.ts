import { createInterface } from 'node:readline';
import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import { escapeControls } from '#src/core/text/escape-controls.ts';
import type { Host } from '../host.ts';
import { say } from '../texts/say.ts';

export type ColourChoice = 'auto' | 'always' | 'never';
export type Paint = ReturnType<typeof pc.createColors>;

/** stdout or stderr, with the abilities of its reader. */
export interface OutputStream {
  line(text?: string): void;
  /** Moves the cursor of a terminal to the upper left corner, and erases the screen from there. */
  clear(): void;
  readonly paint: Paint;
  readonly columns: number;
  readonly isTty: boolean;
  /** Whether the reader shows characters beyond ASCII. */
  readonly isUnicode: boolean;
}

/** The output of the command line: results go to `out`, all other messages to `err`. */
export interface Terminal {
  readonly out: OutputStream;
  readonly err: OutputStream;
  /** Prints a line to stderr, also in a rehearsal: what a person should know before the change. */
  warn(line: string): void;
  /** Whether a person can answer on a terminal. */
  readonly canAsk: boolean;
  ask(question: string): Promise<boolean>;
}

type Environment = Readonly<Record<string, string | undefined>>;
type Stream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;

const PIPED_COLUMNS = 100;
const CLEAR = '\u001b[H\u001b[J';

export function createTerminal(colour: ColourChoice, host: Host): Terminal {
  const { env, stdin, stderr } = host;
  const err = createOutputStream(stderr, colour, env);
  return {
    out: createOutputStream(host.stdout, colour, env),
    err,
    warn: (line) => err.line(line),
    canAsk: stdin.isTTY === true && err.isTty,
    ask: (question) =>
      new Promise((resolve) => {
        const asking = createInterface({ input: stdin, output: stderr });
        // Ctrl-C ends the command as everywhere. Ctrl-D counts as no.
        asking.once('SIGINT', () => host.signals.emit('SIGINT'));
        asking.once('close', () => resolve(false));
        asking.question(`${question} ${say('[y/N]')} `, (answer) => {
          resolve(/^(?:y(es)?|是)$/i.test(answer.trim()));
          asking.close();
        });
      }),
  };
}

export function createOutputStream(stream: Stream, colour: ColourChoice, env: Environment): OutputStream {
  const isTty = stream.isTTY === true && env.TERM !== 'dumb';
  return {
    line: (text = '') => void stream.write(`${isTty ? shown(text) : text}\n`),
    clear: () => void (isTty && stream.write(CLEAR)),
    paint: pc.createColors(hasColour(isTty, colour, env)),
    isTty,
    isUnicode: isTty && readsUnicode(env),
    get columns() {
      return (stream.isTTY && stream.columns) || PIPED_COLUMNS;
    },
  };
}

/** The usual precedence: the option, `NO_COLOR`, `FORCE_COLOR`, whether the stream is a terminal. */
function hasColour(isTty: boolean, colour: ColourChoice, env: Environment): boolean {
  if (colour !== 'auto') return colour === 'always';
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0') return true;
  return isTty;
}

function readsUnicode(env: Environment): boolean {
  if (process.platform === 'win32') return (env.WT_SESSION ?? '') !== '';
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  // Without a locale, the terminals of macOS read UTF-8. The locales "C" and "POSIX" mean ASCII.
  return locale === '' ? process.platform === 'darwin' : /utf-?8/i.test(locale);
}

/** Foreign text on one line, without characters that the terminal would obey or that change the direction of text. */
export function plain(text: string): string {
  return escapeControls(text.replaceAll(/[\t-\r\u2028\u2029]+/g, ' '));
}

/** The lines of a terminal keep the colours of {@link Paint}. All else that a terminal would obey is shown escaped. */
function shown(text: string): string {
  return text
    .split(colours)
    .map((part, index) => (index % 2 === 1 ? part : escapeControls(part, { keepsLines: true })))
    .join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of colours begin with a control character
const colours = /(\u001b\[\d{1,3}(?:;\d{1,3}){0,4}m)/;

/** The columns that a text takes: two for a Chinese character or a full-width sign. */
export function widthOf(text: string): number {
  return text.length + (text.match(/[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]/g)?.length ?? 0);
}

/** A text with spaces behind it, up to a width. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** A text with spaces before it, up to a width. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** The first characters of a text, up to a width. */
export function cut(text: string, width: number, ellipsis = '...'): string {
  if (widthOf(text) <= width) return text;
  return width <= ellipsis.length ? firstOf(text, width) : `${firstOf(text, width - ellipsis.length)}${ellipsis}`;
}

function firstOf(text: string, width: number): string {
  let end = 0;
  for (let used = 0; end < text.length; end++) {
    used += widthOf(text.charAt(end));
    if (used > width) break;
  }
  return text.slice(0, end);
}
