/** Dedupe in memory: claims per second and bytes per key, with 100,000 keys. */
import { hash } from 'node:crypto'
import { built } from './package'
import { alternate, digits, median, ratioOf, table } from './statistics'

const { MemoryStore } = built<typeof import('../lib')>()

const KEYS = 100_000

type Claim = (key: string) => void

function memoryStore(): Claim {
  const store = new MemoryStore({ maxKeys: KEYS })
  return (key) => {
    const claimed = store.claim(key)
    if (claimed.status === 'claimed') store.complete(key, claimed.token, 86_400_000)
  }
}

/** Claims keys that are already completed. */
function duplicates(): Claim {
  const store = new MemoryStore({ maxKeys: KEYS })
  const known = Array.from({ length: 1000 }, nextKey)
  for (const key of known) {
    const claimed = store.claim(key)
    if (claimed.status === 'claimed') store.complete(key, claimed.token, 86_400_000)
  }
  let at = 0
  return () => {
    store.claim(known[at++ % known.length] ?? '')
  }
}

/** The cost of a growing Map alone: filled and discarded, without look-ups. */
function mapThatGrows(): Claim {
  let keys = new Map<string, number>()
  return (key) => {
    keys.set(key, 1)
    if (keys.size >= KEYS / 2) keys = new Map()
  }
}

/** The usual bounded Map: once it is full, each new key evicts the oldest one. */
function mapThatEvictsTheOldest(): Claim {
  const keys = new Map<string, number>()
  return (key) => {
    if (keys.has(key)) return
    keys.set(key, Date.now() + 86_400_000)
    if (keys.size > KEYS) keys.delete(keys.keys().next().value ?? '')
  }
}

let n = 0
/** Returns a unique key of the form that the webhook uses. */
function nextKey(): string {
  return `tradecloud:order:${hash('sha256', String(++n))}`
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** Bytes per remembered claim, including its key. */
function bytesPerKey(create: () => Claim): number {
  const before = heap()
  const claim = create()
  // After this loop, the older of the two Maps of a `MemoryStore` is full, and the younger one nearly full.
  for (let i = 0; i < KEYS - 1; i++) claim(Buffer.from(nextKey()).toString('latin1'))
  const bytes = (heap() - before) / KEYS
  claim('the store is needed up to here')
  return bytes
}

export async function run(quick: boolean): Promise<string> {
  const candidates = [
    { name: 'MemoryStore: claim and complete', create: memoryStore, claims: KEYS, holds: true },
    { name: 'MemoryStore: claim of a duplicate', create: duplicates, claims: KEYS, holds: false },
    { name: 'Map.set alone, of new keys', create: mapThatGrows, claims: KEYS, holds: false },
    { name: 'a Map that evicts its oldest key', create: mapThatEvictsTheOldest, claims: 5_000, holds: true },
  ].map((candidate) => ({ ...candidate, claim: candidate.create(), perSecond: [] as number[] }))
  for (const { claim, claims } of candidates) for (let i = 0; i < KEYS + claims; i++) claim(nextKey())
  await alternate(candidates, quick ? 3 : 11, ({ claim, claims, perSecond }) => {
    const keys = Array.from({ length: claims }, nextKey)
    const started = performance.now()
    for (const key of keys) claim(key)
    perSecond.push((1000 * claims) / (performance.now() - started))
  })
  const [ours] = candidates
  const rows = candidates.map(({ name, create, perSecond, holds }) => [
    name,
    digits(median(perSecond)),
    digits(ratioOf(perSecond, ours?.perSecond ?? [])),
    holds ? digits(bytesPerKey(create)) : '',
  ])
  return table([`with ${KEYS.toLocaleString('en-US')} keys`, 'claims/s', 'ratio', 'bytes each'], rows)
}
