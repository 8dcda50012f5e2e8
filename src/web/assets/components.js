// The components of nhsuk-frontend on this page come alive.
import { initAll } from '/assets/nhsuk-frontend.js';

initAll();
