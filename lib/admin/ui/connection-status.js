import { html } from './preact.min.js';
import { between, when } from './format.js';
import { health } from './health.js';
import { useStore } from './store.js';
import { connection } from './stream.js';
import { useNow } from './use-now.js';

const TEXTS = { live: 'Live', reconnecting: 'Reconnecting…', connecting: 'Connecting' };
/** Answers come at least every five seconds; an older one is told. */
const OLD_MS = 8_000;

/** Whether what is shown is fresh: the state of the connection, and the age of the last answer. */
export function ConnectionStatus() {
  const state = useStore(connection);
  const { answeredAt, problem } = useStore(health);
  useNow();
  const now = Date.now();
  const text = problemText(problem) ?? TEXTS[state];
  const age = answeredAt === null ? null : now - answeredAt;
  return html`<div class="freshness">
    <p class="connection" id="connection" role="status" data-connection=${problem ? problem.kind : state}>${text}</p>
    ${
      age !== null &&
      html`<p class="age" data-old=${age > OLD_MS || problem ? '' : null}>
      ${age < 1500 ? 'updated just now' : `updated ${between(0, age)} ago`}
    </p>`
    }
  </div>`;
}

function problemText(problem) {
  if (problem?.kind === 'signed-out') return 'Signed out';
  if (problem?.kind === 'away') return `Server away since ${when(problem.since)}`;
  return null;
}

/** What is wrong, in the page itself: everything below it may be out of date. */
export function ProblemAlert() {
  const { problem } = useStore(health);
  if (!problem) return null;
  if (problem.kind === 'signed-out') {
    return html`<p class="alert" role="alert">
      You are signed out, or may not see this page any more. What is shown below is no longer updated.${' '}
      <a href="" onClick=${reload}>Sign in again</a>
    </p>`;
  }
  const since = when(problem.since);
  return html`<p class="alert" role="alert">
    This page is out of date since ${since}: <bdi>${problem.message}</bdi> It goes on by itself once the server answers.
  </p>`;
}

function reload(event) {
  event.preventDefault();
  location.reload();
}
