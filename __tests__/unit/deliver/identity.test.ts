/**
 * Two keys are equal if they belong to the same event or entity, and differ otherwise. The IDs are UUIDs, because some
 * databases have a type for UUIDs.
 */
import { createHash } from 'node:crypto'
import {
  dedupeKey,
  deliveryIdOfBody,
  deliveryIdOfId,
  entityKey,
  quarantineIdentity,
  storedIdentity,
} from '../../../lib/deliver/identity'
import type { EventKind, WebhookEvent } from '../../../lib/events/events'
import type { BodyTrigger, IdTrigger } from '../../../lib/events/trigger'

const DIGEST = createHash('sha256').update('{}').digest('hex')
const UUID_8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function body(more: Partial<BodyTrigger> = {}, kind: EventKind = 'order'): BodyTrigger {
  return {
    type: 'body',
    kind,
    method: 'POST',
    requestId: 'r',
    receivedAt: new Date(0),
    digest: DIGEST,
    identified: true,
    event: { kind } as WebhookEvent,
    entity: { kind: 'order', id: 'O-1' },
    ...more,
  }
}

function id(more: Partial<IdTrigger> = {}): IdTrigger {
  return { type: 'id', method: 'GET', requestId: 'r', receivedAt: new Date(0), kind: 'order', id: 'O-1', ...more }
}

describe('the dedupe key', () => {
  it('is of name, kind and digest', () => {
    expect(dedupeKey('acme', body())).toBe(`acme:order:${DIGEST}`)
  })

  it('does not depend on anything else', () => {
    const other = body({ method: 'PUT', requestId: 'x', receivedAt: new Date(9), entity: undefined, identified: false })
    expect(dedupeKey('acme', other)).toBe(dedupeKey('acme', body()))
  })
})

describe('the key of an entity', () => {
  it('is one for an order by ID, its events and its documents', () => {
    expect(entityKey(id())).toBe('order:O-1')
    expect(entityKey(body())).toBe('order:O-1')
    expect(entityKey(body({}, 'orderDocuments'))).toBe('order:O-1')
  })

  it('tells a shipment from an order', () => {
    expect(entityKey(id({ kind: 'shipment' }))).toBe('shipment:O-1')
  })

  it('is none where there is no entity', () => {
    expect(entityKey(body({ entity: undefined }))).toBeUndefined()
  })

  it('stays short for an ID of megabytes, and tells two of them apart', () => {
    const long = 'x'.repeat(1_000_000)
    const keys = [long, `${long}y`].map((entityId) => entityKey(body({ entity: { kind: 'order', id: entityId } }))!)
    expect(keys[0]!.length).toBeLessThan(300)
    expect(keys[0]).toMatch(/^order:[0-9a-f]{64}$/)
    expect(keys[0]).not.toBe(keys[1])
    const most = 'x'.repeat(256)
    expect(entityKey(id({ id: most }))).toBe(`order:${most}`)
    expect(entityKey(id({ id: `${most}x` }))).toMatch(/^order:[0-9a-f]{64}$/)
  })
})

describe('the delivery ID', () => {
  it('is a UUID of version 8', () => {
    for (let i = 0; i < 50; i++) {
      expect(deliveryIdOfBody(dedupeKey(`name ${i}`, body()))).toMatch(UUID_8)
      expect(deliveryIdOfId(`name ${i}`, id(), 'hash')).toMatch(UUID_8)
    }
  })

  it('uses all four variants of the digit that RFC 9562 leaves free', () => {
    const digits = Array.from({ length: 200 }, (_, i) => deliveryIdOfBody(dedupeKey(`name ${i}`, body()))[19])
    expect(new Set(digits)).toEqual(new Set(['8', '9', 'a', 'b']))
  })

  it('never changes between versions of the package: users keep it in their database', () => {
    expect(deliveryIdOfBody(dedupeKey('tradecloud', body()))).toBe('067a7c73-c00d-8a8c-ab1e-8135bac5df0e')
    expect(deliveryIdOfId('tradecloud', id(), 'hash')).toBe('a6d9767a-4947-8eb0-93a7-b7eac3e6e3ae')
  })

  it('of a body is the same in every retry', () => {
    const retry = body({ requestId: 'other', receivedAt: new Date(5) })
    expect(deliveryIdOfBody(dedupeKey('a', retry))).toBe(deliveryIdOfBody(dedupeKey('a', body())))
  })

  it('of a body differs by the number of identical ones before, and the first is that of the key alone', () => {
    const ids = [0, 1, 2].map((completed) => deliveryIdOfBody(dedupeKey('a', body()), completed))
    expect(new Set(ids).size).toBe(3)
    expect(ids[0]).toBe(deliveryIdOfBody(dedupeKey('a', body())))
    expect(ids[1]).toMatch(UUID_8)
  })

  it('of a body differs by name, kind and digest', () => {
    const ids = [
      deliveryIdOfBody(dedupeKey('a', body())),
      deliveryIdOfBody(dedupeKey('b', body())),
      deliveryIdOfBody(dedupeKey('a', body({}, 'shipment'))),
      deliveryIdOfBody(dedupeKey('a', body({ digest: DIGEST.replace(/^./, 'z') }))),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('of a GET is the same for the same content, whichever request asked', () => {
    const [first, second] = ['x', 'y'].map((requestId) => deliveryIdOfId('a', id({ requestId }), 'hash'))
    expect(first).toBe(second)
  })

  it('of a GET differs by name, kind, ID and content', () => {
    const ids = [
      deliveryIdOfId('a', id(), 'hash'),
      deliveryIdOfId('b', id(), 'hash'),
      deliveryIdOfId('a', id(), 'other'),
      deliveryIdOfId('a', id({ kind: 'shipment' }), 'hash'),
      deliveryIdOfId('a', id({ id: 'O-2' }), 'hash'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('of a GET that fetched nothing is one for each request', () => {
    const first = deliveryIdOfId('a', id({ requestId: 'x' }), undefined)
    expect(first).toMatch(UUID_8)
    expect(deliveryIdOfId('a', id({ requestId: 'y' }), undefined)).not.toBe(first)
    expect(deliveryIdOfId('a', id({ requestId: 'x' }), undefined)).toBe(first)
  })
})

describe('what a stored event is known by', () => {
  it('is its delivery ID for a body that tells itself from others', () => {
    expect(storedIdentity('a', body())).toEqual({
      key: dedupeKey('a', body()),
      id: deliveryIdOfBody(dedupeKey('a', body())),
    })
    expect(storedIdentity('a', body({ requestId: 'other' }))).toEqual(storedIdentity('a', body()))
  })

  it('is marked where the same bytes may be a new event', () => {
    const unidentified = storedIdentity('a', body({ identified: false, requestId: 'x' }))
    expect(unidentified).toEqual({ ...storedIdentity('a', body()), repeatable: true })
    expect(storedIdentity('a', body({ identified: false, requestId: 'y' }))).toEqual(unidentified)
  })

  it('has no key for a GET, and a new ID for each request', () => {
    expect(storedIdentity('a', id()).key).toBeUndefined()
    const ids = ['x', 'y'].flatMap((requestId) => [
      storedIdentity('a', id({ requestId })).id,
      storedIdentity('a', id({ requestId, kind: 'shipment' })).id,
      storedIdentity('b', id({ requestId })).id,
    ])
    for (const one of ids) expect(one).toMatch(UUID_8)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is of name and bytes for one that cannot be read, and never that of an event', () => {
    expect(quarantineIdentity('a', DIGEST)).toEqual({
      key: `a:quarantine:${DIGEST}`,
      id: expect.stringMatching(UUID_8),
    })
    const ids = [quarantineIdentity('a', DIGEST), quarantineIdentity('b', DIGEST), storedIdentity('a', body())]
    expect(new Set(ids.map((one) => one.id)).size).toBe(3)
  })
})
