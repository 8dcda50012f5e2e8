/** A simulated GOV.UK Notify, mail server and set of phones. Shares no code with the product. */
export { type FaultInput, type Simulator, startSimulator } from './simulator.ts';
export {
  type ApiKeyOption,
  DEFAULT_API_KEYS,
  DEFAULT_TEMPLATES,
  type SimulatorOptions,
  type TemplateOption,
} from './settings.ts';
// For tests that ask product and simulator the same questions (test/fidelity).
export { parsePhoneNumber } from './phone-number.ts';
export { countFragments, normaliseSmsText } from './sms-text.ts';
