import { type RequestManyOptions, RequestStrategy } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import type { ProcessorUse, RoleInstance, RoleInstances } from '#src/core/ports/questions/role-instances.ts';
import type { ThreadUse } from '#src/core/quotas/thread-time.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { endWithin } from '#src/nats/transport/connection/end-within.ts';
import { isNoResponders } from '#src/nats/transport/errors.ts';
import { collectAnswers } from './collect-answers.ts';

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

const processorUseSchema = z.array(
  z.object({ project: z.string(), usedInMs: z.number(), waitedInMs: z.number(), hasWaited: z.boolean() }),
) satisfies z.ZodType<ProcessorUse[]>;

const threadUseSchema = z.array(z.object({ project: z.string(), usedInMs: z.number(), share: z.number() })) satisfies z.ZodType<
  ThreadUse[]
>;

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
  processorUse: z
    .string()
    .transform((text) => processorUseSchema.safeParse(parseJson(text)).data)
    .optional(),
  threadUse: z
    .string()
    .transform((text) => threadUseSchema.safeParse(parseJson(text)).data)
    .optional(),
  // A later version may describe its circuits differently. Its roles are listed without them.
  circuits: z
    .string()
    .transform((text) => circuitsSchema.safeParse(parseJson(text)).data)
    .optional(),
  omittedCircuits: z.coerce.number().optional(),
  metricsReadAt: z.coerce.number().optional(),
});

/** A question to the roles that are asked on a subject of their own. Its answer does not matter. */
const questionsOf = {
  scheduler: { subject: subjects.findRequest, question: JSON.stringify({ stream: 'none' }) },
  destinations: { subject: subjects.checkDestination, question: JSON.stringify({ destination: '', param: '' }) },
};

export function createNatsRoleInstances({ nats }: Pick<Connection, 'nats'>): RoleInstances {
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
      const first = { strategy: RequestStrategy.Timer, maxWait: ANSWER_WITHIN_MS };
      const info = (wait: RequestManyOptions) => nats.services.client(wait).info(ROLES_SERVICE);
      const answers = await collectAnswers(info, { asked: 'the processes of Sequent', first }).catch((cause: unknown) => {
        if (cause instanceof NoAnswerError) throw cause;
        throw new Error(`the roles cannot be asked: ${messageOf(cause)}`, { cause });
      });
      const found = answers.flatMap(({ version, metadata }): RoleInstance[] => {
        // Any client may answer under this name.
        const parsed = metadataSchema.safeParse(metadata);
        return parsed.success ? [{ version, ...parsed.data }] : [];
      });
      return found.sort((one, other) => one.startedAt - other.startedAt || one.instance.localeCompare(other.instance));
    },
    async mayServe(role) {
      try {
        await nats.request(questionsOf[role].subject(), questionsOf[role].question, { timeout: ANSWER_WITHIN_MS });
        return true;
      } catch (error) {
        return !isNoResponders(error);
      }
    },
  };
}

/** Metadata of NATS services are texts. */
function metadataOf({
  roles,
  version: _,
  circuits,
  processorUse,
  threadUse,
  fileProblems,
  missingKeys = [],
  ...own
}: RoleInstance): Record<string, string> {
  const known = Object.entries(own).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(known.map(([name, value]) => [name, String(value)])),
    ...(circuits === undefined ? {} : { circuits: JSON.stringify(circuits) }),
    ...(processorUse === undefined ? {} : { processorUse: JSON.stringify(processorUse) }),
    ...(threadUse === undefined ? {} : { threadUse: JSON.stringify(threadUse) }),
    ...(fileProblems === undefined || fileProblems.length === 0 ? {} : { fileProblems: JSON.stringify(fileProblems) }),
    ...(missingKeys.length === 0 ? {} : { missingKeys: missingKeys.join(',') }),
    roles: roles.join(','),
  };
}
