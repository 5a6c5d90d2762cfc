import { readFileSync } from 'node:fs';

const LIB = new URL('../../../lib/', import.meta.url);
const IMPORT = /^(?:import|export)(?! type\b)[^;]*? from '(\.[^']+)\.js';/gm;

/** The files of `lib` that a file loads with it: not those that it imports at run time, nor types. */
function loadedWith(file: URL, seen = new Set<string>()): ReadonlySet<string> {
  seen.add(file.href.slice(LIB.href.length));
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const next = new URL(`${specifier}.ts`, file);
    if (!seen.has(next.href.slice(LIB.href.length))) {
      loadedWith(next, seen);
    }
  }
  return seen;
}

describe('what an app loads', () => {
  const files = [...loadedWith(new URL('index.ts', LIB))];

  it.each(['admin/admin.controller.ts', 'rehearsal/rehearser.ts', 'monitoring/telemetry.loader.ts'])(
    'has %s',
    (file) => {
      expect(files).toContain(file);
    },
  );

  it.each([
    ['what describes the admin endpoints for OpenAPI, before they are mounted', 'admin/openapi/'],
    ['a rehearsal, before there is one', 'rehearsal/rehearsal.run.ts'],
    ['spans and metrics, without an SDK of OpenTelemetry', 'monitoring/otel.telemetry.ts'],
  ])('has not %s', (_, path) => {
    expect(files.filter((file) => file.startsWith(path))).toEqual([]);
  });
});
