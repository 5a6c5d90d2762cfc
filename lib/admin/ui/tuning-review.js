import { html } from './preact.min.js';
import { Button } from './button.js';
import { ChangeList } from './change-list.js';
import { ReasonField } from './field.js';

/** The changes that are about to be applied, with their effect. */
export function TuningReview({ review, isStale, from, reason, onReason, onDiscard, onApply }) {
  const { patch, effect } = review;
  if (Object.keys(patch).length === 0 && !isStale) {
    return html`<div class="review" aria-live="polite"><p class="quiet">No changes: these values are in force.</p></div>`;
  }
  return html`<div class="review" aria-live="polite" data-stale=${isStale ? '' : null}>
    <h4>Changes</h4>
    <${ChangeList} patch=${patch} from=${from} />
    ${effect.map((line) => html`<p class="quiet" key=${line}>${line}</p>`)}
    ${isStale && html`<p class="warning">The values were changed after this review: review them again.</p>`}
    <${ReasonField} id="tuning-reason" value=${reason} onValue=${onReason} />
    <div class="actions">
      <${Button} onClick=${onDiscard}>Discard<//>
      <${Button} kind="primary" onClick=${onApply} disabled=${isStale}>Apply<//>
    </div>
  </div>`;
}
