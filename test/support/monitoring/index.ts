export { parsePromQuery, type PromQuery } from './prom-query.js';
export { startPrometheusExporter, UnservedExporter, type PrometheusEndpoint } from './prometheus-exporter.js';
export { parseSamples, sumOf, type Sample } from './samples.js';
