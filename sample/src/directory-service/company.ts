import { createHash } from 'node:crypto';

const INDUSTRIES = ['agriculture', 'construction', 'energy', 'health', 'logistics', 'media', 'retail'];

/** What the directory knows of a company. */
export interface Company {
  readonly name: string;
  readonly industry: string;
  readonly employees: number;
}

/** The same domain has the same answer, always. */
export function companyOf(domain: string): Company {
  const digest = createHash('sha256').update(domain).digest();
  const [word = domain] = domain.split('.');
  return {
    name: `${word.charAt(0).toUpperCase()}${word.slice(1)} Ltd.`,
    industry: INDUSTRIES[digest.readUInt16BE(0) % INDUSTRIES.length] ?? 'other',
    employees: 1 + (digest.readUInt32BE(2) % 5_000),
  };
}
