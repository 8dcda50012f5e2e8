import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { getCACertificates } from 'node:tls';
import { describe, it } from 'node:test';
import { createAuthority } from '../../test/support/certificate.ts';
import { checkCertificate, trustAuthorities } from './trust.ts';

describe('a file of authorities', () => {
  it('adds to the usual ones; one that is not there, or holds none, is said', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-ca-'));
    const broken = path.join(folder, 'broken.pem');
    const mark = (word: string) => `-----${word} CERTIFICATE-----\n`;
    for (const [content, why] of [
      ['', /holds no certificate/],
      ['sesame', /holds no certificate/],
      [`${mark('BEGIN')}AAAA\n${mark('END')}`, /cannot be used/],
    ] as const) {
      writeFileSync(broken, content);
      const outcome = trustAuthorities(broken);
      assert.ok(!outcome.ok);
      assert.match(outcome.message, why);
    }
    const { cert } = createAuthority();
    const known = (pem: string) => new X509Certificate(pem).fingerprint256;
    const trusted = () => new Set(getCACertificates('default').map(known));
    const usual = trusted();
    writeFileSync(broken, `A note\n${cert}${cert}`);
    assert.ok(trustAuthorities(broken).ok);
    assert.deepEqual([...trusted().difference(usual)], [known(cert)]);
    assert.ok(usual.isSubsetOf(trusted()), 'the usual ones are still believed');
    const nowhere = trustAuthorities(path.join(folder, 'nowhere'));
    assert.ok(!nowhere.ok);
    assert.match(nowhere.message, /ENOENT/);
    rmSync(folder, { recursive: true });
  });
});

describe('the certificate of the pages', () => {
  it('must be there, and go with its key', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tocsin-cert-'));
    const write = (name: string, text: string) => {
      const file = path.join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    const authority = createAuthority();
    const [one, other] = [authority.issue('a.test'), authority.issue('b.test')];
    const certFile = write('cert.pem', one.cert);
    assert.ok(checkCertificate({ certFile, keyFile: write('key.pem', one.key) }).ok);
    for (const [keyFile, code] of [
      [write('other.pem', other.key), /KEY_VALUES_MISMATCH/],
      [path.join(folder, 'nowhere.pem'), /ENOENT/],
    ] as const) {
      const refused = checkCertificate({ certFile, keyFile });
      assert.ok(!refused.ok);
      assert.match(refused.message, code);
      assert.match(refused.message, /TOCSIN_TLS_KEY/);
    }
    rmSync(folder, { recursive: true });
  });
});
