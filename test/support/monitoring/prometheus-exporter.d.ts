import type { MetricReader } from '@opentelemetry/sdk-metrics';

/** The exporter without a server of its own. */
export const UnservedExporter: new () => MetricReader;

export interface PrometheusEndpoint {
  /** The response to a request of Prometheus. */
  readonly scrape: () => Promise<string>;
  /** What a request begins with, without a server in between. */
  readonly collect: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Registers an SDK with the Prometheus exporter, in place of an earlier one: an app that is created next uses it. */
export function startPrometheusExporter(): Promise<PrometheusEndpoint>;
