// Preloaded into a process: sends it SIGHUP once, before it listens to signals itself.
let isSent = false;
process.on('newListener', (event) => {
  if (event !== 'SIGINT' || isSent) return;
  isSent = true;
  process.kill(process.pid, 'SIGHUP');
});
