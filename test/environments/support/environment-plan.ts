import type { BackfillConfigPatch, BackfillModuleOptions } from 'nestjs-backfill';
import type { RedisOptions } from 'ioredis';

/** Where Redis is. */
export type RedisPlan =
  | { readonly connection: RedisOptions & { readonly url?: string } }
  | {
      readonly cluster: readonly { readonly host: string; readonly port: number }[];
      /** Of the connections to its nodes. */
      readonly redisOptions?: RedisOptions;
    };

/** How the apps of an environment are set up. It is sent to their processes as JSON. */
export interface EnvironmentPlan {
  readonly database: {
    readonly url: string;
    /** More options of `MikroOrmModule.forRoot`, such as `pool` or `schema`. */
    readonly options?: Readonly<Record<string, unknown>>;
  };
  readonly redis: RedisPlan;
  /** More options of `BullModule.forRoot`. */
  readonly bull?: { readonly prefix?: string };
  readonly options: Omit<BackfillModuleOptions, 'redis' | 'throttles'>;
  /** Whether the handler gets a batch of rows or one row. */
  readonly handler: 'batch' | 'row';
  readonly config: BackfillConfigPatch;
}
