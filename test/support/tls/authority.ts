import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate and its key, in PEM. */
type Issued = { cert: string; key: string };

/** An authority that signs certificates for tests, with the openssl command. */
export interface TestAuthority {
  /** The certificate of the authority. */
  readonly ca: string;
  /** `names` are alternative names such as `DNS:sequent.example`. */
  issue(subject: string, names?: readonly string[]): Promise<Issued>;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

export async function createAuthority(subject = '/CN=authority of a test'): Promise<TestAuthority> {
  const own = await request(['-subj', subject]);
  return {
    ca: own.cert,
    async issue(client, names = []) {
      const extension = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`];
      return await request(['-subj', client, ...extension], own);
    },
  };
}

async function request(options: readonly string[], issuer?: Issued): Promise<Issued> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-test-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const signing: string[] = [];
    if (issuer !== undefined) {
      const [ca, caKey] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
      await Promise.all([writeFile(ca, issuer.cert), writeFile(caKey, issuer.key)]);
      signing.push('-CA', ca, '-CAkey', caKey, '-addext', 'basicConstraints=critical,CA:FALSE');
    }
    await promisify(execFile)('openssl', ['req', '-x509', ...NEW_KEY, ...options, ...signing, '-keyout', key, '-out', cert]);
    return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}
