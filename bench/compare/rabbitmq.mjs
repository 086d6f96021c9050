import { createRequire } from 'node:module';
import { answerCommands, createFlow, createSeen, eventOf, IN_FLIGHT, latenciesOf, say, timed } from './commands.mjs';

/*
 * RabbitMQ, as `bench/compare.ts` runs it: quorum queues and publisher confirms. `work` acknowledges a message once its outcome is confirmed;
 * `load` publishes messages and receives the outcomes.
 */

const [mode, folder, url, count] = process.argv.slice(2);
const amqp = createRequire(`${folder}/package.json`)('amqplib');
const [WORK, OUTCOMES] = ['bench', 'bench-outcomes'];
const PREFETCH = 1_000;
const OUTCOME = Buffer.from('{}');

const connection = await amqp.connect(url, { noDelay: true });
const channel = await connection.createConfirmChannel();
for (const queue of [WORK, OUTCOMES]) await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
if (mode === 'work') await work();
else await load();

async function work() {
  await channel.prefetch(PREFETCH);
  await channel.consume(WORK, (message) => {
    const { messageId } = message.properties;
    channel.sendToQueue(OUTCOMES, OUTCOME, { persistent: true, messageId }, (error) => {
      if (error === null) channel.ack(message);
    });
  });
  say('ready');
}

async function load() {
  const observer = await connection.createChannel();
  const seen = createSeen();
  await observer.consume(OUTCOMES, ({ properties }) => seen.add(properties.messageId), { noAck: true });
  let next = 0;
  const publish = (event, onConfirmed) =>
    channel.sendToQueue(WORK, Buffer.from(JSON.stringify(event)), { persistent: true, messageId: String(next++) }, onConfirmed);
  await answerCommands({
    burst: () =>
      timed(async () => {
        const all = seen.next(Number(count));
        const flow = createFlow(IN_FLIGHT);
        for (let i = 0; i < Number(count); i++) {
          await flow.enter();
          publish(eventOf(i), flow.leave);
        }
        await all;
      }),
    latency: () =>
      latenciesOf(async (i) => {
        const one = seen.next(1);
        publish(eventOf(i), () => {});
        await one;
      }),
  });
}
