import { openMemoryLog } from '#test/contract/memory.ts';
import { describeStreamWriter } from '#test/contract/stream-writer.ts';

describeStreamWriter('in memory', openMemoryLog);
