import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianPackage, onPath } from './debian-packages.js';

const BINARY = 'usr/bin/openssl';

export interface Certificate {
  /** In PEM; it is its own authority. */
  readonly certificate: string;
  readonly files: { readonly certificate: string; readonly key: string };
}

/** Makes a certificate for an address, by the `openssl` of the machine or of Debian's packages. */
export async function makeCertificate(folder: string, address: string): Promise<Certificate> {
  const files = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  const { path, libraries } = await openssl();
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ');
  const names = ['-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`];
  const output = ['-keyout', files.key, '-out', files.certificate];
  await promisify(execFile)(path, [...request, ...names, ...output], {
    env: libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env,
  });
  return { certificate: await readFile(files.certificate, 'utf8'), files };
}

async function openssl(): Promise<{ readonly path: string; readonly libraries?: string }> {
  const installed = await onPath('openssl');
  if (installed) {
    return { path: installed };
  }
  const fetched = await debianPackage('openssl', BINARY);
  if (!fetched) {
    throw new Error('Expected openssl on the PATH, or a system with apt');
  }
  return { path: join(fetched.root, BINARY), libraries: fetched.libraries };
}
