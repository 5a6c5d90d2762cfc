import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { BackfillService } from '../backfill.service.js';
import { RangeExecutor } from '../processing/range.executor.js';
import { OtelTelemetry } from './otel/otel.telemetry.js';

/** Where `@opentelemetry/api` keeps what an SDK has registered, whichever copy of it the SDK has. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/**
 * Turns measuring on where the app has `@opentelemetry/api` and registered an SDK with it before it was
 * created. Without one nobody listens, and the API is not even loaded.
 */
@Injectable()
export class TelemetrySwitch implements OnModuleInit, OnApplicationShutdown {
  private telemetry: OtelTelemetry | undefined;

  constructor(
    private readonly executor: RangeExecutor,
    private readonly backfills: BackfillService,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!(REGISTERED in globalThis)) {
      return;
    }
    let api;
    try {
      api = await import('@opentelemetry/api');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') {
        return;
      }
      throw error;
    }
    this.telemetry = new OtelTelemetry(api, this.backfills);
    this.executor.telemetry = this.telemetry;
  }

  onApplicationShutdown(): void {
    this.telemetry?.close();
  }
}
