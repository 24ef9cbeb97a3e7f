/** Durations in the grammar that policies use, a subset of Go's: `90s`, `1h30m`, `2160h`, `1.5h`, `250ms`. */
export const DURATION_PATTERN = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';

const UNIT_MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Parses a duration. @returns milliseconds, or undefined if the text does not follow DURATION_PATTERN. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64 || !new RegExp(DURATION_PATTERN).test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MILLISECONDS[unit ?? ''] ?? 0);
  }
  return total;
}

/** Writes milliseconds as a duration a person would write: `30s`, `5m`, `1h30m`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const size = UNIT_MILLISECONDS[unit] ?? 1;
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text === '' ? '0s' : text;
}
