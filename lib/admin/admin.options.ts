import type { CanActivate, NestInterceptor, Type } from '@nestjs/common';
import { z } from 'zod';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';

/** Token of the options of one mounted admin surface, parsed and frozen. */
export const ADMIN_OPTIONS = Symbol('nestjs-backfill:admin-options');

/**
 * Tells who sent a request, for the history. Anything empty means nobody in particular.
 *
 * @publicApi
 */
export type ActorResolver = (
  request: object,
) => string | null | undefined | Promise<string | null | undefined>;

/**
 * How the admin endpoints and their page are mounted.
 *
 * @publicApi
 */
export interface BackfillAdminOptions {
  /**
   * Where: `admin/backfills` mounts `GET /admin/backfills` and the page at `/admin/backfills/ui`, below the
   * app's global prefix and free of its versions.
   */
  readonly path: string;
  /**
   * Who may: asked in this order before every endpoint, the event stream, the page and its assets. Classes
   * are taken from the providers of the app, whichever module has them, else made here; instances are used
   * as they are.
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Interceptors of the endpoints, resolved like the guards. Default: none. */
  readonly interceptors?: readonly (Type<NestInterceptor> | NestInterceptor)[];
  /**
   * Mounts without guards: everybody who reaches the app may start, tune and cancel backfills. Warns at
   * start. Default `false`.
   */
  readonly allowUnguarded?: boolean;
  /**
   * Who did it, kept in the history. Default: `request.user`, if it is a text, else its `name`,
   * `username`, `email`, `id` or `sub`.
   */
  readonly actor?: ActorResolver;
  /**
   * Origins besides the app's own whose pages may change state, such as `https://ops.example.com`. CORS
   * itself stays the app's: none is sent from here. Default: none.
   */
  readonly origins?: readonly string[];
  /** Milliseconds between two signs of life on a silent event stream, 10 to 300000. Default 15000. */
  readonly heartbeatMs?: number;
}

/** The options with every default. */
export type ResolvedAdminOptions = Required<Omit<BackfillAdminOptions, 'actor' | 'allowUnguarded'>> &
  Pick<BackfillAdminOptions, 'actor'>;

const SEGMENTS = /^\/?[\w.~-]+(?:\/[\w.~-]+)*\/?$/;

const isClassOr = (method: string) => (value: unknown) =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function');

const schema = z.strictObject({
  path: z.string().regex(SEGMENTS, 'expected a fixed path such as "admin/backfills"'),
  guards: z.array(z.custom(isClassOr('canActivate'), 'expected a guard: a class or an instance')).default([]),
  interceptors: z
    .array(z.custom(isClassOr('intercept'), 'expected an interceptor: a class or an instance'))
    .default([]),
  allowUnguarded: z.boolean().default(false),
  actor: z.custom((value) => typeof value === 'function', 'expected a function').optional(),
  origins: z
    .array(z.string().refine(isOrigin, 'expected an origin such as https://ops.example.com'))
    .default([]),
  heartbeatMs: z.number().int().min(10).max(300_000).default(15_000),
});

/** Throws `BackfillDefinitionError` that names each bad option, or says how to close what is open. */
export function resolveAdminOptions(options: BackfillAdminOptions): ResolvedAdminOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      (issue) => `  ${issue.path.join('.') || 'admin'}: ${issue.message}`,
    );
    throw new BackfillDefinitionError(`The admin options of BackfillModule are wrong:\n${lines.join('\n')}`);
  }
  const { allowUnguarded, ...rest } = parsed.data;
  if (rest.guards.length === 0 && !allowUnguarded) {
    throw new BackfillDefinitionError(
      `The admin endpoints at "${rest.path}" have no guards, so anybody could start and cancel backfills. Give ` +
        `guards: admin: { path: '${rest.path}', guards: [AdminGuard] }. Where something else keeps strangers ` +
        'out, say so: allowUnguarded: true.',
    );
  }
  return Object.freeze(rest as ResolvedAdminOptions);
}

/** The path to mount at, whatever is wrong with the rest: that is said when the app starts. */
export function mountPath(options: Partial<BackfillAdminOptions>): string {
  return typeof options.path === 'string' && SEGMENTS.test(options.path)
    ? options.path.replaceAll(/^\/|\/$/g, '')
    : 'backfill-admin-without-a-path';
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}
