import { describeEventLog } from '#test/contract/event-log.ts';
import { openMemoryLog } from '#test/support/log/memory.ts';

describeEventLog('in memory', openMemoryLog);
