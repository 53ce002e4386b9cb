/** File systems on which the inbox is refused, and file systems on which it may be unsafe. */
import { statfs } from 'node:fs/promises'
import { unavailable } from '../unavailable'

const NETWORK_DISKS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
])

/** File systems whose data may be on a local disk or on another machine. */
const UNKNOWN_DISKS: ReadonlyMap<number, string> = new Map([
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
])

/**
 * Refuses network disks, whose locks and flushes cannot be relied on. Resolves with a warning if the kind of disk is
 * uncertain.
 */
export async function checkDisk(folder: string, getType = typeOf): Promise<string | undefined> {
  const type = await getType(folder)
  const name = NETWORK_DISKS.get(type)
  if (name !== undefined) throw unavailable(`${folder} is on a network disk (${name}); the inbox needs a local one.`)
  const unknown = UNKNOWN_DISKS.get(type)
  return (
    unknown &&
    `${folder} is on a file system (${unknown}) that may be shared with other machines or not flush what is written: events can be lost there. Put the inbox on a local disk.`
  )
}

async function typeOf(folder: string): Promise<number> {
  return (await statfs(folder)).type
}
