/**
 * Objects by the places at which they are looked up: kind, namespace, key. Maps in maps, because a request is judged with
 * some twenty look-ups and a key that is put together of three texts would have to be hashed anew for each.
 */
export class PlaceIndex<T> {
  readonly #byKind = new Map<string, Map<string, Map<string, Map<string, T>>>>();

  /** What stands at a place, by the objects' own keys; undefined: nothing. */
  find(kind: string, namespace: string, key: string): ReadonlyMap<string, T> | undefined {
    return this.#byKind.get(kind)?.get(namespace)?.get(key);
  }

  /** @param object - the object's own key; one that stands there already is replaced */
  add(kind: string, namespace: string, key: string, object: string, value: T): void {
    const byNamespace = innerOf(this.#byKind, kind);
    innerOf(innerOf(byNamespace, namespace), key).set(object, value);
  }

  /** Takes an object from a place. What is empty then goes too: namespaces come and go. */
  remove(kind: string, namespace: string, key: string, object: string): void {
    const byNamespace = this.#byKind.get(kind);
    const byKey = byNamespace?.get(namespace);
    const found = byKey?.get(key);
    found?.delete(object);
    if (found?.size === 0) byKey?.delete(key);
    if (byKey?.size === 0) byNamespace?.delete(namespace);
  }
}

function innerOf<V>(outer: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const present = outer.get(key);
  if (present !== undefined) return present;
  const made = new Map<string, V>();
  outer.set(key, made);
  return made;
}
