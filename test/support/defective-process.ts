import { endOnDefect } from '#src/main/roles/processes/defects.ts';
import { createLog } from '#src/main/roles/processes/log.ts';

/* A process that runs into the defect of its argument. Without a defect it would run for ever. */

endOnDefect(createLog({ level: 'warn', role: 'worker' }));
setInterval(() => {}, 1_000);
const defect = new Error('the stream is run twice', { cause: new TypeError('run is undefined') });
if (process.argv[2] === 'rejection') void Promise.reject(defect);
else if (process.argv[2] === 'text') void Promise.reject('no error at all');
else
  setImmediate(() => {
    throw defect;
  });
