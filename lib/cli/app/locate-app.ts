import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CliUsageError } from '../cli.error.js';
import { readJsonFile } from './json-file.js';

const project = z.looseObject({
  root: z.string().optional(),
  sourceRoot: z.string().optional(),
  compilerOptions: z.looseObject({ tsConfigPath: z.string().optional() }).optional(),
});
const nestCli = project.extend({ projects: z.record(z.string(), project).optional() });
const manifest = z.looseObject({
  'nestjs-backfill': z.looseObject({ app: z.string().optional() }).optional(),
});
const tsconfig = z.looseObject({
  extends: z.string().optional(),
  compilerOptions: z.looseObject({ outDir: z.string().optional() }).optional(),
});

/** Where the module of the app is, and the name it is exported under. */
export interface AppLocation {
  readonly file: string;
  /** `null`: the only module that the file exports, or `AppModule`. */
  readonly exportName: string | null;
}

/** What tells which app is meant. */
export interface AppRequest {
  /** As in `dist/app.module.js#AppModule`. */
  readonly app?: string | undefined;
  /** A project of `nest-cli.json`. */
  readonly project?: string | undefined;
}

/** Finds the built app: as told, as `package.json` says, or where `nest build` puts it. */
export function locateApp(folder: string, { app, project: name }: AppRequest): AppLocation {
  const told = app ?? (name === undefined ? manifestApp(folder) : undefined);
  if (told !== undefined) {
    return atPath(folder, told);
  }
  const candidates = builtFiles(folder, name).map((file) => resolve(folder, file));
  const file = candidates.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new CliUsageError(
      `The app's module is not where it was looked for:\n${candidates.map((it) => `  ${it}`).join('\n')}\n` +
        'Build the app first (nest build), or say where it is: --app dist/app.module.js#AppModule, or ' +
        '"nestjs-backfill": { "app": "dist/app.module.js#AppModule" } in package.json.',
    );
  }
  return { file, exportName: null };
}

function atPath(folder: string, told: string): AppLocation {
  const [path = '', exportName = null] = told.split('#', 2);
  const file = resolve(folder, path);
  if (!existsSync(file)) {
    throw new CliUsageError(
      `Expected a built module at ${file}, got no such file. Build the app first (nest build).`,
    );
  }
  return { file, exportName };
}

function manifestApp(folder: string): string | undefined {
  const parsed = manifest.safeParse(readJsonFile(join(folder, 'package.json')));
  return parsed.success ? parsed.data['nestjs-backfill']?.app : undefined;
}

function builtFiles(folder: string, name: string | undefined): string[] {
  const parsed = nestCli.safeParse(readJsonFile(join(folder, 'nest-cli.json')) ?? {});
  const config: z.output<typeof nestCli> = parsed.success ? parsed.data : {};
  const chosen = name === undefined ? config : config.projects?.[name];
  if (chosen === undefined) {
    const known = Object.keys(config.projects ?? {}).join(', ') || 'none';
    throw new CliUsageError(`There is no project ${JSON.stringify(name)} in nest-cli.json. Known: ${known}.`);
  }
  const sourceRoot = chosen.sourceRoot ?? 'src';
  const outDir = outDirOf(
    folder,
    chosen.compilerOptions?.tsConfigPath ?? defaultTsconfig(folder, chosen.root),
  );
  const root = chosen.root && chosen.root !== '.' ? chosen.root : undefined;
  const roots = [
    outDir,
    join(outDir, 'src'),
    join(outDir, sourceRoot),
    ...(root ? [join('dist', root)] : []),
  ];
  return [
    ...new Set(roots.flatMap((it) => [join(it, 'app.module.js'), join(it, `${name ?? 'app'}.module.js`)])),
  ];
}

function defaultTsconfig(folder: string, root = '.'): string {
  const names = [
    join(root, 'tsconfig.app.json'),
    join(root, 'tsconfig.build.json'),
    join(root, 'tsconfig.json'),
  ];
  return names.find((it) => existsSync(join(folder, it))) ?? 'tsconfig.json';
}

function outDirOf(folder: string, path: string): string {
  const file = resolve(folder, path);
  const parsed = tsconfig.safeParse(readJsonFile(file));
  const outDir = parsed.success ? parsed.data.compilerOptions?.outDir : undefined;
  if (outDir !== undefined) {
    return resolve(file, '..', outDir);
  }
  const base = parsed.success ? parsed.data.extends : undefined;
  return base?.startsWith('.') ? outDirOf(folder, resolve(file, '..', base)) : resolve(folder, 'dist');
}
