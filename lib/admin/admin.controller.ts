import { Body, Get, HttpCode, Inject, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type {
  ActionOptions,
  ConfigureOptions,
  RetryReceipt,
  RunReceipt,
  StartOptions,
} from '../state/run-actions.js';
import { BackfillService } from '../backfill.service.js';
import type { ConfigInForce } from '../config/config.store.js';
import type { UndoConflictPage } from '../journal/undo-conflicts.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import type { BackfillPreview, PreviewOptions } from '../planning/backfill-preview.js';
import type { Rehearsal } from '../rehearsal/rehearsal.js';
import type { FailurePage } from '../state/backfill-failure.js';
import type { FailureGroups } from '../state/failure-group.js';
import type { GlobalHold, HoldReceipt } from '../state/global-hold.js';
import type { BackfillRun } from '../state/backfill-run.js';
import type { OverrideReceipt } from '../state/override.store.js';
import type { BackfillOverview } from '../status/backfill-overview.js';
import type { BackfillStatus } from '../status/backfill-status.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { BudgetStatus } from '../supervision/budget.changer.js';
import { ADMIN_OPTIONS } from './admin.options.js';
import type { ResolvedAdminOptions } from './admin.options.js';
import {
  actionBody,
  budgetBody,
  configBody,
  conflictsQuery,
  failureGroupsQuery,
  failuresQuery,
  historyQuery,
  holdBody,
  samplesQuery,
  listQuery,
  overrideBody,
  overviewQuery,
  previewBody,
  previewQuery,
  rehearseBody,
  resumeBody,
  retryBody,
  startBody,
  startHeaders,
  undoBody,
} from './admin.requests.js';
import { actorOf } from './http/actor.js';
import { header } from './http/admin-request.js';
import type { AdminRequest } from './http/admin-request.js';
import { entityTag, requiredVersion } from './http/entity-tag.js';
import { httpError } from './http/http-error.js';
import { parseRequest } from './http/parse-request.js';
import { OnlyReadsRedis } from './http/redis.interceptor.js';
import { whileConnected } from './http/while-connected.js';

/** Passes requests on to `BackfillService`. Mounted as a subclass with the path and the enhancers of the options. */
export abstract class AdminController {
  @Inject(BackfillService) private readonly backfills!: BackfillService;
  @Inject(ADMIN_OPTIONS) private readonly options!: ResolvedAdminOptions;
  @Inject(HttpAdapterHost) private readonly host!: HttpAdapterHost;

  @Get()
  @OnlyReadsRedis(true)
  list(): Promise<BackfillStatus[]> {
    return this.backfills.list();
  }

  // This and what is about all backfills come before `:name`, which would match them, too.
  @Get('overview')
  @OnlyReadsRedis(true)
  overview(@Query() query: unknown): Promise<BackfillOverview> {
    return this.backfills.overview(parseRequest(overviewQuery, query).after);
  }

  @Get('hold')
  async globalHold(): Promise<{ readonly hold: GlobalHold | null }> {
    return { hold: await this.backfills.globalHold() };
  }

  @Post('hold')
  @HttpCode(200)
  async hold(@Body() body: unknown, @Req() request: AdminRequest): Promise<HoldReceipt> {
    const { reason, until } = parseRequest(holdBody, body);
    const by = await actorOf(request, this.options.actor);
    return this.backfills.hold({ reason, ...withoutUndefined({ until, by }) });
  }

  @Post('hold/release')
  @HttpCode(200)
  async release(@Body() body: unknown, @Req() request: AdminRequest): Promise<HoldReceipt> {
    return this.backfills.release(await this.action(body, request));
  }

  @Get('budget')
  async budget(@Res({ passthrough: true }) response: object): Promise<BudgetStatus> {
    return this.withETag(response, await this.backfills.budget());
  }

  @Patch('budget')
  async configureBudget(
    @Body() body: unknown,
    @Req() request: AdminRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<BudgetStatus> {
    const { reason, ...patch } = parseRequest(budgetBody, body);
    const options = await this.changeOf(reason, request);
    return this.withETag(
      response,
      await unlessStale('BACKFILL_BUDGET_STALE', () => this.backfills.configureBudget(patch, options)),
    );
  }

  @Get(':name')
  @OnlyReadsRedis(true)
  status(@Param('name') name: string): Promise<BackfillStatus | BackfillStatus[]> {
    // Fastify matches `:name` with an empty string where the path ends in a slash.
    return name === '' ? this.list() : this.backfills.status(name);
  }

  @Post(':name/start')
  async start(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<RunReceipt> {
    const { reason, ...options } = parseRequest(startBody, body);
    const { 'Idempotency-Key': key } = parseRequest(startHeaders, {
      'Idempotency-Key': header(request, 'idempotency-key'),
    });
    const startedBy = await actorOf(request, this.options.actor);
    const receipt = await this.backfills.start(name, {
      ...(options as StartOptions),
      ...(reason === undefined ? {} : { reason }),
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(startedBy === undefined ? {} : { startedBy }),
    });
    this.host.httpAdapter.status(response, receipt.changed ? 201 : 200);
    return receipt;
  }

  @Post(':name/pause')
  @HttpCode(200)
  async pause(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<RunReceipt> {
    return this.backfills.pause(name, await this.action(body, request));
  }

  @Post(':name/resume')
  @HttpCode(200)
  async resume(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<RunReceipt> {
    const { reason, adoptVersion } = parseRequest(resumeBody, body);
    const action = await this.action({ reason }, request);
    return this.backfills.resume(name, { ...withoutUndefined({ adoptVersion }), ...action });
  }

  @Post(':name/cancel')
  @HttpCode(200)
  async cancel(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<RunReceipt> {
    return this.backfills.cancel(name, await this.action(body, request));
  }

  @Post(':name/override')
  @HttpCode(200)
  async override(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<OverrideReceipt> {
    const { throttle, factor, until, reason } = parseRequest(overrideBody, body);
    const action = await this.action({ reason }, request);
    return this.backfills.override(name, { throttle, factor, ...withoutUndefined({ until }), ...action });
  }

  @Post(':name/undo')
  @HttpCode(200)
  async undo(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<RunReceipt> {
    const { runId, reason } = parseRequest(undoBody, body);
    return this.backfills.undo(name, { runId, ...(await this.action({ reason }, request)) });
  }

  @Get(':name/undo/conflicts')
  async undoConflicts(@Param('name') name: string, @Query() query: unknown): Promise<UndoConflictPage> {
    return this.backfills.undoConflicts(name, withoutUndefined(parseRequest(conflictsQuery, query)));
  }

  @Get(':name/config')
  async config(
    @Param('name') name: string,
    @Res({ passthrough: true }) response: object,
  ): Promise<ConfigInForce> {
    return this.withETag(response, await this.backfills.config(name));
  }

  @Patch(':name/config')
  async configure(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<ConfigInForce> {
    const { reason, ...patch } = parseRequest(configBody, body);
    const options = await this.changeOf(reason, request);
    return this.withETag(
      response,
      await unlessStale('BACKFILL_CONFIG_STALE', () => this.backfills.configure(name, patch, options)),
    );
  }

  @Get(':name/preview')
  preview(@Param('name') name: string, @Query() query: unknown): Promise<BackfillPreview> {
    return this.backfills.preview(name, parseRequest(previewQuery, query) as PreviewOptions);
  }

  @Post(':name/rehearse')
  @HttpCode(200)
  rehearse(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<Rehearsal> {
    const options = withoutUndefined(parseRequest(rehearseBody, body));
    return whileConnected(request, (signal) => this.backfills.rehearse(name, { ...options, signal }));
  }

  @Post(':name/preview')
  @HttpCode(200)
  previewOf(@Param('name') name: string, @Body() body: unknown): Promise<BackfillPreview> {
    return this.backfills.preview(name, parseRequest(previewBody, body) as PreviewOptions);
  }

  @Get(':name/runs')
  async runs(@Param('name') name: string, @Query() query: unknown): Promise<BackfillRun[]> {
    return this.backfills.runs(name, parseRequest(listQuery, query).limit);
  }

  @Get(':name/runs/:id')
  run(@Param('name') name: string, @Param('id') id: string): Promise<BackfillRun> {
    return this.backfills.run(name, id);
  }

  @Get(':name/failures')
  async failures(@Param('name') name: string, @Query() query: unknown): Promise<FailurePage> {
    const { cursor, ...page } = parseRequest(failuresQuery, query);
    await this.checkRun(name, page.runId);
    return this.backfills.failures(name, withoutUndefined({ after: cursor, ...withoutUndefined(page) }));
  }

  @Get(':name/failure-groups')
  async failureGroups(@Param('name') name: string, @Query() query: unknown): Promise<FailureGroups> {
    const { runId } = parseRequest(failureGroupsQuery, query);
    await this.checkRun(name, runId);
    return this.backfills.failureGroups(name, withoutUndefined({ runId }));
  }

  @Post(':name/failures/retry')
  @HttpCode(200)
  async retry(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: AdminRequest,
  ): Promise<RetryReceipt> {
    const { ids, group, runId, adoptVersion, reason } = parseRequest(retryBody, body);
    await this.checkRun(name, runId);
    const action = await this.action({ reason }, request);
    return whileConnected(request, (signal) =>
      this.backfills.retryFailures(name, {
        ...withoutUndefined({ ids, group, runId, adoptVersion }),
        ...action,
        signal,
      }),
    );
  }

  @Get(':name/samples')
  async samples(@Param('name') name: string, @Query() query: unknown): Promise<BackfillSample[]> {
    return this.backfills.samples(name, withoutUndefined(parseRequest(samplesQuery, query)));
  }

  @Get(':name/history')
  async history(@Param('name') name: string, @Query() query: unknown): Promise<BackfillHistoryEntry[]> {
    const page = parseRequest(historyQuery, query);
    await this.checkRun(name, page.runId);
    return this.backfills.history(name, withoutUndefined(page));
  }

  private async action(body: unknown, request: AdminRequest): Promise<ActionOptions> {
    const { reason } = parseRequest(actionBody, body);
    return withoutUndefined({ reason, by: await actorOf(request, this.options.actor) });
  }

  /** What a change of something with a version is made with; `If-Match` requires one. */
  private async changeOf(reason: string | undefined, request: AdminRequest): Promise<ConfigureOptions> {
    const version = requiredVersion(header(request, 'if-match'));
    return withoutUndefined({ version, ...(await this.action({ reason }, request)) });
  }

  /** Throws `BackfillNotFoundError` for a run of another backfill. */
  private async checkRun(name: string, runId: string | undefined): Promise<void> {
    if (runId !== undefined) {
      await this.backfills.run(name, runId);
    }
  }

  private withETag<T extends { readonly version: string }>(response: object, value: T): T {
    this.host.httpAdapter.setHeader(response, 'ETag', entityTag(value.version));
    return value;
  }
}

/** Answers 412 where the version that the change was made from is no longer in force. */
async function unlessStale<T>(code: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw error instanceof BackfillConflictError ? httpError(412, code, error.message, [], error) : error;
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}
