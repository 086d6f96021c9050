const loopback = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

/** Whether a server that listens on this host is reached from its machine only. */
export function isLoopbackHost(host = '127.0.0.1'): boolean {
  return loopback.test(host);
}
