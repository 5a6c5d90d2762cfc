import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { RangeExecutor } from '../processing/range.executor.js';
import { ExportedStatusReader } from './exported-status.reader.js';
import { MetricsLeases } from './metrics.leases.js';
import { OtelTelemetry } from './otel.telemetry.js';

/** The global under which `@opentelemetry/api` keeps registered SDKs, the same for every copy of the package. */
const OTEL_GLOBAL = Symbol.for('opentelemetry.js.api.1');

/** Jest imports nothing at run time without its own flag. */
const ABSENT = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG']);

/**
 * Enables OpenTelemetry where the app has registered an SDK before it was created. Otherwise `@opentelemetry/api`, an
 * optional peer, is not even loaded.
 */
@Injectable()
export class TelemetryLoader implements OnModuleInit, BeforeApplicationShutdown {
  private telemetry: OtelTelemetry | undefined;

  constructor(
    private readonly executor: RangeExecutor,
    private readonly statuses: ExportedStatusReader,
    private readonly leases: MetricsLeases,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!(OTEL_GLOBAL in globalThis)) {
      return;
    }
    let api;
    try {
      api = await import('@opentelemetry/api');
    } catch (error) {
      if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) {
        return;
      }
      throw error;
    }
    this.telemetry = new OtelTelemetry(api, this.statuses, this.leases);
    this.executor.telemetry = this.telemetry;
  }

  /** Before the connection to Redis is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.telemetry?.close();
  }
}
