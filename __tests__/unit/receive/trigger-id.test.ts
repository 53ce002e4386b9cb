/**
 * The order or shipment ID in the URL of a trigger: decoded once, the same in path and query, refused if it cannot be
 * an ID.
 */
import fc from 'fast-check'
import type { RouteMatch } from '../../../lib/receive/route'
import { readTriggerId } from '../../../lib/receive/route'

const ORDER = 'cb0cef0b-6538-4828-b45e-5ad8ea69b5cd-PO2189'

describe('an ID', () => {
  it.each<[string, RouteMatch, string, 'order' | 'shipment', string]>([
    ['in the path', { orderId: ORDER }, '', 'order', ORDER],
    ['of a shipment in the path', { shipmentId: 'S-1' }, '', 'shipment', 'S-1'],
    ['in the query', {}, `orderId=${ORDER}`, 'order', ORDER],
    ['of a shipment in the query', {}, 'shipmentId=S-1', 'shipment', 'S-1'],
    ['among other parameters', {}, 'a=b&&=x&flag&orderId=1&orderIdx=2&xorderId=3', 'order', '1'],
    ['whose name is escaped', {}, 'order%49d=1', 'order', '1'],
    ['beside a key that cannot be decoded', {}, '%ff=1&%=2&orderId=1', 'order', '1'],
    ['with an equals sign', {}, 'orderId=a=b', 'order', 'a=b'],
    ['with a question mark', {}, 'orderId=a?b', 'order', 'a?b'],
    ['with a plus', { orderId: 'a+b' }, 'orderId=a+b', 'order', 'a+b'],
    ['with an escaped plus', {}, 'orderId=a%2Bb', 'order', 'a+b'],
    ['in path and query', { orderId: ORDER }, `orderId=${ORDER}`, 'order', ORDER],
    ['in path and query, escaped differently', { orderId: 'a%2Fb' }, 'orderId=a/b&orderId=%61%2fb', 'order', 'a/b'],
    ['with slashes', { orderId: 'a/b//c' }, '', 'order', 'a/b//c'],
    ['with hash and percent sign', { orderId: 'a%23b%25c' }, '', 'order', 'a#b%c'],
    ['decoded once only', { orderId: '%2541' }, '', 'order', '%41'],
    ['with escaped letters', { orderId: 'Gr%C3%B6%C3%9Fe' }, '', 'order', 'Größe'],
    ['with a comma', {}, 'orderId=a,b', 'order', 'a,b'],
  ])('%s', (_how, match, query, kind, id) => {
    expect(readTriggerId(match, query)).toEqual({ found: true, kind, id })
  })

  it('is found again however its sender escapes it', () => {
    const character = fc.constantFrom(...Array.from('abcXYZ019-_.:;,=?#%&/\\|@!~*()[]{}<>\'"`^$+äß€漢😀'))
    fc.assert(
      fc.property(fc.array(character, { minLength: 1, maxLength: 40 }), (characters) => {
        const id = characters.join('')
        fc.pre(!/^\/+$/.test(id) && !id.split('/').some((part) => part === '.' || part === '..'))
        const expected = { found: true, kind: 'order', id }
        expect(readTriggerId({ orderId: encodeURIComponent(id) }, '')).toEqual(expected)
        expect(readTriggerId({}, `orderId=${encodeURIComponent(id)}`)).toEqual(expected)
      }),
    )
  })
})

describe('no ID', () => {
  it.each(['', 'a=b', 'order=1', 'orderid=1', '&&', 'orderId2=1', '%=1'])('in %p', (query) => {
    expect(readTriggerId({}, query)).toEqual({ found: false })
  })

  it('in an optional group that took no part', () => {
    expect(readTriggerId({ orderId: undefined }, '')).toEqual({ found: false })
  })
})

describe('a problem', () => {
  it.each<[string, RouteMatch, string, string]>([
    ['an empty ID', {}, 'orderId=', 'orderId'],
    ['a parameter without a value', {}, 'shipmentId', 'shipmentId'],
    ['two different IDs', {}, 'orderId=1&orderId=2', 'two different'],
    ['two different shipments', { shipmentId: '1' }, 'shipmentId=2', 'two different'],
    ['another ID in path and query', { orderId: '1' }, 'orderId=2', 'two different'],
    ['an order and a shipment', {}, 'orderId=1&shipmentId=2', 'an order ID and a shipment ID'],
    ['an order and a shipment with one ID', { orderId: '1' }, 'shipmentId=1', 'an order ID and a shipment ID'],
    ['an object', {}, 'orderId[a]=1', 'object or a list'],
    ['a list', {}, 'shipmentId[]=1', 'object or a list'],
    ['an escaped list beside an ID', {}, 'orderId=1&orderId%5B0%5D=1', 'object or a list'],
    ['a lone percent sign', { orderId: 'a%' }, '', 'cannot be decoded'],
    ['no hexadecimal number', {}, 'orderId=%zz', 'cannot be decoded'],
    ['escaped bytes that are no UTF-8', { orderId: '%FF' }, '', 'cannot be decoded'],
    ['an overlong slash', { orderId: '%C0%AF' }, '', 'cannot be decoded'],
    ['slashes alone', { orderId: '/' }, '', 'slashes alone'],
    ['escaped slashes alone', {}, 'orderId=%2F%2f', 'slashes alone'],
    ['a good ID beside a bad one', { orderId: '1' }, 'orderId=%', 'cannot be decoded'],
    ['white space', {}, 'orderId=a%20b', 'orderId'],
    ['a line break', { orderId: 'a%0D%0Ab' }, '', 'orderId'],
    ['a null character', { orderId: 'a%00' }, '', 'orderId'],
  ])('%s', (_what, match, query, problem) => {
    const result = readTriggerId(match, query)
    expect(result).toMatchObject({ found: false, problem: expect.stringContaining(problem) })
  })

  it('never holds what was sent', () => {
    for (const query of ['orderId=%zzhunter2', 'orderId=hunter2&orderId=hunter3', 'orderId=hunter2%00']) {
      expect(JSON.stringify(readTriggerId({}, query))).not.toContain('hunter')
    }
  })

  it('is told for any text, and nothing throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, query) => {
        const result = readTriggerId({ orderId: path }, query)
        if (!result.found) expect(result.problem).toEqual(expect.any(String))
        else expect(result.id).not.toBe('')
      }),
    )
  })
})
