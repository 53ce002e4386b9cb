/**
 * The address of a client behind trusted proxies is the same as `req.ip` in Express, but without a port. Settings that
 * trust everyone are detected.
 */
import fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import {
  clientAddress,
  compileTrust,
  trustsEveryone,
  type TrustProxyOption,
} from '../../../../lib/receive/sender/client-address'
import { refusalOf } from '../refusal'

const PEER = '10.0.0.1'

function request(remoteAddress: string | undefined, forwardedFor?: string): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage
}

const from = (trustProxy: TrustProxyOption, forwardedFor?: string, peer: string | undefined = PEER) =>
  clientAddress(request(peer, forwardedFor), compileTrust(trustProxy))

const refusal = (trustProxy: unknown): string => refusalOf(() => compileTrust(trustProxy as TrustProxyOption))

describe('the client is', () => {
  const chain = '203.0.113.9, 198.51.100.7, 10.0.0.2'

  it.each<[TrustProxyOption, string | undefined, string]>([
    [false, undefined, PEER],
    [false, chain, PEER],
    [0, chain, PEER],
    [[], chain, PEER],
    [1, undefined, PEER],
    [1, chain, '10.0.0.2'],
    [2, chain, '198.51.100.7'],
    [3, chain, '203.0.113.9'],
    [9, chain, '203.0.113.9'],
    [true, chain, '203.0.113.9'],
    [true, undefined, PEER],
    ['10.0.0.1', chain, '10.0.0.2'],
    ['10.0.0.0/8', chain, '198.51.100.7'],
    ['10.0.0.1, 10.0.0.2', chain, '198.51.100.7'],
    [['10.0.0.1', '10.0.0.2', '198.51.100.0/24'], chain, '203.0.113.9'],
    // 10.0.0.2 is not a trusted proxy, so the addresses before it may have been written by anyone.
    [['10.0.0.1', '198.51.100.7'], chain, '10.0.0.2'],
    ['loopback', chain, PEER],
    ['loopback, uniquelocal', chain, '198.51.100.7'],
    [['loopback', 'linklocal', 'uniquelocal'], chain, '198.51.100.7'],
    [(address) => address?.startsWith('10.') ?? false, chain, '198.51.100.7'],
    [(_address, hop) => hop === 0, chain, '10.0.0.2'],
    [() => false, chain, PEER],
  ])('with trustProxy %p, %p: %s', (trustProxy, forwardedFor, expected) => {
    expect(from(trustProxy, forwardedFor)).toBe(expected)
  })

  it.each([
    ['203.0.113.9:5678', '203.0.113.9'],
    ['203.0.113.9:0', '203.0.113.9'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[::ffff:203.0.113.9]:443', '::ffff:203.0.113.9'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:db8::1:443', '2001:db8::1:443'],
    ['::1', '::1'],
    ['\t203.0.113.9\t', '203.0.113.9'],
    ['6.6.6.6, 203.0.113.9:5678', '203.0.113.9'],
    ['203.0.113.9:', '203.0.113.9:'],
    ['203.0.113.9:123456', '203.0.113.9:123456'],
    ['203.0.113.9:http', '203.0.113.9:http'],
    ['[2001:db8::1]443', '[2001:db8::1]443'],
    ['[2001:db8::1', '[2001:db8::1'],
    ['unknown', 'unknown'],
    ['"203.0.113.9"', '"203.0.113.9"'],
    ['for=203.0.113.9', 'for=203.0.113.9'],
  ])('behind one proxy that passes on %j: %j', (forwardedFor, expected) => {
    expect(from(1, forwardedFor)).toBe(expected)
  })

  it.each([[''], [' '], [','], [' , , ']])('the peer where X-Forwarded-For is %j', (forwardedFor) => {
    expect(from(1, forwardedFor)).toBe(PEER)
  })

  it('past a proxy of ours that was written down with its port', () => {
    expect(from('10.0.0.0/8', '203.0.113.9:99, 10.0.0.2:443')).toBe('203.0.113.9')
    expect(from('10.0.0.0/8, fd00::/8', '203.0.113.9:99, [fd00::2]:443')).toBe('203.0.113.9')
    // A sender gains nothing from a trusted address in front of its own.
    expect(from('10.0.0.0/8', '203.0.113.9, 10.0.0.2:443, 6.6.6.6:1')).toBe('6.6.6.6')
  })

  it('none on a Unix socket, unless a proxy behind it is trusted', () => {
    for (const trustProxy of [false, 0, 'loopback', '10.0.0.0/8', '0.0.0.0/1, 128.0.0.0/1'])
      expect(clientAddress(request(undefined, '203.0.113.9'), compileTrust(trustProxy))).toBeUndefined()
    for (const trustProxy of [1, (address?: string) => address === undefined])
      expect(clientAddress(request(undefined, '6.6.6.6, 203.0.113.9'), compileTrust(trustProxy))).toBe('203.0.113.9')
    expect(clientAddress(request(undefined), compileTrust(1))).toBeUndefined()
  })

  it('never one that stands before a stranger, whoever wrote the header', () => {
    const address = fc.constantFrom(
      '10.0.0.2',
      '10.9.9.9:1',
      '35.204.224.107',
      '6.6.6.6',
      '::1',
      'unknown',
      '[fd00::1]:1',
    )
    fc.assert(
      fc.property(fc.array(address), (claims) => {
        expect(from(1, [...claims, '6.6.6.7'].join(', '))).toBe('6.6.6.7')
        expect(from('10.0.0.0/8, fd00::/8', [...claims, '6.6.6.7', '10.0.0.3'].join(', '))).toBe('6.6.6.7')
        expect(from(false, claims.join(', '))).toBe(PEER)
      }),
    )
  })
})

describe('trustProxy', () => {
  it.each<[unknown, RegExp]>([
    [-1, /`trustProxy` is -1; it must be a whole number/],
    [1.5, /`trustProxy` is 1.5/],
    [NaN, /`trustProxy` is NaN/],
    [null, /`trustProxy` is of type object; allowed: true, false, the number of proxies/],
    [{}, /`trustProxy` is of type object/],
    ['', /`trustProxy` is invalid \(invalid IP address: \)/],
    ['everyone', /`trustProxy` is invalid \(invalid IP address: everyone\)/],
    ['10.0.0.0/33', /`trustProxy` is invalid \(invalid range on address: 10.0.0.0\/33\)/],
    ['loopback,,uniquelocal', /`trustProxy` is invalid/],
    [['loopback', 1], /`trustProxy\[1\]` is 1; allowed/],
    [[undefined], /`trustProxy\[0\]` is of type undefined/],
  ])('%p throws', (trustProxy, message) => {
    expect(refusal(trustProxy)).toMatch(message)
  })
})

describe('everyone is trusted by', () => {
  it.each<[TrustProxyOption]>([
    [true],
    [1000],
    ['0.0.0.0/1, 128.0.0.0/1'],
    [['::/1', '8000::/1']],
    ['::ffff:0:0/97, ::ffff:128.0.0.0/97'],
    [() => true],
    [(address) => address !== undefined],
    // Express only checks for a truthy result, which a promise always is.
    [(async () => false) as unknown as () => boolean],
  ])('%p', (trustProxy) => {
    expect(trustsEveryone(compileTrust(trustProxy))).toBe(true)
  })

  it.each<[TrustProxyOption]>([
    [false],
    [0],
    [1],
    [10],
    [[]],
    ['loopback, linklocal, uniquelocal'],
    ['192.0.2.0/24'],
    ['2001:db8::/32'],
    [(_address, hop) => hop < 2],
    [(address) => address?.startsWith('10.') ?? true],
    [
      () => {
        throw new Error('not mine')
      },
    ],
  ])('but not by %p', (trustProxy) => {
    expect(trustsEveryone(compileTrust(trustProxy))).toBe(false)
  })
})
