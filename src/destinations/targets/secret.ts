import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { z } from 'zod';

const REDACTED = '[redacted]';

/** Where the text of a secret is. The text itself is never configuration. */
export type SecretReference = { env: string } | { file: string };

/** What the references of a connection stand for, or why one of them cannot be read. */
export type Revealed<Names extends string> = { kind: 'revealed'; texts: Record<Names, string> } | { kind: 'unreadable'; problem: string };

/**
 * A reference to a secret. Whatever prints it, prints `[redacted]`; only {@link reveal} reads it, at every use, so that a
 * rotated secret counts at once.
 */
export class Secret {
  readonly #reference: SecretReference;
  constructor(reference: SecretReference) {
    this.#reference = reference;
  }

  /** Where it should be, for messages. */
  get place(): string {
    return 'env' in this.#reference ? `the environment variable ${this.#reference.env}` : `the file ${this.#reference.file}`;
  }

  /** The text without the white space around it, or `undefined` when there is none. */
  read(): string | undefined {
    const text = 'env' in this.#reference ? process.env[this.#reference.env] : contentOf(this.#reference.file);
    return text?.trim() || undefined;
  }

  toString(): string {
    return REDACTED;
  }
  toJSON(): string {
    return REDACTED;
  }
  [inspect.custom](): string {
    return REDACTED;
  }
}

/** Reads secrets by name; a plain text stands for itself. */
export function reveal<Names extends string>(secrets: Record<Names, Secret | string>): Revealed<Names> {
  const texts = {} as Record<Names, string>;
  for (const [name, secret] of Object.entries<Secret | string>(secrets) as [Names, Secret | string][]) {
    const text = typeof secret === 'string' ? secret : secret.read();
    if (text === undefined) return { kind: 'unreadable', problem: `its ${name} cannot be read from ${(secret as Secret).place}` };
    texts[name] = text;
  }
  return { kind: 'revealed', texts };
}

/** `{ "env": "NAME" }` or `{ "file": "/path" }`. A plain text is refused, without repeating it. */
export const secretSchema = z.unknown().transform((input, context): Secret => {
  const parsed = referenceSchema.safeParse(input);
  if (parsed.success) return new Secret(parsed.data);
  const problem = typeof input === 'string' ? ': a secret in plain text is refused' : '';
  context.addIssue({ code: 'custom', message: `must be a reference, {"env": "NAME"} or {"file": "/path"}${problem}` });
  return z.NEVER;
});

const referenceSchema = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: z.string().startsWith('/') }),
]);

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
