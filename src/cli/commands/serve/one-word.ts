/** A list of servers as one word, which scripts can cut out of the ready line, and which `--server` and `NATS_URL` accept. */
export function asOneWord(servers: string): string {
  return servers.replaceAll(', ', ',');
}
