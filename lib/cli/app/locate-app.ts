import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CliUsageError } from '../cli.error.js';
import { readJsonFile } from './json-file.js';

const nestProject = z.looseObject({
  root: z.string().optional(),
  sourceRoot: z.string().optional(),
  compilerOptions: z.looseObject({ tsConfigPath: z.string().optional() }).optional(),
});
const nestCli = nestProject.extend({ projects: z.record(z.string(), nestProject).optional() });
const manifest = z.looseObject({
  'nestjs-backfill': z.looseObject({ app: z.string().optional() }).optional(),
});
const tsconfig = z.looseObject({
  extends: z.string().optional(),
  compilerOptions: z.looseObject({ outDir: z.string().optional() }).optional(),
});

/** File and export of the root module. */
export interface AppLocation {
  readonly file: string;
  /** `null`: `AppModule`, or the only module that the file exports. */
  readonly exportName: string | null;
}

/** Options that select the app. */
export interface AppRequest {
  /** File and export, such as `dist/app.module.js#AppModule`. */
  readonly app?: string | undefined;
  /** A project in `nest-cli.json`. */
  readonly project?: string | undefined;
}

/**
 * Finds the built root module: `app` of the request, else of `package.json`, else the output of `nest build`.
 *
 * @throws CliUsageError when no such file exists
 */
export function locateApp(folder: string, { app, project }: AppRequest): AppLocation {
  const configured = app ?? (project === undefined ? appOfManifest(folder) : undefined);
  if (configured !== undefined) {
    return parseLocation(folder, configured);
  }
  const candidates = buildOutputs(folder, project).map((file) => resolve(folder, file));
  const file = candidates.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new CliUsageError(
      `Expected the built root module of the app at one of:\n${candidates.map((it) => `  ${it}`).join('\n')}\n` +
        'Build the app (nest build), or pass the file: --app dist/app.module.js#AppModule, or ' +
        '"nestjs-backfill": { "app": "dist/app.module.js#AppModule" } in package.json.',
    );
  }
  return { file, exportName: null };
}

function parseLocation(folder: string, location: string): AppLocation {
  const [path = '', exportName = null] = location.split('#', 2);
  const file = resolve(folder, path);
  if (!existsSync(file)) {
    throw new CliUsageError(
      `Expected a built module at ${file}, got no such file. Build the app first (nest build).`,
    );
  }
  return { file, exportName };
}

function appOfManifest(folder: string): string | undefined {
  const parsed = manifest.safeParse(readJsonFile(join(folder, 'package.json')));
  return parsed.success ? parsed.data['nestjs-backfill']?.app : undefined;
}

/** The files that `nest build` may write the root module to, by the settings of `nest-cli.json`. */
function buildOutputs(folder: string, projectName: string | undefined): string[] {
  const parsed = nestCli.safeParse(readJsonFile(join(folder, 'nest-cli.json')) ?? {});
  const config: z.output<typeof nestCli> = parsed.success ? parsed.data : {};
  const project = projectName === undefined ? config : config.projects?.[projectName];
  if (project === undefined) {
    const known = Object.keys(config.projects ?? {}).join(', ') || 'none';
    throw new CliUsageError(
      `There is no project ${JSON.stringify(projectName)} in nest-cli.json. Known: ${known}.`,
    );
  }
  const tsconfigPath = project.compilerOptions?.tsConfigPath ?? defaultTsconfig(folder, project.root);
  const outDir = outDirOf(folder, tsconfigPath);
  const root = project.root && project.root !== '.' ? project.root : undefined;
  const folders = [
    outDir,
    join(outDir, 'src'),
    join(outDir, project.sourceRoot ?? 'src'),
    ...(root ? [join('dist', root)] : []),
  ];
  const files = ['app.module.js', `${projectName ?? 'app'}.module.js`];
  return [...new Set(folders.flatMap((it) => files.map((file) => join(it, file))))];
}

function defaultTsconfig(folder: string, root = '.'): string {
  const names = ['tsconfig.app.json', 'tsconfig.build.json', 'tsconfig.json'].map((it) => join(root, it));
  return names.find((it) => existsSync(join(folder, it))) ?? 'tsconfig.json';
}

/** `outDir` of a tsconfig or of the relative one that it extends; `dist` when none sets it. */
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
