import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { z } from 'zod';

const REDACTED = '[redacted]';

/** The source of a secret. The text of a secret is never part of the configuration. */
export type SecretReference = { env: string } | { file: string };

/** The texts of several secrets by name, or the reason why one of them cannot be read. */
export type Revealed<Names extends string> = { kind: 'revealed'; texts: Record<Names, string> } | { kind: 'unreadable'; problem: string };

/**
 * A reference to a secret. Every form of printing shows `[redacted]`. {@link reveal} reads the secret at every use, so a rotated secret
 * takes effect at once.
 */
export class Secret {
  readonly #reference: SecretReference;
  constructor(reference: SecretReference) {
    this.#reference = reference;
  }

  /** The source in words, for messages. */
  get source(): string {
    return 'env' in this.#reference ? `the environment variable ${this.#reference.env}` : `the file ${this.#reference.file}`;
  }

  /** The trimmed text, or `undefined` when the source is absent or empty. */
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

/** Reads secrets by name. A plain text is returned as it is. */
export function reveal<Names extends string>(secrets: Record<Names, Secret | string>): Revealed<Names> {
  const texts = {} as Record<Names, string>;
  for (const [name, secret] of Object.entries<Secret | string>(secrets) as [Names, Secret | string][]) {
    const text = typeof secret === 'string' ? secret : secret.read();
    if (text === undefined) return { kind: 'unreadable', problem: `its ${name} cannot be read from ${(secret as Secret).source}` };
    texts[name] = text;
  }
  return { kind: 'revealed', texts };
}

/** `{ "env": "NAME" }` or `{ "file": "/path" }`. A plain text is refused with a message that does not repeat it. */
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
