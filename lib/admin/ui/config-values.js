import { valueText } from './format.js';
import { DAYS } from './labels.js';

/** A value of the config in words. */
export function displayOf(key, value) {
  if (/Wday/.test(key)) return DAYS[value] ?? valueText(value);
  if (value === null && key.startsWith('perSecond')) return 'unpaced';
  return valueText(value);
}

/** The text that an input shows for a value of the config. */
export function textOf(value) {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The value of a text: `null`, a JSON object, a number or a string. The server validates it. Throws a SyntaxError. */
export function valueOf(key, text) {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (key === 'onPeakTimezone') return trimmed;
  if (trimmed.startsWith('{')) return JSON.parse(trimmed);
  return numberOf(trimmed);
}

/** The number of a text, `null` for an empty one. What is no number is left to the service, which says so. */
export function numberOf(text) {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  return Number.isNaN(Number(trimmed)) ? trimmed : Number(trimmed);
}

/** The edited values that differ from the config, and the errors of those that cannot be read. */
export function patchOf(config, edits) {
  const patch = {};
  const errors = {};
  for (const [key, text] of Object.entries(edits)) {
    try {
      const value = valueOf(key, text);
      if (JSON.stringify(value) !== JSON.stringify(config[key] ?? null)) patch[key] = value;
    } catch {
      errors[key] = 'Must be JSON, such as {"max": 50, "perMs": 1000}.';
    }
  }
  return { patch, errors };
}

/** The keys whose values differ between two configs, as a patch from the first to the second. */
export function differences(before, after) {
  const keys = Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return Object.fromEntries(keys.map((key) => [key, after[key]]));
}
