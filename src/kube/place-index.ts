/**
 * Objects by the places at which they are looked up: kind, namespace, key. Maps in maps, because a request is judged with
 * some twenty look-ups and a key that is put together of three texts would have to be hashed anew for each.
 */
export class PlaceIndex<T> {
  readonly #byKind = new Map<string, Map<string, Map<string, Place<T>>>>();

  /** What stands at a place; undefined: nothing. */
  find(kind: string, namespace: string, key: string): readonly T[] | undefined {
    const place = this.#byKind.get(kind)?.get(namespace)?.get(key);
    return place && (place.values ??= [...place.objects.values()]);
  }

  /** @param object - the object's own key; one that stands there already is replaced */
  add(kind: string, namespace: string, key: string, object: string, value: T): void {
    const byNamespace = innerOf(this.#byKind, kind);
    const byKey = innerOf(byNamespace, namespace);
    let place = byKey.get(key);
    if (place === undefined) byKey.set(key, (place = { objects: new Map(), values: undefined }));
    place.objects.set(object, value);
    place.values = undefined;
  }

  /** Takes an object from a place. What is empty then goes too: namespaces come and go. */
  remove(kind: string, namespace: string, key: string, object: string): void {
    const byNamespace = this.#byKind.get(kind);
    const byKey = byNamespace?.get(namespace);
    const place = byKey?.get(key);
    if (place === undefined) return;
    place.objects.delete(object);
    place.values = undefined;
    if (place.objects.size === 0) byKey?.delete(key);
    if (byKey?.size === 0) byNamespace?.delete(namespace);
  }
}

interface Place<T> {
  /** By their own keys. */
  readonly objects: Map<string, T>;
  /** The same as a list, made when it is asked for: that happens far more often than that they change. */
  values: readonly T[] | undefined;
}

function innerOf<V>(outer: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const present = outer.get(key);
  if (present !== undefined) return present;
  const made = new Map<string, V>();
  outer.set(key, made);
  return made;
}
