import { Command } from 'commander';
import { cancelBatchCommand } from './cancel.ts';
import { getCommand } from './get.ts';
import { listCommand } from './ls.ts';
import { redriveBatchCommand } from './redrive.ts';
import { resultsCommand } from './results.ts';
import { sealCommand } from './seal.ts';

export function batchCommand(): Command {
  return new Command('batch')
    .alias('batches')
    .description('A batch is the lines of one input, invoked together by sequent invoke --batch, or over HTTP. Each line is a member.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(resultsCommand())
    .addCommand(sealCommand())
    .addCommand(cancelBatchCommand())
    .addCommand(redriveBatchCommand());
}
