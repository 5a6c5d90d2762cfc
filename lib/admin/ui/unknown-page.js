import { html, useEffect } from './preact.min.js';

/** What an address that is none of this page shows. */
export function UnknownPage({ hash }) {
  useEffect(() => {
    document.title = 'Unknown address · Backfills';
  }, []);
  return html`<div class="empty">
    <h2>Nothing is at this address</h2>
    <p><code><bdi>${hash}</bdi></code> is neither a backfill nor a run.</p>
    <p><a href="#/">Show all backfills</a></p>
  </div>`;
}
