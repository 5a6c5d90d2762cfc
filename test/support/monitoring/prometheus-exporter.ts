import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** The exporter without a server of its own. */
export class UnservedExporter extends PrometheusExporter {
  constructor() {
    super({ preventServerStart: true });
  }
}

export interface PrometheusEndpoint {
  /** The response to a request of Prometheus. */
  readonly scrape: () => Promise<string>;
  /** What a request begins with, without a server in between. */
  readonly collect: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Registers an SDK with the Prometheus exporter, in place of an earlier one: an app that is created next uses it. */
export async function startPrometheusExporter(): Promise<PrometheusEndpoint> {
  const exporter = new UnservedExporter();
  const meters = new MeterProvider({ readers: [exporter] });
  metrics.disable();
  metrics.setGlobalMeterProvider(meters);
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    scrape: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    collect: () => exporter.collect(),
    close: async () => {
      metrics.disable();
      server.closeAllConnections();
      server.close();
      await meters.shutdown();
    },
  };
}
