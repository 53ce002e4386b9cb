/**
 * Events held by a process that has ended or is frozen. They count as waiting, although no other process has freed them
 * yet.
 */
import { free, LEASE_MS } from './processes'
import { RUNNING, type Tables } from './tables'

/** The queue of each stranded event. There are few: at most the number of concurrent callbacks of all processes. */
export type Stranded = ReadonlyMap<number, number | null>

export async function strandedEvents(tables: Tables): Promise<Stranded> {
  const rows = await tables.all<{ event: number; queue: number | null; renewed: number | null; clock: string | null }>(
    `SELECT events.event, events.queue, processes.renewed, processes.clock FROM events
     LEFT JOIN queues ON queues.queue = events.queue LEFT JOIN processes ON processes.id = queues.owner
     WHERE events.state = ${RUNNING}`,
  )
  const { time, boot } = tables.monotonic()
  const isStranded = ({ renewed, clock }: (typeof rows)[number]): boolean =>
    renewed === null || clock !== boot || Math.abs(time - renewed) > LEASE_MS
  return new Map(rows.filter(isStranded).map(({ event, queue }) => [event, queue]))
}

/** Frees the queue of a stranded event, so that an operator can give the event up or have it tried at once. */
export async function freeStranded(tables: Tables, event: number): Promise<void> {
  const queue = (await strandedEvents(tables)).get(event)
  if (queue != null) await free(tables, 'queue = ?', queue)
}
