/** Longer texts are worked out each time: what is remembered stays small whatever is asked. */
const LONGEST = 128;

/**
 * A function of a text that remembers its answers. Manifests hold the same few quantities and images again and again, and
 * each is read by several checks.
 *
 * @param compute - pure; its answers must not be changed by anyone
 * @param most - answers that are kept; when they are exceeded all are forgotten
 */
export function remembering<T>(compute: (text: string) => T, most = 1024): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined || known.has(text)) return answer as T;
    const computed = compute(text);
    if (text.length <= LONGEST) {
      if (known.size >= most) known.clear();
      known.set(text, computed);
    }
    return computed;
  };
}

/**
 * A function of an object that works out its answer once for each object, and forgets it with the object.
 *
 * @param compute - pure; its answers must not be changed by anyone
 */
export function onceForEach<K extends object, T extends object>(compute: (object: K) => T): (object: K) => T {
  const known = new WeakMap<K, T>();
  return (object) => {
    let answer = known.get(object);
    if (answer === undefined) {
      answer = compute(object);
      known.set(object, answer);
    }
    return answer;
  };
}
