import type { DynamicModule, INestApplication, Provider, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import type { BackfillAdminOptions, BackfillModuleOptions } from 'nestjs-backfill';
import { appModules, LogRecorder } from '../apps/index.js';
import type { AppBench, BackfillAppSetup } from '../apps/index.js';
import { adminClient, type AdminClient } from './admin-client.js';

export type AdapterName = 'express' | 'fastify';

export interface AdminAppSetup {
  readonly adapter?: AdapterName;
  /** `null`: `BackfillModule` does not mount the endpoints. */
  readonly admin?: BackfillAdminOptions | null;
  readonly handlers?: readonly Provider[];
  readonly imports?: readonly (Type | DynamicModule)[];
  readonly workers?: boolean;
  readonly keyPrefix?: string;
  /** Other servers than those of the bench, for tests that stop them. */
  readonly servers?: Partial<Pick<BackfillAppSetup, 'database' | 'redis' | 'entities'>>;
  /** Further options of `BackfillModule`. */
  readonly options?: BackfillModuleOptions;
  /** Configures the app before it listens, as `main.ts` does. */
  readonly configure?: (app: INestApplication) => void;
  /** Default: a free one. */
  readonly port?: number;
  /** Path of the endpoints where it is not the path of `admin`. */
  readonly at?: string;
}

export interface AdminApp {
  readonly app: INestApplication;
  readonly backfills: BackfillService;
  readonly logs: LogRecorder;
  /** URL of the server without a path. */
  readonly origin: string;
  readonly client: AdminClient;
  close(): Promise<void>;
}

/** Starts an app with the admin endpoints on a free port. */
export async function startAdminApp(bench: AppBench, setup: AdminAppSetup = {}): Promise<AdminApp> {
  const logs = new LogRecorder();
  const admin = setup.admin === undefined ? { path: 'admin/backfills', allowUnguarded: true } : setup.admin;
  const testing = await Test.createTestingModule({
    imports: [
      ...Object.values(appModules({ ...bench, ...setup.servers })),
      BackfillModule.forRoot({
        keyPrefix: setup.keyPrefix ?? bench.keyPrefix(),
        workers: setup.workers ?? true,
        ...(admin ? { admin } : {}),
        ...setup.options,
      }),
      ...(setup.imports ?? []),
    ],
    providers: [...(setup.handlers ?? [])],
  })
    .setLogger(logs)
    .compile();
  const adapter = setup.adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = testing.createNestApplication(adapter);
  setup.configure?.(app);
  try {
    await app.listen(setup.port ?? 0, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  const origin = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  let closing: Promise<void> | undefined;
  return {
    app,
    logs,
    origin,
    backfills: app.get(BackfillService),
    client: adminClient(`${origin}/${setup.at ?? admin?.path ?? ''}`),
    close: () => (closing ??= app.close()),
  };
}
