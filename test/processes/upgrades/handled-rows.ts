import { eventually } from '../../support/apps/eventually.js';
import type { TestDatabase } from '../../support/databases/index.js';
import type { AppPlan } from './app-plan.js';
import { NAMES, type Name } from './backfills.js';

/** How many rows were handled by which versions, in this order. */
export type Handled = Partial<
  Record<'' | 'release' | 'current' | 'release current' | 'current release', number>
>;

/** Reads from the tables of the backfills which versions handled their rows. */
export class HandledRows {
  constructor(private readonly database: () => TestDatabase) {}

  /** @param collapse counts a row that one version handled several times in a row as handled once */
  async of(name: Name, collapse = false): Promise<Handled> {
    const by = collapse ? `regexp_replace(handled_by, '(\\w+ )\\1+', '\\1', 'g')` : 'handled_by';
    const rows = await this.database().query<{ by: string; rows: number }>(
      `SELECT trim(${by}) AS by, count(*)::int AS rows FROM ${name} GROUP BY 1`,
    );
    return Object.fromEntries(rows.map(({ by, rows }) => [by, rows]));
  }

  async ofAll(): Promise<Record<Name, Handled>> {
    const handled: Partial<Record<Name, Handled>> = {};
    for (const name of NAMES) {
      handled[name] = await this.of(name);
    }
    return handled as Record<Name, Handled>;
  }

  /** Waits until one version, and no other, has written so many rows of each backfill. */
  async untilWritten(version: AppPlan['version'], rows: (name: Name) => number): Promise<void> {
    await this.until('rows to be written', (name, { [version]: written }) => written === rows(name));
  }

  /** Waits until the handler of a row is held: those before it are done, in a range that is not. */
  async untilHeld(name: Name, position: number): Promise<void> {
    await eventually(
      `${name}: the handler of row ${position} to be held`,
      () => this.database().query(`SELECT FROM held WHERE name = '${name}' AND position = ${position}`),
      (held) => held.length > 0,
    );
  }

  /** Waits until each version has handled rows of each backfill. */
  async untilBoth(): Promise<void> {
    await this.until(
      'rows of both versions',
      (_, { release = 0, current = 0 }) => release > 0 && current > 0,
    );
  }

  private async until(what: string, passes: (name: Name, handled: Handled) => boolean): Promise<void> {
    for (const name of NAMES) {
      await eventually(
        `${name}: ${what}`,
        () => this.of(name, true),
        (handled) => passes(name, handled),
      );
    }
  }
}
