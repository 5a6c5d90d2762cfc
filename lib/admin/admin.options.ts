import type { CanActivate, NestInterceptor, Type } from '@nestjs/common';
import { z } from 'zod';
import { PARSE_ONCE } from '../config/parse-once.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';

/** Token of the options of one mount of the admin endpoints, validated and frozen. */
export const ADMIN_OPTIONS = Symbol('nestjs-backfill:admin-options');

/**
 * Returns who sent a request, for the history: a name or an id, at most 200 characters. `null`, `undefined` and an
 * empty string stand for an unknown person. It is given the request of Express or Fastify, after the guards.
 *
 * @publicApi
 */
export type ActorResolver = (
  request: object,
) => string | null | undefined | Promise<string | null | undefined>;

/**
 * Options of the admin endpoints and their page.
 *
 * @publicApi
 */
export interface BackfillAdminOptions {
  /**
   * Path of the endpoints: `admin/backfills` mounts `GET /admin/backfills` and the page at `/admin/backfills/ui`. The
   * app's global prefix applies, its versioning does not.
   */
  readonly path: string;
  /**
   * Guards of every endpoint, of the event stream, of the page and of its files; all of them must pass, and they run
   * in this order. A class is taken from the providers of the app, whichever module has them, and request-scoped ones
   * are supported; a class that no module provides is instantiated. Instances are used as they are. Required, unless
   * `allowUnguarded` is `true`.
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Interceptors of the same routes, the first one outermost, resolved like the guards. Default: none. */
  readonly interceptors?: readonly (Type<NestInterceptor> | NestInterceptor)[];
  /**
   * Mounts the endpoints without guards: everybody who reaches the app can start, tune and cancel backfills. Logs a
   * warning at start. Default `false`.
   */
  readonly allowUnguarded?: boolean;
  /**
   * Who started or changed something, for the history. Default: `request.user` where it is a string, else the first
   * of its properties `name`, `username`, `email`, `id` and `sub` that has a value.
   */
  readonly actor?: ActorResolver;
  /**
   * Origins besides the app's own whose pages may send changes, such as `https://ops.example.com`. CORS headers are
   * left to the app. Default: none.
   */
  readonly origins?: readonly string[];
  /**
   * Names of the security schemes that the OpenAPI document of the app declares for these guards, such as `bearer` of
   * `DocumentBuilder.addBearerAuth()`; a request needs one of them. Only documents: the guards decide. Default: none.
   */
  readonly security?: readonly string[];
  /** Milliseconds between two heartbeats on an idle event stream, 10 to 300000. Default 15000. */
  readonly heartbeatMs?: number;
}

/** The options with their defaults applied. */
export type ResolvedAdminOptions = Required<Omit<BackfillAdminOptions, 'actor' | 'allowUnguarded'>> &
  Pick<BackfillAdminOptions, 'actor'>;

const SEGMENTS = /^\/?[\w.~-]+(?:\/[\w.~-]+)*\/?$/;

/** An invalid option: its path, what was expected and what was got. */
export interface AdminOptionProblem {
  readonly field: string;
  readonly problem: string;
}

const EXPECTED = {
  canActivate: 'expected a guard: a class or an instance with the method canActivate()',
  intercept: 'expected an interceptor: a class or an instance with the method intercept()',
} as const;

type EnhancerMethod = keyof typeof EXPECTED;

const schema = z.lazy(() =>
  z.strictObject({
    path: z.string().regex(SEGMENTS, 'expected a path without parameters, such as "admin/backfills"'),
    guards: z.array(classOrInstance('canActivate')).default([]),
    interceptors: z.array(classOrInstance('intercept')).default([]),
    allowUnguarded: z.boolean().default(false),
    actor: z.custom((value) => typeof value === 'function', 'expected a function').optional(),
    origins: z
      .array(z.string().refine(isOrigin, 'expected an origin such as https://ops.example.com'))
      .default([]),
    security: z.array(z.string().min(1)).default([]),
    heartbeatMs: z.number().int().min(10).max(300_000).default(15_000),
  }),
);

/** Throws `BackfillDefinitionError` that names every invalid option, or that guards are missing. */
export function resolveAdminOptions(options: BackfillAdminOptions): ResolvedAdminOptions {
  const parsed = schema.safeParse(options, PARSE_ONCE);
  if (!parsed.success) {
    throw invalidAdminOptions(
      parsed.error.issues.map(({ path, message }) => ({
        field: path.join('.') || 'admin',
        problem: message,
      })),
    );
  }
  const { allowUnguarded, ...rest } = parsed.data;
  if (rest.guards.length === 0 && !allowUnguarded) {
    throw new BackfillDefinitionError(
      `The admin endpoints at "${rest.path}" have no guards, so anybody could start and cancel backfills. Add ` +
        `guards: admin: { path: '${rest.path}', guards: [AdminGuard] }. Where access is restricted elsewhere, set ` +
        'allowUnguarded: true.',
    );
  }
  return Object.freeze(rest as ResolvedAdminOptions);
}

/** The error that names each invalid option. */
export function invalidAdminOptions(problems: readonly AdminOptionProblem[]): BackfillDefinitionError {
  const lines = problems.map(({ field, problem }) => `  ${field}: ${problem}`);
  return new BackfillDefinitionError(
    `The admin options of BackfillModule are not valid:\n${lines.join('\n')}`,
  );
}

/** What is wrong with the instance of a guard or an interceptor, or with the class that it is made from; else `null`. */
export function enhancerProblem(
  instance: unknown,
  method: EnhancerMethod,
  given: unknown = instance,
): string | null {
  return hasMethod(instance, method) ? null : `${EXPECTED[method]}, got ${describeEnhancer(given)}`;
}

/** A class may have the method as a property of its instances, which only an instance shows. */
function classOrInstance(method: EnhancerMethod) {
  return z.custom(
    (value) =>
      hasMethod(value, method) ||
      isClass(value) ||
      (typeof value === 'function' && hasMethod(value.prototype, method)),
    { error: ({ input }) => `${EXPECTED[method]}, got ${describeEnhancer(input)}` },
  );
}

function hasMethod(value: unknown, method: EnhancerMethod): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function describeEnhancer(value: unknown): string {
  return typeof value === 'function' && value.prototype !== undefined
    ? `the ${isClass(value) ? 'class' : 'function'} ${value.name || 'without a name'}`
    : describeValue(value);
}

/** The path of the controllers, which are made before the options are validated. */
export function mountPath(options: Partial<BackfillAdminOptions>): string {
  return typeof options.path === 'string' && SEGMENTS.test(options.path)
    ? options.path.replaceAll(/^\/|\/$/g, '')
    : 'invalid-admin-path';
}

/** The security schemes for the document, which is described before the options are validated. */
export function securityOf({ security }: Partial<BackfillAdminOptions>): readonly string[] {
  return Array.isArray(security) ? security.filter((name: unknown) => typeof name === 'string') : [];
}

function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}
