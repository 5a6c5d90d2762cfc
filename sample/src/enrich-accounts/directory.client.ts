import { Injectable } from '@nestjs/common';
import { NonRetryableError, RateLimitedError } from 'nestjs-backfill';
import type { Company } from '../directory-service/company.js';
import { DirectoryServer } from '../directory-service/directory.server.js';

const TIMEOUT_MS = 5_000;

/** Asks the directory over HTTP, and tells the library in its own words what went wrong. */
@Injectable()
export class DirectoryClient {
  constructor(private readonly server: DirectoryServer) {}

  async companyOf(domain: string, signal: AbortSignal): Promise<Company> {
    const response = await fetch(new URL(`/companies/${encodeURIComponent(domain)}`, this.server.url), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.ok) {
      return (await response.json()) as Company;
    }
    await response.body?.cancel();
    if (response.status === 429) {
      throw new RateLimitedError(Number(response.headers.get('retry-after') ?? 1) * 1000);
    }
    const message = `The directory answered ${response.status} for ${domain}`;
    throw response.status < 500 ? new NonRetryableError(message) : new Error(message);
  }
}
