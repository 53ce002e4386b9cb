/** Probes whose URL contains an ID, as in a GET trigger, with characters that proxies often change. */
import { randomUUID } from 'node:crypto'
import type { Arrived } from '../../answer/respond'
import { Slots } from '../../wait/queues'
import { printable } from '../printable'
import { ranOutOfTime, type Examination } from './examination'
import { findingOf } from './judge'
import type { IdPlace } from './target'

/**
 * Each ID as written in the URL, and as the webhook should read it. Both `%2F` and `/` are checked, because Tradecloud
 * does not document whether it escapes a slash.
 */
const IDS: ReadonlyArray<[raw: string, id: string]> = [
  ['A%2FB', 'A/B'],
  ['A/B', 'A/B'],
  ['A%252FB', 'A%2FB'],
  ['A%25B', 'A%B'],
  ['A%23B', 'A#B'],
  ['A//B', 'A//B'],
  ['A%2F%2FB', 'A//B'],
]
const AT_ONCE = 4

export async function checkIds(examination: Examination, place: IdPlace): Promise<void> {
  const name = `IDs in the ${place.name}`
  // A prefix that no real order ID has.
  const mark = `doctor-${randomUUID().slice(0, 8)}-`
  const plain = await examination.send({ method: 'GET', path: place.pathOf(mark) })
  const { read } = plain
  const isThere = read.by === 'probe' && idOf(read.arrived, mark) === mark
  if (!isThere && !place.given && !(read.by === 'probe' && read.arrived.problem !== undefined)) {
    examination.skip(name, 'the webhook has no such path: give a URL with {orderId}')
    return
  }
  if (!isThere) {
    const why = read.by === 'probe' ? problemOf(read.arrived) : read.text
    const text = `GET ${printable(place.pathOf('ID'))}: ${why}`
    examination.find(findingOf(read), text)
    examination.done(name, '', [text])
    return
  }
  const slots = new Slots(AT_ONCE)
  const failures = await Promise.all(
    IDS.map(([raw, id]) => slots.run(() => checkId(examination, place, { mark, raw, id }))),
  )
  examination.done(
    name,
    'with /, %2F, %, # and //',
    failures.filter((text) => text !== undefined),
  )
}

async function checkId(
  examination: Examination,
  place: IdPlace,
  { mark, raw, id }: { mark: string; raw: string; id: string },
): Promise<string | undefined> {
  const answered = await examination.send({ method: 'GET', path: place.pathOf(`${mark}${raw}`) })
  if (ranOutOfTime(answered)) return undefined
  const { read } = answered
  if (read.by === 'probe' && idOf(read.arrived, mark) === `${mark}${id}`) return undefined
  const came =
    read.by === 'probe' ? (idOf(read.arrived, mark)?.slice(mark.length) ?? problemOf(read.arrived)) : undefined
  const what = came === undefined ? read.text : `arrives as ${printable(came)}`
  const text = `${raw} in the ${place.name}: ${what}`
  examination.find('ids', text)
  return text
}

/** The ID that the webhook has read, or would read if the path matched a pattern. */
function idOf({ matched, id, path }: Arrived, mark: string): string | undefined {
  if (matched) return id
  const at = path.indexOf(mark)
  if (at < 0) return undefined
  try {
    return decodeURIComponent(path.slice(at))
  } catch {
    return undefined
  }
}

function problemOf({ problem, path }: Arrived): string {
  return problem === undefined ? `arrives as ${printable(path)}` : printable(problem)
}
