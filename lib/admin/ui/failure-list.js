import { html, useState } from './preact.min.js';
import { Button } from './button.js';
import { loadFailures } from './failure-source.js';
import { keyText } from './format.js';
import { Time } from './time.js';
import { toast } from './toasts.js';
import { useLoad } from './use-load.js';

/** A search is sent once nothing was typed for so long. */
const SEARCH_DELAY_MS = 250;

/** Failures one by one, newest first: those of a group, or that match a search. */
export function FailureList({ url, runId, group, search, version, onRetry }) {
  const [page, setPage] = useState(null);
  const error = useLoad(
    () => loadFailures(url, { runId, group, search }),
    setPage,
    [url, runId, group?.id, search, version],
    search ? SEARCH_DELAY_MS : 0,
  );
  if (error) return html`<p class="alert" role="alert"><bdi>${error.message}</bdi></p>`;
  if (page === null) return html`<p class="quiet">Loading…</p>`;
  if (page.items.length === 0 && page.next === null) return html`<p class="quiet">No failure matches.</p>`;
  const more = async () => {
    const next = await loadFailures(url, { runId, group, search, cursor: page.next });
    setPage({ items: [...page.items, ...next.items], next: next.next });
  };
  return html`<div class="failure-list">
    <ul>${page.items.map((failure) => html`<${Failure} key=${failure.id} failure=${failure} onRetry=${onRetry} />`)}</ul>
    ${page.next !== null && html`<${Button} onClick=${more}>Show more<//>`}
  </div>`;
}

function Failure({ failure, onRetry }) {
  const { id, kind, key, error, attempts, failedAt } = failure;
  const name = keyText(key);
  const copy = async () => {
    await navigator.clipboard.writeText(
      `${kind} ${name}\n${error.name}: ${error.message}\n${error.stack ?? ''}`,
    );
    toast('Copied');
  };
  return html`<li class="failure">
    <p class="failure-key">${kind}${' '}<code><bdi>${name}</bdi></code></p>
    <p class="quiet">${attempts === 1 ? '1 attempt' : `${attempts} attempts`}, <${Time} iso=${failedAt} /></p>
    <span class="actions">
      ${navigator.clipboard && html`<${Button} kind="small" aria-label="Copy ${name}" onClick=${copy}>Copy<//>`}
      ${onRetry && html`<${Button} kind="small" aria-label="Retry… ${name}" onClick=${() => onRetry({ ids: [id], count: 1 })}>Retry…<//>`}
    </span>
    <details>
      <summary><bdi>${error.name}: ${error.message}</bdi></summary>
      <pre tabindex="0" aria-label="Stack trace of ${name}"><bdi>${error.stack ?? 'no stack trace'}</bdi></pre>
    </details>
  </li>`;
}
