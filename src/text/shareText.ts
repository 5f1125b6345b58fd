/** Shares in per cent, the same in the editor and on the page. */

/** `part` of `whole`: never `0 %` for something and never `100 %` for less than everything. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return '0 %';
  if (part >= whole) return '100 %';
  const percent = (part / whole) * 100;
  if (percent < 0.1) return '< 0.1 %';
  if (percent > 99.9) return '> 99.9 %';
  return `${percent < 10 ? percent.toFixed(1) : Math.round(Math.min(percent, 99))} %`;
}
