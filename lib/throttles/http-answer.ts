import { z } from 'zod';

/** What a service says: a pressure from 0 to 1, or a number that thresholds are for. */
export interface HttpAnswer {
  readonly kind: 'pressure' | 'number';
  readonly value: number;
  /** In the words of the service; `null` where it gives none. */
  readonly reason: string | null;
}

const LONGEST_SHOWN = 200;

const reason = () => z.string().optional();
/** Time and value. */
const sample = () => z.tuple([z.number(), z.string()]);
const pressureSchema = z.lazy(() => z.object({ pressure: z.number().min(0).max(1), reason: reason() }));
const valueSchema = z.lazy(() => z.object({ value: z.number(), reason: reason() }));
const prometheusSchema = z.lazy(() =>
  z.object({
    status: z.literal('success'),
    data: z.discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample() })).min(1) }),
      z.object({ resultType: z.literal('scalar'), result: sample() }),
    ]),
  }),
);

/** Reads the answer of a service. Throws where it says neither a pressure nor a number. */
export function parseHttpAnswer(body: string): HttpAnswer {
  const json = parseJson(body);
  if (Number.isFinite(json)) {
    return { kind: 'number', value: Number(json), reason: null };
  }
  const pressure = pressureSchema.safeParse(json);
  if (pressure.success) {
    return { kind: 'pressure', value: pressure.data.pressure, reason: pressure.data.reason ?? null };
  }
  const value = valueSchema.safeParse(json);
  if (value.success) {
    return { kind: 'number', value: value.data.value, reason: value.data.reason ?? null };
  }
  const prometheus = prometheusSchema.safeParse(json);
  const values = prometheus.success ? valuesOf(prometheus.data.data) : [];
  if (values.length === 0) {
    throw unreadable(body);
  }
  return { kind: 'number', value: values.reduce((one, other) => Math.max(one, other)), reason: null };
}

/** Without `NaN`, as a division by 0 in one of several series gives it. */
function valuesOf(data: z.infer<typeof prometheusSchema>['data']): number[] {
  const samples = data.resultType === 'vector' ? data.result.map(({ value }) => value) : [data.result];
  return samples.map(([, text]) => toNumber(text)).filter((value) => !Number.isNaN(value));
}

/** Prometheus writes `+Inf` and `-Inf`. */
function toNumber(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text);
  return infinite ? (infinite[1] === '-' ? -Infinity : Infinity) : Number(text);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw unreadable(body);
  }
}

function unreadable(body: string): TypeError {
  const shown = body.length > LONGEST_SHOWN ? `${body.slice(0, LONGEST_SHOWN)}…` : body;
  return new TypeError(
    'Expected { "pressure": 0 to 1 }, a number, { "value": a number } or the result of an instant query of Prometheus with ' +
      `a series, got ${shown}`,
  );
}
