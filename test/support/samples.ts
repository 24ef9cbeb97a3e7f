/** Examples of a format, each character drawn evenly from its class (fast-check's are even over ranges, so half of base64 is `+`). */

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A text that a regular expression matches. Knows characters, escapes, classes, groups, `?`, `{n}` and `{n,m}`; throws Error
 * if what comes out does not match.
 */
export function sampleOf(format: string, random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  let at = 0;

  const character = (): string => {
    const next = format[at++] ?? '';
    if (next !== '\\') return next;
    const escaped = format[at++] ?? '';
    return escaped === 'n' ? '\n' : escaped;
  };
  const classOf = (): string[] => {
    const members: string[] = [];
    while (format[at] !== ']') {
      const from = character();
      if (format[at] === '-' && format[at + 1] !== ']') {
        at++;
        const to = character().charCodeAt(0);
        for (let code = from.charCodeAt(0); code <= to; code++) members.push(String.fromCharCode(code));
      } else members.push(from);
    }
    at++;
    return members;
  };
  const atom = (): (() => string) => {
    if (format[at] === '[') {
      at++;
      const members = classOf();
      return () => members[below(members.length)] ?? '';
    }
    if (format.startsWith('(?:', at)) {
      at += 3;
      const start = at;
      sequence();
      const end = at++;
      return () => {
        const back = at;
        at = start;
        const text = sequence();
        if (at !== end) throw new Error(`${format}: a group ends at ${at} and at ${end}`);
        at = back;
        return text;
      };
    }
    const literal = character();
    return () => literal;
  };
  const sequence = (): string => {
    let text = '';
    while (at < format.length && format[at] !== ')') {
      const draw = atom();
      let times = 1;
      const [quantifier = '', least = '', most = least] = /^(?:\?|\{(\d+)(?:,(\d+))?\})/.exec(format.slice(at)) ?? [];
      at += quantifier.length;
      if (quantifier === '?') times = below(2);
      else if (quantifier !== '') times = Number(least) + below(Number(most) - Number(least) + 1);
      for (let time = 0; time < times; time++) text += draw();
    }
    return text;
  };

  const sample = sequence();
  if (!new RegExp(`^(?:${format})$`).test(sample)) throw new Error(`${format} does not match ${sample}`);
  return sample;
}
