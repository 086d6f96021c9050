import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { isLiteralSubject, isReserved } from '#src/core/names/addressable.ts';
import { isProjectId } from '#src/core/names/names.ts';
import { STREAM_PARTS } from '#src/nats/wire/stream-sizes.ts';

/** The schemas of settings that have a form of their own. */

export const text = z.string().trim().min(1, 'must not be empty');

const units: Readonly<Record<string, number>> = { MB: 1_024 ** 2, GB: 1_024 ** 3, TB: 1_024 ** 4 };
/** The maximum size of one JetStream stream, such as `log=20GB`. */
export const streamSize = text
  .regex(
    new RegExp(`^(?:${STREAM_PARTS.join('|')})=\\d{1,6}(?:MB|GB|TB)$`),
    `must be sizes like log=20GB, separated by commas; the streams are ${STREAM_PARTS.join(', ')}`,
  )
  .transform((given) => {
    const [, part = '', count = '', unit = ''] = /^(\w+)=(\d+)(\w+)$/.exec(given) ?? [];
    return [part, Number(count) * (units[unit] ?? 1)] as const;
  });

/** A grant as `project=object`: a subject or a folder. */
const grant = (kind: string) =>
  text
    .refine((given) => isProjectId(given.split('=', 1)[0] ?? '') && given.includes('='), `must be <project>=<${kind}>`)
    .transform((given) => ({ project: given.slice(0, given.indexOf('=')), object: given.slice(given.indexOf('=') + 1) }));
export const subjectGrant = grant('subject')
  .transform(({ project, object }) => ({ project, prefix: object.replace(/\.>$/, '') }))
  .refine(({ prefix }) => isLiteralSubject(prefix) && !isReserved(prefix), 'must grant subjects that neither Sequent nor NATS reserves');
export const fileGrant = grant('folder')
  .refine(({ object }) => isAbsolute(object), 'must grant the absolute path of a folder')
  .transform(({ project, object }) => ({ project, folder: resolve(object) }));

/** A port, or an address with a port, on which the probes are served. */
export const probeAddress = text
  .regex(/^(?:(?:\[[\da-f:.]+\]|[\w.-]+):)?\d{1,5}$/i, 'must be a port, or an address like 0.0.0.0:8081')
  .transform((given) => {
    const at = given.lastIndexOf(':');
    return { host: at < 0 ? '127.0.0.1' : given.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(given.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'must have a port of at most 65535');

/** User ids as `first-last`. Ids below 1000 belong to the system. */
export const uidRange = text
  .regex(/^\d{1,10}-\d{1,10}$/, 'must be like 100000-165535')
  .transform((given) => ({ first: Number(given.split('-')[0]), last: Number(given.split('-')[1]) }))
  .refine(({ first, last }) => first >= 1_000 && first <= last && last < 2 ** 32 - 1, 'must be user ids from 1000 on, the lower one first');
