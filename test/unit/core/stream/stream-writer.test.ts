import { describeStreamWriter } from '#test/contract/stream-writer.ts';
import { openMemoryLog } from '#test/support/log/memory.ts';

describeStreamWriter('in memory', openMemoryLog);
