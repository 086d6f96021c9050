import { createRequire } from 'node:module';
import { answerCommands, createSeen, IN_FLIGHT, say } from './commands.mjs';

/*
 * RabbitMQ, as `bench/compare.ts` runs it: two quorum queues and publisher confirms. `work` acknowledges a message once its outcome is confirmed;
 * `load` publishes messages one by one and receives the outcomes.
 *
 * Settings, from https://www.rabbitmq.com/docs/confirms (asynchronous confirms with many messages in flight; a prefetch of 100 to 300 or more) and
 * https://www.rabbitmq.com/docs/quorum-queues. The prefetch is 500: the worker has more to acknowledge at one moment than the page's 300.
 */

const [mode, folder, url] = process.argv.slice(2);
const amqp = createRequire(`${folder}/package.json`)('amqplib');
const [WORK, OUTCOMES] = ['bench', 'bench-outcomes'];
const PREFETCH = 500;
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
  await answerCommands({
    seen,
    underWay: IN_FLIGHT,
    send: ([event]) =>
      new Promise((resolve, reject) => {
        const properties = { persistent: true, messageId: String(next++) };
        channel.sendToQueue(WORK, Buffer.from(JSON.stringify(event)), properties, (error) => (error === null ? resolve() : reject(error)));
      }),
  });
}
