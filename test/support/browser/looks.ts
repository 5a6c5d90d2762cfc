/** A theme and a width in pixels. */
export type Look = readonly [theme: 'light' | 'dark', width: number];

/** The themes and widths that the page is looked at in; at 320 nothing may overflow. */
export const LOOKS: readonly Look[] = (['light', 'dark'] as const).flatMap((theme) =>
  [1440, 768, 360, 320].map((width): Look => [theme, width]),
);
