import { describe, expect, test } from 'vitest';
import { asOneWord } from '#src/cli/commands/serve/one-word.ts';
import { readyLine } from '#src/cli/commands/serve/welcome.ts';
import { readConfiguration } from '#src/main/config/configuration.ts';

const servers = ['nats://a:4222', 'nats://b:4222', 'nats://c:4222'];

describe('the line of a Sequent that is ready on several servers', () => {
  const running = { url: asOneWord(servers.join(', ')), configuration: readConfiguration({ env: {} }) } as Parameters<typeof readyLine>[0];

  test('names them as its third word, which --server accepts', () => {
    const [, , list = ''] = readyLine({ ...running, http: { url: 'http://127.0.0.1:1' } } as typeof running, 'table').split(' ');
    expect(readConfiguration({ flags: { natsUrl: list }, env: {} }).natsUrls).toEqual(servers);
  });

  test('names them as one text in JSON', () => {
    const { url } = JSON.parse(readyLine(running, 'json').slice('sequent ready '.length)) as { url: string };
    expect(url.split(',')).toEqual(servers);
  });
});
