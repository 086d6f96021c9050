import { openMemoryLog } from '#test/support/log/memory.ts';
import { describeStreamWriter } from '#test/contract/stream-writer.ts';

describeStreamWriter('in memory', openMemoryLog);
