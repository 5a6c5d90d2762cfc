import { html, useEffect, useRef, useState } from './preact.min.js';
import { ActionBar } from './action-bar.js';
import { Badge } from './badge.js';
import { DetailPanels } from './detail-panels.js';
import { DetailSource } from './detail-source.js';
import { DetailTiles } from './detail-tiles.js';
import { HoldBar } from './hold-bar.js';
import { isGlobal, loadHold } from './hold-source.js';
import { Progress } from './progress.js';
import { RunPage } from './run-page.js';
import { StatusText } from './status-text.js';
import { onEvent } from './stream.js';
import { useNow } from './use-now.js';

/** The page of one backfill, or of one of its runs. */
export function DetailPage({ name, runId }) {
  const now = useNow();
  const source = useRef();
  const [data, setData] = useState(null);
  useEffect(() => {
    document.title = `${name} · Backfills`;
    source.current = new DetailSource(name, setData);
    // A service of an earlier version has none.
    const load = () => void loadHold().catch(() => undefined);
    load();
    const unsubscribe = onEvent((event) => (isGlobal(event) || event.type === 'reset') && load());
    return () => {
      unsubscribe();
      source.current.stop();
    };
  }, [name]);
  if (data?.isMissing) return html`<${Missing} name=${name} />`;
  if (!data?.status) return html`<p class="quiet">Loading…</p>`;
  const context = { ...data, name, url: source.current.url, now, refresh: source.current.refresh };
  if (runId !== null && !data.isGone) return html`<${RunPage} ...${context} runId=${runId} />`;
  return html`<${Detail} ...${context} onRange=${(range) => source.current.setRange(range)} />`;
}

function Detail(context) {
  const { name, url, status, groups, config, now, refresh, isGone } = context;
  return html`<article class="detail">
    <p><a href="#/">← All backfills</a></p>
    <${HoldBar} now=${now} />
    <div class="detail-head">
      <div>
        <h2><bdi>${name}</bdi>${' '}<${Badge} status=${status} now=${now} /></h2>
        ${status.description && html`<p class="quiet"><bdi>${status.description}</bdi></p>`}
      </div>
      <${ActionBar} name=${name} url=${url} status=${status} groups=${groups} isGone=${isGone} refresh=${refresh} />
    </div>
    <${StatusText} status=${status} now=${now} />
    ${status.runId && html`<${Progress} status=${status} label="Progress of ${name}" />`}
    ${status.runId && html`<${DetailTiles} status=${status} config=${config} now=${now} />`}
    ${isGone ? html`<${Gone} />` : html`<${DetailPanels} ...${context} />`}
  </article>`;
}

function Gone() {
  return html`<p class="empty">
    This app has no handler of this name, so its config, failures and history are not shown here. Open the page of an app
    that has the handler.
  </p>`;
}

function Missing({ name }) {
  return html`<div class="empty">
    <p class="alert" role="alert">There is no backfill <bdi>${JSON.stringify(name)}</bdi>.</p>
    <p>This app has no handler of this name, and Redis has no run of it. <a href="#/">Show all backfills</a></p>
  </div>`;
}
