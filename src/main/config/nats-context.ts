import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import type { Environment } from '#src/main/nats-server/find.ts';
import { InvalidConfigurationError } from './configuration.ts';
import { addressOf, type NatsAddress } from './nats-address.ts';

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
  nkey: field,
  nsc: field,
  user_jwt: field,
  socks_proxy: field,
  jetstream_domain: field,
  jetstream_api_prefix: field,
});
type Context = z.infer<typeof contextSchema>;

/** Without these settings Sequent would connect to another server, or as another user, than the `nats` command does. */
const unsupported = ['nkey', 'nsc', 'user_jwt', 'socks_proxy', 'jetstream_domain', 'jetstream_api_prefix'] as const;

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
  const { creds, user, password, token } = context;
  const { ca, cert, key } = context;
  const path = (value: string): string => value.replace(/^~(?=\/|$)/, homeOf(env));
  const tls = {
    ...(ca === undefined ? {} : { caFile: path(ca) }),
    ...(cert === undefined ? {} : { certFile: path(cert) }),
    ...(key === undefined ? {} : { keyFile: path(key) }),
  };
  return {
    ...addressOf((context.url ?? 'nats://127.0.0.1:4222').split(',').map((url) => url.trim())),
    ...(creds === undefined ? {} : { credsFile: path(creds) }),
    ...(user === undefined ? {} : { user, pass: password ?? '' }),
    ...(token === undefined ? {} : { token }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    from: `the nats context "${name}"`,
  };
}

function parse(name: string, file: string): Context {
  try {
    return contextSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
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
