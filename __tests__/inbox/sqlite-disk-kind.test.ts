/** File systems on which the inbox is refused or may be unsafe. */
import { checkDisk } from '../../lib/inbox/sqlite/disk'

const check = (type: number) => checkDisk('/data', () => Promise.resolve(type))

test.each([
  ['NFS', 0x6969],
  ['SMB', 0x517b],
  ['CIFS', 0xff534d42],
])('%s is refused', async (name, type) => {
  await expect(check(type)).rejects.toThrow(`/data is on a network disk (${name})`)
})

test.each([
  ['9p', 0x01021997],
  ['FUSE', 0x65735546],
])('%s causes a warning that names the folder', async (name, type) => {
  expect(await check(type)).toContain(`/data is on a file system (${name}) that may be shared`)
})

test('ext4 does not', async () => {
  expect(await check(0xef53)).toBeUndefined()
})
