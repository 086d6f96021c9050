import { connect, nuid } from 'nats';
import { answerCommands, createFlow, createSeen, eventOf, latenciesOf, say, timed } from './commands.mjs';

/*
 * A work queue of JetStream without Sequent, as `bench/compare.ts` runs it. `work` acknowledges a message once its outcome is stored; `load`
 * publishes messages one by one and receives the stored outcomes. Both messages of a request have its id, so JetStream stores no repeated one.
 */

const [mode, , servers, count] = process.argv.slice(2);
const IN_FLIGHT = 1_024;
/** As Sequent connects: by default the client records a stack for each request, which costs more than the request. */
const OPTIONS = { servers, noAsyncTraces: true };
const nats = await connect(OPTIONS);
/** The process stands still between its turns, in which its timers pass. */
const jetstream = nats.jetstream({ timeout: 3_600_000 });
if (mode === 'work') await work();
else await load();

async function work() {
  const manager = await nats.jetstreamManager();
  await manager.streams.add({ name: 'BENCH', subjects: ['bench.work'], retention: 'workqueue' });
  await manager.streams.add({ name: 'BENCH_OUTCOMES', subjects: ['bench.outcome'] });
  await manager.consumers.add('BENCH', { durable_name: 'worker', ack_policy: 'explicit', max_ack_pending: 2 * IN_FLIGHT });
  const consumer = await jetstream.consumers.get('BENCH', 'worker');
  const execute = async (message) => {
    await jetstream.publish('bench.outcome', JSON.stringify({ i: message.json().i }), { msgID: message.headers.get('Nats-Msg-Id') });
    message.ack();
  };
  await consumer.consume({ max_messages: IN_FLIGHT, callback: (message) => void execute(message) });
  say('ready');
}

async function load() {
  const observer = await connect(OPTIONS);
  const seen = createSeen();
  // The outcome must be durable when it is seen: a plain subscription would receive it before it is stored.
  const outcomes = await observer.jetstream().consumers.get('BENCH_OUTCOMES');
  await outcomes.consume({ max_messages: IN_FLIGHT, callback: (message) => seen.add(message.json().i) });
  const publish = (i) => jetstream.publish('bench.work', JSON.stringify(eventOf(i)), { msgID: nuid.next() });
  await answerCommands({
    burst: () =>
      timed(async () => {
        const all = seen.next(Number(count));
        const flow = createFlow(IN_FLIGHT);
        for (let i = 0; i < Number(count); i++) {
          await flow.enter();
          void publish(i).then(flow.leave);
        }
        await all;
      }),
    latency: () =>
      latenciesOf(async (i) => {
        const one = seen.next(1);
        void publish(i);
        await one;
      }),
  });
}
