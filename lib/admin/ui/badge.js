import { html } from './preact.min.js';
import { badgeOf } from './status-groups.js';

/** The state of a backfill as a colored label. */
export function Badge({ status, now }) {
  const { text, tone } = badgeOf(status, now);
  return html`<span class="badge" data-state=${status.state} data-tone=${tone}>${text}</span>`;
}

/** The state of a run as a colored label. */
export function RunBadge({ status, dryRun }) {
  const text = dryRun ? `${status} · dry run` : status;
  return html`<span class="badge" data-state=${status} data-tone=${status}>${text}</span>`;
}
