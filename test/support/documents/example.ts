/** How an example of a document is shown to be true: each fenced block has one of these. */
export type Example =
  | { kind: 'commands'; commands: readonly Expected[] }
  | { kind: 'program'; before: string; after: string; prints: RegExp }
  | { kind: 'file'; path: string; after: string }
  | { kind: 'valid'; parse: (content: string) => unknown }
  | { kind: 'elsewhere'; test: string }
  | { kind: 'not-run'; reason: string };

/** What a command must print. One that ends by a signal stays until the page ends, and a listener starts before the commands of its block. */
export type Expected = RegExp | { prints: RegExp; stays: 'in-order' | 'from-the-start' } | { notRun: string };

/** What a command prints that has no expectation of its own: anything but an error. */
export const ok = /^(?![\s\S]*(?:^|\n)(?:error|curl|sh|bash): )/;

/** The commands of a block of a shell, each with its output. */
export const runs = (...commands: Expected[]): Example => ({ kind: 'commands', commands });

/** A command that runs until it is stopped, as in a terminal of its own. */
export const stays = (prints: RegExp): Expected => ({ prints, stays: 'in-order' });

/** The same for a command that must run before the others of its block. */
export const listens = (prints: RegExp): Expected => ({ prints, stays: 'from-the-start' });

/** A module in JavaScript or TypeScript with the lines around it that its reader has. */
export const program = (prints: RegExp, { before = '', after = '' } = {}): Example => ({ kind: 'program', before, after, prints });

/** A file of the reader, which the commands after it use. `after` is what the reader has in it, too. */
export const file = (path: string, after = ''): Example => ({ kind: 'file', path, after });

/** A text that a parser of the product accepts. */
export const valid = (parse: (content: string) => unknown): Example => ({ kind: 'valid', parse });

/** A test that reads the document and runs the block. */
export const elsewhere = (test: string): Example => ({ kind: 'elsewhere', test });

export const notRun = (reason: string): Example => ({ kind: 'not-run', reason });
