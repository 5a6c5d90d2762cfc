/** One generation of everything an app is made of. */
export interface Stack {
  /** One word for folders, tables and keys. */
  readonly key: string;
  readonly title: string;
  /** Version of Nest's command line that makes the app; `null`: the one of the repository. */
  readonly cli: string | null;
  readonly nest: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** What the template itself needs for a clean `npm ls`. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** What ends relative imports. */
  readonly extension: '.js' | '';
  /** Runs the app's unit tests. */
  readonly test: readonly string[];
  /** The app's linter, without corrections. */
  readonly lint: readonly string[];
  /** What Node is told for it. */
  readonly nodeOptions: string;
}

export const NEST_12_ESM: Stack = {
  key: 'esm',
  title: 'Nest 12, ESM, MikroORM 7, BullMQ 6, ioredis 6, Vitest',
  cli: null,
  nest: '12.1.1',
  dependencies: {
    '@mikro-orm/core': '7.2.1',
    '@mikro-orm/postgresql': '7.2.1',
    '@mikro-orm/nestjs': '7.1.0',
  },
  // A plugin of the template's Vitest asks for TypeScript 5, the template itself for 6.
  overrides: { tsconfck: { typescript: '$typescript' } },
  extension: '.js',
  test: ['vitest', 'run'],
  lint: ['oxlint', '--type-aware', 'src/', 'test/'],
  nodeOptions: '',
};

export const NEST_11_COMMONJS: Stack = {
  key: 'commonjs',
  title: 'Nest 11, CommonJS, MikroORM 6, BullMQ 5, ioredis 5, Jest',
  cli: '11.0.24',
  nest: '11.2.6',
  dependencies: {
    '@mikro-orm/core': '6.6.16',
    '@mikro-orm/postgresql': '6.6.16',
    '@mikro-orm/nestjs': '6.1.1',
    bullmq: '5.81.5',
    ioredis: '5.8.2',
  },
  extension: '',
  test: ['jest'],
  lint: ['eslint', '{src,apps,libs,test}/**/*.ts'],
  nodeOptions: '',
};
