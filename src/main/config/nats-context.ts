import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { Environment } from '#src/main/nats-server/find.ts';
import { InvalidConfigurationError } from './configuration.ts';
import { defined } from './defined.ts';
import { addressOf, type NatsAddress, type NatsTls } from './nats-address.ts';

// The `nats` command writes unused settings as empty strings.
const field = z
  .string()
  .optional()
  .transform((value) => (value === '' ? undefined : value));

const contextSchema = z.object({
  url: field,
  creds: field,
  user: field,
  password: field,
  token: field,
  ca: field,
  cert: field,
  key: field,
  tls_first: z.boolean().default(false),
  inbox_prefix: field,
  nkey: field,
  nsc: field,
  user_jwt: field,
  socks_proxy: field,
  jetstream_domain: field,
  jetstream_api_prefix: field,
});
type Context = z.infer<typeof contextSchema>;

/** Without these settings Sequent would connect to another server, or as another user, than the `nats` command does. */
const unsupported = ['nsc', 'user_jwt', 'socks_proxy', 'jetstream_api_prefix'] as const;

/** The name of the context that is selected in the `nats` command. */
export function selectedNatsContext(env: Environment): string | undefined {
  try {
    return readFileSync(join(folderOf(env), 'context.txt'), 'utf8').trim() || undefined;
  } catch {
    // No context was ever selected.
    return undefined;
  }
}

/** A context of the `nats` command as an address. Throws `InvalidConfigurationError` when it cannot be read or used. */
export function readNatsContext(name: string, env: Environment): NatsAddress {
  const file = join(folderOf(env), 'context', `${name}.json`);
  const context = parse(name, file);
  const unusable = unsupported.filter((key) => context[key] !== undefined);
  if (unusable.length > 0) throw invalid(name, `uses ${unusable.join(', ')}, which Sequent does not support; set NATS_URL instead`);
  const { creds, nkey, user, password, token, jetstream_domain: domain, inbox_prefix: inboxPrefix } = context;
  const path = (value: string | undefined) => value?.replace(/^~(?=\/|$)/, homeOf(env));
  const tls = tlsOf(context, path);
  return {
    ...addressOf((context.url ?? 'nats://127.0.0.1:4222').split(',').map((url) => url.trim())),
    ...(user === undefined ? {} : { user, pass: password ?? '' }),
    ...defined({ credsFile: path(creds), nkeyFile: path(nkey), token, domain, inboxPrefix }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    from: `the nats context "${name}"`,
  };
}

function tlsOf({ ca, cert, key, tls_first: isFirst }: Context, path: (value: string | undefined) => string | undefined): NatsTls {
  return defined({ caFile: path(ca), certFile: path(cert), keyFile: path(key), handshakeFirst: isFirst || undefined });
}

function parse(name: string, file: string): Context {
  try {
    return contextSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? problemsOf(cause) : messageOf(cause);
    throw invalid(name, `cannot be read from ${file}: ${why}`, { cause });
  }
}

function invalid(name: string, problem: string, options?: ErrorOptions): InvalidConfigurationError {
  return new InvalidConfigurationError({ problems: [`the nats context "${name}" ${problem}`] }, options);
}

function folderOf(env: Environment): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base !== undefined && isAbsolute(base) ? base : join(homeOf(env), '.config'), 'nats');
}

function homeOf(env: Environment): string {
  return env.HOME ?? homedir();
}
