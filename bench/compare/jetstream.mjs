import { connect, nanos, nuid } from 'nats';
import { answerCommands, createSeen, IN_FLIGHT, say } from './commands.mjs';

/*
 * JetStream without Sequent, as `bench/compare.ts` runs it: `work` acknowledges a message once its outcome is stored; `load` publishes messages
 * one by one and receives the stored outcomes.
 *
 * - `queue`: a work queue, which stores two messages for a request. Both have the id of the request, so JetStream stores no repeated one.
 * - `log`: the four messages that Sequent stores for a request, and nothing else: no machine, no process for the function, no reader of the log.
 *   `running` is durable before the execution (EXEC1), and each append expects the version of its stream (E3).
 * - `chain`: the nine messages that Sequent stores for a chain of two functions.
 *
 * Settings, from the documentation of JetStream in nats.js (https://github.com/nats-io/nats.js): `publish` with many messages in flight, and `consume`
 * with a callback. The server syncs every 100 ms, as that of Sequent.
 */

const [mode, , servers, form] = process.argv.slice(2);
/** As Sequent connects: by default the client records a stack for each request, which costs more than the request. */
const OPTIONS = { servers, noAsyncTraces: true };
const [STREAM, OUTCOMES] = [`BENCH_${form}`, `BENCH_OUTCOMES_${form}`];
const subjectOf = (kind) => `bench.${form}.${kind}`;
const nats = await connect(OPTIONS);
/** The process stands still between its turns, in which timers pass: those of its publishes, and those of the server for its messages. */
const WAIT_IN_MS = 3_600_000;
const jetstream = nats.jetstream({ timeout: WAIT_IN_MS });
if (mode === 'work') await work();
else await load();

async function work() {
  const manager = await nats.jetstreamManager();
  const subjects = ['work', 'second', 'fact.*'].map(subjectOf);
  await manager.streams.add({ name: STREAM, subjects, retention: form === 'queue' ? 'workqueue' : 'limits' });
  await manager.streams.add({ name: OUTCOMES, subjects: [subjectOf('outcome')] });
  const consume = async (kind, execute) => {
    const limits = { ack_wait: nanos(WAIT_IN_MS), max_ack_pending: 2 * IN_FLIGHT };
    const config = { durable_name: kind, ack_policy: 'explicit', filter_subject: subjectOf(kind), ...limits };
    await manager.consumers.add(STREAM, config);
    const consumer = await jetstream.consumers.get(STREAM, kind);
    const callback = (message) => void execute(message.headers.get('Nats-Msg-Id'), message).then(() => message.ack());
    await consumer.consume({ max_messages: IN_FLIGHT, callback });
  };
  const publish = (kind, id, content) => jetstream.publish(subjectOf(kind), JSON.stringify(content), { msgID: id });
  const append = async (id, type, version) => {
    const content = JSON.stringify({ type, at: Date.now() });
    return (await jetstream.publish(subjectOf(`fact.${id}`), content, { expect: { lastSubjectSequence: version } })).seq;
  };
  const run = async (id) => await append(id, 'succeeded', await append(id, 'running', 0));
  const deliver = async (id, request, version) => {
    await publish('second', `${id}-second`, { i: request.json().i, request: request.string() });
    await append(id, 'notified', version);
  };
  const executions = {
    queue: (id, message) => publish('outcome', id, { i: message.json().i }),
    async log(id, message) {
      await run(id);
      await publish('outcome', id, { i: message.json().i });
    },
    async chain(id, message) {
      const version = await run(id);
      await Promise.all([publish('outcome', id, {}), deliver(id, message, version)]);
    },
  };
  await consume('work', executions[form]);
  if (form === 'chain') await consume('second', executions.log);
  say('ready');
}

async function load() {
  const observer = await connect(OPTIONS);
  const seen = createSeen();
  // The outcome must be durable when it is seen: a plain subscription would receive it before it is stored.
  const outcomes = await observer.jetstream().consumers.get(OUTCOMES);
  const onOutcome = (message) => {
    const { i } = message.json();
    if (i !== undefined) seen.add(i);
  };
  await outcomes.consume({ max_messages: IN_FLIGHT, callback: onOutcome });
  const publish = (event) => jetstream.publish(subjectOf('work'), JSON.stringify(event), { msgID: nuid.next() });
  await answerCommands({ seen, underWay: IN_FLIGHT, send: ([event]) => publish(event) });
}
