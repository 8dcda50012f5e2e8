/** The certificates of authorities that this process believes, beside the usual ones. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * From here on every TLS connection of this process (Notify, mail, SMPP, PostgreSQL) also believes
 * the authorities in the file. `NODE_EXTRA_CA_CERTS` is among the usual ones already.
 */
export function trustAuthorities(file: string): Outcome<void> {
  let certificates: string[];
  try {
    certificates = readFileSync(file, 'utf8').match(CERTIFICATE) ?? [];
    certificates.forEach((pem) => new X509Certificate(pem));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refused('invalid', `TOCSIN_CA_FILE, ${file}, cannot be used (${code}).`);
  }
  if (certificates.length === 0)
    return refused('invalid', `TOCSIN_CA_FILE, ${file}, holds no certificate in PEM.`);
  setDefaultCACertificates([...getCACertificates('default'), ...certificates]);
  return ok(undefined);
}

/** Whether pages can be served with this certificate and key; both files in PEM. */
export function checkCertificate(files: { certFile: string; keyFile: string }): Outcome<void> {
  const read = (file: string) => readFileSync(file, 'utf8');
  try {
    createSecureContext({ cert: read(files.certFile), key: read(files.keyFile) });
    return ok(undefined);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    const names = `TOCSIN_TLS_CERT, ${files.certFile}, and TOCSIN_TLS_KEY, ${files.keyFile},`;
    return refused('invalid', `${names} cannot be used together (${code}).`);
  }
}
