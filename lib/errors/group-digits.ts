/** A whole number as people write it: `1,000,000`. Unlike `toLocaleString`, it loads no data of a locale. */
export function groupDigits(whole: number): string {
  return String(whole).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
