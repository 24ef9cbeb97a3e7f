/** Callers as the webhook's server is told of them. */
import type { ServerOptions } from '../../src/webhook/server.ts';

/** Everybody is taken for the API server. */
export const ALL_KNOWN: ServerOptions['callers'] = {
  authorities: undefined,
  refuses: () => false,
  knows: () => true,
};
/** Nobody is. */
export const ALL_UNKNOWN: ServerOptions['callers'] = { ...ALL_KNOWN, knows: () => false };
