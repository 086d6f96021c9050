import { RequestStrategy } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import type { CircuitState } from '#src/core/ports/circuit-states.ts';
import type { RoleInstance, RoleInstances } from '#src/core/ports/role-instances.ts';
import { parseJson } from '#src/core/text/json.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { endWithin } from '#src/nats/transport/end-within.ts';

/** The NATS service under which every process announces its roles. `nats service info sequent-roles` lists the same. */
const ROLES_SERVICE = 'sequent-roles';
const ANSWER_WITHIN_MS = 500;

const circuitsSchema = z.array(
  z.object({
    deliverer: z.string(),
    function: z.string(),
    target: z.string(),
    state: z.enum(['open', 'half-open']),
    openUntil: z.number(),
    failures: z.number(),
    reason: z.string(),
  }),
) satisfies z.ZodType<CircuitState[]>;

const metadataSchema = z.object({
  instance: z.string(),
  roles: z.string().transform((text) => text.split(',')),
  host: z.string(),
  pid: z.coerce.number(),
  startedAt: z.coerce.number(),
  durability: z.string().optional(),
  isolation: z.string().optional(),
  heldSlots: z.coerce.number().optional(),
  slots: z.coerce.number().optional(),
  clockAheadInMs: z.coerce.number().optional(),
  clockUncertaintyInMs: z.coerce.number().optional(),
  takesWork: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  logRefusedAt: z.coerce.number().optional(),
  logRefusal: z.string().optional(),
  fileProblems: z
    .string()
    .transform((text) => z.array(z.string()).safeParse(parseJson(text)).data)
    .optional(),
  missingKeys: z
    .string()
    .transform((text) => text.split(','))
    .optional(),
  // A later version may describe its circuits differently. Its roles are listed without them.
  circuits: z
    .string()
    .transform((text) => circuitsSchema.safeParse(parseJson(text)).data)
    .optional(),
  omittedCircuits: z.coerce.number().optional(),
});

export function createNatsRoleInstances({ nats }: Connection): RoleInstances {
  return {
    async announce(own) {
      const service = await nats.services.add({
        name: ROLES_SERVICE,
        version: own.version,
        description: 'Sequent: the roles of this process',
        // The client encodes the metadata for every answer to INFO, and once for all answers to PING.
        metadata: { toJSON: () => metadataOf(own) } as unknown as Record<string, string>,
      });
      return async () => {
        await endWithin(service.stop());
      };
    },
    async list() {
      const found: RoleInstance[] = [];
      try {
        const client = nats.services.client({ strategy: RequestStrategy.Timer, maxWait: ANSWER_WITHIN_MS });
        for await (const { version, metadata } of await client.info(ROLES_SERVICE)) {
          // Any client may answer under this name.
          const parsed = metadataSchema.safeParse(metadata);
          if (parsed.success) found.push({ version, ...parsed.data });
        }
      } catch (cause) {
        // 503 means that no process answers: the list is empty.
        if ((cause as { code?: string }).code !== '503') throw new Error(`the roles cannot be asked: ${messageOf(cause)}`, { cause });
      }
      return found.sort((one, other) => one.startedAt - other.startedAt || one.instance.localeCompare(other.instance));
    },
  };
}

/** Metadata of NATS services are texts. */
function metadataOf({ roles, version: _, circuits, fileProblems, missingKeys = [], ...own }: RoleInstance): Record<string, string> {
  const known = Object.entries(own).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])),
    ...(circuits === undefined ? {} : { circuits: JSON.stringify(circuits) }),
    ...(fileProblems === undefined || fileProblems.length === 0 ? {} : { fileProblems: JSON.stringify(fileProblems) }),
    ...(missingKeys.length === 0 ? {} : { missingKeys: missingKeys.join(',') }),
    roles: roles.join(','),
  };
}
