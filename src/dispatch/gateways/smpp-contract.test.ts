import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SendResult } from '../model.ts';
import {
  addressKind,
  classifySubmit,
  isReceipt,
  packetsOf,
  plainId,
  readReceipt,
  validityPeriod,
  type IdForm,
} from './smpp-contract.ts';

describe('a status of submit_sm', () => {
  const rejected = [0x01, 0x0b, 0x33, 0x34, 0x40, 0x50, 0x51, 0x65, 0x66, 0xfe, 0x101, 0x104];
  const busy = [0x14, 0x58];
  const again = [0x04, 0x45, 0x64];
  const ours = [
    0x02, 0x03, 0x06, 0x07, 0x0a, 0x0d, 0x0e, 0x0f, 0x15, 0x43, 0x48, 0x49, 0x53, 0x54, 0x61, 0x62,
    0x63, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4,
  ];
  const known = new Set([0, ...rejected, ...busy, ...again, ...ours]);
  const cells: [readonly number[], SendResult['class'], number | undefined][] = [
    [rejected, 'rejected', undefined],
    [busy, 'not_sent', 2_000],
    [again, 'not_sent', undefined],
    [ours, 'not_sent', 5_000],
    [
      Array.from({ length: 0x500 }, (_, status) => status).filter((status) => !known.has(status)),
      'unknown',
      undefined,
    ],
  ];
  for (const [statuses, expected, pauseMs] of cells)
    it(`${expected}${pauseMs === undefined ? '' : `, all wait ${pauseMs} ms`}`, () => {
      for (const status of statuses) {
        const result = classifySubmit(status, undefined);
        assert.equal(result.class, expected, `0x${status.toString(16)}`);
        assert.equal(result.class === 'not_sent' ? result.pauseMs : undefined, pauseMs);
        const isTooFast = result.class === 'not_sent' && result.tooFast === true;
        assert.equal(isTooFast, busy.includes(status), 'only our pace is our own fault');
      }
    });

  it('accepted, with its id where there is one', () => {
    assert.deepEqual(classifySubmit(0, 'id-1'), { class: 'accepted', providerId: 'id-1' });
    for (const id of [undefined, '', 7])
      assert.deepEqual(classifySubmit(0, id), { class: 'accepted', providerId: null });
  });
});

describe('a receipt', () => {
  const words = 'id:0123 sub:001 dlvrd:001 submit date:x done date:y stat:DELIVRD err:000 text:a';

  it('is read from its words, and its parameters go before', () => {
    assert.deepEqual(readReceipt({}, words), { messageId: '0123', status: 'DELIVRD' });
    const parameters = { receipted_message_id: 'AB', message_state: 5 };
    assert.deepEqual(readReceipt(parameters, words), { messageId: 'AB', status: 'UNDELIV' });
    assert.deepEqual(readReceipt({ ...parameters, message_state: 99 }, words)?.status, 'DELIVRD');
    for (const [packet, said] of [
      [{}, ''],
      [{}, 'stat:DELIVRD'],
      [{}, 'id:1'],
      [{ receipted_message_id: 'AB' }, ''],
      [{ message_state: 2 }, 'hello'],
    ] as const)
      assert.equal(readReceipt(packet, said), undefined);
  });

  it('is told from a text by its class, whatever other bits are set', () => {
    for (const [esmClass, expected] of [
      [0x00, false],
      [0x04, true],
      [0x44, true],
      [0x40, false],
      [0x08, false],
      [0x20, false],
      [0x07, true],
    ] as const)
      assert.equal(isReceipt(esmClass), expected, `0x${esmClass.toString(16)}`);
  });

  it('its id is compared in one form', () => {
    const cells: [string, IdForm, string][] = [
      ['0A1b', 'hex', '2587'],
      ['0002587', 'dec', '2587'],
      ['2587', 'text', '2587'],
      ['02587', 'text', '02587'],
      ['ffffffffffffffffffff', 'hex', '1208925819614629174706175'],
      ['not-hex', 'hex', 'not-hex'],
      ['0x1f', 'dec', '0x1f'],
      ['', 'dec', ''],
    ];
    for (const [id, form, expected] of cells) assert.equal(plainId(id, form), expected);
  });
});

describe('a text in packets', () => {
  it('one alone has no header, several have their place in one', () => {
    const [alone, ...none] = packetsOf('Isolate now €', 7);
    assert.deepEqual(none, []);
    assert.deepEqual([alone!.data_coding, alone!.esm_class], [0, 0]);
    assert.equal(alone!.short_message.at(-2), 0x1b);
    const several = packetsOf('a'.repeat(400), 7);
    assert.deepEqual(
      several.map(({ short_message: octets }) => octets.subarray(0, 6).toString('hex')),
      ['050003070301', '050003070302', '050003070303'],
    );
    assert.ok(several.every((packet) => packet.esm_class === 0x40));
    assert.ok(several.every((packet) => packet.short_message.length <= 159));
    const welsh = packetsOf(`ŵ${'a'.repeat(70)}`, 300);
    assert.ok(welsh.every((packet) => packet.data_coding === 8));
    assert.equal(welsh[0]!.short_message[3], 300 & 0xff);
    assert.ok(welsh.every((packet) => packet.short_message.length <= 140));
  });

  it('is tried no longer than it is worth something', () => {
    const cells: [number, string | undefined][] = [
      [3_600_000, '000000010000000R'],
      [90_061_000, '000001010101000R'],
      [-5, '000000000001000R'],
      [30 * 86_400_000, '000030000000000R'],
      [31 * 86_400_000, undefined],
    ];
    for (const [ms, expected] of cells) assert.equal(validityPeriod(ms), expected);
  });

  it('names the kind of each address', () => {
    assert.deepEqual(addressKind('447700900123'), { ton: 1, npi: 1 });
    assert.deepEqual(addressKind('+447700900123'), { ton: 1, npi: 1 });
    assert.deepEqual(addressKind('60006'), { ton: 3, npi: 0 });
    assert.deepEqual(addressKind('NHS CYBER'), { ton: 5, npi: 0 });
  });
});
