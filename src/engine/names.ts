/**
 * The known name nearest to one that is not known, for "did you mean" in messages.
 *
 * @returns undefined if none is near enough to be a likely slip (a third of the letters differ).
 */
export function nearestName(unknown: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(unknown.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(unknown.toLowerCase().slice(0, 64), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Does a name match one of a list of patterns such as `exclude`: exact names, or `*` for any part of one? */
export function matchesNamePattern(name: string, patterns: readonly string[]): boolean {
  // Asked for each variable of each container, mostly of no patterns: no closure.
  for (const pattern of patterns) {
    if (pattern.includes('*') ? matchesGlob(name, pattern) : name === pattern) return true;
  }
  return false;
}

/** Each part between two stars is looked for once, from where the one before it ended, so no pattern is slow. */
function matchesGlob(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first, last] = [parts.shift() ?? '', parts.pop() ?? ''];
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
