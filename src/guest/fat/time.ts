/**
 * DOS times: a word with the date and one with the time, in local time of the guest, which says nowhere what that is: taken
 * as UTC. exFAT adds hundredths of a second and, mostly, the distance from UTC.
 */

/** @returns milliseconds since 1970; undefined where the date is not one */
export function dosTime(date: number, time: number): number | undefined {
  const [year, month, day] = [1980 + (date >>> 9), (date >>> 5) & 15, date & 31];
  const [hour, minute, second] = [time >>> 11, (time >>> 5) & 63, 2 * (time & 31)];
  const isDate = month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60;
  return isDate ? Date.UTC(year, month - 1, day, hour, minute, second) : undefined;
}

const QUARTER = 15 * 60_000;

/**
 * @param stamp the date in the upper half, the time in the lower
 * @param hundredths 0–199
 * @param zone bit 7: valid; bits 0–6: quarters of an hour from UTC, signed
 */
export function exfatTime(stamp: number, hundredths: number, zone: number): number | undefined {
  const local = dosTime(stamp >>> 16, stamp & 0xffff);
  if (local === undefined) return undefined;
  const quarters = (zone & 0x80) === 0 ? 0 : ((zone & 0x7f) << 25) >> 25;
  return local + (hundredths < 200 ? hundredths * 10 : 0) - quarters * QUARTER;
}
