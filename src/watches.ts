/** What the watches of this process say of themselves: metrics, and whether one of them is stuck. */
import type { WatchHealth } from './kube/informer.ts';
import type { Metrics } from './metrics.ts';

/**
 * A watch that neither hears, nor fails, nor tries for so long is stuck by a fault of this process, in milliseconds. All of
 * its own waiting times together are far shorter.
 */
const STUCK = 300_000;
const STATES = ['pending', 'synced', 'failed', 'notServed'] as const;

/** Publishes when each watched resource was last heard of, and in which state its copy is. */
export function publishWatches(watches: Iterable<WatchHealth>, metrics: Metrics): void {
  for (const { resource, state, lastEvent } of watches) {
    // A resource that is not there is silent for good, which is nothing to be alarmed about.
    if (state.state === 'synced' || state.state === 'pending') {
      metrics.watchLastEvent.set({ resource }, lastEvent / 1000);
    } else metrics.watchLastEvent.remove({ resource });
    for (const name of STATES) metrics.watchState.set({ resource, state: name }, name === state.state ? 1 : 0);
  }
}

/**
 * Why this replica should not be asked, as far as its watches go; undefined: nothing speaks against it.
 *
 * Silence of the API server is no reason, however long: every replica would hear it, and a webhook without ready replicas
 * is the very outage that it is there to prevent (docs/adr/0004).
 */
export function stuckWatch(watches: Iterable<WatchHealth>): string | undefined {
  for (const { resource, idleFor } of watches) {
    if (idleFor > STUCK) return `the watch of ${resource} is stuck`;
  }
  return undefined;
}
