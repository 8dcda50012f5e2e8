/** The door of adoption: how the rules of the centre are read, proposed, approved and changed. */
export { effectsFor, proposeModel, type Proposal } from './actions.ts';
export type { AdoptionContext } from './context.ts';
export { adoptionRoutes } from './routes.ts';
