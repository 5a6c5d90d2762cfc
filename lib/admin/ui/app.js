import { has, isList, read } from './api.js';
import { detailView } from './detail.js';
import { el, setText } from './dom.js';
import { follow } from './live.js';
import { overview } from './overview.js';

const EVERY_MS = 1000;
const IDLE_EVERY_MS = 5000;
const LINK_TEXT = { live: 'Live', reconnecting: 'Reconnecting…', connecting: 'Connecting' };

const main = document.getElementById('main');
const link = document.getElementById('link');
let view;
let statuses = [];
let asked = false;
let asking = false;
let lastAsked = 0;

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

/** Asks for what is shown, once at a time: what comes while it is asked is asked for after. */
async function refresh() {
  asked = true;
  if (asking) return;
  asking = true;
  while (asked) {
    asked = false;
    lastAsked = Date.now();
    try {
      statuses = await read('', isList);
      const current = view;
      current.update(statuses);
      await current.refresh?.();
      main.querySelector('.trouble')?.remove();
    } catch (error) {
      trouble(error.message);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 250);
    });
  }
  asking = false;
}

function trouble(text) {
  const shown =
    main.querySelector('.trouble') ?? main.insertBefore(el('p.trouble', { role: 'alert' }), main.firstChild);
  setText(shown, `What you see may be old: ${text}`);
}

function onLink(state) {
  link.dataset.link = state;
  setText(link, LINK_TEXT[state]);
}

addEventListener('hashchange', () => {
  if (location.hash === '#main') return;
  show();
  main.focus({ preventScroll: true });
});
addEventListener('backfill:changed', () => void refresh());
follow({ onEvent: refresh, onLink });
setInterval(() => {
  const busy = statuses.some(has('state')) && statuses.some(({ state }) => state === 'running');
  if (!document.hidden && Date.now() - lastAsked >= (busy ? EVERY_MS : IDLE_EVERY_MS)) void refresh();
}, EVERY_MS);
show();
