/** A value that is there, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Goes on with a value: at once if it is there. A promise for each step of a request costs more than several checks. */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Does some work, and something after it, whether it fails or not. */
export function andFinally<T>(work: () => Awaitable<T>, last: () => void): Awaitable<T> {
  let value: Awaitable<T>;
  try {
    value = work();
  } catch (error) {
    last();
    throw error;
  }
  if (value instanceof Promise) return value.finally(last);
  last();
  return value;
}
