/** The ReadinessExceptions of the cluster, compiled as they come. Every replica keeps them: requests are judged with them. */
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import type { Logger } from '../logger.ts';
import {
  ExceptionSet,
  type CompiledException,
  type ExceptionCompiler,
  type ExceptionResult,
} from '../policy/exceptions.ts';
import { GROUP, VERSION } from '../policy/schema.ts';
import { problemText } from './policies.ts';

export const EXCEPTIONS = { group: GROUP, version: VERSION, resource: 'readinessexceptions' };

/** An exception as the cluster has it, and what was made of it. */
export interface ExceptionState {
  readonly object: RawObject;
  readonly result: ExceptionResult;
}

/** What became of an exception: undefined where there is none, or none that can be used. */
export interface ExceptionChange {
  /** `namespace/name` */
  readonly key: string;
  readonly before: CompiledException | undefined;
  readonly after: CompiledException | undefined;
}

export interface ExceptionsOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly compiler: ExceptionCompiler;
  /** Told of each change that may change a verdict, after it is in the set. */
  readonly onChange: (change: ExceptionChange) => void;
  /** Told that an exception's status may have to say something else. */
  readonly onStatus: (key: string) => void;
}

export class Exceptions {
  /** Those that can be used, whether in force or not. One object for ever: it changes in place. */
  readonly set = new ExceptionSet();
  readonly #informer: Informer<ExceptionState>;
  readonly #compiler: ExceptionCompiler;

  constructor({ client, logger, compiler, onChange, onStatus }: ExceptionsOptions) {
    this.#compiler = compiler;
    this.#informer = new Informer<ExceptionState>({
      client,
      group: EXCEPTIONS.group,
      versions: [EXCEPTIONS.version],
      resource: EXCEPTIONS.resource,
      keep: ({ metadata, spec, status }: RawObject) => {
        const object = { metadata, spec, status };
        return { object, result: compiler.compile(object) };
      },
      onChange: (key, before, after) => {
        onStatus(key);
        if (versionOf(before) === versionOf(after)) return;
        if (after !== undefined && 'problems' in after.result) {
          logger.warn('an exception can not be used', {
            exception: key,
            problems: after.result.problems.map(problemText),
          });
        }
        const [old, now] = [usable(before), usable(after)];
        if (old !== undefined) this.set.delete(old.namespace, old.name);
        if (now !== undefined) this.set.set(now);
        onChange({ key, before: old, after: now });
      },
      onError: (error, what) => logger.warn('watching exceptions', { what, error }),
    });
  }

  start(): void {
    this.#informer.start();
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
  }

  /** Resolves when the exceptions that were there at the start are known, or can't be read. */
  get settled(): Promise<void> {
    return this.#informer.settled;
  }

  /**
   * The exceptions of a namespace, made of objects that have just been read.
   *
   * @param areAll - false: there are more than these; of the others, what is known here stays
   */
  among(namespace: string, objects: readonly RawObject[], areAll: boolean): ExceptionSet {
    const made = new ExceptionSet(areAll ? [] : [...this.set].filter((exception) => exception.namespace === namespace));
    for (const object of objects) {
      const result = this.#compiler.compile(object);
      if ('exception' in result) made.set(result.exception);
      else made.delete(namespace, String(valueAt(object, ['metadata', 'name'])));
    }
    return made;
  }

  /** @param key - `namespace/name` */
  state(key: string): ExceptionState | undefined {
    return this.#informer.get(key);
  }

  *keys(): Iterable<string> {
    for (const [key] of this.#informer.entries()) yield key;
  }

  get informer(): Informer<ExceptionState> {
    return this.#informer;
  }
}

function usable(state: ExceptionState | undefined): CompiledException | undefined {
  return state !== undefined && 'exception' in state.result ? state.result.exception : undefined;
}

/** Tells versions of an exception's spec apart, also that of one made anew under the same name. */
function versionOf(state: ExceptionState | undefined): string {
  const at = (field: string): string => String(valueAt(state?.object, ['metadata', field]));
  return `${at('uid')}/${at('generation')}`;
}
