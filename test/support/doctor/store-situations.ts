import { DiscardPolicy, nanos, type StreamConfig } from 'nats';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import { deleteConsumer } from '#src/nats/transport/streams/consumers.ts';
import { FUNCTIONS_BUCKET, INVOCATIONS, LOG_SUBJECTS } from '#src/nats/wire/topology.ts';
import type { DoctorWorld, Situation } from './world.ts';

/* What somebody did to the streams of JetStream by hand, and streams that are full. */

/** Changes the settings of a stream, and changes them back at the undo. */
async function change(world: DoctorWorld, stream: string, settings: Partial<StreamConfig>): ReturnType<Situation['plant']> {
  const { streams } = world.client.connection.manager;
  const { config } = await streams.info(stream);
  await streams.update(stream, settings);
  const before = Object.fromEntries(Object.keys(settings).map((key) => [key, config[key as keyof StreamConfig]]));
  return { undo: () => streams.update(stream, before) };
}

const changed =
  (stream: string, settings: Partial<StreamConfig>): Situation['plant'] =>
  (world) =>
    change(world, stream, settings);

/** A stream whose limit is what it holds already, and this many bytes. */
const withLimit =
  (stream: string, moreInBytes: number): Situation['plant'] =>
  async (world) => {
    const { state } = await world.client.connection.manager.streams.info(stream);
    return await change(world, stream, { max_bytes: state.bytes + moreInBytes });
  };

const HAND = 'was changed by hand, and deletes or refuses messages that it must keep';

export const storeSituations: readonly Situation[] = [
  {
    title: 'the log is full, and the scheduler keeps its rest for what was accepted',
    plant: withLimit(INVOCATIONS, 4_096),
    truth: [['problem', 'stream INVOCATIONS', /^refuses requests: its remaining space is kept for the invocations that it accepted/]],
    exit: 1,
  },
  {
    title: 'the log is full, and no scheduler keeps a rest of it',
    plant: async (world) => {
      const start = await world.stop('scheduler');
      const { undo } = await withLimit(INVOCATIONS, 8_192)(world);
      // Large requests: more of small ones than a worker has slots would wait for slots too, which the doctor says as well.
      const send = () =>
        world.client.invoke('always', { text: 'x'.repeat(1_000) }).then(
          () => 'stored',
          (error: { code: string }) => error.code,
        );
      let answer = 'stored';
      while (answer === 'stored') answer = await send();
      if (answer !== 'LOG_FULL') throw new Error(`the log is not full: ${answer}`);
      return { undo: async () => [await undo(), await start()] };
    },
    truth: [
      ['problem', 'stream INVOCATIONS', /^is (?:9\d|100) % of its limit of .*, and refuses messages when it is full/],
      // The worker cannot store what its attempts do.
      ['problem', 'log', /^is full and refuses: maximum bytes exceeded/],
      ['problem', 'scheduler', /^no scheduler answers/],
    ],
    exit: 1,
  },
  {
    title: 'the bucket of the functions is full',
    plant: withLimit(`KV_${FUNCTIONS_BUCKET}`, 10),
    truth: [['problem', `stream KV_${FUNCTIONS_BUCKET}`, /^is (?:9\d|100) % of its limit of .*, and refuses messages when it is full/]],
    exit: 1,
  },
  {
    title: 'somebody purged the bucket of the functions by hand',
    plant: async (world) => {
      const { functions, connection } = world.client;
      const { definition } = await functions.get('always');
      await connection.manager.streams.purge(`KV_${FUNCTIONS_BUCKET}`);
      return { undo: () => functions.put(definition) };
    },
    truth: [
      [
        'problem',
        `stream KV_${FUNCTIONS_BUCKET}`,
        /^was purged by hand: the functions, schedules and quotas that it held are gone; 0 messages/,
      ],
      ['note', 'functions', /^no function is defined$/],
    ],
    exit: 1,
  },
  {
    title: 'somebody gave the log a maximum age by hand',
    plant: changed(INVOCATIONS, { max_age: nanos(3_600_000) }),
    truth: [['problem', 'stream INVOCATIONS', new RegExp(`^${HAND} \\(max-age 1 h\\)`)]],
    exit: 1,
  },
  {
    title: 'somebody let the log delete its oldest messages by hand',
    plant: changed(INVOCATIONS, { discard: DiscardPolicy.Old, max_msgs: 1_000_000 }),
    truth: [['problem', 'stream INVOCATIONS', new RegExp(`^${HAND} \\(discard old, max-msgs 1000000\\)`)]],
    exit: 1,
  },
  {
    title: 'somebody let the log refuse large messages by hand',
    plant: changed(INVOCATIONS, { max_msg_size: 1_000 }),
    truth: [['problem', 'stream INVOCATIONS', new RegExp(`^${HAND} \\(max-msg-size 1000\\)`)]],
    exit: 1,
  },
  {
    title: 'somebody took the subject of the facts from the log by hand',
    plant: changed(INVOCATIONS, { subjects: LOG_SUBJECTS.filter((subject) => subject !== SEQUENT_SUBJECTS.invocation) }),
    truth: [['problem', 'stream INVOCATIONS', new RegExp(`^${HAND} \\(without the subjects invocation`)]],
    exit: 1,
  },
  {
    title: 'the log acknowledges no message, because somebody changed it by hand',
    plant: changed(INVOCATIONS, { no_ack: true }),
    truth: [['problem', 'stream INVOCATIONS', new RegExp(`^${HAND} \\(no-ack\\)`)]],
    exit: 1,
  },
  {
    title: 'somebody removed the queue of a function by hand, and its requests run nevertheless',
    plant: async (world) => {
      const fn = await world.put('ok');
      const { requestId } = await world.client.invoke(fn.name, {});
      await world.client.result(requestId);
      await deleteConsumer(world.client.connection.manager, `fn-${fn.name}`);
      const later = await world.client.invoke(fn.name, {});
      await world.client.result(later.requestId);
      return fn;
    },
    truth: [],
    exit: 0,
  },
];
