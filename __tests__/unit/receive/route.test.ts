/** Path patterns: which requests match, and which ID the path contains. */
import { compileRoutes, type PathsOption } from '../../../lib/receive/route'
import { refusalOf } from './refusal'

/** The match of a path as a plain object, without groups that did not match. */
function matchOf(paths: PathsOption | undefined, path: string): object | undefined {
  const found: object | undefined = compileRoutes(paths).find(path)
  return found && Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

const refusal = (paths: unknown): string => refusalOf(() => compileRoutes(paths as PathsOption))

describe('without paths', () => {
  it.each([
    ['/', {}],
    ['/order', {}],
    ['/order/', {}],
    ['/ORDER', {}],
    ['/order/abc-PO1', { orderId: 'abc-PO1' }],
    ['/order/abc%2FPO%201', { orderId: 'abc%2FPO%201' }],
    ['/order/abc/PO/1', { orderId: 'abc/PO/1' }],
    ['/order/a%', { orderId: 'a%' }],
    ['/shipment', {}],
    ['/shipment/S-1', { shipmentId: 'S-1' }],
    ['/shipment/S/1/2', { shipmentId: 'S/1/2' }],
  ])('%s is ours', (path, expected) => {
    expect(matchOf(undefined, path)).toEqual(expected)
  })

  it.each(['/orders', '/orderX/1', '/other', '/other/order/1', '/shipments/1', '', '*'])('%s is not', (path) => {
    expect(matchOf(undefined, path)).toBeUndefined()
  })
})

describe('own patterns', () => {
  it.each<[string, PathsOption, string, object | undefined]>([
    ['replace the default', { order: '/po' }, '/order', undefined],
    ['replace the default', { order: '/po' }, '/po', {}],
    ['leave the others as they are', { order: '/po' }, '/shipment/1', { shipmentId: '1' }],
    ['may be a list', { order: ['/po', '/po/:orderId'] }, '/po/1/2', { orderId: '1/2' }],
    ['may have text after the ID', { order: '/po/:orderId/changed' }, '/po/1/changed', { orderId: '1' }],
    ['hold no slash in the middle', { order: '/po/:orderId/changed' }, '/po/1/2/changed', undefined],
    ['may have other parameters too', { order: '/:tenant/po/:orderId' }, '/t/po/1/2', { tenant: 't', orderId: '1/2' }],
    ['may have an optional part', { order: '/po{/:orderId}' }, '/po', {}],
    ['take the rest in an optional part', { order: '/po{/:orderId}' }, '/po/1/2', { orderId: '1/2' }],
    ['take the rest of a wildcard', { order: '/po/*orderId' }, '/po/1/2', { orderId: '1/2' }],
    ['may be a RegExp', { order: /^\/po-(?<orderId>.+)$/ }, '/po-1/2', { orderId: '1/2' }],
    ['may be a RegExp without groups', { any: /^\/hook$/ }, '/hook', {}],
    ['any takes both IDs', { any: '/:orderId/of/:shipmentId' }, '/1/of/2', { orderId: '1', shipmentId: '2' }],
    [
      'a RegExp whose group took no part',
      { any: /^\/x(?:\/o-(?<orderId>.+)|\/s-(?<shipmentId>.+))$/ },
      '/x/s-1',
      { shipmentId: '1' },
    ],
    ['may switch a kind off', { order: false }, '/order', undefined],
    ['that are undefined count as absent', { order: undefined }, '/order/1', { orderId: '1' }],
  ])('%s', (_what, paths, path, expected) => {
    expect(matchOf(paths, path)).toEqual(expected)
  })

  it.each([/^\/po\/(?<orderId>.+)$/g, /^\/po\/(?<orderId>.+)$/y])('%s matches every time', (expression) => {
    const route = compileRoutes({ order: expression }).find
    for (let i = 0; i < 4; i++) expect({ ...route('/po/1') }).toEqual({ orderId: '1' })
  })

  it('keep the other flags of a RegExp', () => {
    expect(matchOf({ order: /^\/po$/i }, '/PO')).toEqual({})
  })

  it('are tried order first, then shipment, then any', () => {
    const paths = { order: '/x/:orderId', shipment: '/x/:shipmentId', any: '/*orderId' }
    expect(matchOf(paths, '/x/1')).toEqual({ orderId: '1' })
    expect(matchOf({ ...paths, order: false }, '/x/1')).toEqual({ shipmentId: '1' })
  })
})

describe('paths that are refused', () => {
  it.each<[string, unknown, string]>([
    ['an unknown key', { orders: '/x' }, '`paths` has the unknown key "orders"; expected one of order, shipment, any'],
    ['an empty list', { order: [] }, '`paths.order` is an empty list'],
    ['all off', { order: false, shipment: false, any: false }, '`paths` disables every path'],
    ['a number', { order: 7 }, '`paths.order` contains 7'],
    ['a text without a slash', { shipment: 'x' }, '`paths.shipment` contains "x"; a path pattern begins with a slash'],
    ['a misspelt ID', { order: '/o/:orderid' }, '`paths.order` contains "/o/:orderid", which names no :orderId'],
    ['a misspelt group', { order: /(?<id>.+)/ }, 'which names no :orderId'],
    ['an ID of another kind', { order: '/o/:orderId/:shipmentId' }, 'shipmentId does not belong there'],
    ['no ID under any', { any: '/:id' }, 'names no :orderId and no :shipmentId'],
    ['syntax of path-to-regexp 0', { order: '/o/:orderId?' }, 'which path-to-regexp 8 refuses'],
    ['a bad one in a list', { order: ['/o', 'x'] }, '`paths.order` contains "x"'],
  ])('%s', (_what, paths, expected) => {
    expect(refusal(paths)).toContain(expected)
  })

  it.each([null, 'order', 5, ['/order']])('%p as a whole names the option', (paths) => {
    expect(refusal(paths)).toContain('`paths')
  })
})
