import { Gauge, type Registry } from 'prom-client';
import { type LogLoss, lostAtMost } from '#src/core/log/log-loss.ts';

/** The losses that no operator has acknowledged, and the last refusal of a full log. */
export type LogProblems = { readonly losses: readonly LogLoss[]; readonly refusal: { at: number; why: string } | undefined };

/** The metrics of losses that no operator has acknowledged, and of a full log. Alert on both above 0. */
export function createLogProblemMetrics(registry: Registry, logWatch: LogProblems): void {
  const registers = [registry];
  new Gauge({
    name: 'sequent_log_lost_messages',
    help: 'The largest number of acknowledged messages that the log lost, until an operator acknowledges the loss',
    registers,
    collect() {
      this.set(logWatch.losses.reduce((sum, loss) => sum + lostAtMost(loss), 0));
    },
  });
  new Gauge({
    name: 'sequent_log_refuses',
    help: '1 while the log is full and refuses the messages of this process, otherwise 0',
    registers,
    collect() {
      this.set(logWatch.refusal === undefined ? 0 : 1);
    },
  });
}
