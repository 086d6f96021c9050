import type { HistoryAnswers } from '#src/core/history-questions.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { serveHistory } from '#src/nats/questions/history-service.ts';
import { reach } from '#src/projection/reach.ts';
import { PROJECT } from '#test/support/gateway/running-gateway.ts';
import { type OpenProjectionOptions, openProjectionOn } from './opened-projection.ts';

type ServeProjectionOptions = OpenProjectionOptions & {
  /** Replaces answers, to delay them. */
  change?: (answers: HistoryAnswers) => HistoryAnswers;
};

/** A projection in this process, on a real server, that answers the questions of every client. */
export async function serveProjectionOn(
  url: string,
  folder: string,
  { change = (answers) => answers, ...options }: ServeProjectionOptions,
): Promise<AsyncDisposable> {
  const { projection, connection, answers, ...opened } = await openProjectionOn(url, folder, options);
  const endService = await serveHistory(connection, {
    answers: change(answers),
    instance: 'p-test',
    version: '0.1.0',
    project: PROJECT,
    reach: (sequence) => reach(projection, sequence, systemClock),
  });
  return {
    async [Symbol.asyncDispose]() {
      await endService();
      await opened[Symbol.asyncDispose]();
    },
  };
}
