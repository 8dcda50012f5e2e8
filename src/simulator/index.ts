/** A simulated GOV.UK Notify, mail server and set of phones. Shares no code with the product. */
export { type FaultInput, type Simulator, startSimulator } from './simulator.ts';
export {
  type ApiKeyOption,
  DEFAULT_API_KEYS,
  DEFAULT_TEMPLATES,
  type SimulatorOptions,
  type TemplateOption,
} from './settings.ts';
