import { html, useEffect, useLayoutEffect, useRef, useState } from './preact.min.js';
import { countsOf, sectionsOf } from './list-filter.js';
import { BudgetPanel } from './budget-panel.js';
import { changesBudget, expireBudget, refreshBudget } from './budget-source.js';
import { ListControls } from './list-controls.js';
import { ListItem } from './list-item.js';
import { HoldBar } from './hold-bar.js';
import { loadOverview, overview } from './overview-source.js';
import { startPolling } from './poll.js';
import { useStore } from './store.js';
import { onEvent } from './stream.js';
import { useNow } from './use-now.js';

/** So many backfills that never ran are shown; more are folded. */
const UNFOLDED = 5;
const SHARED_MS = 1_100;

/** The list of all backfills, those that need attention first. */
export function ListPage({ params }) {
  const now = useNow();
  const statuses = useStore(overview);
  const list = useRef();
  useEffect(() => {
    document.title = 'Backfills';
    expireBudget();
    const polling = startPolling(async () => {
      await loadOverview();
      await refreshBudget();
    });
    let timer;
    const unsubscribe = onEvent((event) => {
      if (changesBudget(event)) expireBudget();
      polling.poke();
      // The service shares an answer for a second: the first one may be from before the event.
      clearTimeout(timer);
      timer = setTimeout(polling.poke, SHARED_MS);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
      polling.stop();
    };
  }, []);
  useKeptFocus(list);
  if (statuses === null) return html`<p class="quiet">Loading…</p>`;
  if (statuses.length === 0) {
    return html`<p class="empty">No handler of this app is decorated with @Backfill, so there is nothing to run yet.</p>`;
  }
  const filter = {
    search: params.get('q') ?? '',
    state: params.get('state') ?? '',
    sort: params.get('sort') ?? '',
  };
  const sections = sectionsOf(statuses, filter, now);
  const isFiltered = filter.search !== '' || filter.state !== '';
  return html`<div class="list" ref=${list}>
    <${HoldBar} now=${now} isList />
    <${BudgetPanel} statuses=${statuses} />
    <${ListControls} params=${params} counts=${countsOf(statuses, now)} total=${statuses.length} />
    ${sections.length === 0 && html`<p class="empty">No backfill matches. <a href="#/">Show all</a></p>`}
    ${sections.map(
      (section) => html`<${Section} key=${section.id} ...${section} now=${now} isFiltered=${isFiltered} />`,
    )}
  </div>`;
}

function Section({ id, title, items, now, isFiltered }) {
  const [isOpen, setOpen] = useState(null);
  const isFolded = id === 'never' && items.length > UNFOLDED && !isFiltered;
  const heading = html`<h2 id="group-${id}">${title} <span class="quiet">${items.length}</span></h2>`;
  const lines = html`<ul class="items" aria-labelledby="group-${id}">
    ${items.map((status) => html`<${ListItem} key=${status.name} status=${status} now=${now} />`)}
  </ul>`;
  if (id !== 'never') return html`<section class="group" data-group=${id}>${heading}${lines}</section>`;
  return html`<details
    class="group"
    data-group=${id}
    open=${isOpen ?? !isFolded}
    onToggle=${(event) => setOpen(event.target.open)}
  >
    <summary>${heading}</summary>
    ${lines}
  </details>`;
}

/** Keeps the focus on the link of a backfill that an update moves, which takes the focus away. */
function useKeptFocus(list) {
  const focused = document.activeElement?.closest('[data-name]')?.dataset.name;
  useLayoutEffect(() => {
    if (focused === undefined || document.activeElement !== document.body) return;
    const item = [...list.current.querySelectorAll('[data-name]')].find(
      ({ dataset }) => dataset.name === focused,
    );
    item?.querySelector('a').focus({ preventScroll: true });
  });
}
