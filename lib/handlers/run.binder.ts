import { Injectable } from '@nestjs/common';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BackfillParamsError, describeParamsIssue } from '../errors/backfill-params.error.js';
import { describeValue } from '../errors/describe-value.js';
import type { BackfillSource } from '../sources/backfill-source.js';
import { checkedSource } from '../sources/checked-source.js';
import { assertSource } from './assert-source.js';
import { parseParams, validate } from './params/parse-params.js';
import type { RecordedParams, RunParams } from './params/run-params.js';
import { digestOf } from './params/to-json.js';
import type { DeclaredBackfill, RegisteredBackfill, SourceFactory } from './registered-backfill.js';

/** Runs of a backfill whose source and values are kept: one is active, a few may be looked at or retried. */
const KEPT_RUNS = 20;

/** A backfill with the parameters of a run, or why this process cannot work on the run, in words. */
export type Binding = { readonly backfill: RegisteredBackfill } | { readonly refusal: string };

type BoundRun = RecordedParams & { readonly id: string; readonly undoes?: string | null };

/** Binds backfills to runs: parses the parameters of a run, and makes its source from them. */
@Injectable()
export class RunBinder {
  /** By backfill and run, the oldest first. */
  private readonly bindings = new Map<string, Map<string, Binding>>();
  /** Each status of a run asks for it. */
  private readonly unparameterized = new WeakMap<DeclaredBackfill, RegisteredBackfill | null>();

  /**
   * A backfill with the parameters of a run that is to be started.
   *
   * @throws BackfillParamsError where they are not valid, or it takes none
   * @throws BackfillDefinitionError where its source cannot be made from them
   */
  async bindNew(declared: DeclaredBackfill, given: unknown): Promise<RegisteredBackfill> {
    const { name, paramsSchema } = declared;
    if (paramsSchema) {
      return withParams(declared, await parseParams(name, paramsSchema, given));
    }
    if (given !== undefined && !isEmpty(given)) {
      const expected = 'none, as its @Backfill has no option params';
      throw new BackfillParamsError(name, [{ field: 'params', expected, received: describeValue(given) }]);
    }
    return withParams(declared, undefined);
  }

  /**
   * A backfill with the parameters that a run has.
   *
   * @throws what the schema throws, such as an error of a service that it asks
   */
  async bind(declared: DeclaredBackfill, run: BoundRun): Promise<Binding> {
    const known = this.peek(declared, run);
    if (known && ('backfill' in known || run.undoes)) {
      return known;
    }
    const binding = await bindRun(declared, run);
    this.remember(declared.name, run.id, binding);
    return binding;
  }

  /**
   * What `bind` returns for the run, where that needs no schema or is remembered: a schema may be asynchronous.
   */
  peek(declared: DeclaredBackfill, run: BoundRun): Binding | undefined {
    if (run.undoes) {
      return reversalOf(declared);
    }
    const backfill = run.params === null && !declared.paramsSchema ? this.withoutParams(declared) : null;
    return backfill ? { backfill } : this.bindings.get(declared.name)?.get(run.id);
  }

  private withoutParams(declared: DeclaredBackfill): RegisteredBackfill | null {
    let backfill = this.unparameterized.get(declared);
    if (backfill === undefined) {
      backfill = withoutParams(declared);
      this.unparameterized.set(declared, backfill);
    }
    return backfill;
  }

  private remember(name: string, runId: string, binding: Binding): void {
    const kept = this.bindings.get(name) ?? new Map<string, Binding>();
    this.bindings.set(name, kept);
    kept.delete(runId);
    kept.set(runId, binding);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_RUNS) {
        break;
      }
      kept.delete(oldest);
    }
  }
}

/** An undo needs no parameters: the journal says what to write. */
function reversalOf({ reversal }: DeclaredBackfill): Binding {
  return reversal
    ? { backfill: reversal }
    : {
        refusal:
          'it undoes another run, and its handler has no option undo in this version of the app. ' +
          'Deploy a version with it, then resume; or cancel the run',
      };
}

async function bindRun(declared: DeclaredBackfill, run: BoundRun): Promise<Binding> {
  const { paramsSchema } = declared;
  if (!paramsSchema && run.params !== null) {
    return {
      refusal:
        'it was started with parameters, and its handler takes none in this version of the app. ' +
        'Deploy the version that it was started with, then resume; or cancel the run and start another',
    };
  }
  const params = paramsSchema && (await validate(paramsSchema, run.params ?? {}));
  if (params && 'issues' in params) {
    return refused('are not valid', params.issues.map(describeParamsIssue).join('; '));
  }
  const digest = params ? digestOf(params.value) : null;
  if (run.paramsDigest !== null && run.paramsDigest !== digest) {
    return refused('have other values', 'its schema makes something else of them');
  }
  try {
    return { backfill: withParams(declared, params && { values: params.value }) };
  } catch (error) {
    if (error instanceof BackfillDefinitionError) {
      return { refusal: error.message.replace(/\.$/, '') };
    }
    throw error;
  }
}

function refused(what: string, why: string): Binding {
  return {
    refusal:
      `its parameters ${what} in this version of the app: ${why}. ` +
      'Deploy the version that it was started with, then resume; or cancel the run and start another',
  };
}

/** A backfill whose source depends on no parameters, without any; `null` for others. */
export function withoutParams({ declaredSource, ...handled }: DeclaredBackfill): RegisteredBackfill | null {
  return typeof declaredSource === 'function' ? null : { ...handled, source: declaredSource };
}

function withParams(declared: DeclaredBackfill, params: RunParams | undefined): RegisteredBackfill {
  const { declaredSource, ...handled } = declared;
  const source = typeof declaredSource === 'function' ? makeSource(declared, params) : declaredSource;
  return { ...handled, source, params };
}

/** @throws BackfillDefinitionError where the function throws, or returns no source that fits the handler */
function makeSource(
  { name, shape, declaredSource }: DeclaredBackfill,
  params: RunParams | undefined,
): BackfillSource {
  let source: unknown;
  try {
    source = (declaredSource as SourceFactory)({ params: params?.values });
  } catch (error) {
    throw new BackfillDefinitionError(
      `The function source of backfill "${name}" threw for the parameters of a run: ${String(error)}`,
      { cause: error },
    );
  }
  assertSource(source, shape, name);
  const checked = checkedSource(source as BackfillSource, name);
  if ((checked.databases?.() ?? []).length > 0) {
    throw new BackfillDefinitionError(
      `The source of backfill "${name}" has partitions in several databases, and depends on the parameters of a run. ` +
        'Such a source must be the same for all runs: write @Backfill({ source: keyset(...) }) without a function.',
    );
  }
  return checked;
}

function isEmpty(given: unknown): boolean {
  return typeof given === 'object' && given !== null && Object.keys(given).length === 0;
}
