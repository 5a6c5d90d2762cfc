import { has, isList, nameUrl, query, read } from './api.js';
import { isRunning } from './format.js';
import { loadGroups } from './failure-source.js';
import { startPolling } from './poll.js';
import { onEvent } from './stream.js';

/** What is loaded again without an event, in case one was missed. */
const STALE_MS = 15_000;
const SAMPLES_MS = 2_000;
const FAILURES_MS = 3_000;
const RUNS = 10;
/** From so many on, all are read again: the service has thinned out the older ones. */
const MAX_SAMPLES = 2_500;
const ALL = ['config', 'runs', 'history', 'failures', 'samples'];
/** What an event changes beside the status. */
const CHANGES = {
  configured: ['config', 'history'],
  quarantined: ['failures'],
  planned: [],
  rangeCompleted: [],
};
const RUN_CHANGES = ['runs', 'history', 'failures', 'samples'];

/**
 * What the page of a backfill shows. The status is read after each event, at most once a second; the rest only where an
 * event, or the status itself, says that it has changed.
 */
export class DetailSource {
  data = {
    status: undefined,
    isMissing: false,
    isGone: false,
    config: null,
    runs: null,
    changes: 0,
    groups: null,
    samples: [],
  };
  dirty = new Set(ALL);
  loadedAt = {};
  range = 'hour';

  constructor(name, onData) {
    this.name = name;
    this.url = nameUrl(name);
    this.onData = onData;
    this.polling = startPolling(() => this.load());
    this.unsubscribe = onEvent((event) => this.handle(event));
  }

  stop() {
    this.polling.stop();
    this.unsubscribe();
  }

  /** Loads all of it again, after an action. */
  refresh = () => {
    ALL.forEach((part) => this.dirty.add(part));
    this.polling.poke();
  };

  /** Shows another range of samples. */
  setRange(range) {
    this.range = range;
    this.set({ samples: [] });
    this.dirty.add('samples');
    this.loadedAt.samples = 0;
    this.polling.poke();
  }

  handle({ type, backfill }) {
    if (type === 'reset') this.refresh();
    if (backfill !== this.name && backfill !== '*') return;
    (CHANGES[type] ?? RUN_CHANGES).forEach((part) => this.dirty.add(part));
    this.polling.poke();
  }

  async load() {
    const status = await this.readStatus();
    if (!status) return;
    this.compare(this.data.status, status);
    this.set({ status, isMissing: false });
    await this.part('config', STALE_MS, () => this.loadConfig());
    if (this.data.isGone) return;
    await Promise.all([
      this.part('runs', STALE_MS, () => this.loadRuns()),
      this.part('history', STALE_MS, async () => ({ changes: this.data.changes + 1 })),
      this.part('failures', FAILURES_MS, () => this.loadFailures()),
      this.part('samples', SAMPLES_MS, () => this.loadSamples()),
    ]);
    if (isRunning(status.state)) this.dirty.add('samples');
  }

  /** `null` where no backfill has the name. */
  async readStatus() {
    try {
      return await read(this.url, has('state'));
    } catch (error) {
      if (error.status !== 404) throw error;
      this.set({ isMissing: true });
      return null;
    }
  }

  /** The status tells what else has changed, where no event did. */
  compare(before, after) {
    const differs = (...keys) => keys.some((key) => before?.[key] !== after[key]);
    if (differs('state', 'runId', 'stateReason')) this.refreshLater(RUN_CHANGES);
    if (differs('failed', 'rowsFailed')) this.refreshLater(['failures']);
  }

  refreshLater(parts) {
    parts.forEach((part) => this.dirty.add(part));
  }

  /** Loads a part that has changed, at most once within two seconds or so, or that is old. */
  async part(name, everyMs, load) {
    const age = performance.now() - (this.loadedAt[name] ?? -Infinity);
    const isDue = this.dirty.has(name) && (everyMs === STALE_MS || age >= everyMs);
    const isOld = age >= STALE_MS && (name === 'config' || name === 'history');
    if (!isDue && !isOld) return;
    this.dirty.delete(name);
    this.loadedAt[name] = performance.now();
    try {
      this.set(await load());
    } catch (error) {
      this.dirty.add(name);
      throw error;
    }
  }

  async loadConfig() {
    try {
      return { config: await read(`${this.url}/config`, has('config')), isGone: false };
    } catch (error) {
      // The status is that of a run whose handler is gone: nothing else is known of it without its handler.
      if (error.status === 404) return { config: null, isGone: true };
      throw error;
    }
  }

  async loadRuns() {
    return { runs: await read(`${this.url}/runs?limit=${RUNS}`, isList) };
  }

  async loadFailures() {
    return { groups: await loadGroups(this.url, {}) };
  }

  async loadSamples() {
    const { range } = this;
    const known = this.data.samples.length < MAX_SAMPLES ? this.data.samples : [];
    const after = known.at(-1)?.at;
    const newer = await read(`${this.url}/samples${query({ range, after })}`, isList);
    if (range !== this.range) return {};
    const added = newer.filter(({ at }) => after === undefined || at > after).toSorted((a, b) => a.at - b.at);
    return added.length > 0 ? { samples: [...known, ...added] } : {};
  }

  set(patch) {
    this.data = { ...this.data, ...patch };
    this.onData(this.data);
  }
}
