import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { describe, expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findOnPath } from '#src/main/find-on-path.mjs';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import packageFacts from '../../../package.json' with { type: 'json' };

const checkout = new URL('../../..', import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(checkout, path), 'utf8');
const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'];
const UNPRIVILEGED = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

describe('the Dockerfile', () => {
  test('passes a linter, and its image has the version of the package', () => {
    expect(validate(read('Dockerfile')).map(({ message, range }) => [range.start.line + 1, message])).toEqual([]);
    expect(read('Dockerfile')).toContain(`image.version="${packageFacts.version}"`);
  });

  test('ends as a user by number, which Kubernetes can tell from root', () => {
    const users = DockerfileParser.parse(read('Dockerfile'))
      .getInstructions()
      .filter((one) => one.getKeyword() === 'USER');
    expect(users.map((user) => user.getArgumentsContent())).toEqual(['1000:1000']);
  });
});

type Service = {
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  image?: string;
  command?: string;
  environment?: Record<string, string>;
  volumes?: string[];
};
const RESPONDERS_KEY = '/keys/responders/nats.nk';

describe.each(['docker-compose.yml', 'deploy/cluster.compose.yml'])('%s', (file) => {
  const { services } = parse(read(file), { merge: true, maxAliasCount: -1 }) as { services: Record<string, Service> };

  test('runs every container without root and privileges, from an image with an exact version', () => {
    for (const [name, service] of Object.entries(services)) {
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({ user: '1000:1000', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }),
      ]);
      expect(service.image).toMatch(/^\w+:\d+\.\d+\.\d+(-[\w.]+)?(@sha256:[0-9a-f]{64})?$/);
    }
    expect(services.worker?.image).toBe(`sequent:${packageFacts.version}`);
    for (const role of ROLES) expect(services[role]?.command).toContain(`serve --role ${role}`);
  });

  test('gives each role its own key alone, and the worker that of the user for responders', () => {
    const { keys } = services;
    for (const [name, { environment = {}, volumes = [] }] of Object.entries(services)) {
      if (!ROLES.includes(name)) continue;
      const named = Object.values(environment).flatMap((value) => /^(\/keys\/\w+)\/nats\.nk$/.exec(value)?.[1] ?? []);
      expect(named).toEqual(name === 'worker' ? ['/keys/worker', '/keys/responders'] : [`/keys/${name}`]);
      const mounted = volumes.filter((volume) => volume.includes(':/keys'));
      expect(mounted).toEqual(named.map((folder) => `key-${folder.slice('/keys/'.length)}:${folder}:ro`));
      for (const volume of mounted) expect(keys?.volumes).toContain(volume.replace(/:ro$/, ''));
      for (const folder of named) expect(read('Dockerfile')).toContain(` ${folder.slice(1)} `.trimEnd());
    }
    expect(services.worker?.environment?.SEQUENT_RESPONDERS_NATS_NKEY).toBe(RESPONDERS_KEY);
  });

  test('contains no credential', () => {
    expect(read(file)).not.toMatch(/\bS[UA][A-Z2-7]{50,}|password:/);
  });
});

/** The images that a file names, and this repository does not build. */
function foreignImages(text: string): string[] {
  const images = [...text.matchAll(/^(?:ARG NODE_IMAGE=|\s*image: )(\S+)$/gm)].map(([, image]) => image ?? '');
  return images.filter((image) => !image.startsWith('sequent:'));
}

describe('npm run pin-images', () => {
  const NAMED = ['Dockerfile', 'docker-compose.yml', 'deploy/cluster.compose.yml'];
  /** Runs the command on a copy of the files, with a `docker` that prints this text. */
  function pin(folder: string, printed: string) {
    mkdirSync(join(folder, 'deploy'), { recursive: true });
    for (const file of NAMED) writeFileSync(join(folder, file), read(file));
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\nprintf %s '${printed}'\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const { status } = spawnSync(process.execPath, [join(checkout, 'build/pin-images.mjs'), folder], { env });
    return { status, files: NAMED.map((file) => readFileSync(join(folder, file), 'utf8')) };
  }

  test('has pinned each foreign image to the digest of its tag', () => {
    const images = NAMED.flatMap((file) => foreignImages(read(file)));
    expect(images).toHaveLength(3);
    for (const image of images) expect(image).toMatch(/^(?:node|nats):[\w.-]+@sha256:[0-9a-f]{64}$/);
  });

  test('adds the digest that docker prints to each foreign image, and replaces an earlier one', ({ folder }) => {
    for (const digest of [`sha256:${'a1'.repeat(32)}`, `sha256:${'b2'.repeat(32)}`]) {
      const { status, files } = pin(folder, digest);
      const foreign = files.flatMap(foreignImages);
      expect([status, foreign.length]).toEqual([0, 3]);
      for (const image of foreign) expect(image).toMatch(new RegExp(`^(?:node|nats):[\\w.-]+@${digest}$`));
      expect(validate(files[0] ?? '')).toEqual([]);
    }
  });

  test('changes no file when docker prints no digest', ({ folder }) => {
    expect(pin(folder, 'unauthorized')).toEqual({ status: 1, files: NAMED.map(read) });
  });
});

type Manifest = {
  kind: string;
  metadata: { name: string };
  spec: { selector?: { matchLabels: object }; template?: { metadata: { labels: object }; spec: PodSpec } };
};
type PodSpec = {
  terminationGracePeriodSeconds?: number;
  securityContext: { runAsNonRoot: boolean };
  containers: Container[];
  volumes: { name: string; secret?: { secretName: string } }[];
};
type Container = {
  args: string[];
  securityContext: object;
  resources: { requests?: object; limits?: object };
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  ports?: { name: string }[];
  env: { name: string; value: string }[];
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
  lifecycle?: { preStop: { exec: { command: string[] } } };
};
type Probe = { httpGet: { path: string; port: string } };

describe('deploy/kubernetes', () => {
  const folder = 'deploy/kubernetes/base';
  const manifests = readdirSync(join(checkout, folder))
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) => parseAllDocuments(read(join(folder, file))).map((document) => document.toJS() as Manifest));
  const find = (kind: string, name: string): Manifest | undefined =>
    manifests.find((one) => one.kind === kind && one.metadata.name === name);

  test('lists every file, and the scaler removes the number of workers that it sets', () => {
    const { resources } = parse(read(`${folder}/kustomization.yaml`)) as { resources: string[] };
    expect(resources.toSorted()).toEqual(readdirSync(join(checkout, folder)).filter((file) => file !== 'kustomization.yaml'));
    const scaler = parse(read('deploy/kubernetes/keda/worker-scaler.yaml')) as { spec: { scaleTargetRef: { name: string } } };
    expect(find('Deployment', scaler.spec.scaleTargetRef.name)).toBeDefined();
  });

  test.each(ROLES)('probes the %s, bounds it, and lets it end before it is killed', (role) => {
    const deployment = find('Deployment', `sequent-${role}`);
    const pod = deployment?.spec.template?.spec as PodSpec;
    const [container] = pod.containers as [Container];
    expect(container.args.slice(0, 3)).toEqual(['serve', '--role', role]);
    const grace = Number.parseInt(container.args[container.args.indexOf('--grace') + 1] ?? '', 10);
    const pause = Number(container.lifecycle?.preStop.exec.command[1] ?? 0);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(grace + pause + 10);
    expect([container.livenessProbe?.httpGet.path, container.readinessProbe?.httpGet.path]).toEqual(['/healthz', '/readyz']);
    const ports = container.ports?.map(({ name }) => name);
    for (const probe of [container.livenessProbe, container.readinessProbe]) expect(ports).toContain(probe?.httpGet.port);
    expect(container.resources).toEqual({ requests: expect.anything(), limits: expect.anything() });
    expect(container.securityContext).toEqual(UNPRIVILEGED);
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(container.volumeMounts.map(({ name }) => name)).toEqual(pod.volumes.map(({ name }) => name));
    const budget = find('PodDisruptionBudget', `sequent-${role}`);
    for (const selector of [budget?.spec.selector, deployment?.spec.selector])
      expect(deployment?.spec.template?.metadata.labels).toMatchObject(selector?.matchLabels ?? { none: true });
  });
});

test.each(ROLES)('the pod of the %s has the keys that its environment names, from the secrets of the document', (role) => {
  const [deployment] = parseAllDocuments(read(`deploy/kubernetes/base/${role}.yaml`)).map((document) => document.toJS() as Manifest);
  const pod = deployment?.spec.template?.spec as PodSpec;
  const [{ env, volumeMounts }] = pod.containers as [Container];
  const named = env.flatMap(({ value }) => /^(\/keys\/\w+)\/nats\.nk$/.exec(value)?.[1] ?? []);
  expect(named).toEqual(role === 'worker' ? ['/keys/worker', '/keys/responders'] : [`/keys/${role}`]);
  const [, documented = ''] = /^for role in (.*);/m.exec(read('docs/deployment.md')) ?? [];
  for (const folder of named) {
    const user = folder.slice('/keys/'.length);
    const mount = volumeMounts.find(({ mountPath }) => mountPath === folder);
    expect(mount?.readOnly).toBe(true);
    expect(pod.volumes.find(({ name }) => name === mount?.name)?.secret?.secretName).toBe(`sequent-nats-${user}`);
    expect(documented.split(' ')).toContain(user);
  }
  if (role === 'worker') expect(env).toContainEqual({ name: 'SEQUENT_RESPONDERS_NATS_NKEY', value: RESPONDERS_KEY });
});

describe('the systemd unit', () => {
  const unit = 'deploy/systemd/sequent@.service';

  test('lets a role end before it is killed', () => {
    const [, grace] = /--grace (\d+)s/.exec(read(unit)) ?? [];
    const [, stop] = /^TimeoutStopSec=(\d+)/m.exec(read(unit)) ?? [];
    expect(Number(stop)).toBeGreaterThanOrEqual(Number(grace) + 10);
  });

  test('gives the worker the key of the user for responders', () => {
    const lines = read('deploy/systemd/sequent@worker.service.d/responders.conf').split('\n');
    const [, key] = lines.map((line) => /^LoadCredential=([\w.]+):/.exec(line)).find((found) => found !== null) ?? [];
    expect(lines).toContain(`Environment=SEQUENT_RESPONDERS_NATS_NKEY=%d/${key}`);
  });

  test.skipIf(findOnPath('systemd-analyze') === undefined)('is one that systemd accepts', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { cwd: checkout, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the alerts', () => {
  const rules = (
    parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: { alert: string; labels: { problem: string } }[] }[] }
  ).groups.flatMap((group) => group.rules);

  test('cover every kind of problem in docs/operations.md', () => {
    const [, table = ''] = /^### What to alert on\n([\s\S]*?)^## /m.exec(read('docs/operations.md')) ?? [];
    const kinds = [...table.matchAll(/^\| (\w[\w ]*?) +\|/gm)].map(([, kind]) => kind).filter((kind) => kind !== 'problem');
    expect(kinds.length).toBeGreaterThan(5);
    expect(kinds.filter((kind) => !rules.some(({ labels }) => labels.problem === kind))).toEqual([]);
  });

  test.skipIf(findOnPath('promtool') === undefined)('are rules that Prometheus accepts', () => {
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', 'deploy/prometheus/alerts.yml'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
  });
});
