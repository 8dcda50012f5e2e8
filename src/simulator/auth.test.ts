import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NotifyError } from './answers.ts';
import { Authenticator } from './auth.ts';
import { LIVE_KEY, bearer } from './kit-for-tests.ts';

const SERVICE = LIVE_KEY.slice(-73, -37);
const OTHER_KEY = LIVE_KEY.replace(/aa$/, 'dd');
const REVOKED_KEY = LIVE_KEY.replace(/aa$/, 'ee');
const NOW = 1_800_000_000;
const GUIDE =
  'Invalid token: make sure your API token matches the example at https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header';
const CLOCK = 'Error: Your system clock must be accurate to within 30 seconds';

const authenticator = new Authenticator(SERVICE, [
  { key: LIVE_KEY, type: 'live' },
  { key: REVOKED_KEY, type: 'team', revoked: true },
]);

function outcome(authorization: string | undefined, now = NOW): string {
  try {
    return authenticator.authenticate(authorization, now * 1000).keyType;
  } catch (error) {
    assert.ok(error instanceof NotifyError);
    const { status, body } = error.answer;
    return `${status} ${(JSON.parse(body) as { errors: { message: string }[] }).errors[0]!.message}`;
  }
}

describe('authentication', () => {
  const good = bearer({ claims: { iss: SERVICE, iat: NOW } });
  const table: [string, string | undefined, string][] = [
    ['a good token', good, 'live'],
    ['the scheme in capitals', good.replace('Bearer', 'BEARER'), 'live'],
    ['no header', undefined, '401 Unauthorized: authentication token must be provided'],
    ['another scheme', 'Basic abc', '401 Unauthorized: authentication bearer scheme must be used'],
    ['not a token', 'Bearer abc', `403 ${GUIDE}`],
    ['not JSON inside', 'Bearer e30.x.y', `403 ${GUIDE}`],
    ['no issuer', bearer({ claims: { iat: NOW } }), '403 Invalid token: iss field not provided'],
    [
      'an issuer that is no id',
      bearer({ claims: { iss: 'me', iat: NOW } }),
      '403 Invalid token: service id is not the right data type',
    ],
    [
      'another service',
      bearer({ claims: { iss: '70c51700-0000-4000-8000-000000000009', iat: NOW } }),
      '403 Invalid token: service not found',
    ],
    [
      'an unknown secret',
      bearer({ key: OTHER_KEY, claims: { iss: SERVICE, iat: NOW } }),
      '403 Invalid token: API key not found',
    ],
    [
      'a revoked key',
      bearer({ key: REVOKED_KEY, claims: { iss: SERVICE, iat: NOW } }),
      '403 Invalid token: API key revoked',
    ],
    [
      'another algorithm',
      bearer({ header: { typ: 'JWT', alg: 'HS512' }, claims: { iss: SERVICE, iat: NOW } }),
      '403 Invalid token: algorithm used is not HS256',
    ],
    [
      'no algorithm',
      bearer({ header: { typ: 'JWT', alg: 'none' }, claims: { iss: SERVICE, iat: NOW } }),
      '403 Invalid token: algorithm used is not HS256',
    ],
    [
      'no time of issue',
      bearer({ claims: { iss: SERVICE } }),
      '403 Invalid token: API key not found',
    ],
    ['30 s old', bearer({ claims: { iss: SERVICE, iat: NOW - 30 } }), 'live'],
    ['31 s old', bearer({ claims: { iss: SERVICE, iat: NOW - 31 } }), `403 ${CLOCK}`],
    ['30 s ahead', bearer({ claims: { iss: SERVICE, iat: NOW + 30 } }), 'live'],
    ['31 s ahead', bearer({ claims: { iss: SERVICE, iat: NOW + 31 } }), `403 ${CLOCK}`],
    [
      'expired by its own claim',
      bearer({ claims: { iss: SERVICE, iat: NOW, exp: NOW - 60 } }),
      `403 ${GUIDE}`,
    ],
  ];
  for (const [name, authorization, expected] of table) {
    it(name, () => assert.equal(outcome(authorization), expected));
  }

  it('keeps no token past its window', () => {
    assert.equal(outcome(good), 'live');
    assert.equal(outcome(good, NOW + 30), 'live');
    assert.equal(outcome(good, NOW + 31), `403 ${CLOCK}`);
  });
});
