/**
 * Files of events: there as a whole or not at all, and nothing is left of what could not be stored.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Folder } from '../../../lib/inbox/file/folder'

const ID = 'a3f1c0de-0000-4000-8000-000000000001'

let directory: string
let folder: Folder

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tradecloud-folder-'))
  folder = new Folder(directory)
  folder.createSync()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const temporary = () => readdirSync(join(directory, 'tmp'))

it('creates a file that only its owner may read', async () => {
  await folder.create('waiting', ID, Buffer.from('content'))
  expect(readFileSync(folder.path('waiting', ID), 'utf8')).toBe('content')
  expect(statSync(folder.path('waiting', ID)).mode & 0o777).toBe(0o600)
  expect(temporary()).toEqual([])
})

it('replaces a file of the same event that was never made safe', async () => {
  await folder.create('waiting', ID, Buffer.from('an older and longer copy, cut off in the mid'))
  await folder.create('waiting', ID, Buffer.from('whole'))
  expect(readFileSync(folder.path('waiting', ID), 'utf8')).toBe('whole')
  expect(readdirSync(join(directory, 'waiting', ID.slice(0, 1)))).toEqual([ID])
})

it('leaves nothing behind where the file cannot get its name', async () => {
  rmSync(join(directory, 'waiting'), { recursive: true })
  writeFileSync(join(directory, 'waiting'), 'not a folder')
  await expect(folder.create('waiting', ID, Buffer.from('content'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect(temporary()).toEqual([])
})
