import type { Command } from 'commander';
import { durationOption } from '#src/cli/arguments/durations.ts';
import { STREAM_PARTS } from '#src/nats/wire/stream-sizes.ts';

/** Adds all options of `sequent serve`. `src/main/config/configuration.ts` parses their values and has the defaults. */
export function addServeOptions(command: Command): Command {
  for (const add of [
    addRoleOptions,
    addHttpOptions,
    addIsolationOptions,
    addStreamOptions,
    addLimitOptions,
    addRetentionOptions,
    addNatsOptions,
  ])
    add(command);
  return command;
}

function addRoleOptions(command: Command): void {
  command
    .option(
      '--role <role>',
      'only this role: worker, scheduler, destinations, projection, janitor, gateway (repeatable; SEQUENT_ROLES)',
      collect,
    )
    .option('--start-server', 'start a NATS server, when no other one is named')
    .option('--nats-port <port>', 'the first port for the started NATS server; any free port if it is taken, or for 0', '4222')
    .option(
      '--nats-anonymous <mode>',
      'off refuses clients of the started NATS server that have no key; on lets them invoke and hear results (SEQUENT_NATS_ANONYMOUS)',
    )
    .option('--deploy-examples', 'define the example functions where no function of the same name is')
    .option('--fsync <mode>', 'how long an acknowledged message may wait for the disk: 100ms, always, default (SEQUENT_FSYNC)');
}

function addHttpOptions(command: Command): void {
  command
    .option('--http-port <port>', 'the port for HTTP (SEQUENT_HTTP_PORT, default: 8080, or the next free port)')
    .option('--http-host <host>', 'the address for HTTP (SEQUENT_HTTP_HOST, default: 127.0.0.1)')
    .option(
      '--http-origins <origins>',
      'the origins of reverse proxies in front of the gateway, such as https://sequent.example (SEQUENT_HTTP_ORIGINS)',
    )
    .option('--http-tls-cert <file>', 'serve HTTPS with this certificate and its chain, in PEM (SEQUENT_HTTP_TLS_CERT)')
    .option('--http-tls-key <file>', 'the key of this certificate (SEQUENT_HTTP_TLS_KEY)')
    .option(
      '--http-tls-client-ca <file>',
      'the authorities that sign the certificates of clients; such a certificate may be a credential (SEQUENT_HTTP_TLS_CLIENT_CA)',
    )
    .option(
      '--http-tls-client-auth <mode>',
      'require refuses clients without a certificate, except probes; request does not (SEQUENT_HTTP_TLS_CLIENT_AUTH, default: request)',
    )
    .option(
      '--probes <address>',
      'serve /healthz and /readyz of this process on a port, or on an address such as 0.0.0.0:8081 (SEQUENT_PROBES)',
    )
    .option('--credentials <file>', 'the credentials of callers over HTTP, as JSON (SEQUENT_CREDENTIALS)')
    .option(
      '--local-token <mode>',
      'auto creates a token that every call over HTTP needs, and prints a sign-in link (SEQUENT_LOCAL_TOKEN, default: off)',
    )
    .option(
      '--encryption-key <file>',
      'encrypt secret user data, and payloads of projects, at rest with these keys: lines of "<id> <32 bytes in base64>", the current one first (SEQUENT_ENCRYPTION_KEY)',
    )
    .option('--encryption-command <command>', 'the same by a command that prints the lines (SEQUENT_ENCRYPTION_COMMAND)')
    .option('--project <id>', 'the own project, whose functions have no prefix (SEQUENT_PROJECT, default: the first of the credentials)')
    .option('--subjects <grant>', 'grant another project a subject: <project>=<subject> (repeatable; SEQUENT_SUBJECTS)', collect)
    .option(
      '--files <grant>',
      "grant another project a folder of the worker's machine: <project>=<folder> (repeatable; SEQUENT_FILES)",
      collect,
    );
}

function addIsolationOptions(command: Command): void {
  command
    .option(
      '--isolation <mode>',
      'code of other projects on a machine that cannot isolate it: require, prefer, none (SEQUENT_ISOLATION, default: require)',
    )
    .option('--uids <range>', 'the user ids of other projects, when started as root (SEQUENT_UIDS, default: 100000-165535)')
    .option(
      '--function-processes <project>',
      'let functions of a project start processes, where Node can refuse that (repeatable; SEQUENT_FUNCTION_PROCESSES)',
      collect,
    )
    .option('--cgroups <choice>', 'let the kernel limit functions where this process has its own cgroup: auto, off (SEQUENT_CGROUPS)')
    .option('--function-network <project>', 'give functions of a project the network (repeatable; SEQUENT_FUNCTION_NETWORK)', collect)
    .option(
      '--redact <file>',
      'hide also what these regular expressions find, one a line, in output and failures before they are stored; off hides nothing (SEQUENT_REDACT)',
    )
    .option(
      '--http-handlers <hosts>',
      'private addresses for HTTP handlers of the own project: private (all), public (none), or hosts between commas (SEQUENT_HTTP_HANDLERS)',
    );
}

/** The options of the streams, which the process that creates them and the roles share. */
export function addStreamOptions(command: Command): Command {
  return command
    .option('--replicas <count>', 'how many servers of a cluster keep each message: 1, 3, 5 (SEQUENT_REPLICAS)')
    .option(
      '--stream-sizes <sizes>',
      `the maximum sizes of JetStream streams, such as log=20GB,results=2GB (SEQUENT_STREAM_SIZES): ${STREAM_PARTS.join(', ')}`,
    )
    .option(
      '--results-storage <kind>',
      'the storage of results for subscribers: file, memory (SEQUENT_RESULTS_STORAGE; default: memory with --fsync always, file otherwise)',
    )
    .option('--results-max-age-hours <hours>', 'how long results are kept for subscribers (SEQUENT_RESULTS_MAX_AGE_HOURS)')
    .option('--audit-retention <duration>', 'how long the audit log keeps its entries, or off (SEQUENT_AUDIT_RETENTION, default: 90d)');
}

function addLimitOptions(command: Command): void {
  command
    .option('--lease-ms <ms>', 'how long an execution may go unnoticed when its worker dies (SEQUENT_LEASE_MS)')
    .option('--patience-ms <ms>', 'how long the scheduler waits for other roles before it inspects a stream (SEQUENT_PATIENCE_MS)')
    .option(
      '--clock-warning <duration>',
      "the offset of this machine's clock from the server's that is reported (SEQUENT_CLOCK_WARNING, default: 1s)",
    )
    .option('--clock-limit <duration>', 'the offset from which this process takes no work, or off (SEQUENT_CLOCK_LIMIT, default: 24h)')
    .option('--max-hops <count>', 'how many destinations a chain may have before it is cut (SEQUENT_MAX_HOPS)')
    .option('--max-chain <count>', 'how many invocations one may start through destinations (SEQUENT_MAX_CHAIN)')
    .option(
      '--worker-slots <count>',
      'how many executions of all functions together a worker runs at the same time (SEQUENT_WORKER_SLOTS; default: no limit)',
    )
    .option(
      '--python <file>',
      'the Python that a worker runs every Python function with (SEQUENT_PYTHON; default: the version that the function names, else python3)',
    )
    .option(
      '--empty-payload <kind>',
      'what an empty payload of a request over NATS is: json for the event {}, or refuse (SEQUENT_EMPTY_PAYLOAD, default: json)',
    )
    .option('--delivery-age <duration>', 'how long after an outcome its destinations are tried (SEQUENT_DELIVERY_AGE, default: 24h)')
    .option('--envelope <variant>', 'the variant of errors in envelopes: documented, observed (SEQUENT_ENVELOPE)')
    .option('--connections <file>', 'the named connections of the destinations (SEQUENT_CONNECTIONS)');
}

function addRetentionOptions(command: Command): void {
  command
    .option(
      '--retention <duration>',
      'how long the log keeps finished invocations before it is archived, or off (SEQUENT_RETENTION, default: 7d)',
    )
    .option(
      '--retention-invocations <count>',
      'the maximum number of finished invocations in the log, or off (SEQUENT_RETENTION_INVOCATIONS, default: 1000000)',
    )
    .option('--archive <location>', 'the archive of the log: a folder, or s3://bucket/prefix?endpoint=url (SEQUENT_ARCHIVE)')
    .option(
      '--history-retention <duration>',
      'how long read models keep finished invocations, or off (SEQUENT_HISTORY_RETENTION, default: off)',
    )
    .option('--signing-key <file>', 'sign the head of the log once a minute with this Ed25519 key (SEQUENT_SIGNING_KEY)')
    .option(
      '--signing-command <command>',
      'the same by a command: the text on stdin, the signature in base64 on stdout (SEQUENT_SIGNING_COMMAND)',
    );
}

function addNatsOptions(command: Command): void {
  command
    .option('--nats-creds <file>', 'the credentials file for NATS (NATS_CREDS)')
    .option(
      '--responders-server <url>',
      'the NATS user or server for requests to responders of functions (SEQUENT_RESPONDERS_NATS_URL, default: as --server)',
    )
    .option(
      '--responders-creds <file>',
      'the credentials file for these requests (SEQUENT_RESPONDERS_NATS_CREDS, default: as --nats-creds)',
    )
    .option('--responders-nkey <file>', 'the file with the nkey seed for these requests (SEQUENT_RESPONDERS_NATS_NKEY, default: as --nkey)')
    .option('--log-level <level>', 'the level of the log on stderr, in JSON lines (SEQUENT_LOG_LEVEL, default: info, warn on a terminal)')
    .addOption(durationOption('--grace <duration>', 'how long running attempts may take to finish after Ctrl-C', 20_000));
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, ...value.split(',')];
}
