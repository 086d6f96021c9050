import { describeEventLog } from '#test/contract/event-log.ts';
import { openMemoryLog } from '#test/contract/memory.ts';

describeEventLog('in memory', openMemoryLog);
