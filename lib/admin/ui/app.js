import { has, isList, read } from './api.js';
import { detailView } from './detail.js';
import { el, setText } from './dom.js';
import { isRunning } from './format.js';
import { follow } from './live.js';
import { overview } from './overview.js';

const REFRESH_MS = 1000;
const IDLE_REFRESH_MS = 5000;
const CONNECTION_TEXT = { live: 'Live', reconnecting: 'Reconnecting…', connecting: 'Connecting' };

const main = document.getElementById('main');
const connection = document.getElementById('connection');
let view;
let statuses = [];
let isPending = false;
let isRefreshing = false;
let refreshedAt = 0;

function selected() {
  const match = /^#\/(.+)$/.exec(location.hash);
  return match ? decodeURIComponent(match[1]) : null;
}

function show() {
  const name = selected();
  view?.close?.();
  view = name === null ? overview() : detailView(name);
  main.replaceChildren(view.node);
  document.title = name === null ? 'Backfills' : `${name} · Backfills`;
  if (statuses.length > 0) view.update(statuses);
  window.scrollTo(0, 0);
  void refresh();
}

/** Loads what is shown. One refresh at a time; calls during a refresh are merged into one that follows it. */
async function refresh() {
  isPending = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isPending) {
    isPending = false;
    refreshedAt = Date.now();
    try {
      statuses = await read('', isList);
      const current = view;
      current.update(statuses);
      await current.refresh?.();
      main.querySelector('.alert')?.remove();
    } catch (error) {
      showAlert(error.message);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 250);
    });
  }
  isRefreshing = false;
}

function showAlert(text) {
  const alert =
    main.querySelector('.alert') ?? main.insertBefore(el('p.alert', { role: 'alert' }), main.firstChild);
  setText(alert, `This page may be out of date: ${text}`);
}

function onConnection(state) {
  connection.dataset.connection = state;
  setText(connection, CONNECTION_TEXT[state]);
}

addEventListener('hashchange', () => {
  if (location.hash === '#main') return;
  show();
  main.focus({ preventScroll: true });
});
addEventListener('backfill:changed', () => void refresh());
follow({ onEvent: refresh, onConnection });
setInterval(() => {
  const active = statuses.some(has('state')) && statuses.some(({ state }) => isRunning(state));
  if (!document.hidden && Date.now() - refreshedAt >= (active ? REFRESH_MS : IDLE_REFRESH_MS)) void refresh();
}, REFRESH_MS);
show();
